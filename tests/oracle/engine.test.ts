import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuernError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { bind } from '../../src/bind/bind.ts';
import type { Database } from '../../src/engine/index.ts';
import { open } from '../../src/main/index.ts';
import { parseSingle } from '../../src/sql/parse.ts';
import { interpret, keyText, type Row } from './interpret.ts';
import { makeCatalog, makeTables, QueryMaker, shapes } from './random-queries.ts';

type Outcome = { rows: string[] } | { error: string };

async function outcomeOf(run: () => Row[] | Promise<Row[]>): Promise<Outcome> {
  try {
    return { rows: (await run()).map(keyText).sort() };
  } catch (error) {
    if (error instanceof QuernError) return { error: error.code };
    throw error;
  }
}

async function fill(database: Database, tables: ReadonlyMap<string, readonly Row[]>) {
  for (const [name, rows] of tables) {
    const { columns, key } = shapes[name];
    const definitions = columns.map((column, i) => {
      return `${column} integer${key && i === 0 ? ' primary key' : ''}`;
    });
    await database.query(`create table ${name} (${definitions.join(', ')})`);
    const values = rows.map((row) => `(${row.map((value) => value ?? 'null').join(', ')})`);
    if (rows.length > 0) await database.query(`insert into ${name} values ${values.join(', ')}`);
  }
}

/** All numbers of these queries are whole: of whatever form, they compare as bigints. */
function whole(value: unknown): bigint | null {
  return value === null ? null : BigInt(value as string | number | bigint);
}

test('the engine gives the same rows as the plain interpreter', { timeout: 120_000 }, async () => {
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 200);
  const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
  let refused = 0;
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const random = new Random(seed);
    const tables = makeTables(random);
    const sql = new QueryMaker(random).query();
    const { statement } = bind(sql, parseSingle(sql), { catalog: makeCatalog(tables, random) });
    assert.ok(statement.kind === 'query');
    const expected = await outcomeOf(() => interpret(statement.plan, (name) => tables.get(name)!));
    const database = await open(undefined, { threads: 1 });
    await fill(database, tables);
    const actual = await outcomeOf(async () => {
      const result = await database.query(sql, [], { values: 'exact' });
      return result.values().map((row) => row.map(whole));
    });
    await database.close();
    if ('error' in actual && actual.error === '0A000') refused++;
    else assert.deepEqual(actual, expected, `seed ${seed}: ${sql}`);
  }
  assert.ok(refused <= rounds / 50, `${refused} of ${rounds} queries were refused`);
});
