import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import type { ColumnBatch, Field, StringVector } from '../value/batch.ts';
import { batchFromRows } from '../value/column-builder.ts';
import {
  bigintType,
  dateType,
  decimalType,
  doubleType,
  hugeintType,
  integerType,
  intervalType,
  realType,
  type SqlType,
  uuidType,
  varcharType,
} from '../value/type.ts';
import type { Value } from '../value/value.ts';
import { MemoryForTests } from './memory-for-tests.ts';
import { tableRows } from './read.ts';
import { StagedRows, TableStorage } from './storage.ts';
import type { Table } from './table.ts';

type Row = (Value | null)[];

function field(name: string, type: SqlType, nullable = true): Field {
  return { name, type, nullable };
}

function append(storage: TableStorage, table: Table, ...batches: ColumnBatch[]): Table {
  const staged = new StagedRows(table.schema, table);
  for (const batch of batches) staged.add(batch);
  return storage.append(table, staged);
}

/** A table of one column. */
function oneColumn(type: SqlType, values: readonly (Value | null)[]) {
  const storage = new TableStorage(new MemoryForTests());
  const schema = [field('x', type)];
  const rows = values.map((value) => [value]);
  const table = append(storage, storage.empty(schema), batchFromRows(schema, rows));
  return { storage, table, column: table.columns[0] };
}

test('integers get the narrowest width, with a base only where it saves bytes', () => {
  const layout = (values: (bigint | null)[]) => {
    const { layout } = oneColumn(bigintType, values).column;
    return layout.kind === 'int' ? `${layout.width} + ${layout.base}` : layout.kind;
  };
  assert.equal(layout([0n, 255n]), '1 + 0');
  assert.equal(layout([0n, 256n]), '2 + 0');
  assert.equal(layout([-1n, 254n]), '1 + -1');
  assert.equal(layout([-1n, 255n]), '2 + -1');
  assert.equal(layout([1000n, 1255n]), '1 + 1000');
  assert.equal(layout([1000n, 1256n]), '2 + 0');
  assert.equal(layout([0n, 2n ** 32n - 1n]), '4 + 0');
  assert.equal(layout([-1n, 2n ** 32n - 1n]), '8 + 0');
  assert.equal(layout([2n ** 60n, 2n ** 60n + 5n]), `1 + ${2n ** 60n}`);
  assert.equal(layout([-(2n ** 63n), 2n ** 63n - 1n]), '8 + 0');
  assert.equal(layout([null, null]), '1 + 0');
  const { column } = oneColumn(hugeintType, [2n ** 63n, 0n]);
  assert.equal(column.layout.kind, 'wide');
  assert.equal(column.statistics.max, 2n ** 63n);
});

test('statistics of a column are exact where the compiler relies on them', () => {
  const statistics = (type: SqlType, values: (Value | null)[]) => {
    const { nullCount, min, max, order, distinctCount } = oneColumn(type, values).column.statistics;
    return { nullCount, min, max, order, distinctCount };
  };
  assert.deepEqual(statistics(integerType, [3, 7, 9]), {
    nullCount: 0,
    min: 3n,
    max: 9n,
    order: 'strict',
    distinctCount: 3,
  });
  assert.deepEqual(statistics(dateType, [3, 3, 9, 9, 10]), {
    nullCount: 0,
    min: 3n,
    max: 10n,
    order: 'ascending',
    distinctCount: 3,
  });
  assert.deepEqual(statistics(decimalType(10, 2), [300n, null, -1n]), {
    nullCount: 1,
    min: -1n,
    max: 300n,
    order: 'none',
    distinctCount: 2,
  });
  assert.deepEqual(statistics(doubleType, [1.5, Number.NaN]), {
    nullCount: 0,
    min: undefined,
    max: undefined,
    order: 'none',
    distinctCount: 2,
  });
  assert.deepEqual(statistics(varcharType, ['b', 'a', 'b', null]), {
    nullCount: 1,
    min: undefined,
    max: undefined,
    order: 'none',
    distinctCount: 2,
  });
});

test('distinct counts of a million rows are near the truth', () => {
  const rowCount = 1_000_000;
  const random = new Random(5);
  const schema = ['few', 'many', 'clustered'].map((name) => field(name, bigintType));
  const batch = {
    rowCount,
    columns: [1000, 2 ** 40].map((domain) => ({
      form: 'fixed' as const,
      data: BigInt64Array.from(
        { length: rowCount },
        () => BigInt(random.int(0, domain - 1)) << 20n,
      ),
    })),
  };
  const clustered = BigInt64Array.from({ length: rowCount }, (_, i) => BigInt(i >>> 2));
  const columns = [...batch.columns, { form: 'fixed' as const, data: clustered }];
  const storage = new TableStorage(new MemoryForTests());
  const table = append(storage, storage.empty(schema), { rowCount, columns });
  const [few, many, ascending] = table.columns.map((column) => column.statistics.distinctCount);
  assert.ok(few > 990 && few <= 1010, `${few}`);
  assert.ok(many > 800_000, `${many}`);
  assert.equal(ascending, rowCount / 4);
});

test('text of few values gets a sorted dictionary, other text lies plain', () => {
  const words = ['pear', 'apple', 'Éclair', '', 'zoo', 'apple pie'];
  const few = oneColumn(
    varcharType,
    Array.from({ length: 1000 }, (_, i) => words[i % 6]),
  );
  assert.equal(few.column.layout.kind, 'dictionary');
  if (few.column.layout.kind === 'dictionary') {
    assert.deepEqual(few.column.layout.dictionary.values, [
      '',
      'apple',
      'apple pie',
      'pear',
      'zoo',
      'Éclair',
    ]);
  }
  assert.equal(few.column.statistics.distinctCount, 6);
  const unique = oneColumn(
    varcharType,
    Array.from({ length: 5000 }, (_, i) => `name ${i}`),
  );
  assert.equal(unique.column.layout.kind, 'string');
});

test('batches of dictionaries of their own are merged; unused entries do not count', () => {
  const strings = (texts: string[]) =>
    batchFromRows(
      [field('x', varcharType)],
      texts.map((text) => [text]),
    ).columns[0] as StringVector;
  const storage = new TableStorage(new MemoryForTests());
  const batches = [
    { codes: [0, 1, 0], texts: ['b', 'a', 'unused'] },
    { codes: [1, 1, 0], texts: ['a', 'c'] },
  ].map(({ codes, texts }) => ({
    rowCount: 3,
    columns: [
      { form: 'dictionary' as const, codes: Uint8Array.from(codes), dictionary: strings(texts) },
    ],
  }));
  const table = append(storage, storage.empty([field('x', varcharType)]), ...batches);
  assert.deepEqual(tableRows(storage.memory, table).flat(), ['b', 'a', 'b', 'c', 'c', 'a']);
  const { layout } = table.columns[0];
  assert.deepEqual(layout.kind === 'dictionary' && layout.dictionary.values, ['a', 'b', 'c']);
});

test('a NULL in a NOT NULL column is refused', () => {
  const schema = [field('id', integerType, false)];
  const staged = new StagedRows(schema);
  assert.throws(() => staged.add(batchFromRows(schema, [[1], [null]])), {
    code: '23502',
    message: 'null value in column "id" violates its NOT NULL constraint',
  });
});

const fuzzTypes: SqlType[] = [
  integerType,
  bigintType,
  hugeintType,
  decimalType(12, 2),
  decimalType(30, 4),
  dateType,
  doubleType,
  realType,
  varcharType,
  intervalType,
  uuidType,
];

/** Values whose range widens as rows are added, so that columns outgrow their layouts. */
function randomValue(random: Random, type: SqlType, magnitude: number): Value | null {
  if (random.chance(0.1)) return null;
  const integer = random.int(-(2 ** magnitude), 2 ** magnitude);
  switch (type.kind) {
    case 'integer':
    case 'date':
      return Math.trunc(integer / 2) | 0;
    case 'double':
      return integer / 8;
    case 'real':
      return Math.fround(integer / 8);
    case 'varchar':
      return `s${integer % (4 * magnitude)}`;
    case 'interval':
      return { months: random.int(-99, 99), days: random.int(-99, 99), micros: BigInt(integer) };
    case 'uuid':
      return `00000000-0000-4000-8000-${random
        .int(0, 2 ** 47)
        .toString(16)
        .padStart(12, '0')}`;
    case 'hugeint':
      return BigInt(integer) << BigInt(magnitude);
    default:
      return BigInt(integer);
  }
}

test('random appends read back as a list of rows would; every version keeps its own; all is freed', () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new Random(seed);
    const types = Array.from({ length: 4 }, () => random.pick(fuzzTypes));
    const schema = types.map((type, i) => field(`c${i}`, type));
    const memory = new MemoryForTests();
    const storage = new TableStorage(memory);
    const versions: { table: Table; rows: Row[] }[] = [{ table: storage.empty(schema), rows: [] }];
    for (let step = 0; step < 14; step++) {
      // Mostly the newest version, at times an older one, as after a statement that was undone.
      const base = random.chance(0.8) ? versions.at(-1)! : random.pick(versions);
      const count = random.pick([0, 1, 3, 100, random.int(1, 9000), random.int(1, 50000)]);
      const magnitude = random.int(1, 3 * step + 5);
      const added = Array.from({ length: count }, () =>
        types.map((type) => randomValue(random, type, magnitude)),
      );
      const cut = random.int(0, count);
      const batches = [added.slice(0, cut), added.slice(cut)].map((rows) =>
        batchFromRows(schema, rows),
      );
      const table = append(storage, base.table, ...batches);
      versions.push({ table, rows: [...base.rows, ...added] });
      if (random.chance(0.3)) {
        const [gone] = versions.splice(random.int(0, versions.length - 1), 1);
        storage.release(gone.table);
        if (versions.length === 0) versions.push({ table: storage.empty(schema), rows: [] });
      }
    }
    for (const { table, rows } of versions) {
      assert.equal(table.rowCount, rows.length);
      const read = tableRows(memory, table);
      for (let row = 0; row < rows.length; row++) {
        const where = `seed ${seed}, row ${row} of ${rows.length}`;
        assert.deepEqual(read[row], rows[row], where);
      }
      checkStatistics(table, rows, seed);
      storage.release(table);
    }
    assert.equal(storage.blockCount, 0, `seed ${seed}`);
  }
});

function checkStatistics(table: Table, rows: readonly Row[], seed: number): void {
  table.columns.forEach(({ statistics, layout }, ordinal) => {
    const values = rows.map((row) => row[ordinal]);
    const present = values.filter((value) => value !== null) as (number | bigint)[];
    assert.equal(statistics.nullCount, values.length - present.length);
    if (layout.kind !== 'int' && layout.kind !== 'float') return;
    const sorted = present.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const where = `seed ${seed}, column ${ordinal}`;
    if (sorted.length === 0) return;
    assert.equal(Number(statistics.min), Number(sorted[0]), where);
    assert.equal(Number(statistics.max), Number(sorted.at(-1)), where);
    for (const group of table.rowGroups) {
      const { zone } = group.segments[ordinal];
      const own = values.slice(group.firstRow, group.firstRow + group.rowCount);
      const base = layout.kind === 'int' ? layout.base : 0n;
      for (const value of own) {
        if (value === null || zone === undefined) continue;
        const stored = typeof value === 'bigint' ? value - base : Number(value) - Number(base);
        assert.ok(stored >= zone.min && stored <= zone.max, where);
      }
    }
  });
}
