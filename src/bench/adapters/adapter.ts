import type { Schema } from '../../value/batch.ts';
import { typeName } from '../../value/type.ts';
import type { ResultTable } from '../result-table.ts';

/** A database under test: the same few calls for ours and for those it is compared with. */
export interface EngineAdapter {
  /** With its version: `duckdb 1.5.6`. */
  readonly name: string;
  /** Runs statements that give no result. */
  execute(sql: string): Promise<void>;
  /** Makes the table `name` and fills it from a file; the format is told by the file's ending. */
  load(name: string, schema: Schema, path: string): Promise<void>;
  /** Generates the eight tables of TPC-H at a scale factor and loads them. */
  loadTpch(scale: number): Promise<void>;
  /** Writes all tables to a file from which {@link loadCopy} loads them quickly into memory. */
  saveCopy?(path: string): Promise<void>;
  loadCopy?(path: string): Promise<void>;
  /** Runs a query and fetches the whole result, as a program would: this is what is timed. */
  query(sql: string): Promise<FetchedResult>;
  close(): Promise<void>;
}

export interface FetchedResult {
  readonly rowCount: number;
  /** The result in a form that can be compared; not part of the timed work. */
  table(): ResultTable;
}

/** CREATE TABLE for a schema, in the words that every engine knows. */
export function createTableSql(name: string, schema: Schema): string {
  const columns = schema.map((field) => {
    return `${field.name} ${typeName(field.type)}${field.nullable ? '' : ' NOT NULL'}`;
  });
  return `CREATE TABLE ${name} (${columns.join(', ')})`;
}

/** A text as a SQL literal. */
export function quoteSql(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
