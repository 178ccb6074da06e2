import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import { tpch } from '../tpc/index.ts';
import type { EngineAdapter, FetchedResult } from './adapters/adapter.ts';
import { engines } from './engines.ts';
import { compareResults } from './query-case.ts';
import type { CaseResult, SuiteContext, SuiteOption } from './suite.ts';
import { type ApartResult, runApart } from './tpch-apart.ts';
import { coldTime } from './tpch-cold.ts';

export const tpchOptions = {
  scale: { type: 'string', default: '1', description: 'scale factor' },
  threads: { type: 'string', default: '1', description: 'threads of each engine' },
  against: { type: 'string', default: 'duckdb', description: "engines to compare with, or ''" },
  queries: { type: 'string', default: '', description: 'numbers such as 1,6; all by default' },
  cold: {
    type: 'string',
    default: '0',
    description: 'fresh processes for the cold time of each query and engine; 0: the first run',
  },
  texts: { type: 'string', description: 'JSON file of other query texts, by number' },
  apart: {
    type: 'boolean',
    default: false,
    description: 'one engine after the other, each in a process of its own: needs less memory',
  },
} as const satisfies Record<string, SuiteOption>;

export interface TpchBenchmark {
  scale: number;
  threads: number;
  /** Fresh processes that run each query cold. */
  cold: number;
  /** Names of engines that ours is compared with. */
  against: readonly string[];
  /** Texts by number. */
  queries: ReadonlyMap<number, string>;
  /** One engine after the other, each in a process of its own. */
  apart: boolean;
}

/** An engine that has the tables. */
interface Contestant {
  readonly name: string;
  /** Runs a query once more and says how long that took. */
  run(number: number): Promise<{ milliseconds: number; result: FetchedResult }>;
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
    cold: Number(text('cold')),
    apart: options.apart === true,
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
  const opened: EngineAdapter[] = [];
  const cases: [number, CaseResult][] = [];
  try {
    const contestants = benchmark.apart
      ? await runAllApart(context, benchmark)
      : await openAll(context, benchmark, opened);
    for (const number of benchmark.queries.keys()) {
      const result = await compareResults(
        context,
        `Q${number}`,
        contestants.map(({ name, run }) => ({ name, run: () => run(number) })),
      );
      if (result !== undefined) cases.push([number, result]);
    }
    if (benchmark.cold > 0) await runCold(context, benchmark, opened, cases);
  } finally {
    for (const engine of opened) await engine.close();
  }
}

/** Loads the tables into all engines, which are added to `opened`. */
async function openAll(
  context: SuiteContext,
  { scale, threads, against, queries }: TpchBenchmark,
  opened: EngineAdapter[],
): Promise<Contestant[]> {
  for (const name of ['quern', ...against]) {
    const engine = await engines[name]({ threads });
    opened.push(engine);
    const start = performance.now();
    await engine.loadTpch(scale);
    logLoad(context, engine.name, performance.now() - start);
  }
  return opened.map((engine) => ({
    name: engine.name,
    async run(number) {
      const start = performance.now();
      const result = await engine.query(queries.get(number) as string);
      return { milliseconds: performance.now() - start, result };
    },
  }));
}

/** Has each engine do all its work in a process; what it found is then told run by run. */
async function runAllApart(
  context: SuiteContext,
  { scale, threads, against, queries }: TpchBenchmark,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const engine of ['quern', ...against]) {
    const found = await runApart({ engine, threads, scale, queries, runs: 1 + context.runs });
    logLoad(context, found.name, found.loadMilliseconds);
    const gigabytes = (found.peakBytes / 1e9).toFixed(1);
    context.note(`${found.name} in a process of its own: at most ${gigabytes} GB`);
    contestants.push({ name: found.name, run: replay(found.queries) });
  }
  return contestants;
}

function replay(queries: ApartResult['queries']): Contestant['run'] {
  const done = new Map<number, number>();
  return async (number) => {
    const query = queries.get(number);
    assert(query !== undefined, 'the process ran every query');
    if ('error' in query) throw new Error(query.error);
    const { times, table } = query;
    const run = done.get(number) ?? 0;
    done.set(number, run + 1);
    const result = { rowCount: table.rows.length, table: () => table };
    return { milliseconds: times[run], result };
  };
}

function logLoad(context: SuiteContext, name: string, milliseconds: number): void {
  const seconds = (milliseconds / 1000).toFixed(1);
  context.log(`${name}: tables generated and loaded in ${seconds} s`);
}

/**
 * Puts times of fresh processes in the place of those of first runs. The engines here give up their
 * tables, so that the processes have the memory.
 */
async function runCold(
  context: SuiteContext,
  benchmark: TpchBenchmark,
  opened: EngineAdapter[],
  cases: readonly (readonly [number, CaseResult])[],
): Promise<void> {
  const { scale, threads, queries } = benchmark;
  const names = ['quern', ...benchmark.against];
  const folder = mkdtempSync(join(tmpdir(), 'quern-cold-'));
  try {
    const copies: (string | undefined)[] = [];
    for (const [i, engine] of opened.entries()) {
      const copy = engine.saveCopy && join(folder, `${names[i]}.db`);
      if (copy !== undefined) await engine.saveCopy?.(copy);
      copies.push(copy);
    }
    for (const engine of opened.splice(0)) await engine.close();
    for (const [number, { programs, rowCount = 0 }] of cases) {
      context.log(`Q${number} cold`);
      for (const [i, program] of programs.entries()) {
        if (program.error !== undefined) continue;
        const sql = queries.get(number) as string;
        const run = { engine: names[i], threads, scale, sql, copy: copies[i] };
        program.cold = await coldTime(run, benchmark.cold, rowCount);
        if (i > 0) program.coldRatio = program.cold / programs[0].cold;
      }
    }
    context.note('cold: the first execution in a process that has loaded the tables, and no more');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
