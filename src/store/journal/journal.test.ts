import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDevice } from '../device/memory.ts';
import { blockSize } from '../layout.ts';
import { Store } from '../store.ts';
import { readAnyRecord } from './record.ts';

class KeptDevice extends MemoryDevice {
  override close(): void {}
}

const key = new TextEncoder().encode('round');

function roundOf(store: Store): number {
  const value = store.map('m').get(key)!;
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
}

/** A journal of several runs: `rounds` commits without a checkpoint between. */
async function longJournal(rounds: number): Promise<{ store: Store; device: KeptDevice }> {
  const device = new KeptDevice();
  const deferred: (() => void)[] = [];
  const defer = (task: () => void): void => {
    deferred.push(task);
  };
  const store = await Store.open(device, { journalSize: 1 << 30, defer });
  await store.createMap('m');
  for (let round = 1; round <= rounds; round++) {
    const value = new Uint8Array(round % 7 === 0 ? 900 : 4);
    new DataView(value.buffer).setUint32(0, round);
    const more = round % 11 === 0 ? 60 : 0;
    await store.transact((t) => {
      t.put('m', key, value);
      // Some records have many blocks.
      for (let i = 0; i < more; i++) t.put('m', Uint8Array.of(i), new Uint8Array(900).fill(round));
    });
    // What compaction does when it empties the segment of the journal's run.
    if (round === 100) store.core.journal.move();
  }
  for (let task = deferred.shift(); task !== undefined; task = deferred.shift()) task();
  return { store, device };
}

test('no damage to the journal makes what was acknowledged vanish without an error', async () => {
  const rounds = 220;
  const { store, device } = await longJournal(rounds);
  const { file } = store.core.blocks;
  const whole = new Uint8Array(device.size());
  device.read(whole, 0);
  let records = 0;
  let refused = 0;
  for (let place = 0; place < file.places(); place++) {
    const record = readAnyRecord(file, place);
    if (record === undefined) continue;
    records++;
    // Its first block, its last one, or the whole of it as a lost write leaves it.
    const at = [place, place + record.places - 1, place][records % 3];
    const lost = records % 3 === 2 ? record.places * blockSize : 100;
    const damaged = new KeptDevice();
    damaged.write(whole, 0);
    damaged.write(new Uint8Array(lost), at * blockSize);
    try {
      const opened = await Store.open(damaged);
      assert.equal(roundOf(opened), rounds, `record ${record.sequence} at place ${place}`);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'XX001', String(error));
      refused++;
    }
  }
  assert.ok(records > rounds, 'announcements and the confirmation come on top');
  assert.ok(refused >= rounds, `${refused} of ${records}`);
});

test('a damaged name of the next run, which is not sealed, does no harm', async () => {
  const { store, device } = await longJournal(20);
  const { file } = store.core.blocks;
  let records = 0;
  for (let place = 0; place < file.places(); place++) {
    if (readAnyRecord(file, place) === undefined) continue;
    records++;
    const damaged = [[0xff], [0, 0, 0, 0, 0, 0, 0x80], [0, 0, 0, 1]];
    device.write(Uint8Array.from(damaged[records % 3]), place * blockSize + 32);
  }
  assert.ok(records > 20);
  const opened = await Store.open(device, { readOnly: true });
  assert.equal(roundOf(opened), 20);
});

test('a record that a crash has torn is the end, and the report says so', async () => {
  const { store, device } = await longJournal(20);
  const { file } = store.core.blocks;
  // As after a crash during the write of the next record, when nobody had been told of it.
  store.core.perform({ type: 'delete', object: 1, key });
  store.core.journal.seal();
  store.core.journal.write();
  const size = device.size();
  let torn = -1;
  for (let place = 0; place < size / blockSize; place++) {
    if (readAnyRecord(file, place)?.operations[0]?.type === 'delete') torn = place;
  }
  assert.ok(torn > 0);
  device.write(new Uint8Array(10).fill(1), torn * blockSize + 60);
  const opened = await Store.open(device, { readOnly: true });
  assert.equal(roundOf(opened), 20);
  assert.equal(opened.recovery.incomplete, true);
});

test('what a crash has wiped out does not continue what came after it', async () => {
  const device = new KeptDevice();
  const bytesIn = (): Uint8Array => {
    const bytes = new Uint8Array(device.size());
    device.read(bytes, 0);
    return bytes;
  };
  const options = { journalSize: 1 << 30, defer: (): void => {} };
  const store = await Store.open(device, options);
  await store.createMap('m');
  /** A record of its own that nobody waits for. */
  const write = ({ core }: Store, text: string): void => {
    const value = new TextEncoder().encode(`\0${text}`);
    core.perform({ type: 'put', object: 1, key, value, places: [] });
    core.journal.seal();
    core.journal.write();
  };
  const before = bytesIn();
  write(store, 'second');
  const between = bytesIn();
  write(store, 'third');
  // The crash loses the second record but not the third, and the next life writes a second again.
  const after = bytesIn();
  const crashed = new KeptDevice();
  crashed.write(before, 0);
  let kept = 0;
  for (let at = 0; at < after.length; at += blockSize) {
    const block = after.subarray(at, at + blockSize);
    if (Buffer.compare(block, between.subarray(at, at + blockSize)) === 0) continue;
    crashed.write(block, at);
    kept++;
  }
  assert.equal(kept, 1);
  write(await Store.open(crashed, options), 'other');
  const opened = await Store.open(crashed, { readOnly: true });
  assert.equal(new TextDecoder().decode(opened.map('m').get(key)), 'other');
});
