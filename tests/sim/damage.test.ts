import { test } from 'node:test';
import { damageRun } from './damage.ts';
import { killRun } from './kill.ts';
import { streamRun } from './stream-run.ts';

test('flipped, exchanged and outdated blocks give right data or an error', async () => {
  for (let seed = 1; seed <= 12; seed++) await damageRun(seed, 60);
});

test('damaged streams are refused without a trace, forged ones break nothing', async () => {
  for (let seed = 1; seed <= 3; seed++) await streamRun(seed, 30);
});

test('a process that is killed while it writes loses nothing it has acknowledged', async () => {
  await killRun(1, 6);
});
