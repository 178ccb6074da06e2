import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { readTable } from '../../../src/bench/adapters/duckdb.ts';
import { readResult } from '../../../src/bench/adapters/quern.ts';
import type { Cell, ResultTable } from '../../../src/bench/result-table.ts';
import { type Database, open } from '../../../src/main/index.ts';
import { typeClass } from '../../slt/value.ts';
import { duckdbSettings } from './dialect.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/** Rows of a result beyond which it is not compared: the tester would only copy rows. */
const rowsMax = 50_000;

/** Time after which DuckDB is interrupted, and we should have been done. */
export const secondsMax = 20;

/** An engine under test: statements in, outcomes out. */
export interface Engine {
  readonly name: string;
  run(sql: string, parameters?: readonly unknown[]): Promise<Outcome>;
  close(): Promise<void>;
}

export async function openOurs(threads: number, alwaysSpill = false): Promise<Engine> {
  const database = await open(undefined, { threads, alwaysSpill });
  return {
    name: `threads ${threads}`,
    run: (sql, parameters) => outcomeOf(true, () => ourOutcome(database, sql, parameters)),
    close: () => database.close(),
  };
}

async function ourOutcome(
  database: Database,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Outcome> {
  const result = await database.query(sql, parameters);
  return rowsOutcome(readResult(result));
}

function rowsOutcome({ types, rows }: ResultTable): Outcome {
  const limited: readonly (readonly Cell[])[] = rows;
  return { kind: 'rows', classes: types.map(typeClass).join(''), rows: limited };
}

/** DuckDB, which can be told not to optimize. */
export interface TheirEngine extends Engine {
  optimize(on: boolean): Promise<void>;
}

export async function openTheirs(): Promise<TheirEngine> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '2GB' });
  const connection = await instance.connect();
  for (const setting of duckdbSettings) await connection.run(setting);
  return {
    name: 'duckdb',
    run: (sql) => outcomeOf(false, () => theirOutcome(connection, sql)),
    async optimize(on) {
      await connection.run(on ? 'PRAGMA enable_optimizer' : 'PRAGMA disable_optimizer');
    },
    close: () => closeTheirs(connection, instance),
  };
}

async function theirOutcome(connection: DuckDBConnection, sql: string): Promise<Outcome> {
  const timer = setTimeout(() => connection.interrupt(), secondsMax * 1000);
  try {
    const reader = await connection.streamAndReadUntil(sql, rowsMax + 1);
    if (reader.currentRowCount > rowsMax) return { kind: 'large' };
    return rowsOutcome(readTable(reader));
  } finally {
    clearTimeout(timer);
  }
}

async function closeTheirs(connection: DuckDBConnection, instance: DuckDBInstance): Promise<void> {
  connection.closeSync();
  instance.closeSync();
}
