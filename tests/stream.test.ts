import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Database, open } from '../src/main/index.ts';

const rows = 1_500_000;

async function withData(threads: number, use: (db: Database) => Promise<void>): Promise<void> {
  const db = await open(undefined, { threads });
  try {
    await db.query(`create table big as select range as x, range % 7 as k from range(${rows})`);
    await use(db);
  } finally {
    await db.close();
  }
}

async function usage(db: Database): Promise<number> {
  return Number((await db.query('show memory_usage')).values()[0][0]);
}

for (const threads of [1, 2]) {
  const on = `${threads} threads`;

  test(`a stream has all rows in order, and never many of them in memory: ${on}`, async () => {
    await withData(threads, async (db) => {
      const before = await usage(db);
      let next = 0;
      let most = 0;
      for await (const batch of db.stream('select x, x * 2 as y, k from big where k >= 0')) {
        for (const [x, y] of batch.values()) {
          assert.ok(x === next && y === 2 * next, `row ${next} is ${x}, ${y}`);
          next++;
        }
        most = Math.max(most, (await usage(db)) - before);
      }
      assert.equal(next, rows);
      // All rows take 30 MB and more.
      assert.ok(most < 15e6, `${most} bytes at once`);
      assert.equal(await usage(db), before);
    });
  });

  test(`a join that makes endless rows is streamed, and left in the middle: ${on}`, async () => {
    await withData(threads, async (db) => {
      const before = await usage(db);
      let batches = 0;
      let most = 0;
      const endless = 'select a.x, b.x as y from big a join big b on a.k = b.k';
      for await (const batch of db.stream(endless)) {
        assert.ok(batch.rowCount > 0);
        most = Math.max(most, (await usage(db)) - before);
        if (++batches === 20) break;
      }
      assert.ok(most < 120e6, `${most} bytes at once`);
      assert.equal(await usage(db), before);
      assert.equal((await db.query('select count(*) from big')).values()[0][0], rows);
    });
  });

  test(`an error and an abort arrive in the middle of a stream: ${on}`, async () => {
    await withData(threads, async (db) => {
      const before = await usage(db);
      let seen = 0;
      const failing = async () => {
        const sql = `select 1000 / (x - ${rows - 2}) as q from big`;
        for await (const batch of db.stream(sql)) seen += batch.rowCount;
      };
      await assert.rejects(failing(), { code: '22012' });
      assert.ok(seen > 0 && seen < rows, `${seen} rows`);
      const controller = new AbortController();
      const aborted = async () => {
        const { signal } = controller;
        for await (const _ of db.stream('select x + 1 as y from big', [], { signal })) {
          controller.abort();
        }
      };
      await assert.rejects(aborted(), { code: '57014' });
      assert.equal(await usage(db), before);
    });
  });
}
