/**
 * Queries over Parquet files: columns are decoded straight into the memory that compiled code
 * reads. The rows must be those that were written, whoever wrote them; broken files are errors.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import type { Database } from '../../src/engine/index.ts';
import { codecNames } from '../../src/format/compression/codec.ts';
import { writeFile } from '../../src/format/node/file.ts';
import { writeParquet } from '../../src/format/parquet/write.ts';
import { open } from '../../src/main/index.ts';
import type { BatchStream } from '../../src/value/batch.ts';
import type { SqlType } from '../../src/value/type.ts';
import { breakBytes } from './break-bytes.ts';
import { openDuckDb } from './duckdb.ts';
import { bytesOf, type Row, randomData, rowsOf, streamOf } from './random-batches.ts';

const accepts = ({ kind }: SqlType): boolean => kind !== 'hugeint' && kind !== 'interval';

let directory: string;
let databases: readonly Database[];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quern-parquet-query-'));
  databases = await Promise.all([open(undefined, { threads: 1 }), open(undefined, { threads: 2 })]);
});

after(async () => {
  await Promise.all(databases.map((db) => db.close()));
  await rm(directory, { recursive: true });
});

async function query(sql: string, seed: number): Promise<Row[]> {
  const db = databases[seed % databases.length];
  const { schema, batches } = await db.query(sql);
  const stream: BatchStream = {
    schema,
    batches: asStream(batches),
  };
  return rowsOf(stream);
}

async function memoryInUse(): Promise<unknown> {
  return Promise.all(databases.map(async (db) => (await db.query('show memory_usage')).values()));
}

async function* asStream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** DuckDB's dictionaries keep one zero for both signs. */
function unsigned(rows: readonly Row[]): Row[] {
  return rows.map((row) => row.map((value) => (Object.is(value, -0) ? 0 : value)));
}

test('files of ours: all rows, single columns, counts', async () => {
  let memory: unknown;
  for (let seed = 1; seed <= 40; seed++) {
    // The first statements take some memory for all that follow.
    if (seed === 3) memory = await memoryInUse();
    const random = new Random(seed);
    const data = randomData(random, { rowCountMax: seed % 8 === 0 ? 9000 : 300, accepts });
    const path = join(directory, `ours-${seed}.parquet`);
    const codec = codecNames[seed % codecNames.length];
    const rowGroupRows = random.pick([50, 1000, 100_000]);
    await writeFile(path, writeParquet(streamOf(data), { codec, rowGroupRows }));
    assert.deepEqual(await query(`select * from '${path}'`, seed), data.rows, `seed ${seed}`);
    const column = random.int(0, data.schema.length - 1);
    const name = `"${data.schema[column].name.replaceAll('"', '""')}"`;
    const single = data.rows.map((row) => [row[column]]);
    const found = await query(`select ${name} from '${path}'`, seed);
    assert.deepEqual(found, single, `seed ${seed}, ${name}`);
    const present = single.filter(([value]) => value !== null).length;
    const counts = await query(`select count(*), count(${name}) from '${path}'`, seed);
    assert.deepEqual(counts, [[BigInt(single.length), BigInt(present)]], `seed ${seed}`);
  }
  assert.deepEqual(await memoryInUse(), memory, 'all memory is given back');
});

test('files of DuckDB, in all its encodings', async (context) => {
  const duck = await openDuckDb(context);
  if (duck === undefined) return;
  const ours = join(directory, 'ours.parquet');
  for (let seed = 1; seed <= 32; seed++) {
    const random = new Random(seed);
    const data = randomData(random, { rowCountMax: seed % 4 === 0 ? 9000 : 300, accepts });
    await writeFile(ours, writeParquet(streamOf(data)));
    const theirs = join(directory, `duck-${seed}.parquet`);
    const codec = random.pick(['uncompressed', 'snappy', 'gzip', 'zstd']);
    const version = random.pick(['V1', 'V2']);
    await duck.run(
      `copy (from '${ours}') to '${theirs}'
       (format parquet, codec '${codec}', parquet_version '${version}', row_group_size 2048)`,
    );
    assert.deepEqual(
      unsigned(await query(`from '${theirs}'`, seed)),
      unsigned(data.rows),
      `seed ${seed}, ${codec}, ${version}`,
    );
  }
  duck.close();
});

test('filters and groups are the same as over a table', async () => {
  const path = join(directory, 'groups.parquet');
  const db = databases[1];
  const lines = Array.from({ length: 150_000 }, (_, i) => {
    const name = i % 11 === 0 ? '' : `group ${i % 13}`;
    return `${i},${i % 7},${name},${(i % 1000) / 8},row ${i}\n`;
  });
  const csv = join(directory, 'groups.csv');
  await writeFile(csv, asStream([Buffer.from(lines.join(''))]));
  await db.query(
    'create table t (id bigint, n integer, name text, price decimal(9,3), label text)',
  );
  await db.query(`copy t from '${csv}'`);
  await db.query(`copy t to '${path}' (format parquet, row_group_size 40000)`);
  const queries = [
    (t: string) =>
      `select name, count(*), sum(price), min(label) from ${t} group by name order by 1`,
    (t: string) => `select count(*), min(id), max(id) from ${t} where id between 45000 and 45010`,
    (t: string) => `select n, sum(id) from ${t} where name = 'group 3' group by n order by n`,
    (t: string) => `select label from ${t} where label like '%9999' order by label`,
    (t: string) => `select a.id, b.name from ${t} a join ${t} b on a.id = b.id * 2
      where b.name is null and a.id % 1000 = 22 order by 1`,
    (t: string) => `select count(*) from ${t} where name is null`,
    (t: string) => `select * from ${t} order by id desc limit 3`,
  ];
  for (const [i, text] of queries.entries()) {
    const expected = await db.query(text('t'));
    for (const database of databases) {
      const found = await database.query(text(`'${path}'`));
      assert.deepEqual(found.values(), expected.values(), `query ${i}`);
    }
  }
});

test('nested columns are refused only where they are read', async (context) => {
  const duck = await openDuckDb(context);
  if (duck === undefined) return;
  const path = join(directory, 'nested.parquet');
  await duck.run(`copy (select 1 as a, [1, 2] as list, {'x': 3} as s) to '${path}'`);
  duck.close();
  assert.deepEqual(await query(`select a from '${path}'`, 0), [[1]]);
  for (const columns of ['*', 'list', 's']) {
    await assert.rejects(query(`select ${columns} from '${path}'`, 0), {
      code: '0A000',
      message: /column "(list|s)": nested and repeated columns are not supported/,
    });
  }
});

test('broken files are errors that name them, or rows, and leave nothing behind', async () => {
  const memory = await memoryInUse();
  const path = join(directory, 'broken.parquet');
  let failures = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = new Random(seed);
    const data = randomData(random, { rowCountMax: random.pick([5, 40, 600]), accepts });
    const codec = random.pick(['none', 'none', 'snappy', 'snappy', 'zstd'] as const);
    const bytes = await bytesOf(writeParquet(streamOf(data), { codec, rowGroupRows: 200 }));
    // Most of them in the pages, which the checks of the footer do not see.
    const footer = random.chance(0.3)
      ? 0
      : new DataView(bytes.buffer).getUint32(bytes.length - 8, true) + 8;
    const broken = breakBytes(random, bytes.subarray(0, bytes.length - footer));
    const whole = Buffer.concat([broken, bytes.subarray(bytes.length - footer)]);
    await writeFile(path, asStream([whole]));
    try {
      await query(`select * from '${path}'`, seed);
    } catch (error) {
      failures++;
      const { name, stack, message, code } = error as Error & { code: string };
      assert.equal(name, 'QuernError', `seed ${seed}: ${stack}`);
      assert.notEqual(code, 'XX000', `seed ${seed}: ${stack}`);
      assert.ok(message.includes(path) || code === '42703', `seed ${seed}: ${message}`);
    }
  }
  assert.ok(failures > 150, `only ${failures} of 400 broken files were refused`);
  assert.deepEqual(await memoryInUse(), memory, 'all memory is given back');
});
