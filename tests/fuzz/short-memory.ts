/** Large queries on our engine and on DuckDB, both with little memory for tables and queries. */
import { QuernError, sqlState } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import type { EngineAdapter } from '../../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../../src/bench/adapters/duckdb.ts';
import { readResult } from '../../src/bench/adapters/quern.ts';
import { type ResultTable, resultDifference } from '../../src/bench/result-table.ts';
import { type Database, open } from '../../src/main/index.ts';
import { largeQuery } from './large-query.ts';

export interface ShortMemoryOptions {
  readonly seed: number;
  readonly count: number;
  /** Of the tables of TPC-H. */
  readonly scale: number;
  /** Bytes; each query gets the next of them. */
  readonly limits: readonly number[];
  readonly threads: number;
}

export interface ShortMemoryReport {
  agreed: number;
  /** Of those: how many spilled. */
  spilled: number;
  /** Queries for which DuckDB had too little memory, and we had, too. */
  theirsShort: number;
  bothShort: number;
  readonly failures: { seed: number; sql: string; limit: number; message: string }[];
}

/** Whatever DuckDB finishes must be finished here, with the same result. */
export async function compareShortOfMemory(
  options: ShortMemoryOptions,
): Promise<ShortMemoryReport> {
  const { seed, count, scale, limits, threads } = options;
  const ours = await open(undefined, { threads });
  const duckdb = await openDuckdb({ threads });
  const report = { agreed: 0, spilled: 0, theirsShort: 0, bothShort: 0, failures: [] };
  try {
    await ours.query(`call tpch(scale => ${scale})`);
    await duckdb.loadTpch(scale);
    for (let i = 0; i < count; i++) {
      const limit = limits[i % limits.length];
      await ours.query(`set memory_limit = ${limit}`);
      await duckdb.execute(`set memory_limit = '${Math.floor(limit / 1000)}KB'`);
      await compareOne(ours, duckdb, { seed: seed + i, limit }, report);
    }
  } finally {
    await ours.close();
    await duckdb.close();
  }
  return report;
}

async function compareOne(
  ours: Database,
  duckdb: EngineAdapter,
  { seed, limit }: { readonly seed: number; readonly limit: number },
  report: ShortMemoryReport,
): Promise<void> {
  const sql = largeQuery(new Random(seed));
  const fail = (message: string) => report.failures.push({ seed, sql, limit, message });
  const expected = await theirResult(duckdb, sql);
  if (expected instanceof Error) return void fail(`DuckDB: ${expected.message}`);
  if (expected === undefined) report.theirsShort++;
  try {
    const result = await ours.query(sql);
    const difference = expected && resultDifference(readResult(result), expected);
    if (difference !== undefined) return void fail(difference);
    report.agreed++;
    if ((result.profile?.spilledBytes ?? 0) > 0) report.spilled++;
  } catch (error) {
    const isShort = error instanceof QuernError && error.code === sqlState.outOfMemory;
    if (isShort && expected === undefined) report.bothShort++;
    else fail(String(error));
  }
}

/** Undefined if the memory was too little. */
async function theirResult(
  duckdb: EngineAdapter,
  sql: string,
): Promise<ResultTable | Error | undefined> {
  try {
    return (await duckdb.query(sql)).table();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return /Out of Memory/.test(error.message) ? undefined : error;
  }
}
