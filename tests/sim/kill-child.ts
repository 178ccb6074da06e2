/**
 * The victim of `kill.ts`: opens the store in the file it is given, checks that it continues the
 * sequence it finds, and goes on writing until it is killed. A line on the standard output says
 * what is durable.
 */
import { openStoreFile } from '../../src/store/node/store-file.ts';

const [path] = process.argv.slice(2);
const store = await openStoreFile(path, { journalSize: 20000 });
const key = new TextEncoder().encode('count');
const blocks = 512;

function fill(target: Uint8Array, round: number): Uint8Array {
  new DataView(target.buffer).setUint32(0, round);
  return target.fill(round & 0xff, 4);
}

if (store.list().length === 0) {
  await store.createVolume('disk', blocks * 4096);
  await store.createMap('log');
}
const volume = store.volume('disk');
const stored = store.map('log').get(key);
let round = stored === undefined ? 0 : new DataView(stored.buffer, stored.byteOffset).getUint32(0);
for (;;) {
  round++;
  volume.write(fill(new Uint8Array(4096), round), (round % blocks) * 4096);
  await store.transact((transaction) => {
    const value = new Uint8Array(round % 50 === 0 ? 5000 : 4);
    new DataView(value.buffer).setUint32(0, round);
    transaction.put('log', key, value);
  });
  if (round % 40 === 0) await store.snapshot('disk', `r${round}`);
  if (round % 40 === 20 && round > 200)
    await store.deleteSnapshot('disk', `r${round - 180}`).catch(() => {});
  if (round % 300 === 0) await store.compact(0);
  process.stdout.write(`${round}\n`);
}
