import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../base/random.ts';
import type { ColumnBatch, Schema } from '../../value/batch.ts';
import { batchFromRows } from '../../value/column-builder.ts';
import * as types from '../../value/type.ts';
import type { Value } from '../../value/value.ts';
import { rowReader } from '../../value/vector.ts';
import { bytesRandomSource } from '../source.ts';
import { PageBuffer, packBits, putDeltas, putHybrid } from './pack.ts';
import { ParquetReader, readParquet } from './read.ts';
import { PageReader, readDeltas32, readDeltas64, readHybrid, unpackBits } from './unpack.ts';
import { writeParquet } from './write.ts';

async function file(schema: Schema, batch: ColumnBatch): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const batches = async function* () {
    yield batch;
  };
  for await (const chunk of writeParquet({ schema, batches: batches() })) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

test('integers of every width pack and unpack', () => {
  const random = new Random(3);
  for (let width = 0; width <= 32; width++) {
    const values = Uint32Array.from({ length: 67 }, () => random.int(0, 2 ** width - 1));
    const out = new PageBuffer(1);
    packBits(out, values, 0, values.length, width);
    const read = new Uint32Array(values.length);
    unpackBits(out.written(), 0, width, read, 0, values.length);
    assert.deepEqual(read, values, `width ${width}`);
  }
});

test('runs and groups read back as they were', () => {
  const random = new Random(4);
  for (let round = 0; round < 300; round++) {
    const width = random.int(1, 20);
    const values: number[] = [];
    while (values.length < 300) {
      const value = random.int(0, 2 ** width - 1);
      for (let count = random.pick([1, 2, 7, 8, 9, 16, 40]); count > 0; count--) values.push(value);
    }
    const out = new PageBuffer(1);
    putHybrid(out, Uint32Array.from(values), values.length, width);
    const read = new Uint32Array(values.length);
    readHybrid(new PageReader(out.written()), width, read, values.length);
    assert.deepEqual([...read], values, `round ${round}`);
  }
});

test('deltas are exact wherever the integers lie', () => {
  const random = new Random(5);
  for (const base of [0, 1e6, 2 ** 31 - 1000, 2 ** 36, 2 ** 52, 2 ** 53 - 1000]) {
    for (const sign of [1, -1]) {
      for (const range of [0, 1, 100, 2 ** 30]) {
        const values = Float64Array.from({ length: random.int(1, 400) }, () => {
          const value = sign * (base + random.int(-range, range));
          return Math.max(-(2 ** 53) + 1, Math.min(2 ** 53 - 1, value));
        });
        const out = new PageBuffer(1);
        putDeltas(out, values, values.length);
        const read = new BigInt64Array(values.length);
        readDeltas64(new PageReader(out.written()), read, values.length);
        assert.deepEqual([...read], Array.from(values, BigInt), `${sign} * ${base} ± ${range}`);
        if (base + range >= 2 ** 31) continue;
        const narrow = new Int32Array(values.length);
        readDeltas32(new PageReader(out.written()), narrow, values.length);
        assert.deepEqual(
          [...narrow],
          Array.from(values, (value) => value + 0),
        );
      }
    }
  }
});

test('64-bit columns keep every bit', async () => {
  const schema: Schema = [{ name: 'a', type: types.bigintType, nullable: true }];
  const edges = [0n, 2n ** 31n, 2n ** 52n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n];
  for (const edge of edges) {
    for (const sign of [1n, -1n]) {
      const rows: (Value | null)[][] = [-2n, -1n, 0n, 1n, 2n].map((step) => {
        return [BigInt.asIntN(64, sign * edge + step)];
      });
      rows.push([null]);
      const source = bytesRandomSource(await file(schema, batchFromRows(schema, rows)));
      for await (const batch of (await readParquet(source)).batches) {
        const read = rowReader(types.bigintType, batch.columns[0]);
        assert.deepEqual(
          rows.map((_, row) => [read(row)]),
          rows,
        );
      }
    }
  }
});

test('columns are chosen by name, and what cannot be stored or read is said so', async () => {
  const schema: Schema = [
    { name: 'a', type: types.integerType, nullable: false },
    { name: 'b', type: types.varcharType, nullable: true },
  ];
  const bytes = await file(
    schema,
    batchFromRows(schema, [
      [1, 'x'],
      [2, null],
    ]),
  );
  const reader = await ParquetReader.open(bytesRandomSource(bytes), { columns: ['b'] });
  assert.deepEqual(reader.schema, [schema[1]]);
  assert.deepEqual(
    reader.footer.rowGroups.map((group) => group.chunks.map((chunk) => chunk.nullCount)),
    [[0, 1]],
  );
  const { columns } = await reader.readRowGroup(0);
  assert.equal(rowReader(types.varcharType, columns[0])(0), 'x');
  await assert.rejects(ParquetReader.open(bytesRandomSource(bytes), { columns: ['c'] }), {
    code: '42703',
  });
  const huge: Schema = [{ name: 'h', type: types.hugeintType, nullable: false }];
  await assert.rejects(file(huge, batchFromRows(huge, [[1n]])), { code: '0A000' });
  await assert.rejects(readParquet(bytesRandomSource(new Uint8Array(100))), {
    code: 'XX001',
    message: 'the data is not a Parquet file: it does not end in PAR1',
  });
});
