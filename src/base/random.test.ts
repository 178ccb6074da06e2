import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from './random.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const a = new Random(1);
  const b = new Random(1);
  const c = new Random(2);
  const first = Array.from({ length: 100 }, () => a.u32());
  assert.deepEqual(
    Array.from({ length: 100 }, () => b.u32()),
    first,
  );
  assert.notDeepEqual(
    Array.from({ length: 100 }, () => c.u32()),
    first,
  );
});

test('int covers its whole range, both ends included, evenly', () => {
  const random = new Random(7);
  const counts = new Array(6).fill(0);
  for (let i = 0; i < 60000; i++) counts[random.int(-2, 3) + 2]++;
  for (const count of counts) assert.ok(Math.abs(count - 10000) < 500, `counts ${counts}`);
});
