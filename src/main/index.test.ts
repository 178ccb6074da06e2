import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './index.ts';

/** Sums that differ as soon as a row is missing, twice there, or in another place. */
const fingerprints = [
  'select count(*), sum(l_orderkey), sum(l_extendedprice), min(l_comment) from lineitem',
  'select count(*), sum(o_orderkey), sum(o_totalprice), max(o_comment) from orders',
  'select count(*), sum(ps_suppkey), sum(ps_supplycost), min(ps_comment) from partsupp',
  'select count(*), sum(c_nationkey), sum(c_acctbal), max(c_phone) from customer',
];

async function fingerprint(threads: number): Promise<unknown[]> {
  const db = await open(undefined, { threads });
  try {
    await db.query('call tpch(scale => 0.1)');
    const rows: unknown[] = [];
    for (const sql of fingerprints) rows.push((await db.query(sql)).values());
    return rows;
  } finally {
    await db.close();
  }
}

test('CALL tpch makes the same tables whether one thread or workers generate', async () => {
  const alone = await fingerprint(1);
  assert.deepEqual((alone[0] as unknown[][])[0].slice(0, 1), [600572]);
  assert.deepEqual(await fingerprint(2), alone);
  assert.deepEqual(await fingerprint(3), alone);
});

test('CALL tpch says what is wrong with its arguments', async () => {
  const db = await open();
  await assert.rejects(db.query('call tpch()'), { code: '22023' });
  await assert.rejects(db.query('call tpch(scale => 0)'), { code: '22023' });
  await assert.rejects(db.query('call tpch(scale => 1, size => 2)'), /no argument "size"/);
  await assert.rejects(db.query('call tpcc(1)'), { hint: 'did you mean "tpch"?' });
  await db.query('create table region (x integer)');
  await assert.rejects(db.query('call tpch(0.01)'), { code: '42P07' });
  await db.query('call tpch(0.01, replace => true)');
  assert.deepEqual((await db.query('select count(*) from region')).values(), [[5]]);
  await db.close();
});

test('FROM tpch_nation(0.01) reads a table without making one', async () => {
  const db = await open();
  const result = await db.query('select count(*), min(n_name) from tpch_nation(0.01)');
  assert.deepEqual(result.values(), [[25, 'ALGERIA']]);
  await db.close();
});
