import { Random } from '../../src/base/random.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';
import { Store } from '../../src/store/index.ts';
import { zlibCompressor } from '../../src/store/node/zlib-compressor.ts';
import { type ModelState, stateDigest } from '../sim/model.ts';

/**
 * Makes the store that `stores/v<format version>.quern.gz` holds: something of everything, a part
 * of it only in the journal. Written once for each version of the format, by
 *
 *     npm run sim -- version
 */
export async function makeStore(device: BlockDevice): Promise<void> {
  const random = new Random(1);
  const store = await Store.open(device, {
    compressor: zlibCompressor,
    random: (count) => random.fill(new Uint8Array(count)),
    clock: () => 1,
  });
  const volume = await store.createVolume('disk', 10 * 2 ** 30);
  volume.write(new Uint8Array(300000).fill(1), 4096 * 1000);
  volume.write(new Uint8Array(5000).fill(2), 8 * 2 ** 30);
  await store.createMap('map');
  await store.transact((t) => {
    for (let i = 0; i < 500; i++) t.put('map', keyOf(i), new Uint8Array(i).fill(i));
    t.put('map', keyOf(1000), new Uint8Array(100000).fill(3));
    t.put('map', keyOf(1001), random.fill(new Uint8Array(5000)));
  });
  await store.snapshot('disk', 'one');
  await store.branch('disk@one', 'copy');
  await store.createVolume('gone', 1 << 20);
  store.volume('gone').write(new Uint8Array(1 << 20).fill(4), 0);
  await store.checkpoint();
  await store.delete('gone');
  store.volume('copy').write(new Uint8Array(100).fill(5), 0);
  await store.transact((t) => t.delete('map', keyOf(7)));
  volume.zero(4096 * 1000, 8192);
  await store.snapshot('map', 'two');
  await store.sync();
  device.close();
}

function keyOf(number: number): Uint8Array {
  return new TextEncoder().encode(`key ${number}`);
}

/** A digest of all that {@link makeStore} puts into a store, the large volumes by their data. */
export function contentsDigest(store: Store): string {
  const state = new Map<string, ModelState extends ReadonlyMap<string, infer T> ? T : never>();
  const names = [
    ...store.list().map(({ name, kind }) => ({ name, kind })),
    ...store.snapshots().map(({ name, snapshot, kind }) => ({ name: `${name}@${snapshot}`, kind })),
  ];
  for (const { name, kind } of names) {
    if (kind === 'volume') {
      const volume = store.volume(name);
      const entries = new Map<string, Uint8Array>();
      for (const { offset, length, data } of volume.ranges()) {
        if (data) entries.set(`${offset}`, volume.read(offset, length));
      }
      entries.set('size', new TextEncoder().encode(`${volume.size}`));
      state.set(name, { kind: 'map', entries });
    } else {
      const entries = new Map<string, Uint8Array>();
      for (const [key, value] of store.map(name).entries()) entries.set(`${key}`, value);
      state.set(name, { kind: 'map', entries });
    }
  }
  return stateDigest(state);
}
