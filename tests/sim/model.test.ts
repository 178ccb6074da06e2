import { test } from 'node:test';
import { fullDiskRun, modelRun } from './model-run.ts';

test('random operations agree with a model, and every count with a full walk', async () => {
  for (let seed = 1; seed <= 8; seed++) await modelRun(seed, 400);
  await modelRun(3003, 2000);
});

test('a disk too small refuses writes, loses nothing and lets deletions through', async () => {
  for (let seed = 1; seed <= 6; seed++) await fullDiskRun(seed, 150);
});
