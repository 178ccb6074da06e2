/** Whether the rows of a table differ in their key. */
import { assert } from '../base/assert.ts';
import { type RowGroup, rowsPerGroup, type Segment } from '../table/layout.ts';
import type { LinearMemory } from '../table/linear-memory.ts';
import { tableBatches } from '../table/read.ts';
import type { Table } from '../table/table.ts';
import type { ColumnBatch } from '../value/batch.ts';
import { rowReader } from '../value/vector.ts';
import { KeyFilter } from './key-filter.ts';

type Key = readonly unknown[];

/**
 * The first key found twice, or undefined when all differ; the first `known` rows are known to.
 * Statistics answer at once where a column of the key ascends strictly. A few rows added to many
 * are looked up in these. Else, where the first column of the key ascends, only rows that share its
 * value are compared, as with lines of orders; otherwise all keys go into a set.
 */
export function findDuplicate(
  memory: LinearMemory,
  table: Table,
  key: readonly number[],
  known: number,
): Key | undefined {
  const orders = key.map((ordinal) => table.columns[ordinal].statistics.order);
  if (orders.includes('strict')) return undefined;
  if (table.rowCount - known < known / 4) return duplicateOfAdded(memory, table, key, known);
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

/** The keys of one row group. */
function groupKeys(
  memory: LinearMemory,
  table: Table,
  key: readonly number[],
  group: RowGroup,
): (row: number) => Key {
  const [{ read }] = keyReaders(memory, { ...table, rowGroups: [group] }, key);
  return (row) => read.map((readColumn) => readColumn(row));
}

interface GroupFilter {
  /** Those of the key's columns. */
  readonly segments: readonly Segment[];
  readonly filter: KeyFilter;
}

/**
 * What keys full row groups may have, by the segment of their first column: versions of a table
 * share the segments that do not change.
 */
const filters = new WeakMap<Segment, GroupFilter>();

function filterOf(
  memory: LinearMemory,
  table: Table,
  key: readonly number[],
  group: RowGroup,
): KeyFilter {
  const segments = key.map((ordinal) => group.segments[ordinal]);
  const made = filters.get(segments[0]);
  if (made?.segments.every((segment, i) => segment === segments[i])) return made.filter;
  const filter = new KeyFilter(group.rowCount);
  const keyAt = groupKeys(memory, table, key, group);
  for (let row = 0; row < group.rowCount; row++) filter.add(identityOf(keyAt(row)));
  filters.set(segments[0], { segments, filter });
  return filter;
}

/**
 * The rows from `known` on, compared with each other and with those before: in full row groups only
 * where a filter does not rule all of them out.
 */
function duplicateOfAdded(
  memory: LinearMemory,
  table: Table,
  key: readonly number[],
  known: number,
): Key | undefined {
  const added = new Map<unknown, Key>();
  for (const group of table.rowGroups) {
    if (group.firstRow + group.rowCount <= known) continue;
    const keyAt = groupKeys(memory, table, key, group);
    for (let row = Math.max(0, known - group.firstRow); row < group.rowCount; row++) {
      const value = keyAt(row);
      const identity = identityOf(value);
      if (added.has(identity)) return value;
      added.set(identity, value);
    }
  }
  for (const group of table.rowGroups) {
    const count = Math.min(group.rowCount, known - group.firstRow);
    if (count <= 0) break;
    if (group.rowCount === rowsPerGroup && count === rowsPerGroup) {
      const filter = filterOf(memory, table, key, group);
      if (![...added.keys()].some((identity) => filter.mayHave(identity))) continue;
    }
    const keyAt = groupKeys(memory, table, key, group);
    for (let row = 0; row < count; row++) {
      const value = keyAt(row);
      if (added.has(identityOf(value))) return value;
    }
  }
  return undefined;
}

/** Something that is the same for equal keys, as a Map compares. */
function identityOf(key: Key): unknown {
  return key.length === 1 && typeof key[0] !== 'bigint' ? key[0] : key.join('\0');
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
      const identity = identityOf(key);
      if (seen.has(identity)) return key;
      seen.add(identity);
    }
  }
  return undefined;
}
