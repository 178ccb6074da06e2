/** Parquet files of ours, read by DuckDB, and the other way round. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { codecNames } from '../../src/format/compression/codec.ts';
import { openRandomFile, writeFile } from '../../src/format/node/file.ts';
import { readParquet } from '../../src/format/parquet/read.ts';
import { writeParquet } from '../../src/format/parquet/write.ts';
import { type SqlType, typeName } from '../../src/value/type.ts';
import { formatValue, type Value } from '../../src/value/value.ts';
import { canonicalColumns, canonicalRow, openDuckDb, withNumbers } from './duckdb.ts';
import { type Row, randomData, rowsOf, streamOf } from './random-batches.ts';

const accepts = ({ kind }: SqlType): boolean => kind !== 'hugeint' && kind !== 'interval';

test('DuckDB reads what we write: rows, types, statistics', async (context) => {
  const duck = await openDuckDb(context);
  if (duck === undefined) return;
  const directory = await mkdtemp(join(tmpdir(), 'quern-parquet-'));
  try {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const data = randomData(random, { rowCountMax: seed % 8 === 0 ? 9000 : 200, accepts });
      const path = join(directory, `${seed}.parquet`);
      const codec = codecNames[seed % codecNames.length];
      const rowGroupRows = random.pick([50, 1000, 100_000]);
      await writeFile(path, writeParquet(streamOf(data), { codec, rowGroupRows }));
      const { schema, rows } = data;
      const found: (string | null)[][] = await duck.rows(
        `select ${canonicalColumns(schema)} from '${path}'`,
      );
      const expected = rows.map((row) => canonicalRow(schema, row));
      assert.deepEqual(withNumbers(schema, found), expected, `seed ${seed}`);
      // Filters that statistics may answer: nothing may be lost.
      for (const { name, type } of schema) {
        if (type.kind === 'blob' || type.kind === 'boolean') continue;
        const column = `"${name.replaceAll('"', '""')}"`;
        const bounds = `select min(${column}) a, max(${column}) b from '${path}'`;
        const between = `${column} between (select a from m) and (select b from m)`;
        const [[count]] = await duck.rows(
          `with m as (${bounds}) select count(*)::varchar from '${path}' where ${between}`,
        );
        const index = schema.findIndex((field) => field.name === name);
        assert.equal(
          count,
          String(rows.filter((row) => row[index] !== null).length),
          `seed ${seed}`,
        );
      }
    }
  } finally {
    await rm(directory, { recursive: true });
    duck.close();
  }
});

test('we read what DuckDB writes, in all its encodings', async (context) => {
  const duck = await openDuckDb(context);
  if (duck === undefined) return;
  const directory = await mkdtemp(join(tmpdir(), 'quern-parquet-'));
  try {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const data = randomData(random, { rowCountMax: seed % 4 === 0 ? 9000 : 300, accepts });
      const ours = join(directory, 'ours.parquet');
      const theirs = join(directory, 'theirs.parquet');
      await writeFile(ours, writeParquet(streamOf(data)));
      const codec = random.pick(['uncompressed', 'snappy', 'gzip', 'zstd']);
      const version = random.pick(['V1', 'V2']);
      await duck.run(
        `copy (from '${ours}') to '${theirs}'
         (format parquet, codec '${codec}', parquet_version '${version}', row_group_size 2048)`,
      );
      const read = await readParquet(await openRandomFile(theirs));
      assert.deepEqual(
        unsigned(await rowsOf(read)),
        unsigned(data.rows),
        `seed ${seed}, ${codec}, ${version}`,
      );
    }
  } finally {
    await rm(directory, { recursive: true });
    duck.close();
  }
});

test('types of files that we do not write', async (context) => {
  const duck = await openDuckDb(context);
  if (duck === undefined) return;
  const directory = await mkdtemp(join(tmpdir(), 'quern-parquet-'));
  try {
    const path = join(directory, 'types.parquet');
    await duck.run(
      `copy (select interval '14 months 3 days 04:05:06.789' as i, 200::utinyint as a,
         60000::usmallint as b, 4000000000::uinteger as c, 18446744073709551615::ubigint as d,
         timestamp_ns '2024-01-31 10:20:30.123456789' as n, timestamp_s '2024-01-31 10:20:30' as s,
         [1, 2] as list, 'x'::enum('x', 'y') as e) to '${path}' (format parquet)`,
    );
    await assert.rejects(readParquet(await openRandomFile(path)), {
      code: '0A000',
      message: `${path}, column "list": nested and repeated columns are not supported`,
    });
    const columns = ['i', 'a', 'b', 'c', 'd', 'n', 's', 'e'];
    const read = await readParquet(await openRandomFile(path), { columns });
    const [row] = await rowsOf(read);
    const texts = row.map((value, i) => formatValue(read.schema[i].type, value as Value));
    assert.deepEqual(
      read.schema.map((field, i) => `${typeName(field.type)} ${texts[i]}`),
      [
        'INTERVAL 1 year 2 months 3 days 04:05:06.789',
        'SMALLINT 200',
        'INTEGER 60000',
        'BIGINT 4000000000',
        'DECIMAL(20,0) 18446744073709551615',
        'TIMESTAMP 2024-01-31 10:20:30.123456',
        'TIMESTAMP 2024-01-31 10:20:30',
        'VARCHAR x',
      ],
    );
  } finally {
    await rm(directory, { recursive: true });
    duck.close();
  }
});

/** DuckDB's dictionaries keep one zero for both signs. */
function unsigned(rows: readonly Row[]): Row[] {
  return rows.map((row) => row.map((value) => (Object.is(value, -0) ? 0 : value)));
}
