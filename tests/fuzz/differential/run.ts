import { Random } from '../../../src/base/random.ts';
import { Engines, type Verdict } from './compare.ts';
import { duckdbSettings } from './dialect.ts';
import { textOf } from './fragment.ts';
import { QueryMaker } from './queries.ts';
import { type FailingCase, shrink } from './shrink.ts';
import { makeTables, tableStatements } from './tables.ts';

export interface FuzzOptions {
  /** Of the first case; each further case has the next one. */
  readonly seed: number;
  /** Whether to go on, asked before each case. */
  readonly more: (cases: number) => boolean;
  /** Told of each difference as text. */
  readonly report: (text: string) => void;
  /** Told of each query that was not compared, and why. */
  readonly excused?: (verdict: Verdict, sql: string) => void;
  /** Differences after which to stop. */
  readonly failuresMax: number;
}

export interface FuzzSummary {
  readonly cases: number;
  readonly queries: number;
  readonly counts: ReadonlyMap<Verdict['kind'], number>;
}

/** Queries on the tables of one case. */
const queriesPerCase = 25;

/** Runs random queries on random tables, on our engine and on DuckDB, until told to stop. */
export async function fuzz(options: FuzzOptions): Promise<FuzzSummary> {
  const engines = await Engines.open();
  const counts = new Map<Verdict['kind'], number>();
  let cases = 0;
  let queries = 0;
  try {
    while ((counts.get('differ') ?? 0) < options.failuresMax && options.more(cases)) {
      for (const { kind } of await runCase(engines, options.seed + cases, options)) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        queries++;
      }
      cases++;
    }
  } finally {
    await engines.close();
  }
  return { cases, queries, counts };
}

/** Ends with the first difference: the tables have fewer rows then. */
async function runCase(engines: Engines, seed: number, options: FuzzOptions): Promise<Verdict[]> {
  const random = new Random(seed);
  const tables = makeTables(random);
  await engines.make(tables);
  const maker = new QueryMaker(random, tables);
  const verdicts: Verdict[] = [];
  for (let i = 0; i < queriesPerCase; i++) {
    const { fragment, ordered } = maker.query();
    const sql = textOf(fragment);
    const verdict = await engines.judge(sql, ordered);
    verdicts.push(verdict);
    if (verdict.kind === 'differ') {
      const smallest = await shrink(engines, { tables, fragment, ordered });
      options.report(describe(seed, verdict, smallest));
      break;
    }
    if (verdict.kind !== 'agree') options.excused?.(verdict, sql);
  }
  await engines.drop(tables);
  return verdicts;
}

function describe(seed: number, verdict: Verdict, { tables, fragment }: FailingCase): string {
  const statements = [...tableStatements(tables), textOf(fragment)];
  const settings = duckdbSettings.map((setting) => `-- in DuckDB: ${setting};`);
  const script = [...settings, ...statements.map((statement) => `${statement};`)].join('\n');
  return `seed ${seed}: ${verdict.message}\n${script}\n`;
}
