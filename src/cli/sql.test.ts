import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readArrow } from '../format/arrow/read.ts';
import { bytesSource } from '../format/source.ts';
import { rowReader } from '../value/vector.ts';
import { main } from './main.ts';
import { capture } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-cli-'));
after(() => rmSync(folder, { recursive: true }));

async function quern(args: string[], stdin = '') {
  const { io, out, err, bytes } = capture(stdin);
  const code = await main(args, io);
  return { code, out: out(), err: err(), bytes: bytes() };
}

const twoRows = 'select * from range(2) as r(i)';

test('-c runs statements and writes their results in the wanted format', async () => {
  const table = await quern(['-c', "select 42 as answer, 'x' as name"]);
  assert.deepEqual([table.code, table.err], [0, '']);
  assert.match(table.out, /│ answer │ name │\n├─+┼─+┤\n│ {5}42 │ x {4}│\n/);
  assert.equal((await quern(['--format', 'csv', '-c', twoRows])).out, 'i\n0\n1\n');
  assert.equal((await quern(['--format', 'values', '-c', 'select 1; select 2'])).out, '1\n2\n');
  const json = await quern(['--format', 'json', '-c', "select 1.50 as d, date '2024-02-29' as t"]);
  assert.equal(json.out, '[\n{"d":1.50,"t":"2024-02-29"}\n]\n');
  assert.equal((await quern(['-c', 'create table t (a integer)'])).out, '');
});

test('lines for the shell work in scripts too, between statements', async () => {
  const script = [
    "create table t (a integer not null, b varchar); insert into t values (1, '",
    ".tables\n');",
    '.mode csv',
    '.tables',
    '\\d t',
    '.schema',
    '.mode line',
    'select a, b from t;',
    '.quit',
    'select nothing;',
  ].join('\n');
  const { code, out, err } = await quern([], script);
  assert.deepEqual([code, err], [0, '']);
  const schema = 'table_name,column_name,data_type,is_nullable\nt,a,INTEGER,NO\nt,b,VARCHAR,YES\n';
  assert.ok(out.startsWith('name\nt\n'), out);
  assert.match(out, /a,INTEGER,NO\n/);
  assert.ok(out.includes(schema), out);
  assert.ok(out.endsWith('a = 1\nb = \n.tables\n\n'), out);
  const wrong = await quern([], '.tabels\n');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /unknown command \.tabels, not \.tables\?/);
});

test('-f runs a file, stdin is read when nothing else is given', async () => {
  const path = join(folder, 'script.sql');
  writeFileSync(path, "-- a script\ncreate table t as select 'a;b' as s;\nselect s from t;\n");
  assert.equal((await quern(['-f', path, '--format', 'values'])).out, 'a;b\n');
  assert.equal((await quern(['--format', 'values'], 'select 7')).out, '7\n');
});

test('an error of SQL shows where it is and ends the script with exit code 1', async () => {
  const { code, out, err } = await quern([
    '--format',
    'values',
    '-c',
    'select 1; select nope; select 2',
  ]);
  assert.deepEqual([code, out], [1, '1\n']);
  assert.match(err, /^error: [^\n]*"nope"[\s\S]*select nope\n {7,}\s*\^\^\^\^\n/);
});

test('arrow and parquet are written as bytes', async () => {
  const arrow = await quern(['--format', 'arrow', '-c', twoRows]);
  const stream = await readArrow(bytesSource(arrow.bytes));
  const values: unknown[] = [];
  for await (const batch of stream.batches) {
    const read = rowReader(stream.schema[0].type, batch.columns[0]);
    for (let row = 0; row < batch.rowCount; row++) values.push(Number(read(row)));
  }
  assert.deepEqual(values, [0, 1]);
  const parquet = await quern(['--format', 'parquet', '-c', twoRows]);
  assert.equal(Buffer.from(parquet.bytes.subarray(-4)).toString(), 'PAR1');
});
