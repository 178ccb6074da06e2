import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from '@uwdata/flechette';
import { tableNames } from '../h/scale.ts';
import { tableSchemas } from '../h/schema.ts';
import { generateTables } from './generate.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-columns-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function duckdb() {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  return { rows, close: () => connection.closeSync() };
}

const scale = 0.02;
const csv = join(folder, 'csv');

async function writeCsv(): Promise<void> {
  await generateTables({ scale, format: 'csv', out: csv, threads: 2, overwrite: true });
}

test('DuckDB reads the same rows from Parquet as from CSV', async () => {
  await writeCsv();
  const { rows, close } = await duckdb();
  for (const compression of ['zstd', 'snappy', 'none']) {
    const out = join(folder, compression);
    const rowGroupRows = 20_000;
    const options = { scale, out, threads: 2, compression, rowGroupRows } as const;
    await generateTables({ ...options, format: 'parquet' });
    for (const table of tableNames) {
      const parquet = `'${join(out, `${table}.parquet`)}'`;
      const text = `read_csv('${join(csv, `${table}.csv`)}')`;
      const found = await rows(`
        select (select count(*) from ${parquet}),
          (select count(*) from (from ${parquet} except all from ${text})),
          (select count(*) from (from ${text} except all from ${parquet}))`);
      const [[expected]] = (await rows(`select count(*) from ${text}`)) as [[string]];
      assert.deepEqual(found, [[expected, '0', '0']], `${table} with ${compression}`);
    }
  }
  close();
});

test('Parquet has the types of the schema, and statistics', async () => {
  const out = join(folder, 'typed');
  await generateTables({ scale, format: 'parquet', out, tables: ['lineitem'], threads: 2 });
  const { rows, close } = await duckdb();
  const path = `'${join(out, 'lineitem.parquet')}'`;
  const described = await rows(`select column_name, column_type from (describe from ${path})`);
  const names: Record<string, string> = { varchar: 'VARCHAR', bigint: 'BIGINT', date: 'DATE' };
  const expected = tableSchemas.lineitem.map(({ name, type: { kind } }) => {
    return [name, names[kind] ?? (kind === 'decimal' ? 'DECIMAL(15,2)' : 'INTEGER')];
  });
  assert.deepEqual(described, expected);
  const bounds = await rows(`
    select path_in_schema, min(stats_min_value), max(stats_max_value), min(compression)
    from parquet_metadata(${path})
    where path_in_schema in ('l_shipdate', 'l_linestatus') group by 1 order by 1`);
  // Packed codes have nothing to give to zstd, words do.
  const compressed = await rows(`
    select min(compression) from parquet_metadata(${path}) where path_in_schema = 'l_comment'`);
  assert.deepEqual(compressed, [['ZSTD']]);
  const [[first, last]] = (await rows(
    `select min(l_shipdate)::varchar, max(l_shipdate)::varchar from ${path}`,
  )) as [[string, string]];
  assert.deepEqual(bounds, [
    ['l_linestatus', 'F', 'O', 'UNCOMPRESSED'],
    ['l_shipdate', first, last, 'UNCOMPRESSED'],
  ]);
  close();
});

for (const format of ['arrow', 'arrow-stream'] as const) {
  test(`flechette reads ${format}`, async () => {
    const out = join(folder, format);
    await generateTables({ scale: 0.01, format, out, threads: 3, rowGroupRows: 5000 });
    const extension = format === 'arrow' ? 'arrow' : 'arrows';
    for (const table of tableNames) {
      const read = tableFromIPC(readFileSync(join(out, `${table}.${extension}`)));
      assert.deepEqual(
        read.schema.fields.map(({ name }) => name),
        tableSchemas[table].map(({ name }) => name),
      );
      const rows = { customer: 1500, nation: 25, orders: 15_000, part: 2000, partsupp: 8000 };
      const others = { lineitem: 60_175, region: 5, supplier: 100 };
      assert.equal(read.numRows, { ...rows, ...others }[table], table);
    }
    const orders = tableFromIPC(readFileSync(join(out, `orders.${extension}`)));
    const last = (name: string) => orders.getChild(name).at(14_999);
    assert.equal(Number(last('o_orderkey')), 60_000);
    assert.equal(last('o_clerk'), 'Clerk#000000194');
    assert.equal(last('o_comment'), 'usual frets use alongside of the furiou');
  });
}

test('columns of one table only can go to a stream; unknown compressions are refused', async () => {
  const options = { scale: 0.01, out: { descriptor: 1 } } as const;
  await assert.rejects(generateTables({ ...options, format: 'parquet' }), /only one table/);
  const compression = 'lzma';
  const out = join(folder, 'refused');
  const refused = generateTables({ scale: 0.01, format: 'parquet', out, compression });
  await assert.rejects(refused, /there is no compression 'lzma'/);
});
