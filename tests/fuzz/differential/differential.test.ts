import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './run.ts';

const missing = await import('@duckdb/node-api').then(
  () => false,
  () => '@duckdb/node-api cannot be loaded',
);

/** What `npm run fuzz` does without end, for a few sets of tables. */
test('random queries on random tables give what DuckDB gives', {
  skip: missing,
  timeout: 120_000,
}, async () => {
  const failures: string[] = [];
  const counts = new Map<string, number>();
  await fuzz({
    seed: 1,
    more: (sets) => sets < 25,
    report: (text) => failures.push(text),
    judged: ({ kind }) => counts.set(kind, (counts.get(kind) ?? 0) + 1),
    failuresMax: 1,
  });
  assert.deepEqual(failures, []);
  const agreed = counts.get('agree') ?? 0;
  assert.ok(agreed > 400, `${agreed} of 625 tests were compared`);
});
