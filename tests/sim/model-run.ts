import { QuernError, sqlState } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { Store, type View } from '../../src/store/index.ts';
import { dump, History, testOptions } from './history.ts';
import { type ModelState, stateDigest } from './model.ts';
import { KeptMemoryDevice, SparseDevice } from './recorded-device.ts';

export interface ModelReport {
  operations: number;
  verifications: number;
  reopenings: number;
  /** Bytes that compaction moved. */
  moved: number;
  /** Views that were compared with the state in which they had been opened. */
  views: number;
}

/** A view, and what it must show for as long as it is open. */
interface OpenView {
  view: View;
  state: ModelState;
}

/** Long after it was opened, a view shows what was there then. */
function checkView({ view, state }: OpenView): void {
  for (const [name, object] of state) {
    if (object.kind === 'volume') {
      const bytes = view.volume(name).read(0, object.bytes.length);
      if (Buffer.compare(bytes, object.bytes) !== 0) throw new Error(`a view of ${name} differs`);
      continue;
    }
    const entries = new Map<string, Uint8Array>();
    for (const [key, value] of view.map(name).entries()) {
      entries.set(Buffer.from(key).toString('hex'), value);
    }
    const seen = stateDigest(new Map([[name, { kind: 'map', entries }]]));
    if (seen !== stateDigest(new Map([[name, object]])))
      throw new Error(`a view of ${name} differs`);
  }
  view.close();
}

function expectIntact(store: Store, where: string): void {
  const { problems } = store.verify();
  if (problems.length > 0) throw new Error(`${where}: ${JSON.stringify(problems.slice(0, 3))}`);
}

/**
 * Random operations with snapshots, branches, deletions and compaction interleaved, against a
 * model; everything the store counts is compared with a full walk, over and over.
 */
export async function modelRun(seed: number, steps: number): Promise<ModelReport> {
  const random = new Random(seed);
  const device = new KeptMemoryDevice();
  const deferred: (() => void)[] = [];
  let store = await Store.open(device, testOptions(random, deferred));
  let pending: Promise<void>[] = [];
  const options = {
    volumeSize: random.pick([50000, 500000, 4000000]),
    onVersion: () => {},
    onSync: (durable: Promise<void>) => {
      pending.push(durable);
    },
  };
  let history = new History(random, store, options);
  const report: ModelReport = {
    operations: 0,
    verifications: 0,
    reopenings: 0,
    moved: 0,
    views: 0,
  };
  const views: OpenView[] = [];
  for (let step = 0; step < steps; step++) {
    const where = `seed ${seed}, step ${step}`;
    try {
      history.step();
      report.operations++;
      if (random.chance(0.3)) deferred.shift()?.();
      if (random.chance(0.3)) await new Promise(setImmediate);
      if (views.length < 3 && random.chance(0.02)) {
        views.push({ view: store.view(), state: history.state });
      }
      if (random.chance(0.01)) {
        for (const view of views.splice(0, random.int(0, views.length))) {
          checkView(view);
          report.views++;
        }
        await Promise.all(pending);
        pending = [];
        const moved = store.core.blocks.file.traffic.compactionWritten;
        await checkUsage(store, random);
        expectIntact(store, where);
        report.verifications++;
        if (stateDigest(dump(store)) !== stateDigest(history.state))
          throw new Error('state differs');
        if (random.chance(0.5)) {
          report.moved += moved;
          for (const view of views.splice(0)) checkView(view);
          // Half of the time as after a crash that lost nothing: recovery from the journal.
          if (random.chance(0.5)) await store.close();
          else await store.sync();
          store = await Store.open(device, testOptions(random, deferred));
          expectIntact(store, where);
          const { state } = history;
          history = new History(random, store, options);
          history.resume(state);
          report.reopenings++;
        }
      }
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
  }
  await Promise.all(pending);
  await store.close();
  return report;
}

/** Deleting an object gives back exactly what was said to be exclusive to it. */
async function checkUsage(store: Store, random: Random): Promise<void> {
  await store.core.settle();
  await store.checkpoint();
  const name = random.pick([
    ...store.list().map((object) => object.name),
    ...store.snapshots().map(({ name: object, snapshot }) => `${object}@${snapshot}`),
    '',
  ]);
  if (name === '') return;
  const { referenced, exclusive, shared } = await store.usage(name);
  if (referenced !== exclusive + shared) throw new Error('usage does not add up');
  const all = (await store.usages()).get(name);
  if (all?.referenced !== referenced || all.exclusive !== exclusive) {
    throw new Error(`${name} holds ${referenced}, together with all others ${all?.referenced}`);
  }
  // A branch and its removal change nothing, but a branch shares everything.
  await store.branch(name, 'probe');
  const probe = await store.usage('probe');
  if (probe.exclusive !== 0 || probe.referenced !== referenced) {
    throw new Error(`a branch of ${name} holds ${JSON.stringify(probe)}, expected ${referenced}`);
  }
  await store.delete('probe');
  await store.core.settle();
}

/** The store on a disk that is too small: whatever fails leaves everything as it was. */
export async function fullDiskRun(seed: number, steps: number): Promise<{ refusals: number }> {
  const random = new Random(seed);
  const capacity = random.int(3, 8) * (1 << 20);
  const device = random.chance(0.3)
    ? new KeptMemoryDevice({ capacity })
    : new SparseDevice(capacity);
  let store = await Store.open(device, testOptions(random, []));
  const contents = new Map<string, Uint8Array>();
  let refusals = 0;
  let names = 0;
  for (let step = 0; step < steps; step++) {
    const name = contents.size === 0 ? '' : random.pick([...contents.keys()]);
    const dice = random.int(0, 9);
    try {
      if (name === '' || (dice === 0 && contents.size < 5)) {
        const fresh = `v${names++}`;
        await store.createVolume(fresh, 2 << 20);
        contents.set(fresh, new Uint8Array(2 << 20));
      } else if (dice === 1 && contents.size > 1) {
        await store.delete(name, { snapshots: true });
        contents.delete(name);
      } else if (dice === 3) {
        // Deleting works on a full disk too; at most it has to wait for a checkpoint.
        const offset = random.int(0, 511) * 4096;
        const length = Math.min((2 << 20) - offset, random.int(1, 60) * 4096);
        const volume = store.volume(name);
        try {
          await volume.withRoom(() => volume.trim(offset, length));
        } catch (error) {
          throw new Error(`a trim is refused: ${String(error)}`, { cause: error });
        }
        contents.get(name)!.fill(0, offset, offset + length);
      } else if (dice === 2) {
        await store.snapshot(name, `s${names++}`);
      } else {
        const bytes = random.fill(new Uint8Array(random.int(1, 300000)));
        const offset = random.int(0, (2 << 20) - bytes.length);
        store.volume(name).write(bytes, offset);
        contents.get(name)!.set(bytes, offset);
        if (random.chance(0.3)) await store.sync();
      }
    } catch (error) {
      if (!(error instanceof QuernError) || error.code !== sqlState.diskFull) throw error;
      refusals++;
      // Deleting must work now.
      for (const { name: object, snapshot } of store.snapshots()) {
        await store.deleteSnapshot(object, snapshot);
      }
      if (contents.size > 1) {
        await store.delete(name, { snapshots: true });
        contents.delete(name);
      }
      await store.core.settle();
      await store.checkpoint();
    }
    if (step % 50 === 49) {
      expectIntact(store, `seed ${seed}, step ${step}`);
      for (const [other, bytes] of contents) {
        const volume = store.volume(other);
        if (Buffer.compare(volume.read(0, volume.size), bytes) !== 0) {
          throw new Error(`seed ${seed}, step ${step}: '${other}' differs`);
        }
      }
      await store.close();
      store = await Store.open(device, testOptions(random, []));
    }
  }
  await store.close();
  return { refusals };
}
