import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '../src/base/assert.ts';
import { Random } from '../src/base/random.ts';
import type { SuiteContext } from '../src/bench/suite.ts';
import type { Store, StoreOptions, Volume } from '../src/store/index.ts';
import { openStoreFile } from '../src/store/node/store-file.ts';
import { compareServers } from './volumes/compare.ts';

export const name = 'store';
export const description =
  'the store: write amplification, snapshots, opening, commits, volumes over NBD';
export const options = {
  dir: { type: 'string', description: 'Folder for the files (default: a temporary one)' },
  size: { type: 'string', default: '1', description: 'Size of the volume in GiB' },
} as const;

const block = 4096;

/** Runs the suite. Everything is checked: reads compare, and each part ends with a verification. */
export async function run(context: SuiteContext): Promise<void> {
  const given = context.options.dir;
  const folder = mkdtempSync(join(typeof given === 'string' ? given : tmpdir(), 'quern-store-'));
  try {
    const size = Number(context.options.size) * 2 ** 30;
    const path = join(folder, 'volume.quern');
    await overwrites(context, path, size);
    await snapshots(context, path);
    await commits(context, join(folder, 'maps.quern'));
    await zipf(context, join(folder, 'zipf.quern'), Math.min(size, 2 ** 29));
    await segments(context, join(folder, 'segments.quern'));
    await manySnapshots(context, join(folder, 'snapshots.quern'));
    await compareServers(context, {
      dir: folder,
      bytes: size,
      seconds: 1,
      memory: false,
      only: '',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function written(store: Store): number {
  const { traffic } = store.core.blocks.file;
  const { dataWritten, metadataWritten, journalWritten, compactionWritten } = traffic;
  return dataWritten + metadataWritten + journalWritten + compactionWritten;
}

async function filled(path: string, size: number, more: StoreOptions = {}): Promise<Store> {
  const store = await openStoreFile(path, more);
  const volume = await store.createVolume('disk', size);
  const chunk = new Random(1).fill(new Uint8Array(1 << 20));
  for (let offset = 0; offset < size; offset += chunk.length) {
    volume.write(chunk, offset);
    if (offset % (64 << 20) === 0) await volume.flush();
  }
  await store.checkpoint();
  return store;
}

/** Random 4 KiB writes with a flush every 32, and the bytes the device gets for them. */
async function overwrites(context: SuiteContext, path: string, size: number): Promise<void> {
  const store = await filled(path, size);
  const volume = store.volume('disk');
  const random = new Random(2);
  const source = random.fill(new Uint8Array(block));
  const target = new Uint8Array(block);
  const before = written(store);
  let bytes = 0;
  await context.measure({
    name: 'random 4 KiB writes, flush every 32',
    amount: { value: 16384, unit: 'writes' },
    programs: [{ name: 'quern', run: () => writeRandomly(volume, source, random, 16384) }],
    check: () => {},
  });
  bytes += 16384 * block * (context.runs + 1);
  await store.checkpoint();
  const amplification = (written(store) - before) / bytes;
  context.note(`write amplification: ${amplification.toFixed(2)} (at most 3 wanted, btrfs 5.8)`);
  await context.measure({
    name: 'random 4 KiB reads',
    amount: { value: 100_000, unit: 'reads' },
    programs: [
      {
        name: 'quern',
        run: () => {
          const blocks = volume.size / block;
          for (let i = 0; i < 100_000; i++) {
            volume.readInto(target, random.int(0, blocks - 1) * block);
          }
        },
      },
    ],
  });
  await store.close();
}

async function writeRandomly(
  volume: Volume,
  source: Uint8Array,
  random: Random,
  count: number,
): Promise<void> {
  const blocks = volume.size / block;
  for (let i = 1; i <= count; i++) {
    volume.write(source, random.int(0, blocks - 1) * block);
    if (i % 32 === 0) await volume.flush();
  }
}

/** A snapshot and a branch of the full volume, and opening the file. */
async function snapshots(context: SuiteContext, path: string): Promise<void> {
  let store = await openStoreFile(path);
  const size = statSync(path).size;
  let count = 0;
  const timed = (what: string, work: (n: number) => Promise<unknown>): Promise<unknown> =>
    context.measure({
      name: `${what}, ${(size / 2 ** 30).toFixed(1)} GiB in the store`,
      programs: [{ name: 'quern', run: () => work(count++) }],
    });
  await timed('snapshot, durable', (n) => store.snapshot('disk', `s${n}`));
  await timed('branch, durable', (n) => store.branch('disk', `b${n}`));
  await store.close();
  await timed('open for reading', async () => {
    const reader = await openStoreFile(path, { readOnly: true });
    assert(reader.volume('disk').read(0, 1).length === 1, 'the volume can be read');
    await reader.close();
  });
  await timed('open for writing and close', async () => {
    store = await openStoreFile(path);
    await store.close();
  });
}

/** A hundred thousand commits of one small key each, from a hundred writers at a time. */
async function commits(context: SuiteContext, path: string): Promise<void> {
  const store = await openStoreFile(path);
  await store.createMap('map');
  const { traffic } = store.core.blocks.file;
  const total = 100_000;
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < total) {
      const key = new TextEncoder().encode(`key ${next++ % 20000}`);
      await store.transact((transaction) => transaction.put('map', key, key));
    }
  };
  const flushes = traffic.flushes;
  const start = performance.now();
  await Promise.all(Array.from({ length: 100 }, writer));
  const seconds = (performance.now() - start) / 1000;
  const perFlush = total / (traffic.flushes - flushes);
  const rate = Math.round(total / seconds);
  context.note(`100,000 map commits: ${rate} a second, ${perFlush.toFixed(0)} for each flush`);
  assert(store.verify().problems.length === 0, 'the store is intact');
  await store.close();
}

/**
 * Zipf-distributed overwrites, as they are and with the file squeezed to 5 % free space sixteen
 * times on the way, so that there is something to compact. It is held at least 80 % full.
 */
async function zipf(context: SuiteContext, path: string, size: number): Promise<void> {
  for (const squeezes of [0, 16]) {
    const store = await filled(`${path}${squeezes}`, size, { journalSize: 256 << 10 });
    const volume = store.volume('disk');
    const random = new Random(3);
    const source = random.fill(new Uint8Array(block));
    const blocks = size / block;
    const pick = zipfPicker(random, blocks);
    const before = written(store);
    const count = 2 * blocks;
    const squeezeEvery = squeezes === 0 ? count + 1 : Math.floor(count / squeezes);
    let largest = 0;
    for (let i = 1; i <= count; i++) {
      volume.write(source, pick() * block);
      if (i % 32 === 0) await volume.flush();
      if (i % 1024 === 0) largest = Math.max(largest, store.space().size);
      if (i % squeezeEvery === 0) await store.compact(0.05);
      else if (i % 1024 === 0 && store.space().size > size / 0.8) await store.compact(0.15);
    }
    await store.checkpoint();
    const amplification = (written(store) - before) / (count * block);
    const moved = store.core.blocks.file.traffic.compactionWritten / (count * block);
    const full = Math.floor((100 * size) / largest);
    context.note(
      `Zipf 0.99, at least ${full} % full, squeezed ${squeezes} times: write amplification ` +
        `${amplification.toFixed(2)}, of it moved ${moved.toFixed(2)} (at most 3 wanted)`,
    );
    assert(store.verify().problems.length === 0, 'the store is intact');
    await store.close();
    rmSync(`${path}${squeezes}`);
  }
}

/** Draws from a Zipf distribution (exponent 0.99) over scattered blocks, by Gray's method. */
function zipfPicker(random: Random, count: number): () => number {
  const theta = 0.99;
  let zeta = 0;
  for (let i = 1; i <= count; i++) zeta += 1 / i ** theta;
  const alpha = 1 / (1 - theta);
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - (1 + 0.5 ** theta) / zeta);
  return () => {
    const u = random.double();
    const uz = u * zeta;
    let rank = Math.floor(count * (eta * u - eta + 1) ** alpha);
    if (uz < 1) rank = 0;
    else if (uz < 1 + 0.5 ** theta) rank = 1;
    return (Math.min(rank, count - 1) * 2654435761) % count;
  };
}

/**
 * What tables will do: thousands of column segments of 10 kB to 1 MB that are committed together,
 * and read in any order, into memory that is used again, by many readers between whom the event
 * loop goes round, while more are committed.
 */
async function segments(context: SuiteContext, path: string): Promise<void> {
  const store = await openStoreFile(path);
  await store.createMap('segments');
  const random = new Random(5);
  const source = random.fill(new Uint8Array(1 << 20));
  const sizes = Array.from({ length: 4000 }, () => Math.floor(10_000 * 100 ** random.double()));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const key = (batch: number, i: number): Uint8Array => Uint8Array.of(batch, i >> 8, i & 255);
  const commit = (batch: number): Promise<void> =>
    store.transact((t) => {
      for (const [i, size] of sizes.entries()) {
        t.put('segments', key(batch, i), source.subarray(0, size));
      }
    });
  let batch = 0;
  await context.measure({
    name: 'commit of 4000 segments, durable',
    amount: { value: bytes / 2 ** 20, unit: 'MiB' },
    programs: [{ name: 'quern', run: () => commit(batch++) }],
  });
  const map = store.map('segments');
  const target = new Uint8Array(new SharedArrayBuffer(1 << 20));
  const readAll = async (readers: number): Promise<void> => {
    const order = random.shuffle(sizes.map((_, i) => i));
    const read = async (): Promise<void> => {
      for (let i = order.pop(); i !== undefined; i = order.pop()) {
        assert(map.getInto(key(0, i), target) === sizes[i], 'a segment has its size');
        if (readers > 1) await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: readers }, read));
  };
  for (const readers of [1, 64]) {
    await context.measure({
      name: `read of 4000 segments in any order, ${readers === 1 ? 'one reader' : '64 readers'}`,
      amount: { value: bytes / 2 ** 20, unit: 'MiB' },
      programs: [{ name: 'quern', run: () => readAll(readers) }],
    });
  }
  await context.measure({
    name: 'the same with 64 readers while 4000 more are committed',
    amount: { value: (2 * bytes) / 2 ** 20, unit: 'MiB' },
    programs: [
      {
        name: 'quern',
        run: async () => {
          await Promise.all([commit(batch++), readAll(64)]);
        },
      },
    ],
  });
  assert(store.verify().problems.length === 0, 'the store is intact');
  await store.close();
}

/** Is the ten thousandth snapshot as quick as the first, and do the others slow writes down? */
async function manySnapshots(context: SuiteContext, path: string): Promise<void> {
  const store = await filled(path, 2 ** 26);
  const volume = store.volume('disk');
  const random = new Random(6);
  const source = random.fill(new Uint8Array(block));
  const round = async (from: number, count: number): Promise<number> => {
    const start = performance.now();
    for (let i = from; i < from + count; i++) {
      for (let k = 0; k < 8; k++) volume.write(source, random.int(0, 2 ** 14 - 1) * block);
      await store.snapshot('disk', `s${i}`);
    }
    return ((performance.now() - start) / count) * 1000;
  };
  const first = await round(0, 1000);
  await round(1000, 8000);
  const last = await round(9000, 1000);
  const start = performance.now();
  const usages = await store.usages();
  const walk = performance.now() - start;
  assert(usages.size === 10_001, 'every snapshot is there');
  context.note(
    `10,000 snapshots, 8 writes of 4 KiB before each: ${first.toFixed(0)} µs for one of the first ` +
      `thousand, ${last.toFixed(0)} µs of the last; the space of all of them in ${walk.toFixed(0)} ms`,
  );
  await store.close();
  const opening = performance.now();
  const again = await openStoreFile(path);
  const opened = performance.now() - opening;
  const deleting = performance.now();
  for (const { snapshot } of again.snapshots('disk').slice(0, 5000))
    await again.deleteSnapshot('disk', snapshot);
  const each = ((performance.now() - deleting) / 5000) * 1000;
  context.note(
    `with them, opening takes ${opened.toFixed(0)} ms; deleting one ${each.toFixed(0)} µs`,
  );
  await again.close();
}
