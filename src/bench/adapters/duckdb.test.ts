import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Schema } from '../../value/batch.ts';
import { dateType, decimalType, integerType, varcharType } from '../../value/type.ts';
import type { EngineAdapter } from './adapter.ts';
import { openDuckdb } from './duckdb.ts';

let duckdb: EngineAdapter;
const folder = mkdtempSync(join(tmpdir(), 'quern-duckdb-'));

before(async () => {
  duckdb = await openDuckdb({ threads: 1 });
});

after(async () => {
  await duckdb.close();
  rmSync(folder, { recursive: true });
});

const schema: Schema = [
  { name: 'id', type: integerType, nullable: false },
  { name: 'price', type: decimalType(15, 2), nullable: false },
  { name: 'day', type: dateType, nullable: false },
  { name: 'note', type: varcharType, nullable: true },
];

test('it has one thread and says its version', async () => {
  assert.match(duckdb.name, /^duckdb \d+\.\d+/);
  const result = await duckdb.query("select current_setting('threads')");
  assert.deepEqual(result.table().rows, [[1n]]);
});

test('values keep what they are', async () => {
  const sql =
    "select 1::bigint, 2::tinyint, 1.50::decimal(15,2), 2::double, date '1998-12-01', null, 'x'";
  const { rows, types } = (await duckdb.query(sql)).table();
  assert.deepEqual(rows, [[1n, 2n, { decimal: '1.50' }, 2, '1998-12-01', null, 'x']]);
  assert.deepEqual(types.slice(0, 4), ['BIGINT', 'TINYINT', 'DECIMAL(15,2)', 'DOUBLE']);
});

test('the tables of TPC-H load from the generator', async () => {
  await duckdb.loadTpch(0.01);
  const sql = `select l_returnflag, l_linestatus, sum(l_quantity), count(*) from lineitem
    where l_shipdate <= date '1998-09-02' group by all order by all`;
  const { rows } = (await duckdb.query(sql)).table();
  // As published for this scale factor by other generators.
  assert.deepEqual(rows, [
    ['A', 'F', { decimal: '380456.00' }, 14876n],
    ['N', 'F', { decimal: '8971.00' }, 348n],
    ['N', 'O', { decimal: '742802.00' }, 29181n],
    ['R', 'F', { decimal: '381449.00' }, 14902n],
  ]);
});

test('tbl and csv files load into typed tables', async () => {
  const tbl = join(folder, 'a.tbl');
  writeFileSync(tbl, '1|10.05|1998-12-01|say "x", y|\n2|-3.00|1992-01-01|z|\n');
  await duckdb.load('from_tbl', schema, tbl);
  const csv = join(folder, 'a.csv');
  writeFileSync(
    csv,
    'id,price,day,note\n1,10.05,1998-12-01,"say ""x"", y"\n2,-3.00,1992-01-01,z\n',
  );
  await duckdb.load('from_csv', schema, csv);
  const rows = [
    [1n, { decimal: '10.05' }, '1998-12-01', 'say "x", y'],
    [2n, { decimal: '-3.00' }, '1992-01-01', 'z'],
  ];
  for (const name of ['from_tbl', 'from_csv']) {
    const result = await duckdb.query(`select * from ${name} order by id`);
    assert.deepEqual(result.table().rows, rows);
  }
});
