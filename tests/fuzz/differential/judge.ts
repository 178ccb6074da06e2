import type { Excuse } from './dialect.ts';
import { excuseFor, isSameClass, isUnsupported } from './dialect.ts';
import { type Engine, openOurs, openTheirs, type TheirEngine } from './engines.ts';
import { type Fragment, parametrised, textOf } from './fragment.ts';
import { type Outcome, rowsDifference } from './outcome.ts';
import { rewrites } from './rewrites.ts';
import { dropStatements, type TestTable, tableStatements } from './tables.ts';

/**
 * What is put to the engines:
 * - `query`: one result, compared with DuckDB's;
 * - `parameters`: the same, and once more with parameters in the place of literals, and once more
 *   from the plan that is kept by then;
 * - `script`: statements that change tables of their own, each compared;
 * - `partition`: a source of rows and a condition, ours alone: the rows for which it is TRUE, FALSE
 *   and NULL must add up, and be as many as when it is no condition but a value (ternary logic
 *   partitioning and non-optimizing reference engine construction, Rigger and Su, 2020);
 * - `rewrite`: the same query in other words, ours alone.
 */
export interface TestCase {
  readonly kind: 'query' | 'parameters' | 'script' | 'partition' | 'rewrite';
  readonly fragment: Fragment;
  /** Whether ORDER BY leaves no choice: the order of the rows counts. */
  readonly ordered: boolean;
}

export interface Verdict {
  readonly kind:
    | 'agree'
    | 'both fail'
    | 'too large'
    | 'DuckDB contradicts itself'
    | 'DuckDB hangs'
    | Excuse
    | 'differ';
  /** What differs, or why it was not compared. */
  readonly message?: string;
  /** Rows that were compared with DuckDB's. */
  readonly rows: number;
}

/** Told before each statement which engine runs what. */
export type Watch = (engine: string, sql: string) => void;

/** What DuckDB does in less time than the first we must do within the second. */
const quickMs = 500;
const slowMs = 5000;

/** What separates the statements of a script. */
export const statementEnd = ';\n';

/** Our engine with one thread and with two, and DuckDB, all with the same tables. */
export class Engines {
  readonly #ours: readonly Engine[];
  readonly #duckdb: TheirEngine;
  readonly #watch: Watch;

  private constructor(ours: readonly Engine[], duckdb: TheirEngine, watch: Watch) {
    this.#ours = ours;
    this.#duckdb = duckdb;
    this.#watch = watch;
  }

  static async open(watch: Watch, spill = false): Promise<Engines> {
    const ours = [await openOurs(1, spill), await openOurs(2, spill)];
    return new Engines(ours, await openTheirs(), watch);
  }

  async close(): Promise<void> {
    for (const engine of [...this.#ours, this.#duckdb]) await engine.close();
  }

  async make(tables: readonly TestTable[]): Promise<void> {
    for (const sql of tableStatements(tables)) await this.#everywhere(sql);
  }

  async drop(tables: readonly TestTable[]): Promise<void> {
    for (const sql of dropStatements(tables)) await this.#everywhere(sql);
  }

  async #everywhere(sql: string): Promise<void> {
    for (const engine of [...this.#ours, this.#duckdb]) {
      const outcome = await this.#run(engine, sql);
      if (outcome.kind === 'rows') continue;
      const message = outcome.kind === 'large' ? outcome.kind : outcome.message;
      throw new Error(`${engine.name}: ${message}: ${sql}`);
    }
  }

  #run(engine: Engine, sql: string, parameters?: readonly unknown[]): Promise<Outcome> {
    this.#watch(engine.name, sql);
    return engine.run(sql, parameters);
  }

  /** A difference that DuckDB shows only with its optimizer is one of DuckDB with itself. */
  async judge(test: TestCase): Promise<Verdict> {
    const verdict = await this.#judgeOnce(test);
    if (verdict.kind !== 'differ' || isOurs(test)) return verdict;
    await this.#duckdb.optimize(false);
    const again = await this.#judgeOnce(test);
    await this.#duckdb.optimize(true);
    if (again.kind === 'differ') return verdict;
    return { ...verdict, kind: 'DuckDB contradicts itself' };
  }

  async #judgeOnce(test: TestCase): Promise<Verdict> {
    if (test.kind === 'partition') return this.#judgePartition(test.fragment);
    if (test.kind === 'rewrite') return this.#judgeRewrites(rewrites(test.fragment));
    if (test.kind === 'script') return this.#judgeScript(textOf(test.fragment));
    const verdict = await this.#judgeStatement(textOf(test.fragment), test.ordered);
    if (test.kind === 'query' || verdict.kind !== 'agree') return verdict;
    return (await this.#judgeParameters(test)) ?? verdict;
  }

  async #judgeStatement(sql: string, ordered: boolean): Promise<Verdict> {
    const start = performance.now();
    const theirs = await this.#run(this.#duckdb, sql);
    if (theirs.kind === 'large') return { kind: 'too large', rows: 0 };
    if (isInterrupted(theirs)) return { kind: 'DuckDB hangs', rows: 0 };
    const quick = performance.now() - start < quickMs;
    let verdict: Verdict = { kind: 'agree', rows: 0 };
    for (const engine of this.#ours) {
      const begin = performance.now();
      const outcome = await this.#run(engine, sql);
      const changes = !isQuery(sql) && outcome.kind === 'rows' && theirs.kind === 'rows';
      verdict = changes ? { kind: 'agree', rows: 0 } : judge(outcome, theirs, ordered);
      const took = performance.now() - begin;
      if (verdict.kind === 'agree' && quick && took > slowMs) {
        verdict = { kind: 'differ', message: `slow: ${Math.round(took)} ms`, rows: 0 };
      }
      if (verdict.kind !== 'differ') continue;
      return { ...verdict, message: `${engine.name}: ${verdict.message}` };
    }
    return verdict;
  }

  /** A literal and a parameter of its type and value mean the same. */
  async #judgeParameters({ fragment, ordered }: TestCase): Promise<Verdict | undefined> {
    const [engine] = this.#ours;
    const plain = await this.#run(engine, textOf(fragment));
    const { sql, values } = parametrised(fragment);
    for (const round of ['with parameters', 'again']) {
      const verdict = judge(await this.#run(engine, sql, values), plain, ordered);
      if (verdict.kind !== 'differ') continue;
      return { ...verdict, message: `${round}: ${verdict.message}` };
    }
    return undefined;
  }

  /** Until one statement fails, which it must do everywhere. */
  async #judgeScript(script: string): Promise<Verdict> {
    let rows = 0;
    let verdict: Verdict = { kind: 'agree', rows };
    const statements = script.split(statementEnd).filter((sql) => sql !== '');
    const done: string[] = [];
    for (const sql of statements) {
      verdict = await this.#judgeStatement(sql, false);
      done.push(sql);
      rows += verdict.rows;
      if (verdict.kind !== 'agree' && verdict.kind !== 'both fail') break;
    }
    for (const name of createdBy(done)) await this.#dropEverywhere(name);
    return { ...verdict, rows };
  }

  async #dropEverywhere(object: string): Promise<void> {
    for (const engine of [...this.#ours, this.#duckdb]) {
      await this.#run(engine, `DROP ${object.replace(' ', ' IF EXISTS ')}`);
    }
  }

  async #judgeRewrites(queries: readonly string[]): Promise<Verdict> {
    let first: Outcome | undefined;
    let verdict: Verdict = { kind: 'agree', rows: 0 };
    for (const [i, sql] of queries.entries()) {
      const outcome = await this.#run(this.#ours[i % this.#ours.length], sql);
      first ??= outcome;
      // What fails for its own reason has no rows to compare with.
      const excuse = excuseFor(first, first);
      if (first.kind === 'error' && excuse !== undefined) return { kind: excuse, rows: 0 };
      verdict = judge(outcome, first, false);
      if (verdict.kind === 'differ') return { ...verdict, message: `${verdict.message}: ${sql}` };
      if (verdict.kind !== 'agree') return verdict;
    }
    return verdict;
  }

  async #judgePartition(fragment: Fragment): Promise<Verdict> {
    const [from, condition] = fragment.parts.map((part) =>
      typeof part === 'string' ? part : textOf(part),
    );
    const conditions = [condition, `NOT (${condition})`, `(${condition}) IS NULL`];
    const queries = [
      `SELECT count(*) FROM ${from}`,
      ...conditions.map((part) => `SELECT count(*) FROM ${from} WHERE ${part}`),
      `SELECT count(CASE WHEN ${condition} THEN 1 END) FROM ${from}`,
    ];
    const counts: number[] = [];
    for (const sql of queries) {
      const outcome = await this.#run(this.#ours[counts.length % this.#ours.length], sql);
      if (outcome.kind === 'broken') return { kind: 'differ', message: outcome.message, rows: 0 };
      if (outcome.kind === 'error') {
        const kind = isUnsupported(outcome) ? 'not supported' : 'range';
        return { kind, message: outcome.message, rows: 0 };
      }
      if (outcome.kind === 'rows') counts.push(Number(outcome.rows[0][0]));
    }
    const [all, yes, no, unknown, values] = counts;
    if (all === yes + no + unknown && yes === values) return { kind: 'agree', rows: 5 };
    const found = `${yes} TRUE (${values} as a value), ${no} FALSE, ${unknown} NULL`;
    return { kind: 'differ', message: `${all} rows, of which ${found}`, rows: 0 };
  }
}

/** DuckDB had its time: what it cannot do in that need not be done. */
function isInterrupted(outcome: Outcome): boolean {
  return outcome.kind === 'error' && /^INTERRUPT/i.test(outcome.message);
}

/** Whether DuckDB has no part in it. */
function isOurs({ kind }: TestCase): boolean {
  return kind === 'partition' || kind === 'rewrite';
}

/** What the statements created, the newest first: `TABLE x`, `VIEW y`. */
function createdBy(statements: readonly string[]): string[] {
  return statements
    .flatMap((sql) => /^CREATE (?:OR REPLACE )?((?:TABLE|VIEW) \w+)/.exec(sql)?.[1] ?? [])
    .reverse();
}

/** Whether a statement gives rows, and not only the number of those it changed. */
function isQuery(sql: string): boolean {
  return /^(SELECT|WITH)\b|\bRETURNING\b/.test(sql);
}

function judge(ours: Outcome, theirs: Outcome, ordered: boolean): Verdict {
  if (ours.kind === 'broken') return { kind: 'differ', message: ours.message, rows: 0 };
  if (ours.kind === 'error' && theirs.kind === 'error') {
    const kind = isUnsupported(ours) ? 'not supported' : 'both fail';
    return { kind, message: ours.message, rows: 0 };
  }
  if (ours.kind === 'rows' && theirs.kind === 'rows') {
    const message = rowsDifference(ours.rows, theirs.rows, ordered);
    if (message !== undefined) return { kind: 'differ', message, rows: 0 };
    const column = [...ours.classes].findIndex((type, i) => {
      // DuckDB gives an integer column for what it folds to NULL.
      return !isSameClass(type, theirs.classes[i]) && ours.rows.some((row) => row[i] !== null);
    });
    if (column < 0) return { kind: 'agree', rows: ours.rows.length };
    const types = `${ours.classes[column]} instead of ${theirs.classes[column]}`;
    return { kind: 'differ', message: `column ${column + 1} is of class ${types}`, rows: 0 };
  }
  const failure = ours.kind === 'error' ? ours : theirs;
  const message = failure.kind === 'error' ? failure.message.split('\n')[0] : '';
  const excuse = excuseFor(ours, theirs);
  if (excuse !== undefined) return { kind: excuse, message, rows: 0 };
  return { kind: 'differ', message: `error: ${message}`, rows: 0 };
}
