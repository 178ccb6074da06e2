import type { ColumnBatch, Schema } from '../value/batch.ts';
import { StagedRows, type TableStorage } from './storage.ts';
import type { Table } from './table.ts';

/**
 * Rows that are stored at a time. Batches wait in memory of their own until it is known what layout
 * suits them; more of them say little that so many have not said.
 */
const rowsPerAppend = 4 << 20;

/** Loads all batches into a new table, which the caller releases when it is done with it. */
export async function loadTable(
  storage: TableStorage,
  schema: Schema,
  batches: AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>,
): Promise<Table> {
  let table = storage.empty(schema);
  let staged = new StagedRows(schema, table);
  const store = (isLast: boolean) => {
    const next = storage.append(table, staged, { isLast });
    storage.release(table);
    table = next;
    staged = new StagedRows(schema, table);
  };
  try {
    for await (const batch of batches) {
      // The last rows are held back, so that the last append has some.
      if (staged.rowCount >= rowsPerAppend) store(false);
      staged.add(batch);
    }
    store(true);
    return table;
  } catch (error) {
    storage.release(table);
    throw error;
  }
}
