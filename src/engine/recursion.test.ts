import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../main/index.ts';

const endless =
  'with recursive n(i) as (select 1 union all select i % 5 from n) select count(*) from n';
const exploding =
  'with recursive n(i) as (select 1 union all select 1 from n, (values (1), (2)) v(x)) select 1 from n';

for (const threads of [1, 2]) {
  test(`recursion that does not end is stopped (${threads} threads)`, async () => {
    const database = await open(undefined, { threads, memoryLimit: 100e6, tempLimit: 50e6 });
    const usage = async () => (await database.query('show memory_usage')).values()[0][0];
    // The first statements make what stays.
    await assert.rejects(database.query(exploding), { code: '53400' });
    const before = await usage();
    await assert.rejects(database.query(exploding), { code: '53400' });
    assert.equal(await usage(), before, 'all memory is back');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(database.query(endless, [], { signal: abort.signal }), { code: '57014' });
    assert.equal(await usage(), before, 'all memory is back');
    await database.close();
  });
}

test('rounds of a recursion give back what they allocate', async () => {
  const database = await open(undefined, { threads: 1, memoryLimit: 40e6 });
  await database.query(
    'create table e as select range as a, (range * 7) % 1000 as b from range(1000)',
  );
  // The join makes its table anew in each of the rounds.
  const result = await database.query(
    `with recursive p(x, d, path) as (
       select 1, 0, 'start'
       union all
       select b, d + 1, 'step ' || path from p join e on x = a where d < 400
     ) select count(*), max(length(path)) from p`,
  );
  assert.deepEqual(result.values(), [[401, 2005]]);
  await database.close();
});
