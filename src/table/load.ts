import type { ColumnBatch, Schema } from '../value/batch.ts';
import { StagedRows, type TableStorage } from './storage.ts';
import type { Table } from './table.ts';

/** Loads all batches into a new table, which the caller releases when it is done with it. */
export async function loadTable(
  storage: TableStorage,
  schema: Schema,
  batches: AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>,
): Promise<Table> {
  const staged = new StagedRows(schema);
  for await (const batch of batches) staged.add(batch);
  const empty = storage.empty(schema);
  try {
    return storage.append(empty, staged);
  } finally {
    storage.release(empty);
  }
}
