import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ColumnBatch, Schema } from '../../../value/batch.ts';
import { formatDate } from '../../../value/date.ts';
import { formatDecimal } from '../../../value/decimal.ts';
import { rowReader } from '../../../value/vector.ts';
import { referenceLines } from '../reference/rows.ts';
import { partRange, scaleOf, type TableName, tableNames, unitCount } from '../scale.ts';
import { tableSchemas } from '../schema.ts';
import type { KernelOutput } from './config.ts';
import { buildKernel } from './kernel.ts';
import { KernelInstance } from './runtime.ts';

function makeKernel(
  factor: number,
  output: KernelOutput,
  tables: readonly TableName[] = tableNames,
): KernelInstance {
  return KernelInstance.create(buildKernel({ scale: scaleOf(factor), output, tables }, false));
}

/** Units of one call: odd numbers, so that batches end where nobody expects it. */
const runUnits = [1, 511, 513, 1537, 2048];

/** The text of every table of a kernel over a range of each group, handed out in pieces. */
function writeText(
  kernel: KernelInstance,
  rangeOf: (table: TableName) => { start: number; count: number },
  write: (table: TableName, bytes: Uint8Array) => void,
): void {
  for (const group of kernel.plan.groups) {
    const { start, count } = rangeOf(group.name);
    for (let done = 0, call = 0; done < count; call++) {
      const units = Math.min(runUnits[call % runUnits.length]!, count - done);
      const run = { start: start + done, count: units, origin: start };
      for (const { table, bytes } of kernel.text(group, run)) {
        write(table, bytes);
      }
      done += units;
    }
  }
}

function digestsAt(factor: number): Record<string, string> {
  const scale = scaleOf(factor);
  const hashes = new Map(tableNames.map((table) => [table, createHash('md5')]));
  writeText(
    makeKernel(factor, 'tbl'),
    (table) => ({ start: 0, count: unitCount(table, scale) }),
    (table, bytes) => hashes.get(table)!.update(bytes),
  );
  return Object.fromEntries([...hashes].map(([table, hash]) => [table, hash.digest('hex')]));
}

test('the files of scale factor 0.01 are those of dbgen', () => {
  assert.deepEqual(digestsAt(0.01), {
    customer: 'a8aa97edad6d47b183a569759fbd3eec',
    lineitem: '4c6d44350a1f7974f56f5d3d7091c2be',
    nation: '2f588e0b7fa72939b498c2abecd9fbbe',
    orders: 'c8d2008fb47f47f9e56543d4cb0f4e6a',
    part: '9cce16188c241c25617ca5ed6191e37e',
    partsupp: 'c6889c3ed0939ca02475f7fb410cbb50',
    region: 'c235841b00d29ad4f817771fcc851207',
    supplier: '56e0621c472064c2a998757c70b44043',
  });
});

test('the files of scale factor 0.1 are those of dbgen', () => {
  assert.deepEqual(digestsAt(0.1), {
    customer: '8f279b30fee7203e32886be01efd823b',
    lineitem: 'dec17abbc566d431f5808c5c9f81b8a5',
    nation: '2f588e0b7fa72939b498c2abecd9fbbe',
    orders: '2520d48234df183e47c57027a52007ee',
    part: '3f5dc86fbedff28bf1a88bea8341aa6f',
    partsupp: 'e3bd40ee500c9cc88fd14a4dc904c09e',
    region: 'c235841b00d29ad4f817771fcc851207',
    supplier: '85f567a75bd806f3ccff89341866ab1c',
  });
});

test('the files of scale factor 1 are those of dbgen', () => {
  assert.deepEqual(digestsAt(1), {
    customer: 'b662b705bc3ac183c1942367cf522e42',
    lineitem: 'e6368ad3f339bf1d4a3b8a1beba23870',
    nation: '2f588e0b7fa72939b498c2abecd9fbbe',
    orders: '62264a9feaa3a3fd59805910dfe18a30',
    part: 'b7ca9b82dc3d9c6543a96faac588a281',
    partsupp: '1b531d9b3963dd72c920179b31135e84',
    region: 'c235841b00d29ad4f817771fcc851207',
    supplier: '565f8733ecdb2faf654a3efe0a422957',
  });
});

/** Parts of a table at a scale factor, small ones, out of the beginning, the middle and the end. */
function samples(table: TableName, factor: number): { start: number; count: number }[] {
  const total = unitCount(table, scaleOf(factor));
  const parts = Math.max(1, Math.floor(total / 30));
  const chosen = [1, Math.floor(parts / 3) + 1, Math.floor(parts * 0.77) + 1, parts];
  return chosen.map((part) => partRange(total, Math.min(part, parts), parts));
}

function linesOf(bytes: Uint8Array[]): string[] {
  const decoder = new TextDecoder();
  return bytes
    .map((piece) => decoder.decode(piece))
    .join('')
    .split('\n')
    .slice(0, -1);
}

function expectedLines(
  table: TableName,
  factor: number,
  range: { start: number; count: number },
): string[] {
  return [...referenceLines(table, scaleOf(factor), range)].map((line) => line.slice(0, -1));
}

/**
 * Around the limits: keys of nine digits and more, of more than 31 bits, ranges beyond 2^21 and
 * 2^31, and the 64-bit streams.
 */
const largeFactors = [1.5, 13, 14, 67, 300, 1000, 3000, 10_000, 29_999, 30_000, 100_000];

for (const factor of largeFactors) {
  test(`samples of scale factor ${factor} are those of the reference model`, () => {
    for (const table of tableNames) {
      for (const range of samples(table, factor)) {
        const pieces: Uint8Array[] = [];
        writeText(
          makeKernel(factor, 'tbl', [table]),
          () => range,
          (_table, bytes) => pieces.push(bytes.slice()),
        );
        const expected = expectedLines(table, factor, range);
        assert.deepEqual(linesOf(pieces), expected, `${table} from ${range.start}`);
      }
    }
  });
}

test('64-bit streams are walked to a place in the middle of a part', () => {
  const origin = 1_000_000;
  const kernel = makeKernel(30_000, 'tbl', ['orders', 'lineitem']);
  const group = kernel.group('orders');
  const text = (start: number, count: number) =>
    kernel.text(group, { start, count, origin }).map(({ bytes }) => linesOf([bytes.slice()]));
  const whole = text(origin, 60);
  const ahead = text(origin + 40, 20);
  const back = text(origin + 10, 20);
  assert.deepEqual(ahead[0], whole[0]!.slice(40));
  assert.deepEqual(back[0], whole[0]!.slice(10, 30));
  assert.deepEqual(whole[0], expectedLines('orders', 30_000, { start: origin, count: 60 }));
});

/** Rows of columns as dbgen would write them. */
function renderRows(schema: Schema, batch: ColumnBatch): string[] {
  const readers = schema.map(({ type }, index) => {
    const read = rowReader(type, batch.columns[index]!);
    if (type.kind === 'decimal') return (row: number) => formatDecimal(read(row) as bigint, 2);
    if (type.kind === 'date') return (row: number) => formatDate(read(row) as number);
    return (row: number) => String(read(row));
  });
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const values = readers.map((read) => read(row));
    // dbgen writes quantities without a fraction.
    if (schema.length === 16) values[4] = values[4]!.replace('.00', '');
    return `${values.join('|')}|`;
  });
}

for (const factor of [0.003, 70, 1000, 30_000]) {
  test(`columns of scale factor ${factor} have the values of the reference model`, () => {
    for (const table of tableNames) {
      const scale = scaleOf(factor);
      const range = partRange(
        unitCount(table, scale),
        1,
        Math.ceil(unitCount(table, scale) / 5000),
      );
      const kernel = makeKernel(factor, 'columns', [table]);
      const rows = [1, 600, range.count - 601].flatMap((count, call) => {
        if (count <= 0 && call > 0) return [];
        const start = [0, 1, 601][call]!;
        const run = { start, count: Math.min(count, range.count - start) };
        const found = kernel.columns(kernel.plan.groups[0]!, run);
        assert.equal(found.length, 1);
        return renderRows(tableSchemas[table], found[0]!.batch);
      });
      const expected = expectedLines(table, factor, range);
      assert.deepEqual(rows, expected.slice(0, rows.length), table);
    }
  });
}
