import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import { integerType, varcharType } from '../value/type.ts';
import { rowReader } from '../value/vector.ts';
import { rowsPerGroup } from './layout.ts';
import { MemoryForTests } from './memory-for-tests.ts';
import { readSegment } from './read.ts';
import { StagedRows, TableStorage } from './storage.ts';
import type { StoredSegment } from './stored-segment.ts';
import type { Table } from './table.ts';

const schema: Schema = [
  { name: 'n', type: integerType, nullable: true },
  { name: 's', type: varcharType, nullable: false },
];

const text = new TextEncoder();

/** Rows with n = row (NULL at every tenth) and s = `text <row>`. */
function rows(first: number, rowCount: number): ColumnBatch {
  const data = Int32Array.from({ length: rowCount }, (_, i) => first + i);
  const validity = new Uint8Array((rowCount + 7) >>> 3);
  const offsets = new Uint32Array(rowCount + 1);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < rowCount; i++) {
    if ((first + i) % 10 !== 0) validity[i >>> 3] |= 1 << (i & 7);
    const part = text.encode(`text ${first + i}`);
    parts.push(part);
    offsets[i + 1] = offsets[i] + part.length;
  }
  const bytes = new Uint8Array(offsets[rowCount]);
  parts.forEach((part, i) => bytes.set(part, offsets[i]));
  const n = { form: 'fixed', data, validity } as const;
  return { rowCount, columns: [n, { form: 'string', offsets, bytes }] };
}

function append(storage: TableStorage, table: Table, rowCount: number): Table {
  const staged = new StagedRows(schema, table);
  staged.add(rows(table.rowCount, rowCount));
  return storage.append(table, staged);
}

function segmentOf(table: Table, group: number, ordinal: number): StoredSegment {
  return table.rowGroups[group].segments[ordinal] as StoredSegment;
}

/** Reads some rows of a segment and compares them with what was put in. */
function checkSegment(storage: TableStorage, table: Table, group: number, ordinal: number): void {
  const { firstRow, rowCount } = table.rowGroups[group];
  const { layout } = table.columns[ordinal];
  const segment = segmentOf(table, group, ordinal);
  const { type } = schema[ordinal];
  const read = rowReader(type, readSegment(storage.memory, type, layout, segment, rowCount));
  for (let i = 0; i < rowCount; i += 997) {
    const row = firstRow + i;
    assert.equal(read(i), ordinal === 1 ? `text ${row}` : row % 10 === 0 ? null : row);
  }
}

test('a table four times as large as the memory reads back right, in any order', () => {
  const memory = new MemoryForTests();
  const storage = new TableStorage(memory);
  const groups = 12;
  // A group takes about 1.5 MB.
  memory.limitBytes = 6 << 20;
  let table = storage.empty(schema);
  for (let i = 0; i < groups; i++) {
    const next = append(storage, table, rowsPerGroup);
    storage.release(table);
    table = next;
  }
  const outside = table.rowGroups.filter((_, i) => segmentOf(table, i, 1).isOutside);
  assert.ok(outside.length >= groups / 2, `${outside.length} groups are outside`);
  const random = new Random(3);
  for (let i = 0; i < 40; i++) {
    checkSegment(storage, table, random.int(0, groups - 1), random.int(0, 1));
  }
  storage.release(table);
  assert.equal(storage.blockCount, 0);
});

test('a pinned segment stays where it is; one that is not may go', () => {
  const memory = new MemoryForTests();
  const storage = new TableStorage(memory);
  const empty = storage.empty(schema);
  const table = append(storage, empty, 3 * rowsPerGroup);
  const { pager } = storage;
  const pinned = segmentOf(table, 1, 1);
  pager.pin(pinned);
  const { data } = pinned;
  assert.ok(pager.makeRoom(Infinity) > 0);
  assert.equal(pinned.isOutside, false);
  assert.equal(pinned.data, data);
  assert.equal(segmentOf(table, 0, 1).isOutside, true);
  pager.unpin(pinned);
  pager.makeRoom(Infinity);
  assert.equal(pinned.isOutside, true);
  checkSegment(storage, table, 1, 1);
  storage.release(table);
  storage.release(empty);
  assert.equal(storage.blockCount, 0);
});

test('the segments used least recently go first', () => {
  const storage = new TableStorage(new MemoryForTests());
  const table = append(storage, storage.empty(schema), 4 * rowsPerGroup);
  const { pager } = storage;
  const used = segmentOf(table, 0, 0);
  pager.pin(used);
  pager.unpin(used);
  pager.makeRoom(1);
  assert.equal(used.isOutside, false);
  assert.equal(segmentOf(table, 1, 0).isOutside, true);
  assert.equal(segmentOf(table, 2, 0).isOutside, false);
});

test('appending to a table that is outside, and rewriting its columns, loses nothing', () => {
  const memory = new MemoryForTests();
  const storage = new TableStorage(memory);
  const first = append(storage, storage.empty(schema), 2 * rowsPerGroup);
  storage.pager.makeRoom(Infinity);
  // A value that no 32-bit layout of the old values holds: the first column is rewritten.
  const staged = new StagedRows(schema, first);
  staged.add({
    rowCount: 1,
    columns: [{ form: 'fixed', data: Int32Array.of(-5) }, rows(first.rowCount, 1).columns[1]],
  });
  const second = storage.append(first, staged);
  storage.pager.makeRoom(Infinity);
  for (const table of [first, second]) {
    for (let group = 0; group < 2; group++) {
      for (const ordinal of [0, 1]) checkSegment(storage, table, group, ordinal);
    }
    storage.pager.makeRoom(Infinity);
  }
  storage.release(first);
  storage.pager.makeRoom(Infinity);
  checkSegment(storage, second, 1, 0);
  checkSegment(storage, second, 1, 1);
});

test('one append, and one that rewrites a column, may be of several times the memory', () => {
  const memory = new MemoryForTests();
  const storage = new TableStorage(memory);
  memory.limitBytes = 4 << 20;
  const empty = storage.empty(schema);
  const first = append(storage, empty, 8 * rowsPerGroup);
  storage.release(empty);
  const staged = new StagedRows(schema, first);
  staged.add({
    rowCount: 1,
    columns: [{ form: 'fixed', data: Int32Array.of(-5) }, rows(first.rowCount, 1).columns[1]],
  });
  const second = storage.append(first, staged);
  for (const table of [first, second, first]) {
    for (let group = 7; group >= 0; group--) {
      for (const ordinal of [0, 1]) checkSegment(storage, table, group, ordinal);
    }
  }
  storage.release(first);
  checkSegment(storage, second, 5, 1);
  storage.release(second);
  assert.equal(storage.blockCount, 0);
});

test('an append that fails after some of it has moved out leaves nothing behind', () => {
  const memory = new MemoryForTests();
  const storage = new TableStorage(memory);
  const empty = storage.empty(schema);
  const before = append(storage, empty, 3 * rowsPerGroup + 5);
  const blocks = storage.blockCount;
  const staged = new StagedRows(schema, before);
  staged.add(rows(before.rowCount, 2 * rowsPerGroup));
  // The last column cannot be stored.
  const steps = storage.appendSteps(before, staged);
  for (let i = 0; i < 5; i++) steps.next();
  storage.pager.makeRoom(Infinity);
  memory.limitBytes = 0;
  assert.throws(() => {
    while (steps.next().done !== true);
  }, /out of memory/);
  memory.limitBytes = Infinity;
  for (let group = 0; group < 3; group++) {
    for (const ordinal of [0, 1]) checkSegment(storage, before, group, ordinal);
  }
  assert.equal(storage.blockCount, blocks);
  storage.release(before);
  storage.release(empty);
  assert.equal(storage.blockCount, 0);
});
