import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareShortOfMemory } from './short-memory.ts';

test('what DuckDB finishes with little memory is finished here with as much', async () => {
  const report = await compareShortOfMemory({
    seed: 1,
    count: 14,
    scale: 0.03,
    limits: [24e6, 28e6],
    threads: 2,
  });
  assert.deepEqual(report.failures, []);
  assert.ok(report.spilled >= 5, `${report.spilled} of ${report.agreed} spilled`);
});
