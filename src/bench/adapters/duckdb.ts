import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBResultReader, DuckDBValue } from '@duckdb/node-api';
import { QuernError, sqlState } from '../../base/error.ts';
import { writeTbl } from '../../format/csv/write.ts';
import { tpch } from '../../tpc/index.ts';
import type { BatchStream, Schema } from '../../value/batch.ts';
import { typeName } from '../../value/type.ts';
import type { Cell, ResultTable } from '../result-table.ts';
import { createTableSql, type EngineAdapter, quoteSql } from './adapter.ts';

export interface DuckdbOptions {
  threads: number;
  /** As DuckDB writes it: `4GB`. */
  memoryLimit?: string;
}

/**
 * Opens a DuckDB in memory through its own Node client. The client is no dependency of the package:
 * whoever wants to compare installs it.
 */
export async function openDuckdb(options: DuckdbOptions): Promise<EngineAdapter> {
  const { DuckDBInstance } = await loadClient();
  const settings: Record<string, string> = { threads: String(options.threads) };
  if (options.memoryLimit !== undefined) settings.memory_limit = options.memoryLimit;
  const instance = await DuckDBInstance.create(':memory:', settings);
  const connection = await instance.connect();
  const version = (await connection.runAndReadAll('select version()')).getRows()[0][0];
  return {
    name: `duckdb ${String(version).replace(/^v/, '')}`,
    async execute(sql) {
      await connection.run(sql);
    },
    load: (name, schema, path) => load(connection, name, schema, path),
    async loadTpch(scale) {
      for (const table of tpch.tables) {
        await loadBatches(connection, table, tpch.read(table, { scale }));
      }
    },
    async saveCopy(path) {
      await connection.run(`ATTACH ${quoteSql(path)} AS kept`);
      await connection.run('COPY FROM DATABASE memory TO kept');
      await connection.run('DETACH kept');
    },
    async loadCopy(path) {
      await connection.run(`ATTACH ${quoteSql(path)} AS kept (READ_ONLY)`);
      await connection.run('COPY FROM DATABASE kept TO memory');
      await connection.run('DETACH kept');
    },
    async query(sql) {
      const reader = await connection.runAndReadAll(sql);
      return { rowCount: reader.currentRowCount, table: () => readTable(reader) };
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function loadClient() {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new QuernError(sqlState.undefinedFile, 'the package @duckdb/node-api is not installed', {
      hint: 'run npm install @duckdb/node-api',
      cause,
    });
  }
}

async function load(
  connection: DuckDBConnection,
  name: string,
  schema: Schema,
  path: string,
): Promise<void> {
  await connection.run(createTableSql(name, schema));
  if (path.endsWith('.parquet')) {
    await connection.run(`INSERT INTO ${name} SELECT * FROM read_parquet(${quoteSql(path)})`);
    return;
  }
  const delimiter = path.endsWith('.tbl') ? '|' : ',';
  // Lines of a tbl file end with a delimiter, which DuckDB takes for one more column.
  const extra = path.endsWith('.tbl') ? [`'line_end': 'VARCHAR'`] : [];
  const columns = [
    ...schema.map((field) => `${quoteSql(field.name)}: ${quoteSql(typeName(field.type))}`),
    ...extra,
  ].join(', ');
  const header = path.endsWith('.csv');
  const names = schema.map((field) => field.name).join(', ');
  await connection.run(
    `INSERT INTO ${name} SELECT ${names} FROM read_csv(${quoteSql(path)}, delim = '${delimiter}', ` +
      `header = ${header}, auto_detect = false, quote = '${header ? '"' : ''}', ` +
      `columns = {${columns}})`,
  );
}

/**
 * Makes a table by way of a scratch file: an appender of JavaScript values would be many times
 * slower.
 */
async function loadBatches(
  connection: DuckDBConnection,
  name: string,
  stream: BatchStream,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-load-'));
  try {
    const path = join(folder, `${name}.tbl`);
    await writeFile(path, writeTbl(stream));
    await load(connection, name, stream.schema, path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What was read of a result, in the form that can be compared. */
export function readTable(reader: DuckDBResultReader): ResultTable {
  const types = reader.columnTypes().map(String);
  return {
    columns: reader.columnNames(),
    types,
    rows: reader.getRows().map((row) => row.map((value, i) => cellOf(value, types[i]))),
  };
}

/** DuckDB's client gives objects with a text form for what JavaScript has no value for. */
function cellOf(value: DuckDBValue, type: string): Cell {
  if (value === null) return null;
  if (typeof value === 'number' && type.endsWith('INT')) return BigInt(value);
  if (typeof value === 'number' && type === 'INTEGER') return BigInt(value);
  if (typeof value !== 'object') return value;
  return type.startsWith('DECIMAL(') ? { decimal: value.toString() } : value.toString();
}
