import type { ColumnBatch, Schema } from '../value/batch.ts';
import type { LinearMemory } from './linear-memory.ts';
import { tableBatches } from './read.ts';
import type { SegmentLoader } from './segment-loader.ts';
import { StagedRows, type TableStorage } from './storage.ts';
import type { Table } from './table.ts';

/**
 * Rows that are stored at a time. Batches wait in memory of their own until it is known what layout
 * suits them; more of them say little that so many have not said.
 */
const rowsPerAppend = 4 << 20;

/**
 * Called every few milliseconds of work: gives others their turn when it is time, and throws when
 * the work is no longer wanted.
 */
export type Turn = () => Promise<void> | undefined;

/** Loads all batches into a new table, which the caller releases when it is done with it. */
export async function loadTable(
  storage: TableStorage,
  schema: Schema,
  batches: AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>,
  turn: Turn = () => undefined,
): Promise<Table> {
  let table = storage.empty(schema);
  let staged = new StagedRows(schema, table);
  const store = async (isLast: boolean) => {
    const next = await appendInTurns(storage, table, staged, turn, isLast);
    storage.release(table);
    table = next;
    staged = new StagedRows(schema, table);
  };
  try {
    for await (const batch of batches) {
      // The last rows are held back, so that the last append has some.
      if (staged.rowCount >= rowsPerAppend) await store(false);
      staged.add(batch);
      const others = turn();
      if (others !== undefined) await others;
    }
    await store(true);
    return table;
  } catch (error) {
    storage.release(table);
    throw error;
  }
}

/** The rows of a table in a file, in batches that own their data. */
export async function* loadedBatches(
  memory: LinearMemory,
  table: Table,
  loader: SegmentLoader,
  ordinals: readonly number[],
): AsyncGenerator<ColumnBatch> {
  const held = new Set<number>();
  const allocate = (bytes: number) => {
    const address = memory.allocate(bytes);
    held.add(address);
    return address;
  };
  const release = (address: number) => {
    if (held.delete(address)) memory.release(address);
  };
  try {
    const unique = [...new Set(ordinals)];
    for await (const part of loader.load(table.rowGroups, unique, { allocate, release })) {
      yield* tableBatches(memory, { ...table, rowGroups: part.groups }, ordinals);
      part.release(false);
    }
  } finally {
    for (const address of held) memory.release(address);
  }
}

/** A new version of the table with the staged rows, made with turns for others. */
export async function appendInTurns(
  storage: TableStorage,
  table: Table,
  staged: StagedRows,
  turn: Turn,
  isLast = true,
): Promise<Table> {
  const steps = storage.appendSteps(table, staged, { isLast });
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      const others = turn();
      if (others !== undefined) await others;
    }
  } finally {
    // Gives back what an append has taken that is not gone through with.
    steps.return(table);
  }
}
