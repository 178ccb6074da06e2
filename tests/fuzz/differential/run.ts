import { Random } from '../../../src/base/random.ts';
import { CaseMaker } from './cases.ts';
import { duckdbSettings } from './dialect.ts';
import { textOf } from './fragment.ts';
import { Engines, type TestCase, type Verdict } from './judge.ts';
import { rewrites } from './rewrites.ts';
import { type FailingCase, shrink } from './shrink.ts';
import { makeTables, type TestTable, tableStatements } from './tables.ts';

export interface FuzzOptions {
  /** Of the first set of tables; each further set has the next one. */
  readonly seed: number;
  /** Whether to go on, asked before each set. */
  readonly more: (sets: number) => boolean;
  /** Told of each difference as text. */
  readonly report: (text: string) => void;
  /** Told of each verdict. */
  readonly judged?: (verdict: Verdict, test: TestCase) => void;
  /** Told before each statement what runs where. */
  readonly watch?: (seed: number, engine: string, sql: string) => void;
  /** Differences after which to stop. */
  readonly failuresMax: number;
  /** Whether our engine works as if hardly any memory were there. */
  readonly spill?: boolean;
}

/** Tests on one set of tables. */
const testsPerSet = 25;

/**
 * Runs random statements on random tables, on our engine and on DuckDB, until told to stop. The
 * number of sets of tables that were done.
 */
export async function fuzz(options: FuzzOptions): Promise<number> {
  let { seed } = options;
  const engines = await Engines.open(
    (engine, sql) => options.watch?.(seed, engine, sql),
    options.spill,
  );
  let sets = 0;
  let failures = 0;
  try {
    for (; failures < options.failuresMax && options.more(sets); sets++) {
      seed = options.seed + sets;
      if (!(await runSet(engines, seed, options))) failures++;
    }
  } finally {
    await engines.close();
  }
  return sets;
}

/** Ends with the first difference: the tables have fewer rows then. */
async function runSet(engines: Engines, seed: number, options: FuzzOptions): Promise<boolean> {
  const random = new Random(seed);
  const tables = makeTables(random);
  await engines.make(tables);
  const maker = new CaseMaker(random, tables);
  let agreed = true;
  for (let i = 0; i < testsPerSet && agreed; i++) {
    const test = maker.next();
    const verdict = await engines.judge(test);
    options.judged?.(verdict, test);
    agreed = verdict.kind !== 'differ';
    if (!agreed) {
      const smallest = await shrink(engines, { ...test, tables });
      options.report(`seed ${seed}: ${verdict.message}\n${describe(smallest)}\n`);
    }
  }
  await engines.drop(tables);
  return agreed;
}

function describe({ tables, fragment, kind }: FailingCase): string {
  if (kind === 'rewrite') return scriptOf(tables, rewrites(fragment).join(';\n'));
  const text = kind === 'partition' ? fragment.parts.map(partText).join('\n  WHERE ') : undefined;
  return scriptOf(tables, text ?? textOf(fragment));
}

function partText(part: FailingCase['fragment']['parts'][number]): string {
  return typeof part === 'string' ? part : textOf(part);
}

/** The statements that show a difference. */
export function scriptOf(tables: readonly TestTable[], sql: string): string {
  const settings = duckdbSettings.map((setting) => `-- in DuckDB: ${setting};`);
  const statements = [...tableStatements(tables), sql].map((statement) => `${statement};`);
  return [...settings, ...statements].join('\n');
}
