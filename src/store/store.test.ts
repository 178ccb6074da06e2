import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import { MemoryDevice } from './device/memory.ts';
import { aesSealer } from './node/aes-sealer.ts';
import { zlibCompressor } from './node/zlib-compressor.ts';
import type { StoreOptions } from './options.ts';
import { Store } from './store.ts';
import { receive, send } from './stream.ts';

class KeptDevice extends MemoryDevice {
  override close(): void {}
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

function intact(store: Store): void {
  assert.deepEqual(store.verify().problems, []);
}

async function withMap(device = new KeptDevice(), options: StoreOptions = {}): Promise<Store> {
  const store = await Store.open(device, options);
  await store.createMap('m');
  return store;
}

test('a transaction sees its own changes, others see them when it has committed', async () => {
  const store = await withMap();
  const transaction = await store.begin();
  transaction.put('m', bytesOf('b'), bytesOf('2'));
  transaction.put('m', bytesOf('a'), bytesOf('1'));
  transaction.put('m', bytesOf('c'), bytesOf('3'));
  transaction.delete('m', bytesOf('c'));
  assert.deepEqual(
    [...transaction.entries('m')].map(([k, v]) => `${textOf(k)}=${textOf(v)}`),
    ['a=1', 'b=2'],
  );
  assert.equal(store.map('m').get(bytesOf('a')), undefined);
  await transaction.commit();
  assert.equal(textOf(store.map('m').get(bytesOf('a'))), '1');
  await assert.rejects(
    store.transact((t) => {
      t.put('m', bytesOf('x'), new Uint8Array(100000));
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(store.map('m').get(bytesOf('x')), undefined);
  intact(store);
});

test('a hundred thousand keys, loaded at once, are all there after a crash', async () => {
  const device = new KeptDevice();
  const store = await withMap(device);
  await store.transact((t) => {
    for (let i = 0; i < 100000; i++) t.put('m', bytesOf(`key ${i}`), bytesOf(`value ${i}`));
  });
  const again = await Store.open(device);
  let count = 0;
  let last = '';
  for (const [key] of again.map('m').entries()) {
    const text = textOf(key)!;
    assert.ok(text > last);
    last = text;
    count++;
  }
  assert.equal(count, 100000);
  const range = [...again.map('m').entries(bytesOf('key 500'), bytesOf('key 5001'))];
  assert.deepEqual(
    range.map(([k]) => textOf(k)),
    [
      'key 500',
      'key 5000',
      'key 50000',
      'key 50001',
      'key 50002',
      'key 50003',
      'key 50004',
      'key 50005',
      'key 50006',
      'key 50007',
      'key 50008',
      'key 50009',
    ],
  );
  intact(again);
});

test('commits that come together share a flush', async () => {
  class SlowDevice extends KeptDevice {
    override flush(): Promise<void> {
      return new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  const store = await withMap(new SlowDevice());
  const { traffic } = store.core.blocks.file;
  const before = traffic.flushes;
  const commits: Promise<void>[] = [];
  for (let i = 0; i < 1000; i++) {
    commits.push(store.transact((t) => t.put('m', bytesOf(`${i % 50}`), bytesOf(`${i}`))));
  }
  await Promise.all(commits);
  assert.equal(textOf(store.map('m').get(bytesOf('49'))), '999');
  assert.ok(traffic.flushes - before < 100, `${traffic.flushes - before} flushes`);
});

test('a view stays as it was while everything is overwritten and deleted', async () => {
  const store = await withMap(new KeptDevice(), { cacheSize: 64 * 4096 });
  const random = new Random(1);
  const expected = new Map<string, Uint8Array>();
  await store.transact((t) => {
    for (let i = 0; i < 2000; i++) {
      const value = random.fill(new Uint8Array(random.int(0, 3000)));
      expected.set(`${i}`, value);
      t.put('m', bytesOf(`${i}`), value);
    }
  });
  const view = store.view();
  for (let round = 0; round < 8; round++) {
    await store.transact((t) => {
      for (let i = 0; i < 2000; i++) {
        if (random.chance(0.2)) t.delete('m', bytesOf(`${i}`));
        else t.put('m', bytesOf(`${i}`), random.fill(new Uint8Array(random.int(0, 3000))));
      }
    });
    await store.checkpoint();
  }
  await store.delete('m');
  await store.core.settle();
  await store.checkpoint();
  await store.createMap('other');
  await store.transact((t) => {
    for (let i = 0; i < 500; i++) t.put('other', bytesOf(`${i}`), new Uint8Array(3000));
  });
  await store.checkpoint();
  for (const [key, value] of expected) {
    assert.deepEqual(view.map('m').get(bytesOf(key)), value);
  }
  const during = store.space();
  view.close();
  await store.checkpoint();
  assert.ok(store.space().reclaimable < during.reclaimable);
  intact(store);
});

test('encrypted: the device shows nothing, and another key opens nothing', async () => {
  const device = new KeptDevice();
  const key = new Random(1).fill(new Uint8Array(32));
  const options = { encryption: aesSealer(key), compressor: zlibCompressor };
  const secret = bytesOf('a secret that must not be seen ');
  const large = new Uint8Array(500000);
  for (let i = 0; i < large.length; i++) large[i] = secret[i % secret.length];
  const store = await withMap(device, options);
  const volume = await store.createVolume('disk', 1 << 20);
  volume.write(large, 1000);
  await store.transact((t) => {
    t.put('m', secret, secret);
    t.put('m', bytesOf('large'), large);
  });
  const { dataWritten } = store.core.blocks.file.traffic;
  assert.ok(dataWritten < 600000, 'the large value was compressed');
  // As after a crash: the journal holds it, encrypted.
  const again = await Store.open(device, options);
  assert.deepEqual(again.map('m').get(bytesOf('large')), large);
  assert.deepEqual(again.volume('disk').read(1000, large.length), large);
  intact(again);
  await again.close();
  const bytes = Buffer.alloc(device.size());
  device.read(bytes, 0);
  assert.equal(bytes.indexOf('must not be seen'), -1);
  const wrong = { encryption: aesSealer(key.map((b) => b ^ 1)) };
  await assert.rejects(Store.open(device, wrong), /the key does not open/);
  await assert.rejects(Store.open(device), /is encrypted/);
});

test('streams carry snapshots and differences of volumes and maps to another store', async () => {
  const random = new Random(5);
  const source = await withMap();
  const target = await Store.open(new MemoryDevice());
  const volume = await source.createVolume('disk', 3 << 20);
  const fillMap = (count: number): Promise<void> =>
    source.transact((t) => {
      for (let i = 0; i < count; i++) {
        const key = bytesOf(`${random.int(0, 3000)}`);
        if (random.chance(0.2)) t.delete('m', key);
        else t.put('m', key, random.fill(new Uint8Array(random.int(0, 2000))));
      }
    });
  const sizes: number[] = [];
  for (let round = 0; round < 5; round++) {
    volume.write(random.fill(new Uint8Array(round === 0 ? 2 << 20 : 9000)), random.int(0, 900000));
    volume.zero(random.int(0, 100) * 4096, 8192);
    await fillMap(round === 0 ? 3000 : 30);
    await source.snapshot('disk', `s${round}`);
    await source.snapshot('m', `s${round}`);
    const since = round === 0 ? undefined : `s${round - 1}`;
    for (const name of ['disk', 'm']) {
      const chunks = [...send(source, name, `s${round}`, since)];
      sizes.push(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      // Damaged ones change nothing.
      const broken = chunks.map((chunk) => chunk.slice());
      const victim = broken[random.int(0, broken.length - 1)];
      victim[random.int(0, victim.length - 1)] ^= 1;
      await assert.rejects(receive(target, name, broken));
      await assert.rejects(receive(target, name, chunks.slice(0, -1)));
      await receive(target, name, chunks);
    }
    assert.deepEqual(target.volume(`disk@s${round}`).read(0, 3 << 20), volume.read(0, 3 << 20));
    assert.deepEqual([...target.map('m').entries()], [...source.map('m').entries()]);
    intact(target);
  }
  assert.deepEqual(
    target.list().map(({ name, origin }) => `${name} ${origin}`),
    ['disk ', 'm '],
    'what was received is no branch of the draft it came from',
  );
  assert.ok(sizes[2] < sizes[0] / 20, `differences are small: ${sizes}`);
  assert.ok(sizes[3] < sizes[1] / 10, `differences are small: ${sizes}`);
});

test('compaction cuts the file while a snapshot and a view hold parts of it', async () => {
  const device = new KeptDevice();
  const store = await Store.open(device);
  const random = new Random(3);
  const volume = await store.createVolume('disk', 8 << 20);
  const model = random.fill(new Uint8Array(8 << 20));
  volume.write(model, 0);
  await store.createVolume('filler', 32 << 20);
  store.volume('filler').write(new Uint8Array(32 << 20), 0);
  for (let i = 0; i < 500; i++) {
    const bytes = random.fill(new Uint8Array(4096));
    const offset = random.int(0, 2047) * 4096;
    volume.write(bytes, offset);
    model.set(bytes, offset);
  }
  await store.snapshot('disk', 's');
  await store.delete('filler');
  const view = store.view();
  const report = await store.compact();
  assert.ok(report.before > 40 << 20 && report.moved > 0, JSON.stringify(report));
  assert.deepEqual(view.volume('disk').read(0, 8 << 20), model);
  view.close();
  const after = await store.compact();
  assert.ok(after.after < 12 << 20, JSON.stringify(after));
  assert.deepEqual(store.volume('disk@s').read(0, 8 << 20), model);
  intact(store);
  await store.close();
  assert.equal(device.size(), after.after);
  const again = await Store.open(device);
  intact(again);
  assert.deepEqual(again.volume('disk').read(0, 8 << 20), model);
});

test('a failed flush stops the store, which opens again at what was durable', async () => {
  let fails = false;
  class FailingDevice extends KeptDevice {
    override async flush(): Promise<void> {
      if (fails) throw new Error('EIO of the disk');
    }
  }
  const device = new FailingDevice();
  const store = await withMap(device);
  await store.transact((t) => t.put('m', bytesOf('a'), bytesOf('1')));
  fails = true;
  await assert.rejects(
    store.transact((t) => t.put('m', bytesOf('b'), bytesOf('2'))),
    /the store has stopped: EIO of the disk/,
  );
  fails = false;
  await assert.rejects(
    store.transact((t) => t.put('m', bytesOf('c'), bytesOf('3'))),
    /the store has stopped/,
  );
  await assert.rejects(store.sync(), /the store has stopped/);
  await store.close();
  const again = await Store.open(device);
  assert.equal(textOf(again.map('m').get(bytesOf('a'))), '1');
  assert.equal(again.map('m').get(bytesOf('c')), undefined);
  intact(again);
});

test('a sync waits for a change before it that is too large for the journal', async () => {
  const device = new KeptDevice();
  const store = await Store.open(device);
  await store.createMap('m');
  const transaction = await store.begin();
  for (let i = 0; i < 200; i++) transaction.put('m', bytesOf(`key ${i}`), new Uint8Array(900));
  const committed = transaction.commit();
  await store.sync();
  const reader = await Store.open(device, { readOnly: true });
  assert.equal([...reader.map('m').entries()].length, 200);
  await committed;
});

test('an old copy of the superblock does not bring the past back', async () => {
  const device = new KeptDevice();
  const store = await withMap(device);
  const old = new Uint8Array(4096);
  for (let round = 0; round < 50; round++) {
    await store.transact((t) => t.put('m', bytesOf('round'), bytesOf(`${round}`)));
    await store.checkpoint();
    if (round === 10) device.read(old, 0);
  }
  for (const place of [0, 4, 8]) {
    device.write(old, place * 4096);
    const reader = await Store.open(device, { readOnly: true });
    assert.equal(textOf(reader.map('m').get(bytesOf('round'))), '49');
  }
});

test('values are read into memory of the caller, shared memory too', async () => {
  const device = new KeptDevice();
  const random = new Random(4);
  const values = [0, 5, 959, 960, 4096, 10_001, 300_000].map((size) =>
    random.fill(new Uint8Array(size)),
  );
  for (const compressor of [undefined, zlibCompressor]) {
    const name = compressor === undefined ? 'plain' : 'packed';
    const store = await Store.open(device, compressor === undefined ? {} : { compressor });
    await store.createMap(name);
    if (compressor !== undefined) values.push(new Uint8Array(200_000).fill(3));
    await store.transact((t) => {
      for (const [i, value] of values.entries()) t.put(name, Uint8Array.of(i), value);
    });
    const map = store.map(name);
    // At odd places of the memory as well.
    const memory = new Uint8Array(new SharedArrayBuffer(400_000), 8 + (values.length % 3));
    for (const [i, value] of values.entries()) {
      const key = Uint8Array.of(i);
      memory.fill(0xee);
      assert.equal(map.length(key), value.length);
      assert.equal(map.getInto(key, memory), value.length);
      assert.ok(Buffer.from(memory.slice(0, value.length)).equals(value), `value ${i}`);
      assert.ok(
        memory.subarray(value.length).every((byte) => byte === 0xee),
        'and no more',
      );
      if (value.length === 0) continue;
      assert.throws(() => map.getInto(key, memory.subarray(0, value.length - 1)), /there is room/);
    }
    assert.equal(map.getInto(Uint8Array.of(99), memory), undefined);
    await store.close();
  }
});
