/** Arrow data of ours, read by an independent library, and the other way round. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as flechette from '@uwdata/flechette';
import { Random } from '../../src/base/random.ts';
import { readArrow } from '../../src/format/arrow/read.ts';
import { writeArrowFile, writeArrowStream } from '../../src/format/arrow/write.ts';
import { bytesSource } from '../../src/format/source.ts';
import type { SqlType } from '../../src/value/type.ts';
import { formatBlob, uuidToHugeint, type Value } from '../../src/value/value.ts';
import { bytesOf, type Row, randomData, rowsOf, streamOf } from './random-batches.ts';

/** The library reads no intervals beyond 104 days. */
const accepts = ({ kind }: SqlType): boolean => kind !== 'hugeint' && kind !== 'interval';

/** What the library makes of a value, with the options below. */
function asRead(type: SqlType, value: Value | null): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case 'date':
      return (value as number) * 86_400_000;
    case 'timestamp':
    case 'timestamptz': {
      // Milliseconds, as the library reckons them.
      const micros = value as bigint;
      return Number(micros / 1000n) + Number(micros % 1000n) / 1000;
    }
    case 'uuid': {
      const hex = (uuidToHugeint(value as string) + (1n << 127n)).toString(16).padStart(32, '0');
      return `\\x${hex}`;
    }
    case 'varchar':
      // The library drops byte-order marks.
      return (value as string).replace(/^\ufeff/, '');
    case 'blob':
      return formatBlob(value as Uint8Array);
    default:
      return value;
  }
}

test('flechette reads what we write, stream and file', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const data = randomData(random, { rowCountMax: 300, accepts });
    const write = seed % 2 === 0 ? writeArrowStream : writeArrowFile;
    const bytes = await bytesOf(write(streamOf(data)));
    const table = flechette.tableFromIPC(bytes, { useBigInt: true, useDecimalInt: true });
    assert.equal(table.numRows, data.rows.length, `seed ${seed}`);
    data.schema.forEach(({ name, type }, i) => {
      const column = table.getChildAt(i);
      assert.equal(table.names[i], name);
      const read = data.rows.map((_, row) => {
        const value = column.at(row) as unknown;
        return value instanceof Uint8Array ? formatBlob(value) : value;
      });
      assert.deepEqual(
        read,
        data.rows.map((row) => asRead(type, row[i])),
        `seed ${seed}, ${name}`,
      );
    });
  }
});

test('we read what flechette writes, dictionaries included', async () => {
  const random = new Random(4);
  for (const format of ['stream', 'file'] as const) {
    for (let round = 0; round < 20; round++) {
      const count = random.int(0, 200);
      const maybe = <T>(make: () => T) =>
        Array.from({ length: count }, () => (random.chance(0.2) ? null : make()));
      const columns = {
        code: maybe(() => random.pick(['one', 'two', 'three'])),
        text: maybe(() => `row ${random.int(0, 1000)}`),
        int: maybe(() => random.int(-1e6, 1e6)),
        byte: maybe(() => random.int(0, 255)),
        half: maybe(() => random.int(-10, 10) / 4),
        flag: maybe(() => random.chance(0.5)),
        long: maybe(() => random.u64() >> 1n),
      };
      const types = {
        code: flechette.dictionary(flechette.utf8()),
        text: flechette.utf8(),
        int: flechette.int32(),
        byte: flechette.uint8(),
        half: flechette.float64(),
        flag: flechette.bool(),
        long: flechette.int64(),
      };
      const table = flechette.tableFromArrays(columns, { types, useBigInt: true });
      const bytes = flechette.tableToIPC(table, { format }) as Uint8Array;
      const read = await readArrow(bytesSource(bytes));
      const names = Object.keys(columns) as (keyof typeof columns)[];
      assert.deepEqual(
        read.schema.map((field) => field.name),
        names,
      );
      const expected: Row[] = Array.from({ length: count }, (_, row) =>
        names.map((name) => columns[name][row]),
      );
      assert.deepEqual(await rowsOf(read), expected, `${format}, round ${round}`);
    }
  }
});
