/** Whether the rows of a table differ in their key. */
import { assert } from '../base/assert.ts';
import type { LinearMemory } from '../table/linear-memory.ts';
import { tableBatches } from '../table/read.ts';
import type { Table } from '../table/table.ts';
import type { ColumnBatch } from '../value/batch.ts';
import { rowReader } from '../value/vector.ts';

type Key = readonly unknown[];

/**
 * The first key found twice, or undefined when all differ. Statistics answer at once where a column
 * of the key ascends strictly; where its first column ascends, only rows that share its value are
 * compared, as with lines of orders; otherwise all keys go into a set.
 */
export function findDuplicate(
  memory: LinearMemory,
  table: Table,
  key: readonly number[],
): Key | undefined {
  const orders = key.map((ordinal) => table.columns[ordinal].statistics.order);
  if (orders.includes('strict')) return undefined;
  const readers = keyReaders(memory, table, key);
  if (orders[0] !== 'ascending') return duplicateAnywhere(readers);
  const found = duplicateInRuns(readers);
  return found === 'long run' ? duplicateAnywhere(keyReaders(memory, table, key)) : found;
}

/** In longer runs, comparing each with each costs more than a set. */
const runMax = 64;

type Readers = Iterable<{ rowCount: number; read: ((row: number) => unknown)[] }>;

function* keyReaders(memory: LinearMemory, table: Table, key: readonly number[]): Readers {
  for (const batch of tableBatches(memory, table, key)) {
    const read = key.map((ordinal, i) => reader(table, batch, ordinal, i));
    yield { rowCount: batch.rowCount, read };
  }
}

function reader(
  table: Table,
  { columns }: ColumnBatch,
  ordinal: number,
  index: number,
): (row: number) => unknown {
  const vector = columns[index];
  // Straight from the array where it holds numbers: no bigint is made for each row.
  if (vector.form === 'fixed' && !(vector.data instanceof BigInt64Array)) {
    const { data } = vector;
    return (row) => data[row];
  }
  return rowReader(table.schema[ordinal].type, vector);
}

function duplicateInRuns(batches: Readers): Key | 'long run' | undefined {
  /** Keys that share their first value with the last row. */
  let run: Key[] = [];
  for (const { rowCount, read } of batches) {
    const [first, ...rest] = read;
    assert(first !== undefined, 'a key has a column');
    for (let row = 0; row < rowCount; row++) {
      const value = first(row);
      const key = [value, ...rest.map((readColumn) => readColumn(row))];
      if (run.length > 0 && !same(run[0][0], value)) run = [];
      if (run.some((other) => other.every((item, i) => same(item, key[i])))) return key;
      run.push(key);
      if (run.length > runMax) return 'long run';
    }
  }
  return undefined;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a !== typeof b && String(a) === String(b));
}

function duplicateAnywhere(batches: Readers): Key | undefined {
  const seen = new Set<unknown>();
  for (const { rowCount, read } of batches) {
    for (let row = 0; row < rowCount; row++) {
      const key = read.map((readColumn) => readColumn(row));
      const identity = key.length === 1 && typeof key[0] !== 'bigint' ? key[0] : key.join('\0');
      if (seen.has(identity)) return key;
      seen.add(identity);
    }
  }
  return undefined;
}
