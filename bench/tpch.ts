import type { SuiteContext } from '../src/bench/suite.ts';
import { readTpchOptions, runTpch, tpchOptions } from '../src/bench/tpch.ts';

export const name = 'tpch';
export const description = 'TPC-H queries on tables in memory, beside DuckDB, results compared';
export const options = tpchOptions;

export async function run(context: SuiteContext): Promise<void> {
  await runTpch(context, readTpchOptions(context.options));
}
