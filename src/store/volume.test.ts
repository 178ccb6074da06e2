import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import { MemoryDevice } from './device/memory.ts';
import { Store } from './store.ts';

/** A device that survives the store that was opened on it. */
class KeptDevice extends MemoryDevice {
  override close(): void {}
}

const mebibyte = 1 << 20;

function intact(store: Store): void {
  assert.deepEqual(store.verify().problems, []);
}

test('what is written is read back, also after reopening, at any offset and length', async () => {
  const device = new KeptDevice();
  const random = new Random(1);
  let store = await Store.open(device);
  let volume = await store.createVolume('disk', 3 * mebibyte + 512);
  const model = new Uint8Array(volume.size);
  for (let round = 0; round < 300; round++) {
    const offset = random.int(0, volume.size - 1);
    const length = random.int(
      0,
      Math.min(volume.size - offset, random.chance(0.1) ? mebibyte : 9000),
    );
    if (random.chance(0.2)) {
      volume.zero(offset, length);
      model.fill(0, offset, offset + length);
    } else {
      const bytes = random.fill(new Uint8Array(length));
      volume.write(bytes, offset);
      model.set(bytes, offset);
    }
    if (random.chance(0.1)) await volume.flush();
    if (random.chance(0.05)) await store.checkpoint();
    if (random.chance(0.03)) {
      intact(store);
      await store.close();
      store = await Store.open(device);
      intact(store);
      volume = store.volume('disk');
    }
    const at = random.int(0, volume.size - 1);
    const count = Math.min(20000, volume.size - at);
    assert.deepEqual(volume.read(at, count), model.slice(at, at + count), `round ${round}`);
  }
  assert.deepEqual(volume.read(0, volume.size), model);
  await store.close();
});

test('a store that was not closed has every flushed write, from the journal', async () => {
  const device = new KeptDevice();
  const store = await Store.open(device);
  const volume = await store.createVolume('disk', mebibyte);
  const bytes = new Random(2).fill(new Uint8Array(8192));
  volume.write(bytes, 4096);
  await volume.flush();
  const again = await Store.open(device);
  intact(again);
  assert.deepEqual(again.volume('disk').read(4096, 8192), bytes);
});

test('snapshots stay, branches go their own way, deletion gives the space back', async () => {
  const device = new KeptDevice();
  const store = await Store.open(device);
  const volume = await store.createVolume('disk', 4 * mebibyte);
  volume.write(new Uint8Array(4 * mebibyte).fill(1), 0);
  await store.snapshot('disk', 'one');
  volume.write(new Uint8Array(8192).fill(2), 0);
  await store.branch('disk@one', 'copy');
  const copy = store.volume('copy');
  copy.write(new Uint8Array(4096).fill(3), 4096);
  intact(store);
  const full = store.space().live;
  assert.equal(volume.read(4096, 1)[0], 2);
  assert.equal(store.volume('disk@one').read(4096, 1)[0], 1);
  assert.equal(copy.read(4096, 1)[0], 3);
  assert.deepEqual([...volume.changes(store.volume('disk@one'))], [{ offset: 0, length: 8192 }]);
  assert.throws(() => store.volume('disk@one').write(new Uint8Array(1), 0), /snapshot/);
  await assert.rejects(store.delete('disk'), /has a snapshot/);
  await store.delete('disk', { snapshots: true });
  await store.core.settle();
  await store.checkpoint();
  intact(store);
  assert.ok(store.space().live >= 4 * mebibyte, 'the branch still holds what it shares');
  await store.delete('copy');
  await store.core.settle();
  await store.checkpoint();
  intact(store);
  assert.ok(store.space().live < mebibyte, `${store.space().live} of ${full} are left`);
  await store.close();
  assert.ok(device.size() <= 2 * mebibyte, `the device has shrunk to ${device.size()}`);
});

test('ranges tell data from holes, and a whole volume is trimmed at its top', async () => {
  const store = await Store.open(new MemoryDevice());
  const volume = await store.createVolume('disk', 2 ** 40);
  volume.write(new Uint8Array(4096).fill(1), 2 ** 39);
  volume.write(new Uint8Array(100).fill(1), 8192);
  assert.deepEqual(
    [...volume.ranges()].map((r) => [r.offset, r.length, r.data]),
    [
      [0, 8192, false],
      [8192, 4096, true],
      [12288, 2 ** 39 - 12288, false],
      [2 ** 39, 4096, true],
      [2 ** 39 + 4096, 2 ** 39 - 4096, false],
    ],
  );
  volume.trim(0, volume.size);
  assert.deepEqual([...volume.ranges()], [{ offset: 0, length: 2 ** 40, data: false }]);
  intact(store);
});

test('sizes change both ways, and what was cut off does not come back', async () => {
  const store = await Store.open(new MemoryDevice());
  const volume = await store.createVolume('disk', 10000);
  volume.write(new Uint8Array(10000).fill(7), 0);
  await store.resizeVolume('disk', 5000);
  await store.resizeVolume('disk', 20000);
  const bytes = volume.read(0, 20000);
  assert.ok(bytes.subarray(0, 5000).every((b) => b === 7));
  assert.ok(bytes.subarray(5000).every((b) => b === 0));
  intact(store);
});
