import { Random } from '../../src/base/random.ts';
import { Store } from '../../src/store/index.ts';
import { dump, History, openSeeded, testOptions } from './history.ts';
import { type ModelState, stateDigest } from './model.ts';
import { CrashImages, lossModes, type PagedImage, RecordedDevice } from './recorded-device.ts';
import { SealedIdentities } from './sealed-identities.ts';

/** What one history gave. */
export interface CrashReport {
  operations: number;
  /** Boundaries of writes and flushes at which the run was cut. */
  cuts: number;
  /** Devices that were opened again, crashes during recovery included. */
  images: number;
  /** Recovered stores that went on, to crash once more. */
  secondLives: number;
}

/** What happened between the opening of a store and its crash, which is put anywhere later. */
interface Life {
  device: RecordedDevice;
  /** Digests of the states the history went through, and how many events had happened then. */
  versions: { digest: string; events: number }[];
  /** After so many events, this version was known to be durable. */
  acknowledged: { events: number; version: number }[];
  operations: number;
  sealed: SealedIdentities;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Opens what is on the device, does random things, and records what reaches it, and when. */
async function live(
  random: Random,
  device: RecordedDevice,
  steps: number,
  before = new SealedIdentities(),
): Promise<Life> {
  const deferred: (() => void)[] = [];
  const sealed = new SealedIdentities(before);
  const opening = Store.open(device, {
    ...testOptions(random, deferred),
    encryption: sealed.factory(() => device.events.length),
  });
  const drain = async (): Promise<void> => {
    for (let quiet = 0; quiet < 40; quiet++) {
      await turn();
      if (device.completeFlush()) quiet = 0;
    }
  };
  opening.catch(() => {}); // It is awaited in a moment.
  await drain();
  const store = await opening;
  const first = dump(store);
  const life: Life = {
    device,
    versions: [{ digest: stateDigest(first), events: 0 }],
    acknowledged: [{ events: 0, version: 0 }],
    operations: 0,
    sealed,
  };
  const { versions } = life;
  let failure: unknown;
  const history = new History(random, store, {
    volumeSize: random.pick([20000, 200000]),
    onVersion: (state: ModelState) => {
      versions.push({ digest: stateDigest(state), events: device.events.length });
    },
    onSync: (durable) => {
      const version = versions.length - 1;
      durable.then(
        () => life.acknowledged.push({ events: device.events.length, version }),
        (error) => {
          failure ??= error;
        },
      );
    },
  });
  history.resume(first);
  for (let step = 0; step < steps; step++) {
    history.step();
    if (random.chance(0.4)) device.completeFlush();
    if (random.chance(0.3)) deferred.shift()?.();
    if (random.chance(0.5)) await turn();
    if (random.chance(0.05)) await drain();
    if (failure !== undefined) throw failure;
  }
  await drain();
  if (failure !== undefined) throw failure;
  life.operations = history.operations;
  return life;
}

/** Opens what a crash left, verifies it, and returns the digest of what it contains. */
async function reopen(image: RecordedDevice, random: Random): Promise<string> {
  const opening = openSeeded(image, random.u32());
  opening.catch(() => {});
  for (let quiet = 0; quiet < 2; quiet++) {
    await turn();
    if (image.completeFlush()) quiet = 0;
  }
  const store = await opening;
  const { problems } = store.verify();
  if (problems.length > 0) throw new Error(`verify: ${JSON.stringify(problems.slice(0, 3))}`);
  return stateDigest(dump(store));
}

/** The digests a store may show. */
interface Allowed {
  digests: string[];
  /** For messages. */
  versions: string;
}

/** After a crash before event `cut`: from the last acknowledged version to the newest. */
function allowedAt(life: Life, cut: number): Allowed {
  const { versions } = life;
  let from = 0;
  for (const { events, version } of life.acknowledged) {
    if (events <= cut) from = Math.max(from, version);
  }
  let to = 0;
  for (let i = 1; i < versions.length; i++) {
    // A version is complete a moment after the events that made it.
    if (versions[i - 1].events <= cut || versions[i].events <= cut) to = i;
  }
  const digests = versions.slice(from, to + 1).map((version) => version.digest);
  return { digests, versions: `${from} to ${to}` };
}

function check(digest: string, allowed: Allowed, life: Life): void {
  if (allowed.digests.includes(digest)) return;
  const other = life.versions.findIndex((version) => version.digest === digest);
  const what = other < 0 ? 'a state that never was' : `version ${other}`;
  throw new Error(`the store shows ${what}, allowed are ${allowed.versions}`);
}

/**
 * Runs the history of a seed and cuts it at every boundary of a write or a flush, with several
 * choices of what was lost. Each time the store must open, verify, and show a state that is a
 * prefix of the history with everything in it that was acknowledged. Some recoveries are cut as
 * well, and some recovered stores go on, to be cut again at every boundary of their second life.
 */
export async function crashHistory(seed: number, steps: number): Promise<CrashReport> {
  const first = await live(new Random(seed), new RecordedDevice(), steps);
  const report: CrashReport = { operations: first.operations, cuts: 0, images: 0, secondLives: 0 };
  const random = new Random(seed ^ 0x5eed);
  try {
    await cutEverywhere(first, random, report, true);
  } catch (error) {
    throw new Error(`seed ${seed}, ${steps} steps, ${(error as Error).message}`, { cause: error });
  }
  return report;
}

async function cutEverywhere(
  life: Life,
  random: Random,
  report: CrashReport,
  goOn: boolean,
): Promise<void> {
  const { events } = life.device;
  const images = new CrashImages(life.device);
  for (let cut = 0; cut <= events.length; cut++) {
    images.moveTo(cut);
    report.cuts++;
    const allowed = allowedAt(life, cut);
    for (const mode of goOn && cut % 3 === 0 ? lossModes : [random.pick(lossModes)]) {
      const image = images.image(mode, random);
      try {
        const device = new RecordedDevice(image);
        check(await reopen(device, random), allowed, life);
        report.images++;
        if (goOn && random.chance(0.2)) {
          await cutRecovery(device, random, report, (digest) => check(digest, allowed, life));
        }
        if (goOn && random.chance(0.005)) {
          await secondLife(image, life.sealed.until(cut), random, report);
        }
      } catch (error) {
        const where = `cut ${cut} of ${events.length}, lost: ${mode}`;
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
}

/** The recovery itself is cut, at every boundary. */
async function cutRecovery(
  device: RecordedDevice,
  random: Random,
  report: CrashReport,
  checkDigest: (digest: string) => void,
): Promise<void> {
  const images = new CrashImages(device);
  for (let cut = 0; cut <= device.events.length; cut++) {
    images.moveTo(cut);
    const again = new RecordedDevice(images.image(random.pick(lossModes), random));
    try {
      checkDigest(await reopen(again, random));
    } catch (error) {
      throw new Error(`recovery cut at ${cut}: ${(error as Error).message}`, { cause: error });
    }
    report.images++;
  }
}

/** What was lost in the first crash is still lying around: it must not come back. */
async function secondLife(
  image: PagedImage,
  sealed: SealedIdentities,
  random: Random,
  report: CrashReport,
): Promise<void> {
  report.secondLives++;
  const second = await live(random, new RecordedDevice(image), random.int(1, 10), sealed);
  report.operations += second.operations;
  try {
    await cutEverywhere(second, random, report, false);
  } catch (error) {
    throw new Error(`second life: ${(error as Error).message}`, { cause: error });
  }
}
