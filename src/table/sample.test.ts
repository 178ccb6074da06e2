import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Field } from '../value/batch.ts';
import { batchFromRows } from '../value/column-builder.ts';
import {
  bigintType,
  doubleType,
  hugeintType,
  integerType,
  intervalType,
  realType,
  type SqlType,
  varcharType,
} from '../value/type.ts';
import { MemoryForTests } from './memory-for-tests.ts';
import type { SampledColumn } from './sample.ts';
import { StagedRows, TableStorage } from './storage.ts';
import type { Table } from './table.ts';

function field(name: string, type: SqlType): Field {
  return { name, type, nullable: true };
}

function append(storage: TableStorage, table: Table, rows: readonly (readonly unknown[])[]): Table {
  const staged = new StagedRows(table.schema, table);
  staged.add(batchFromRows(table.schema, rows as Parameters<typeof batchFromRows>[1]));
  return storage.append(table, staged);
}

/** What the sample has of a column in a row. */
function sampled(column: SampledColumn | undefined, row: number): unknown {
  assert.ok(column !== undefined);
  if (column.nulls?.[row] === 1) return null;
  if (column.kind === 'numbers') return column.base + column.data[row];
  if (column.kind === 'codes') return column.values[column.data[row]];
  const from = column.starts[row];
  return new TextDecoder().decode(column.bytes.subarray(from, from + column.lengths[row]));
}

test('the sample of a small table has every row once, in whatever layout', () => {
  const storage = new TableStorage(new MemoryForTests());
  const types = [
    bigintType,
    bigintType,
    hugeintType,
    doubleType,
    realType,
    varcharType,
    varcharType,
  ];
  const schema = types.map((type, i) => field(`c${i}`, type));
  const rows = Array.from({ length: 3000 }, (_, i) => {
    const isNull = i % 7 === 0;
    const values = [
      BigInt(1_000_000 + i),
      BigInt(i) * 2n ** 40n - 5n,
      BigInt(i) * 2n ** 70n,
      i / 8,
      -i / 4,
      `word ${i % 11}`,
      `text ${i} that is met once`,
    ];
    return isNull ? values.map(() => null) : values;
  });
  const { sample, columns } = append(storage, storage.empty(schema), rows);
  assert.deepEqual(
    columns.map(({ layout }) => layout.kind),
    ['int', 'int', 'wide', 'float', 'float', 'dictionary', 'string'],
  );
  assert.equal(sample?.rowCount, rows.length);
  const text = (row: readonly unknown[]) => row.map(String).join(' ');
  const expected = rows.map((row) =>
    text(row.map((value) => (typeof value === 'bigint' ? Number(value) : value))),
  );
  const found = rows.map((_, row) => text(sample.columns.map((column) => sampled(column, row))));
  assert.deepEqual(found.sort(), expected.sort());
});

test('the rows of a sample go together, are spread evenly, and the first ones are too', () => {
  const storage = new TableStorage(new MemoryForTests());
  const schema = [field('i', integerType), field('j', integerType), field('t', varcharType)];
  const count = 200_000;
  const rows = Array.from({ length: count }, (_, i) => [i, 3 * i + 1, `text ${i}`]);
  const { sample } = append(storage, storage.empty(schema), rows);
  assert.ok(sample !== undefined && sample.rowCount < count / 10);
  const numbers = Array.from({ length: sample.rowCount }, (_, row) => {
    const value = sampled(sample.columns[0], row) as number;
    assert.equal(sampled(sample.columns[1], row), 3 * value + 1);
    return value;
  });
  assert.equal(new Set(numbers).size, numbers.length, 'no row is there twice');
  const texts = sample.columns[2];
  assert.ok(texts?.kind === 'texts' && texts.lengths.length < sample.rowCount);
  for (let row = 0; row < texts.lengths.length; row += 97) {
    assert.equal(sampled(texts, row), `text ${numbers[row]}`);
  }
  for (const length of [512, 2000, numbers.length]) {
    const tenths = new Array(10).fill(0);
    for (const value of numbers.slice(0, length)) tenths[Math.floor((10 * value) / count)]++;
    for (const tenth of tenths) {
      assert.ok(
        Math.abs(tenth - length / 10) < 3 + length / 200,
        `${tenth} of ${length} in a tenth`,
      );
    }
  }
});

test('tables of other columns are sampled in other rows', () => {
  const storage = new TableStorage(new MemoryForTests());
  const rows = Array.from({ length: 100_000 }, (_, i) => [i]);
  const picked = ['a', 'b'].map((name) => {
    const { sample } = append(storage, storage.empty([field(name, integerType)]), rows);
    return new Set(Array.from({ length: 16384 }, (_, row) => sampled(sample?.columns[0], row)));
  });
  const both = [...picked[0]].filter((row) => picked[1].has(row)).length;
  // By chance: 16384 * 16384 / 100000.
  assert.ok(both > 2200 && both < 3200, `${both} rows are in both samples`);
});

test('a sample is taken anew when the table has grown by much, and kept meanwhile', () => {
  const storage = new TableStorage(new MemoryForTests());
  const rows = (count: number) => Array.from({ length: count }, (_, i) => [i]);
  const first = append(storage, storage.empty([field('a', integerType)]), rows(1000));
  const second = append(storage, first, rows(10));
  assert.equal(second.sample, first.sample);
  const third = append(storage, second, rows(1000));
  assert.equal(third.sample?.rowCount, 2010);
  assert.equal(first.sample?.rowCount, 1000);
});

test('what has no order is not sampled', () => {
  const storage = new TableStorage(new MemoryForTests());
  const schema = [field('a', intervalType), field('b', integerType)];
  const rows = [[{ months: 1, days: 2, micros: 3n }, 1]];
  const { sample } = append(storage, storage.empty(schema), rows);
  assert.equal(sample?.columns[0], undefined);
  assert.equal(sampled(sample?.columns[1], 0), 1);
});
