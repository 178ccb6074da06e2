import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { type Database, open, QuernError } from '../../src/main/index.ts';
import { readScript, scriptFiles } from '../slt/files.ts';
import { textOf } from './differential/fragment.ts';
import { QueryMaker } from './differential/queries.ts';
import { dropStatements, makeTables, tableStatements } from './differential/tables.ts';
import { confuse, Mutator } from './mutator.ts';
import { sqlCorpus } from './sql-corpus.ts';

/** Statements of the tests, most of them valid somewhere, and one of every rule of the grammar. */
const corpus = [
  ...sqlCorpus,
  ...scriptFiles([]).flatMap((name) =>
    readScript(name).records.flatMap((record) => (record.kind === 'load' ? [] : [record.sql])),
  ),
];

/** What would touch files or take long by rights. */
const forbidden =
  /copy|export|import|attach|install|load|read_|\.(csv|json|parquet|tbl)|tpch|range/i;

const setup = [
  'create or replace table t (a integer primary key, b varchar, c decimal(9, 2), d date)',
  "insert into t values (1, 'x', 1.5, '2000-01-01'), (2, null, null, null), (3, '', -7, '1999-12-31')",
  'create or replace table o (id bigint, customer integer, total double, paid boolean)',
  'insert into o values (1, 1, 2.5, true), (2, 1, null, false), (3, null, 1e10, null)',
];

test('mutated statements fail with an error of the user, with a place, or not at all', {
  timeout: 120_000,
}, async () => {
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 3000);
  const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
  const mutator = new Mutator(corpus);
  const db = await open(undefined, { threads: 1, memoryLimit: 256e6 });
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    if ((seed - firstSeed) % 50 === 0) for (const sql of setup) await db.query(sql);
    const sql = mutator.next(new Random(seed));
    if (!forbidden.test(sql)) await checkStatement(db, sql, seed);
  }
  await db.close();
});

test('queries with mistaken names, types and operators do so too', {
  timeout: 120_000,
}, async () => {
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 60);
  const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
  const db = await open(undefined, { threads: 1 });
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const random = new Random(seed);
    const tables = makeTables(random).filter(({ large }) => large === undefined);
    for (const sql of tableStatements(tables)) await db.query(sql);
    const maker = new QueryMaker(random, tables);
    for (let i = 0; i < 25; i++) {
      const sql = confuse(random, textOf(maker.query().fragment));
      await checkStatement(db, sql, seed);
    }
    for (const sql of dropStatements(tables)) await db.query(sql);
  }
  await db.close();
});

async function checkStatement(db: Database, sql: string, seed: number): Promise<void> {
  try {
    await db.query(sql, [], { signal: AbortSignal.timeout(5000) });
  } catch (error) {
    const where = `seed ${seed}: ${sql}`;
    if (!(error instanceof QuernError)) throw new Error(where, { cause: error });
    assert.notEqual(error.code, 'XX000', `${where}: ${error.message}`);
    // A recursion may have been made one without end.
    if (error.code === '57014' && /recursive/i.test(sql)) return;
    assert.notEqual(error.code, '57014', `${where} takes too long`);
    // Syntax, names and types: what is wrong is somewhere in the text.
    if (!error.code.startsWith('42') || error.position !== undefined) return;
    assert.fail(`${where}: ${error.code} ${error.message} has no position`);
  }
}
