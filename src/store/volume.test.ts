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

/** A device whose later reads wait until the test lets them go. */
class WaitingDevice extends KeptDevice {
  gate: Promise<void> = Promise.resolve();
  reads = 0;

  async readLater(target: Uint8Array, offset: number): Promise<void> {
    this.reads++;
    await this.gate;
    this.read(target, offset);
  }
}

test('what is read later is what was read at once, also beside writers and compaction', async () => {
  const device = new WaitingDevice();
  const random = new Random(5);
  const store = await Store.open(device);
  const volume = await store.createVolume('disk', 4 * mebibyte);
  const model = new Uint8Array(volume.size);
  const write = (offset: number, length: number) => {
    const bytes = random.fill(new Uint8Array(length));
    volume.write(bytes, offset);
    model.set(bytes, offset);
  };
  for (let i = 0; i < 200; i++) write(random.int(0, volume.size - 20_000), random.int(1, 20_000));
  for (let i = 0; i < 100; i++) {
    const offset = random.int(0, volume.size);
    const target = new Uint8Array(random.int(0, Math.min(volume.size - offset, 2 * mebibyte)));
    await volume.readLater(target, offset);
    assert.deepEqual(target, model.slice(offset, offset + target.length), `${offset}`);
  }
  // Everything is overwritten, and its places reused, between the asking and the reading.
  for (let round = 0; round < 5; round++) {
    let open = (): void => {};
    device.gate = new Promise((resolve) => {
      open = resolve;
    });
    device.reads = 0;
    const target = new Uint8Array(volume.size);
    const reading = volume.readLater(target, 0);
    for (let pass = 0; pass < 3; pass++) {
      for (let at = 0; at < volume.size; at += 65536) write(at, 65536);
      await store.checkpoint();
    }
    await store.compact(0.1);
    open();
    await reading;
    assert.deepEqual(target, model, 'all old would do as well, but the old is gone');
    assert.ok(device.reads > 0);
  }
  intact(store);
  await store.close();
});

test('what is damaged is not read later either', async () => {
  const device = new WaitingDevice();
  const store = await Store.open(device);
  const volume = await store.createVolume('disk', mebibyte);
  const block = new Random(6).fill(new Uint8Array(4096));
  volume.write(block, 40_960);
  const image = new Uint8Array(device.size());
  device.read(image, 0);
  const at = Buffer.from(image.buffer).indexOf(block);
  device.write(Uint8Array.of(block[100] ^ 1), at + 100);
  await assert.rejects(
    volume.readLater(new Uint8Array(100), 41_000),
    /'disk' at byte 40960 is damaged/,
  );
});
