import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuernError } from '../../src/base/error.ts';
import type { EngineAdapter } from '../../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../../src/bench/adapters/duckdb.ts';
import type { Cell, ResultTable } from '../../src/bench/result-table.ts';
import { readScript, scriptFiles } from './files.ts';
import { formatScript, parseScript, ScriptError } from './parse.ts';
import { runScript } from './run.ts';

const sample = `# What this file is about.

statement ok
CREATE TABLE t (a INTEGER)

# Two conditions.
skipif duckdb
pending not yet
statement error 42P01 @14
SELECT a FROM nowhere

query IT rowsort
SELECT a,
  b FROM t
----
1	one
2	NULL
`;

test('a script reads and writes back as the same text', () => {
  const script = parseScript(sample);
  assert.equal(formatScript(script), sample);
  const [create, error, query] = script.records;
  assert.equal(create.kind, 'statement');
  assert.deepEqual(create.comments, ['# What this file is about.', '']);
  assert.deepEqual([error.skipIf, error.pending, error.line], [['duckdb'], 'not yet', 9]);
  assert.deepEqual(error.kind === 'statement' && error.error, { code: '42P01', position: 14 });
  assert.equal(query.sql, 'SELECT a,\n  b FROM t');
  assert.deepEqual(query.kind === 'query' && query.expected, ['1\tone', '2\tNULL']);
});

test('a script that makes no sense is refused with its line', () => {
  const cases: [string, RegExp][] = [
    ['quary I\nSELECT 1', /line 1: unknown word 'quary'/],
    ['\nstatement maybe\nSELECT 1', /line 2: 'ok' or 'error' expected/],
    ['query X\nSELECT 1', /line 1: types 'X'/],
    ['query I sorted\nSELECT 1', /line 1: unknown order 'sorted'/],
    ['query I', /line 1: a record without SQL/],
    ['load tpch none', /line 1: 'tpch' and a scale factor expected/],
    ['statement error what\nSELECT', /'what' is no SQLSTATE/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseScript(text),
      (error) => error instanceof ScriptError && message.test(error.message),
    );
  }
});

/** An engine with one answer for everything. */
function engineWith(answer: ResultTable | QuernError): EngineAdapter {
  return {
    name: 'fixed',
    execute: async () => {},
    load: async () => {},
    loadTpch: async () => {},
    close: async () => {},
    query: async () => {
      if (answer instanceof QuernError) throw answer;
      return { rowCount: answer.rows.length, table: () => answer };
    },
  };
}

async function outcome(text: string, answer: ResultTable | QuernError, engine = 'quern') {
  const [first] = await runScript(parseScript(text), engineWith(answer), { engine });
  return first.message === undefined ? first.result : `${first.result}: ${first.message}`;
}

function table(types: string[], ...rows: Cell[][]): ResultTable {
  return { columns: types, types, rows };
}

test('queries pass only with the right values, classes and number of rows', async () => {
  const query = 'query IR\nSELECT\n----\n1\t0.3\n2\tNULL';
  const types = ['INTEGER', 'DOUBLE'];
  const right = table(types, [1n, 0.1 + 0.2], [2n, null]);
  assert.equal(await outcome(query, right), 'passed');
  assert.match(await outcome(query, table(types, [1n, 0.3])), /^failed: 1 rows instead of 2/);
  assert.match(await outcome(query, table(types, [1n, 0.4], [2n, null])), /^failed: row 1 is/);
  assert.match(await outcome(query, table(types, [2n, null], [1n, 0.3])), /^failed: row 1 is/);
  const wrongClass = table(['BIGINT', 'DECIMAL(3,1)'], [1n, { decimal: '0.3' }], [2n, null]);
  assert.match(await outcome(query, wrongClass), /^failed: columns of classes IN instead of IR/);
  const sorted = query.replace('IR', 'IR rowsort');
  assert.equal(await outcome(sorted, table(types, [2n, null], [1n, 0.3])), 'passed');
  assert.match(await outcome(query, new QuernError('42601', 'no')), /^failed: error: no/);
});

test('errors pass only with the right code and position', async () => {
  const error = new QuernError('42P01', 'no such table', { position: 14 });
  const rows = table(['INTEGER'], [1n]);
  assert.equal(await outcome('statement error 42P01 @14\nSELECT', error), 'passed');
  assert.match(await outcome('statement error 42703\nSELECT', error), /^failed: error 42P01/);
  assert.match(await outcome('statement error @15\nSELECT', error), /^failed: error at 14/);
  assert.match(await outcome('statement ok\nSELECT', error), /^failed: error: no such table/);
  assert.match(await outcome('statement error\nSELECT', rows), /^failed: no error/);
});

test('pending records never fail, and say when they pass; conditions choose the engine', async () => {
  const rows = table(['INTEGER'], [1n]);
  const wrong = 'pending joins\nquery I\nSELECT\n----\n2';
  assert.match(await outcome(wrong, rows), /^pending: row 1/);
  assert.equal(await outcome(wrong.replace('2', '1'), rows), 'surprise');
  assert.match(await outcome(wrong, rows, 'duckdb'), /^failed/);
  assert.equal(await outcome('skipif quern\nstatement ok\nSELECT', rows), 'skipped');
  assert.equal(await outcome('onlyif quern\nstatement ok\nSELECT', rows, 'duckdb'), 'skipped');
});

test('DuckDB agrees with every file, but for what the files say', { timeout: 60_000 }, async () => {
  const failures: string[] = [];
  let passed = 0;
  for (const name of scriptFiles([])) {
    const duckdb = await openDuckdb({ threads: 1 });
    const outcomes = await runScript(readScript(name), duckdb, { engine: 'duckdb' });
    await duckdb.close();
    for (const { record, result, message } of outcomes) {
      if (result === 'failed') failures.push(`${name}:${record.line}: ${message}`);
      if (result === 'passed') passed++;
    }
  }
  assert.deepEqual(failures, []);
  assert.ok(passed > 100, `only ${passed} records ran`);
});
