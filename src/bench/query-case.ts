import type { EngineAdapter, FetchedResult } from './adapters/adapter.ts';
import { type ResultTable, resultDifference } from './result-table.ts';
import type { CaseResult, Program, SuiteContext } from './suite.ts';

/** What is timed: the time that passes, or the time of processors on all threads of the process. */
export type Clock = 'wall' | 'cpu';

/** Who runs a query: an engine, here or in a process of its own. */
export interface Contestant {
  readonly name: string;
  /** Runs the query, from its text to the last value of the result. */
  run(): Promise<{ readonly milliseconds: number; readonly result: FetchedResult }>;
}

/** Times a query on several engines that are here; see {@link compareResults}. */
export function compareQuery(
  context: SuiteContext,
  adapters: readonly EngineAdapter[],
  name: string,
  sql: string,
  clock: Clock = 'wall',
): Promise<CaseResult | undefined> {
  const contestants = adapters.map((engine): Contestant => {
    return {
      name: engine.name,
      run: async () => {
        const start = now(clock);
        const result = await engine.query(sql);
        return { milliseconds: now(clock) - start, result };
      },
    };
  });
  return compareResults(context, name, contestants);
}

/**
 * Times a query on several engines. The results of the first, cold run are held against each other:
 * a query on which the engines disagree is noted, not timed.
 */
export async function compareResults(
  context: SuiteContext,
  name: string,
  contestants: readonly Contestant[],
): Promise<CaseResult | undefined> {
  const results = new Map<Contestant, FetchedResult>();
  const programs = contestants.map((contestant): Program => {
    return {
      name: contestant.name,
      run: async () => {
        const { milliseconds, result } = await contestant.run();
        checkRowCount(results.get(contestant), result);
        results.set(contestant, result);
        return milliseconds;
      },
    };
  });
  try {
    const measured = await context.measure({
      name,
      programs,
      check: () => checkAgreement(results),
    });
    measured.rowCount = results.get(contestants[0])?.rowCount ?? 0;
    return measured;
  } catch (error) {
    context.note(`${name}: not measured: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

/** Milliseconds since some moment. */
function now(clock: Clock): number {
  if (clock === 'wall') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The whole results are compared once; later runs must have as many rows. */
function checkRowCount(before: FetchedResult | undefined, now: FetchedResult): void {
  if (before === undefined || before.rowCount === now.rowCount) return;
  throw new Error(`${now.rowCount} rows after a run with ${before.rowCount}`);
}

function checkAgreement(results: ReadonlyMap<Contestant, FetchedResult>): void {
  const [ours, ...others] = results;
  const expected: ResultTable = ours[1].table();
  for (const [{ name }, result] of others) {
    const difference = resultDifference(expected, result.table());
    if (difference !== undefined) throw new Error(`unlike ${name}: ${difference}`);
  }
}
