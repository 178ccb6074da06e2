import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchFromRows } from './column-builder.ts';
import * as types from './type.ts';
import type { Value } from './value.ts';
import { rowReader } from './vector.ts';

test('what goes into a column comes out of it, NULLs included', () => {
  const cases: [types.SqlType, Value[]][] = [
    [types.booleanType, [true, false]],
    [types.smallintType, [-32768, 32767]],
    [types.bigintType, [-(2n ** 63n), 2n ** 63n - 1n]],
    [types.hugeintType, [-(2n ** 127n), 2n ** 127n - 1n, -1n, 2n ** 64n]],
    [types.decimalType(15, 2), [-1n, 10n ** 15n - 1n]],
    [types.decimalType(38, 10), [-(10n ** 38n) + 1n, 1n]],
    [types.realType, [0.5, -0.25]],
    [types.varcharType, ['', 'naïve 𝄞', 'x'.repeat(100)]],
    [types.blobType, [Uint8Array.of(), Uint8Array.of(0, 255)]],
    [types.dateType, [-719162, 2932896]],
    [
      types.intervalType,
      [
        { months: -1, days: -2, micros: -3n },
        { months: 5, days: 6, micros: 7n },
      ],
    ],
    [
      types.uuidType,
      ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ],
  ];
  for (const [type, values] of cases) {
    const rows = [...values, null, values[0]].map((value) => [value]);
    const batch = batchFromRows([{ name: 'a', type, nullable: true }], rows);
    const read = rowReader(type, batch.columns[0]);
    assert.deepEqual(
      rows.map((_, row) => [read(row)]),
      rows,
      types.typeName(type),
    );
  }
});
