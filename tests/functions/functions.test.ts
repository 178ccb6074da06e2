import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { functionTopics } from '../../src/bind/functions/scalar.ts';
import type { Database } from '../../src/engine/index.ts';
import { open } from '../../src/main/index.ts';
import { functionsDocument, readFunctionsDocument } from './document.ts';
import { callsOf, columnOfType, rowCount, valueLists } from './samples.ts';

const database: Database = await open(undefined, { threads: 1 });
after(() => database.close());

const functions = functionTopics.flatMap(([, list]) => list);

/** The values of a column as text, or the code of the error. */
async function outcome(sql: string): Promise<string[] | string> {
  try {
    const result = await database.query(sql, [], { values: 'exact' });
    return result.values().map((row) => String(row[0]));
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

test('docs/functions.md is the table of functions', () => {
  const hint = 'if the change is wanted: node dist/tasks/main.js accept';
  assert.equal(readFunctionsDocument(), functionsDocument(), hint);
});

test('every example gives what it says', async () => {
  for (const { example } of functions) {
    const [call, result] = example;
    const isNull = result === 'NULL';
    const sql = isNull ? `select (${call}) is null` : `select (${call})::varchar`;
    assert.deepEqual(await outcome(sql), [isNull ? 'true' : result], call);
  }
});

test('no two functions share a name', () => {
  const names = functions.flatMap((item) => item.names);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

/**
 * Compiled code and the plain evaluation, which folds constants, must agree: every function is
 * called with columns of edge values, and again with the values of each row as literals.
 */
test('a function gives the same for columns and for constants', { timeout: 120_000 }, async () => {
  const types = Object.keys(valueLists);
  const columns = types.map((type) => `${columnOfType(type)} ${type}`);
  await database.query(`create table edges (id integer, ${columns.join(', ')})`);
  const rows = Array.from({ length: rowCount }, (_, row) => {
    const values = types.map((type) => literal(type, row));
    return `(${row}, ${values.join(', ')})`;
  });
  await database.query(`insert into edges values ${rows.join(', ')}`);
  const faults: string[] = [];
  for (const { names, overloads } of functions) {
    for (const { signature } of overloads) {
      for (const make of callsOf(names[0], signature)) faults.push(...(await compare(make)));
    }
  }
  assert.deepEqual(faults.slice(0, 20), []);
});

function literal(type: string, row: number): string {
  const values = valueLists[type];
  const value = values[row % values.length];
  return value === undefined ? `cast(null as ${type})` : `cast('${value}' as ${type})`;
}

function listed(values: readonly string[]): string {
  return values.map((value) => `(${value})`).join(', ');
}

type Argument = (type: string) => string;

async function compare(make: (argument: Argument) => string): Promise<string[]> {
  const call = make(columnOfType);
  const whole = await outcome(`select (${call})::varchar from edges order by id`);
  const constants = Array.from({ length: rowCount }, (_, row) => {
    return `(${make((type) => literal(type, row))})::varchar`;
  });
  const all = await outcome(`select v from (values ${listed(constants)}) folded(v)`);
  const faults: string[] = [];
  for (const [row, constant] of constants.entries()) {
    const where = `from edges where id = ${row}`;
    const compiled =
      typeof whole === 'string'
        ? await outcome(`select (${call})::varchar ${where}`)
        : [whole[row]];
    const folded = typeof all === 'string' ? await outcome(`select ${constant}`) : [all[row]];
    if (String(compiled) === String(folded)) continue;
    faults.push(`${constant}: compiled ${compiled}, folded ${folded}`);
  }
  return faults;
}

test('strings that only a condition or a sum needs do not fill the memory', async () => {
  await database.query('create table numbers as select i from range(200000) r(i)');
  // Together these strings take 100 MB.
  const sql = `explain analyze select sum(length(repeat(i::varchar, 50) || '!')) from numbers
    where lpad(i::varchar, 200, '-') < repeat('9', 200)`;
  const plan = (await database.query(sql)).values().join('\n');
  const [, megabytes] = /at most (\S+) MB/.exec(plan) ?? [];
  assert.ok(Number(megabytes) < 5, plan);
});

test('strings are made in memory that is short, too', { timeout: 30_000 }, async () => {
  const short = await open(undefined, { threads: 1, alwaysSpill: true });
  try {
    await short.query('create table words as select i::varchar as w from range(20000) r(i)');
    const sql = `select max(upper(w || 'a')), count(*) from words where lower(w || 'B') like '%7b'`;
    assert.deepEqual((await short.query(sql)).values().map(String), ['9997A,2000']);
  } finally {
    await short.close();
  }
});
