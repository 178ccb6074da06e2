import type { ColumnInfo } from './print/printer.ts';

/** What the command line asks of a database: the public face of the engine, no more. */
export interface SqlDatabase {
  query(
    sql: string,
    parameters?: readonly unknown[],
    options?: { values?: 'plain' | 'exact' },
  ): Promise<SqlResult>;
  close(): Promise<void>;
}

export interface SqlResult {
  readonly columns: readonly ColumnInfo[];
  values(): unknown[][];
}

export interface OpenOptions {
  threads?: number;
  memoryLimit?: number;
  readOnly?: boolean;
}

/** Opens the file, or a database in memory. Loads the engine: not before there is work for it. */
export async function openDatabase(
  path: string | undefined,
  options: OpenOptions,
): Promise<SqlDatabase> {
  const { open } = await import('../main/index.ts');
  return open(path, options);
}
