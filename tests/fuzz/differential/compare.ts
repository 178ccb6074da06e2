import type { EngineAdapter } from '../../../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../../../src/bench/adapters/duckdb.ts';
import { openQuern } from '../../../src/bench/adapters/quern.ts';
import { duckdbSettings, type Excuse, excuseFor } from './dialect.ts';
import { type Outcome, outcomeOf, rowsDifference } from './outcome.ts';
import { dropStatements, type TestTable, tableStatements } from './tables.ts';

export interface Verdict {
  readonly kind: 'agree' | 'both fail' | Excuse | 'differ';
  /** What differs. */
  readonly message?: string;
}

/** Our engine with one thread and with two, and DuckDB, all with the same tables. */
export class Engines {
  readonly #ours: readonly EngineAdapter[];
  readonly #duckdb: EngineAdapter;

  private constructor(ours: readonly EngineAdapter[], duckdb: EngineAdapter) {
    this.#ours = ours;
    this.#duckdb = duckdb;
  }

  static async open(): Promise<Engines> {
    const duckdb = await openDuckdb({ threads: 1 });
    for (const setting of duckdbSettings) await duckdb.execute(setting);
    const ours = [await openQuern({ threads: 1 }), await openQuern({ threads: 2 })];
    return new Engines(ours, duckdb);
  }

  async close(): Promise<void> {
    for (const engine of [...this.#ours, this.#duckdb]) await engine.close();
  }

  async make(tables: readonly TestTable[]): Promise<void> {
    for (const sql of tableStatements(tables)) {
      for (const engine of [...this.#ours, this.#duckdb]) {
        try {
          await engine.execute(sql);
        } catch (cause) {
          throw new Error(`${engine.name} failed: ${sql}`, { cause });
        }
      }
    }
  }

  async drop(tables: readonly TestTable[]): Promise<void> {
    for (const sql of dropStatements(tables)) {
      for (const engine of [...this.#ours, this.#duckdb]) await engine.execute(sql);
    }
  }

  async judge(sql: string, ordered: boolean): Promise<Verdict> {
    const theirs = await outcomeOf(this.#duckdb, sql);
    let verdict: Verdict = { kind: 'agree' };
    for (const [i, engine] of this.#ours.entries()) {
      verdict = judge(await outcomeOf(engine, sql), theirs, ordered);
      if (verdict.kind === 'differ') {
        return { kind: 'differ', message: `threads ${i + 1}: ${verdict.message}` };
      }
    }
    return verdict;
  }
}

function judge(ours: Outcome, theirs: Outcome, ordered: boolean): Verdict {
  if (ours.kind === 'broken') return { kind: 'differ', message: ours.message };
  if (ours.kind === 'error' && theirs.kind === 'error') {
    return { kind: ours.code === '0A000' ? 'not supported' : 'both fail', message: ours.message };
  }
  if (ours.kind === 'rows' && theirs.kind === 'rows') {
    const message = rowsDifference(ours.rows, theirs.rows, ordered);
    if (message !== undefined) return { kind: 'differ', message };
    const column = [...ours.classes].findIndex((type, i) => {
      // DuckDB gives an integer column for what it folds to NULL.
      return type !== theirs.classes[i] && ours.rows.some((row) => row[i] !== null);
    });
    if (column < 0) return { kind: 'agree' };
    const types = `${ours.classes[column]} instead of ${theirs.classes[column]}`;
    return { kind: 'differ', message: `column ${column + 1} is of class ${types}` };
  }
  const failure = ours.kind === 'error' ? ours : theirs;
  const message = failure.kind === 'error' ? failure.message.split('\n')[0] : '';
  const excuse = excuseFor(ours, theirs);
  if (excuse !== undefined) return { kind: excuse, message };
  return { kind: 'differ', message: `error: ${message}` };
}
