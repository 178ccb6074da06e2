import { AssertionError } from '../../src/base/assert.ts';
import { QuernError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { Store } from '../../src/store/index.ts';
import { superblockPlaces } from '../../src/store/layout.ts';
import { dump, History, testOptions } from './history.ts';
import { type ModelState, stateDigest } from './model.ts';
import { KeptMemoryDevice } from './recorded-device.ts';

export interface DamageReport {
  flips: number;
  /** Blocks exchanged with, or replaced by an older version of, another. */
  swaps: number;
  /** How often the damage was met, by an error that says so. */
  detected: number;
  /** How often it did not matter: free space, a spare copy, or what a journal makes up for. */
  harmless: number;
}

/** Reading everything gives this state, or the error of whoever met the damage. */
async function attempt(device: KeptMemoryDevice, seed: number): Promise<ModelState | QuernError> {
  const random = new Random(seed);
  try {
    const store = await Store.open(device, testOptions(random, []));
    const { problems } = store.verify();
    if (problems.length > 0) {
      if (problems.some((p) => p.object === '')) throw new Error('a problem without a name');
      // What is not damaged can still be read, and damage has a name.
      try {
        dump(store);
      } catch (error) {
        if (!(error instanceof QuernError)) throw error;
      }
      return new QuernError('XX001', problems[0].problem);
    }
    return dump(store);
  } catch (error) {
    if (error instanceof QuernError && !(error.cause instanceof AssertionError)) return error;
    throw error;
  }
}

/**
 * Makes a store, damages its file in many ways, one at a time, and reads it: the data must be
 * right, or there must be an error; never wrong data, a crash or a hang.
 */
export async function damageRun(seed: number, steps: number): Promise<DamageReport> {
  const random = new Random(seed);
  const device = new KeptMemoryDevice();
  const deferred: (() => void)[] = [];
  const store = await Store.open(device, testOptions(random, deferred));
  const history = new History(random, store, {
    volumeSize: 100000,
    onVersion: () => {},
    onSync: () => {},
  });
  const older = new Uint8Array(0);
  let earlier: Uint8Array = older;
  for (let step = 0; step < steps; step++) {
    history.step();
    if (step % 5 === 0) await store.sync();
    if (step === Math.floor(steps / 2)) earlier = contents(device);
  }
  if (random.chance(0.5)) await store.checkpoint();
  await store.sync();
  // As soon as the store has a moment, it confirms what it has acknowledged.
  for (let task = deferred.shift(); task !== undefined; task = deferred.shift()) task();
  const whole = contents(device);
  const expected = stateDigest(history.state);
  // What was acknowledged earlier must not come back as if it were the present.
  const report: DamageReport = { flips: 0, swaps: 0, detected: 0, harmless: 0 };
  for (let i = 0; i < 40; i++) {
    const bytes = whole.slice();
    const what = damage(bytes, earlier, random, report);
    const damaged = new KeptMemoryDevice();
    damaged.write(bytes, 0);
    const result = await attempt(damaged, seed + i);
    if (result instanceof QuernError) report.detected++;
    else if (stateDigest(result) === expected) report.harmless++;
    else throw new Error(`seed ${seed}, ${what}: wrong data and no error`);
  }
  return report;
}

function contents(device: KeptMemoryDevice): Uint8Array {
  const bytes = new Uint8Array(device.size());
  device.read(bytes, 0);
  return bytes;
}

/** Does one bad thing to `bytes`; tells what. */
function damage(
  bytes: Uint8Array,
  earlier: Uint8Array,
  random: Random,
  report: DamageReport,
): string {
  const place = pickPlace(bytes, random);
  const block = bytes.subarray(place * 4096, (place + 1) * 4096);
  if (random.chance(0.6)) {
    report.flips++;
    const bit = random.int(0, random.pick([4096, 600]) * 8 - 1);
    block[bit >>> 3] ^= 1 << (bit & 7);
    return `bit ${bit} of place ${place} flipped`;
  }
  report.swaps++;
  if (random.chance(0.5) && (place + 1) * 4096 <= earlier.length) {
    block.set(earlier.subarray(place * 4096, (place + 1) * 4096));
    return `place ${place} as it was earlier (a lost write)`;
  }
  const other = random.int(0, bytes.length / 4096 - 1);
  const copy = block.slice();
  const otherBlock = bytes.subarray(other * 4096, (other + 1) * 4096);
  block.set(otherBlock);
  otherBlock.set(copy);
  return `places ${place} and ${other} exchanged`;
}

/** Often one that is not empty: a copy of the superblock, a record of the journal, or any other. */
function pickPlace(bytes: Uint8Array, random: Random): number {
  const places = bytes.length / 4096;
  const place = random.int(0, places - 1);
  if (random.chance(0.4)) return place;
  if (random.chance(0.1)) return random.pick(superblockPlaces);
  const wanted = random.chance(0.5) ? 4 : -1;
  for (let i = 0; i < places; i++) {
    const at = ((place + i) % places) * 4096;
    const isNode = bytes[at] === 0x51 && bytes[at + 1] === 0x55;
    if (wanted < 0 ? bytes[at] !== 0 : isNode && bytes[at + 4] === wanted) return at / 4096;
  }
  return place;
}
