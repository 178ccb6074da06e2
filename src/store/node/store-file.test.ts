import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { QuernError } from '../../base/error.ts';
import { Random } from '../../base/random.ts';
import { openStoreFile } from './store-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-store-'));
after(() => rmSync(folder, { recursive: true }));

const keyOf = (n: number): Uint8Array => new TextEncoder().encode(`key ${n}`);

test('readers beside a writer see a state of its past, or are told to open again', async () => {
  const path = join(folder, 'shared.quern');
  const writer = await openStoreFile(path, { journalSize: 5000 });
  await writer.createMap('m');
  const random = new Random(1);
  let durable = 0;
  let outdated = 0;
  let reads = 0;
  const commit = async (round: number): Promise<void> => {
    // Every key of a round says the round: a mixture of two would show.
    await writer.transact((t) => {
      for (let i = 0; i < 40; i++) {
        const value = new Uint8Array(i % 4 === 0 ? 5000 : 100).fill(i);
        new DataView(value.buffer).setUint32(0, round);
        t.put('m', keyOf(i), value);
      }
    });
    durable = round;
  };
  await commit(1);
  for (let round = 2; round < 300; round++) {
    const reader = await openStoreFile(path, { readOnly: true });
    const known = durable;
    try {
      // Sometimes long after it was opened.
      for (let i = random.pick([0, 0, 1, 20]); i > 0; i--) await commit(round++);
      const rounds = new Set<number>();
      for (let i = 0; i < 40; i++) {
        const value = reader.map('m').get(keyOf(i))!;
        rounds.add(new DataView(value.buffer, value.byteOffset).getUint32(0));
        assert.ok(value.subarray(4).every((byte) => byte === i));
      }
      assert.deepEqual([...rounds], [known]);
      reads++;
    } catch (error) {
      assert.ok(error instanceof QuernError && error.code === '55000', String(error));
      outdated++;
    }
    await reader.close();
    await commit(round);
  }
  await writer.close();
  assert.ok(reads > 10 && outdated > 0, `${reads} reads, ${outdated} told to open again`);
});

test('two thousand snapshots cost each the same, and deleting them gives everything back', async () => {
  const store = await openStoreFile(join(folder, 'many.quern'));
  const volume = await store.createVolume('disk', 64 << 20);
  volume.write(new Uint8Array(8 << 20).fill(1), 0);
  const before = (await store.usage('disk')).referenced;
  const random = new Random(2);
  const snapshots: Promise<void>[] = [];
  for (let i = 0; i < 2000; i++) {
    const offset = random.int(0, 2047) * 4096;
    volume.write(new Uint8Array(4096).fill(i), offset);
    snapshots.push(store.snapshot('disk', `s${i}`));
  }
  await Promise.all(snapshots);
  assert.equal(store.snapshots('disk').length, 2000);
  assert.ok((await store.usage('disk@s1000')).exclusive <= 3 * 4096);
  const order = random.shuffle(Array.from({ length: 2000 }, (_, i) => i));
  await Promise.all(order.map((i) => store.deleteSnapshot('disk', `s${i}`)));
  await store.core.settle();
  await store.checkpoint();
  assert.equal((await store.usage('disk')).exclusive, before);
  assert.ok(store.space().live < before + (2 << 20));
  assert.deepEqual(store.verify().problems, []);
  await store.close();
});
