import { readFileSync } from 'node:fs';
import { QuernError, sqlState } from '../base/error.ts';
import { tpch } from '../tpc/index.ts';
import type { EngineAdapter, FetchedResult } from './adapters/adapter.ts';
import { engines } from './engines.ts';
import { type ResultTable, resultDifference } from './result-table.ts';
import type { Program, SuiteContext, SuiteOption } from './suite.ts';

export const tpchOptions = {
  scale: { type: 'string', default: '1', description: 'scale factor' },
  threads: { type: 'string', default: '1', description: 'threads of each engine' },
  against: { type: 'string', default: 'duckdb', description: "engines to compare with, or ''" },
  queries: { type: 'string', default: '', description: 'numbers such as 1,6; all by default' },
  texts: { type: 'string', description: 'JSON file of other query texts, by number' },
} as const satisfies Record<string, SuiteOption>;

export interface TpchBenchmark {
  scale: number;
  threads: number;
  /** Names of engines that ours is compared with. */
  against: readonly string[];
  /** Texts by number. */
  queries: ReadonlyMap<number, string>;
}

/** Reads the options of the suite; a QuernError says what is wrong with them. */
export function readTpchOptions(options: SuiteContext['options']): TpchBenchmark {
  const text = (name: keyof typeof tpchOptions) => String(options[name] ?? '');
  const words = (name: keyof typeof tpchOptions) => text(name).split(',').filter(Boolean);
  const against = words('against');
  for (const name of ['quern', ...against]) {
    if (engines[name] === undefined) throw invalid(`there is no adapter for engine '${name}'`);
  }
  const scale = Number(text('scale'));
  const all = queryTexts(text('texts'), scale);
  const numbers = words('queries').map(Number);
  for (const number of numbers) {
    if (!all.has(number)) throw invalid(`there is no query ${number}`);
  }
  return {
    scale,
    threads: Number(text('threads')),
    against,
    queries: new Map(
      [...all].filter(([number]) => numbers.length === 0 || numbers.includes(number)),
    ),
  };
}

function invalid(message: string): QuernError {
  return new QuernError(sqlState.invalidParameterValue, message);
}

/** The queries with the parameters of the qualification run, unless a file has others. */
function queryTexts(path: string, scale: number): Map<number, string> {
  if (path === '') return new Map(tpch.queries({ scale }).map(({ number, sql }) => [number, sql]));
  const texts: Record<string, string> = JSON.parse(readFileSync(path, 'utf8'));
  return new Map(Object.entries(texts).map(([number, sql]) => [Number(number), sql]));
}

/**
 * Times the queries on tables in memory, from the text to the last value. The results of the first,
 * cold run are held against each other: a query on which the engines disagree is noted, not timed.
 */
export async function runTpch(context: SuiteContext, benchmark: TpchBenchmark): Promise<void> {
  const { scale, threads, against, queries } = benchmark;
  const opened: EngineAdapter[] = [];
  try {
    for (const name of ['quern', ...against]) {
      const engine = await engines[name]({ threads });
      opened.push(engine);
      const start = performance.now();
      await engine.loadTpch(scale);
      const seconds = (performance.now() - start) / 1000;
      context.log(`${engine.name}: tables generated and loaded in ${seconds.toFixed(1)} s`);
    }
    for (const [number, sql] of queries) await runQuery(context, opened, `Q${number}`, sql);
  } finally {
    for (const engine of opened) await engine.close();
  }
}

async function runQuery(
  context: SuiteContext,
  adapters: readonly EngineAdapter[],
  name: string,
  sql: string,
): Promise<void> {
  const results = new Map<EngineAdapter, FetchedResult>();
  const programs = adapters.map((engine): Program => {
    return {
      name: engine.name,
      run: async () => {
        const start = performance.now();
        const result = await engine.query(sql);
        const time = performance.now() - start;
        checkRowCount(results.get(engine), result);
        results.set(engine, result);
        return time;
      },
    };
  });
  try {
    await context.measure({ name, programs, check: () => checkAgreement(results) });
  } catch (error) {
    context.note(`${name}: not measured: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** The whole results are compared once; later runs must have as many rows. */
function checkRowCount(before: FetchedResult | undefined, now: FetchedResult): void {
  if (before === undefined || before.rowCount === now.rowCount) return;
  throw new Error(`${now.rowCount} rows after a run with ${before.rowCount}`);
}

function checkAgreement(results: ReadonlyMap<EngineAdapter, FetchedResult>): void {
  const [ours, ...others] = results;
  const expected: ResultTable = ours[1].table();
  for (const [engine, result] of others) {
    const difference = resultDifference(expected, result.table());
    if (difference !== undefined) throw new Error(`unlike ${engine.name}: ${difference}`);
  }
}
