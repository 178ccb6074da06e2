import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runApart } from './tpch-apart.ts';

test('an engine in a process of its own tells times, results and failures', async () => {
  const queries = new Map([
    [1, 'select count(*) as regions, sum(n_nationkey) from nation group by n_regionkey'],
    [2, 'select no_such_column from nation'],
  ]);
  const run = { engine: 'quern', threads: 1, scale: 0.001, queries, runs: 3 };
  const { name, peakBytes, queries: found } = await runApart(run);
  assert.equal(name, 'quern');
  assert.ok(peakBytes > 30e6 && peakBytes < 4e9, `${peakBytes} bytes`);
  const good = found.get(1);
  assert.ok(good !== undefined && 'times' in good);
  assert.equal(good.times.length, 3);
  // Nations are spread over the regions by 5; numbers come over as exact as they were.
  assert.deepEqual(
    good.table.rows.map(([regions]) => regions),
    [5n, 5n, 5n, 5n, 5n],
  );
  const bad = found.get(2);
  assert.ok(bad !== undefined && 'error' in bad);
  assert.match(bad.error, /no_such_column/);
});

test('an engine that cannot load the tables is an error that names it', async () => {
  const run = { engine: 'quern', threads: 1, scale: -1, queries: new Map(), runs: 1 };
  await assert.rejects(runApart(run), /^Error: quern: the scale factor must be/);
});
