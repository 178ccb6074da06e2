import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database } from './database.ts';
import { openEngine } from './open.ts';
import type { OpenOptions } from './options.ts';
import { rehearse } from './rehearsal.ts';
import { Rehearsals } from './rehearsals.ts';
import type { Engine } from './session.ts';

/** A database that rehearses when two million values have been loaded. */
async function openSmall(options: OpenOptions = {}): Promise<{ engine: Engine; db: Database }> {
  const rehearsals = new Rehearsals(options.rehearse ?? true, 2e6);
  const engine = { ...(await openEngine(undefined, { threads: 2, ...options })), rehearsals };
  return { engine, db: new Database(engine) };
}

const million = 'select range as a, range % 7 as b from range(1000000)';

async function values(db: Database, sql: string): Promise<unknown[][]> {
  return (await db.query(sql)).values();
}

for (const threads of [1, 2, 3]) {
  test(`each statement of a rehearsal succeeds and gives rows (threads: ${threads})`, async () => {
    const engine = await openEngine(undefined, { threads });
    const rowCounts = await rehearse(engine, threads, 2);
    assert.ok(rowCounts.length > 2 && rowCounts.every((count) => count > 0), `${rowCounts}`);
    await engine.runtime.close();
  });
}

test('a large load ends with a rehearsal that leaves nothing behind', async () => {
  const { engine, db } = await openSmall();
  const usage = () => engine.runtime.memory.pages.total().bytes;
  // A page for each size of small blocks, and one for control words, is taken once and stays.
  const taken = usage();
  await rehearse(engine, 2, 1);
  assert.ok(usage() <= taken + (1 << 20));
  await db.query(`create table t as select * from (${million}) limit 900000`);
  assert.equal(engine.rehearsals.count, 0);
  await db.query('drop table t');
  const before = usage();
  const programs = engine.runtime.programCount;
  await db.query(`create table t as ${million}`);
  assert.equal(engine.rehearsals.count, 1);
  assert.equal(engine.rehearsals.error, undefined);
  assert.deepEqual(await values(db, 'select table_name from information_schema.tables'), [['t']]);
  await db.query('drop table t');
  assert.equal(usage(), before);
  // Of CREATE TABLE and of the query of information_schema.
  assert.equal(engine.runtime.programCount, programs + 2);
  assert.equal(engine.storage.blockCount, 0);
  await db.close();
});

test('a rehearsal takes place again when as much has been loaded again', async () => {
  const { engine, db } = await openSmall();
  await db.query(`create table t as ${million}`);
  await db.query('insert into t select * from t limit 900000');
  await db.query('update t set b = 1');
  assert.equal(engine.rehearsals.count, 1);
  await db.query('insert into t select * from t limit 100000');
  assert.equal(engine.rehearsals.count, 2);
  assert.equal(engine.rehearsals.error, undefined);
  await db.close();
});

test('there is no rehearsal where it is not wanted, nor where memory is short', async () => {
  for (const options of [{ rehearse: false }, { memoryLimit: 34 << 20 }]) {
    const { engine, db } = await openSmall(options);
    await db.query(`create table t as ${million}`);
    assert.equal(engine.rehearsals.count, 0);
    await db.close();
  }
});

/** Calls `act` once the table t is there, which is when the rehearsal begins. */
async function whenLoaded(engine: Engine, act: () => void): Promise<void> {
  while (engine.rehearsals.count === 0) await engine.runtime.platform.yieldToEvents();
  act();
}

test('who cancels or closes during a rehearsal has an answer at once, and the table', async () => {
  for (const end of ['cancel', 'close'] as const) {
    // Once of three times: others may need the machine too.
    const delays = [await endRehearsal(end), await endRehearsal(end), await endRehearsal(end)];
    assert.ok(Math.min(...delays) < 150, `${end}: ${delays} ms`);
  }
});

/** Ends a rehearsal in one of two ways. Gives how long the statement then took to answer, in ms. */
async function endRehearsal(end: 'cancel' | 'close'): Promise<number> {
  const { engine, db } = await openSmall();
  const controller = new AbortController();
  let ended = 0;
  const ending = whenLoaded(engine, () => {
    ended = performance.now();
    if (end === 'cancel') controller.abort();
    else db.close();
  });
  const { signal } = controller;
  const { rowsChanged } = await db.query(`create table t as ${million}`, [], { signal });
  const milliseconds = performance.now() - ended;
  await ending;
  assert.equal(rowsChanged, 1_000_000);
  assert.equal(engine.catalog.current.table('t')?.rowCount, 1_000_000);
  assert.deepEqual(engine.catalog.current.names(), ['t']);
  if (end === 'cancel') {
    assert.equal(engine.rehearsals.error, undefined);
    assert.deepEqual(await values(db, 'select count(*) from t'), [[1_000_000]]);
  }
  await db.close();
  return milliseconds;
}
