/** Changing tables: new versions of their rows, and the constraints that those must keep. */
import { QuernError, sqlState } from '../base/error.ts';
import type { TableEntry } from '../catalog/catalog.ts';
import { tableEntry } from '../catalog/entry.ts';
import { StagedRows, type TableStorage } from '../table/storage.ts';
import type { Table } from '../table/table.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import type { CatalogState } from './catalog-state.ts';
import { findDuplicate } from './unique.ts';

/** Adds rows to a table of the catalog as it is now. Gives the number of rows. */
export function appendRows(
  storage: TableStorage,
  catalog: CatalogState,
  target: TableEntry,
  batches: readonly ColumnBatch[],
): number {
  const entry = catalog.current.table(target.name);
  if (entry === undefined || entry.data.schema !== target.data.schema) {
    throw new QuernError(
      sqlState.objectNotInPrerequisiteState,
      `the table "${target.name}" was dropped or replaced while rows were made for it`,
    );
  }
  const version = appendTo(storage, entry.data, batches, entry.primaryKey);
  const defaults = entry.columns.map((column) => column.defaultSql);
  catalog.set(tableEntry(entry.name, version, { primaryKey: entry.primaryKey, defaults }));
  return version.rowCount - entry.rowCount;
}

/** Gives a table of the catalog other rows; fails if it has changed since `target` was read. */
export function replaceRows(
  storage: TableStorage,
  catalog: CatalogState,
  target: TableEntry,
  batches: readonly ColumnBatch[],
): void {
  if (catalog.current.table(target.name)?.data !== target.data) {
    throw new QuernError(
      sqlState.serializationFailure,
      `the table "${target.name}" was changed by another statement at the same time`,
      { hint: 'run the statement again' },
    );
  }
  const version = newTable(storage, target.data.schema, batches, target.primaryKey);
  const defaults = target.columns.map((column) => column.defaultSql);
  catalog.set(tableEntry(target.name, version, { primaryKey: target.primaryKey, defaults }));
}

/** A new table of these rows; the caller has its one use. */
function newTable(
  storage: TableStorage,
  schema: Schema,
  batches: readonly ColumnBatch[],
  primaryKey?: readonly number[],
): Table {
  const empty = storage.empty(schema);
  try {
    return appendTo(storage, empty, batches, primaryKey);
  } finally {
    storage.release(empty);
  }
}

function appendTo(
  storage: TableStorage,
  table: Table,
  batches: readonly ColumnBatch[],
  primaryKey: readonly number[] | undefined,
): Table {
  const staged = new StagedRows(table.schema, table);
  for (const batch of batches) staged.add(batch);
  const version = storage.append(table, staged);
  try {
    if (primaryKey !== undefined) checkUnique(storage, version, primaryKey);
    return version;
  } catch (error) {
    storage.release(version);
    throw error;
  }
}

function checkUnique(storage: TableStorage, table: Table, key: readonly number[]): void {
  const duplicate = findDuplicate(storage.memory, table, key);
  if (duplicate === undefined) return;
  const names = key.map((ordinal) => table.schema[ordinal].name).join(', ');
  throw new QuernError(
    sqlState.uniqueViolation,
    `duplicate primary key: (${names}) = (${duplicate.join(', ')})`,
  );
}
