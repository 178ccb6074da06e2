import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../src/base/random.ts';
import { type Database, open, QuernError } from '../src/main/index.ts';

/**
 * Statements that take long, each in a place of its own. All of them end, most of them never did.
 */
const statements: Readonly<Record<string, string>> = {
  'a cross join': 'select count(*) from a, a b, a c where a.x + b.x + c.x = 7',
  'a join where all keys are equal':
    'select count(*), sum(a.x) from one o, one p, a where o.k = p.k and a.x < 100 and a.x > o.k',
  'a search for a row that is not there':
    'select count(*) from a where not exists (select 1 from one where k = a.x % 1 + 1 and y < -x)',
  'an outer join without matches':
    'select count(*) from one o left join one p on o.k = p.k and o.y * p.y = -1',
  'a large sort': 'select x, t from a, texts order by t desc, x * 7919 % 1000003',
  'a large grouping':
    'select x * 31 + id as g, count(*) from a, texts group by g having count(*) > 99',
  'a search in texts': "select count(*) from texts o, texts p where o.t || p.t like '%q%x%z%'",
  'distinct values': 'select count(distinct a.x * 7 + b.x) from a, a b',
  'a window':
    'select max(s) from (select sum(a.x) over (order by a.x * b.y % 77) as s from a, one b) q',
  'rows that go into a table': 'create table copied as select a.x, one.y from a, one',
  'a long range': 'select sum(range) from range(4000000000)',
  'making data': 'call tpch(scale => 30)',
};

/** What half of all aborts may take: an abort takes less than 100 ms where nothing else runs. */
const limitMs = 200;
/** Tests share the machine with others; a hang takes longer than that. */
const patienceMs = 4000;

async function prepare(db: Database): Promise<void> {
  await db.query('create table a as select range as x from range(200000)');
  await db.query('create table one as select range as y, 1 as k from range(60000)');
  await db.query(
    'create table texts as select l_orderkey as id, l_comment as t from tpch_lineitem(0.01)',
  );
}

async function usage(db: Database): Promise<string> {
  return (await db.query('show memory_usage')).values().join();
}

/** How long after the abort the statement rejects, in ms. */
async function abortAfter(db: Database, sql: string, ms: number): Promise<number> {
  const controller = new AbortController();
  const reason = new Error('enough');
  const running = db.query(sql, [], { signal: controller.signal }).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof QuernError, String(error));
      assert.equal(error.code, '57014', error.message);
      assert.equal(error.cause, reason);
      return performance.now();
    },
  );
  // The time that the abort was due: that it could not be heard is what is tested.
  const due = performance.now() + ms;
  await delay(ms);
  controller.abort(reason);
  const ended = await running;
  assert.ok(ended !== undefined, `ended before it was aborted: ${sql}`);
  return ended - due;
}

/**
 * Without shared memory, as on most pages of the web, the one thread hears of aborts in its turns.
 */
const setups = {
  'one thread': { threads: 1 },
  'two threads': { threads: 2 },
  'memory that is not shared': { threads: 1, shared: false },
};

for (const [name, options] of Object.entries(setups)) {
  test(`any statement ends soon after its abort, and gives all back: ${name}`, {
    timeout: 120_000,
  }, async (context) => {
    const db = await open(undefined, options);
    const random = new Random(options.threads);
    const delays: number[] = [];
    const worstOf = new Map<string, number>();
    try {
      await prepare(db);
      // What starts helpers and fills caches is not the statements' own.
      await abortAfter(db, statements['a cross join'], 20);
      const before = await usage(db);
      for (const [what, sql] of Object.entries(statements)) {
        for (const most of [10, 60, 200]) {
          const took = await abortAfter(db, sql, random.int(1, most));
          assert.ok(took < patienceMs, `${what} went on for ${took.toFixed(0)} ms`);
          delays.push(took);
          worstOf.set(what, Math.max(took, worstOf.get(what) ?? 0));
        }
        assert.equal(await usage(db), before, what);
      }
      assert.deepEqual((await db.query('select count(*) from a')).values(), [[200000]]);
    } finally {
      await db.close();
    }
    delays.sort((a, b) => a - b);
    const [median, worst] = [delays[delays.length >> 1], delays.at(-1) as number];
    const list = [...worstOf].map(([what, took]) => `${what} ${took.toFixed(0)}`).join(', ');
    context.diagnostic(`ms: median ${median.toFixed(0)}, worst ${worst.toFixed(0)} (${list})`);
    assert.ok(median < limitMs, `half of all aborts took more than ${median.toFixed(0)} ms`);
  });
}

test('a statement ends when its time is over', async () => {
  const db = await open(undefined, { threads: 1 });
  try {
    await prepare(db);
    const endless = statements['a cross join'];
    const failure = { code: '57014', message: /longer than statement_timeout/ };
    await assert.rejects(db.query(endless, [], { timeout: 50 }), failure);
    await db.query("set statement_timeout = '40ms'");
    assert.deepEqual((await db.query('show statement_timeout')).values(), [['40']]);
    await assert.rejects(db.query(endless), failure);
    await db.query('set statement_timeout = 0');
    assert.equal((await db.query('select count(*) from a, a b where b.x < 100')).rowCount, 1);
  } finally {
    await db.close();
  }
});
