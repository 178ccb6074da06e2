/** Changing tables: new versions of their rows, and the constraints that those must keep. */
import { QuernError, sqlState } from '../base/error.ts';
import type { TableEntry } from '../catalog/catalog.ts';
import { tableEntry } from '../catalog/entry.ts';
import type { Turns } from '../run/turns.ts';
import { appendInTurns, type Turn } from '../table/load.ts';
import { StagedRows, type TableStorage } from '../table/storage.ts';
import type { Table } from '../table/table.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import type { CatalogState } from './catalog-state.ts';
import { findDuplicate } from './unique.ts';

/**
 * After so many times that another statement was faster, rows are added without turns for others.
 */
const triesMax = 3;

/** Adds rows to a table of the catalog as it is when they are stored. Gives the number of rows. */
export async function appendRows(
  storage: TableStorage,
  catalog: CatalogState,
  target: TableEntry,
  batches: readonly ColumnBatch[],
  turns: Turns,
): Promise<number> {
  for (let tries = 0; ; tries++) {
    const entry = catalog.current.table(target.name);
    if (entry === undefined || entry.data.schema !== target.data.schema) {
      throw new QuernError(
        sqlState.objectNotInPrerequisiteState,
        `the table "${target.name}" was dropped or replaced while rows were made for it`,
      );
    }
    const turn = () => (tries < triesMax ? turns.ifDue() : undefined);
    const version = await appendTo(storage, entry.data, batches, entry.primaryKey, turn);
    if (catalog.current.table(target.name) !== entry) {
      storage.release(version);
      continue;
    }
    const defaults = entry.columns.map((column) => column.defaultSql);
    catalog.set(tableEntry(entry.name, version, { primaryKey: entry.primaryKey, defaults }));
    return version.rowCount - entry.rowCount;
  }
}

/** Gives a table of the catalog other rows; fails if it has changed since `target` was read. */
export async function replaceRows(
  storage: TableStorage,
  catalog: CatalogState,
  target: TableEntry,
  batches: readonly ColumnBatch[],
  turns: Turns,
): Promise<void> {
  checkUnchanged(catalog, target);
  const { primaryKey } = target;
  const version = await newTable(storage, target.data.schema, batches, primaryKey, turns);
  try {
    checkUnchanged(catalog, target);
  } catch (error) {
    storage.release(version);
    throw error;
  }
  const defaults = target.columns.map((column) => column.defaultSql);
  catalog.set(tableEntry(target.name, version, { primaryKey, defaults }));
}

/** A new table of these rows; the caller has its one use. */
export async function newTable(
  storage: TableStorage,
  schema: Schema,
  batches: readonly ColumnBatch[],
  primaryKey: readonly number[] | undefined,
  turns: Turns,
): Promise<Table> {
  const empty = storage.empty(schema);
  try {
    return await appendTo(storage, empty, batches, primaryKey, () => turns.ifDue());
  } finally {
    storage.release(empty);
  }
}

/** Fails if the table is not as it was when `target` was read. */
export function checkUnchanged(catalog: CatalogState, target: TableEntry): void {
  if (catalog.current.table(target.name)?.data === target.data) return;
  throw new QuernError(
    sqlState.serializationFailure,
    `the table "${target.name}" was changed by another statement at the same time`,
    { hint: 'run the statement again' },
  );
}

async function appendTo(
  storage: TableStorage,
  table: Table,
  batches: readonly ColumnBatch[],
  primaryKey: readonly number[] | undefined,
  turn: Turn,
): Promise<Table> {
  const staged = new StagedRows(table.schema, table);
  storage.retain(table);
  try {
    for (const batch of batches) {
      staged.add(batch);
      const others = turn();
      if (others !== undefined) await others;
    }
    const version = await appendInTurns(storage, table, staged, turn);
    try {
      if (primaryKey !== undefined) checkUnique(storage, version, primaryKey, table.rowCount);
      return version;
    } catch (error) {
      storage.release(version);
      throw error;
    }
  } finally {
    storage.release(table);
  }
}

/** `known`: how many rows, the first ones, have been checked before. */
function checkUnique(
  storage: TableStorage,
  table: Table,
  key: readonly number[],
  known: number,
): void {
  const duplicate = findDuplicate(storage.memory, table, key, known);
  if (duplicate === undefined) return;
  const names = key.map((ordinal) => table.schema[ordinal].name).join(', ');
  throw new QuernError(
    sqlState.uniqueViolation,
    `duplicate primary key: (${names}) = (${duplicate.join(', ')})`,
  );
}
