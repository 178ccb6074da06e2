import { test } from 'node:test';
import { crashHistory } from './crash.ts';

test('whatever a crash loses, the store shows a prefix with all acknowledged', async () => {
  for (let seed = 1; seed <= 30; seed++) await crashHistory(seed, 12);
  for (let seed = 100; seed < 114; seed++) await crashHistory(seed, 40);
});
