import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareEngines } from './compare-engines.ts';

/**
 * A short set of the random queries that `npm run fuzz` runs without end: the same seeds in every
 * check, so that a change that breaks one is seen.
 */
test('random queries give what DuckDB gives', { timeout: 120_000 }, async () => {
  const { agreed, rows, unsupported, failures } = await compareEngines(1, 150, 2);
  assert.deepEqual(failures, []);
  assert.ok(agreed > 120 && rows > 500, `${agreed} agreed, ${unsupported.size} reasons not to`);
});
