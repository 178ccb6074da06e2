/**
 * Runs in a worker of a browser: the tests of devices on the origin-private file system, and a
 * store on it that is closed, opened again, and cut off. Posts a {@link WorkerReport}.
 */
import { Random } from '../../src/base/random.ts';
import { OpfsDevice, type SyncAccessHandle } from '../../src/store/device/browser/opfs-device.ts';
import { Store } from '../../src/store/index.ts';
import { deviceCases } from '../conform/block-device.ts';

export interface WorkerReport {
  passed: string[];
  failed: string[];
}

/** The parts of the browser in use; the project's types know no DOM. */
interface Folder {
  getFileHandle(
    name: string,
    options: { create: boolean },
  ): Promise<{ createSyncAccessHandle(): Promise<SyncAccessHandle> }>;
}
const browser = globalThis as unknown as {
  navigator: { storage: { getDirectory(): Promise<Folder> } };
  postMessage(report: WorkerReport): void;
};

async function open(name: string): Promise<OpfsDevice> {
  const folder = await browser.navigator.storage.getDirectory();
  const file = await folder.getFileHandle(name, { create: true });
  return new OpfsDevice(name, await file.createSyncAccessHandle());
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function intact(store: Store): void {
  const { problems } = store.verify();
  if (problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 3)));
}

/** A volume and a map with a snapshot, through closing and through being cut off. */
async function storeKeepsData(): Promise<void> {
  const random = new Random(1);
  const bytes = random.fill(new Uint8Array(3 << 20));
  const key = new TextEncoder().encode('key');
  let store = await Store.open(await open('store'));
  const volume = await store.createVolume('disk', 16 << 20);
  volume.write(bytes, 5000);
  await store.createMap('m');
  await store.transact((t) => t.put('m', key, bytes.subarray(0, 100_000)));
  await store.snapshot('disk', 'one');
  await store.close();
  const device = await open('store');
  store = await Store.open(device);
  intact(store);
  if (!same(store.volume('disk@one').read(5000, bytes.length), bytes)) {
    throw new Error('the volume differs after closing');
  }
  store.volume('disk').write(new Uint8Array(10_000).fill(7), 0);
  await store.sync();
  device.close(); // As if the tab had been closed: the store has to begin with its journal.
  const again = await Store.open(await open('store'));
  intact(again);
  if (again.recovery.records === 0) throw new Error('nothing came from the journal');
  if (!same(again.volume('disk').read(0, 10_000), new Uint8Array(10_000).fill(7))) {
    throw new Error('what was synced is lost');
  }
  if (!same(again.map('m').get(key)!, bytes.subarray(0, 100_000))) {
    throw new Error('the value of the map differs');
  }
  await again.compact(0);
  await again.close();
}

/** The handle is exclusive: that is the lock. */
async function oneWriter(): Promise<void> {
  const device = await open('locked');
  const second = await open('locked').then(
    () => 'opened',
    (error: Error) => error.name,
  );
  device.close();
  if (second !== 'NoModificationAllowedError') throw new Error(`a second handle: ${second}`);
}

const report: WorkerReport = { passed: [], failed: [] };
let count = 0;
const cases = [
  ...deviceCases.map(({ name, run }) => ({
    name,
    run: async () => await run(await open(`device${count++}`)),
  })),
  { name: 'a store keeps its data', run: storeKeepsData },
  { name: 'one writer at a time', run: oneWriter },
];
for (const { name, run } of cases) {
  try {
    await run();
    report.passed.push(name);
  } catch (error) {
    report.failed.push(`${name}: ${(error as Error).stack}`);
  }
}
browser.postMessage(report);
