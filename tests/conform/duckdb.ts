/**
 * DuckDB as an independent reader and writer of files; absent where its package is not installed.
 */
import type { TestContext } from 'node:test';
import type { Field, Schema } from '../../src/value/batch.ts';
import { formatBlob, formatValue, type Value } from '../../src/value/value.ts';

export interface DuckDb {
  run(sql: string): Promise<void>;
  /** Rows of texts and NULLs. */
  rows(sql: string): Promise<(string | null)[][]>;
  close(): void;
}

/** A database in memory; skips the test, saying so, when DuckDB is missing. */
export async function openDuckDb(context: TestContext): Promise<DuckDb | undefined> {
  try {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    return {
      async run(sql) {
        await connection.run(sql);
      },
      async rows(sql) {
        const reader = await connection.runAndReadAll(sql);
        return reader.getRows() as (string | null)[][];
      },
      close() {
        connection.closeSync();
        instance.closeSync();
      },
    };
  } catch (error) {
    context.skip(`DuckDB is not installed: ${(error as Error).message}`);
    return undefined;
  }
}

/** A list of SQL expressions that give the columns as {@link canonicalRow} does. */
export function canonicalColumns(schema: Schema): string {
  return schema
    .map(({ name, type }) => {
      const column = `"${name.replaceAll('"', '""')}"`;
      // Texts too: the client drops byte-order marks.
      if (type.kind === 'blob' || type.kind === 'varchar') return `lower(hex(${column}))`;
      if (type.kind === 'timestamptz' || type.kind === 'timestamp')
        return `epoch_us(${column})::varchar`;
      if (type.kind === 'real' || type.kind === 'double') return `(${column}::double)::varchar`;
      return `${column}::varchar`;
    })
    .join(', ');
}

/** A row as texts that do not depend on how an engine prints. */
export function canonicalRow(schema: Schema, row: readonly (Value | null)[]): (string | null)[] {
  return row.map((value, i) => (value === null ? null : canonical(schema[i], value)));
}

function canonical({ type }: Field, value: Value): string {
  switch (type.kind) {
    case 'blob':
      return formatValue(type, value).slice(2);
    case 'varchar':
      return formatBlob(new TextEncoder().encode(value as string)).slice(2);
    case 'timestamptz':
    case 'timestamp':
    case 'real':
    case 'double':
      return String(value);
    default:
      return formatValue(type, value);
  }
}

/** DuckDB's texts of numbers, as JavaScript prints them. */
export function withNumbers(schema: Schema, rows: (string | null)[][]): (string | null)[][] {
  return rows.map((row) =>
    row.map((text, i) => {
      const { kind } = schema[i].type;
      // DECIMAL(2,2) prints without the zero before the point.
      if (text !== null && kind === 'decimal') return text.replace(/^(-?)\./, '$10.');
      if (text === null || (kind !== 'real' && kind !== 'double')) return text;
      const special = { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' }[text];
      return special ?? String(Number(text));
    }),
  );
}
