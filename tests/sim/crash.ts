import { Random } from '../../src/base/random.ts';
import { Store } from '../../src/store/index.ts';
import { dump, History, openSeeded, testOptions } from './history.ts';
import { type ModelState, stateDigest } from './model.ts';
import { CrashImages, lossModes, RecordedDevice } from './recorded-device.ts';

/** What one history gave. */
export interface CrashReport {
  operations: number;
  /** Boundaries of writes and flushes at which the run was cut. */
  cuts: number;
  /** Devices that were opened again, crashes during recovery included. */
  images: number;
}

interface Recording {
  device: RecordedDevice;
  /** Digests of the states the history went through, and how many events had happened then. */
  versions: { digest: string; events: number }[];
  /** After so many events, this version was known to be durable. */
  acknowledged: { events: number; version: number }[];
  operations: number;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs a random history and records what reached the device, and when. */
async function record(seed: number, steps: number): Promise<Recording> {
  const random = new Random(seed);
  const device = new RecordedDevice();
  const versions: Recording['versions'] = [];
  const acknowledged: Recording['acknowledged'] = [];
  const deferred: (() => void)[] = [];
  const opening = Store.open(device, testOptions(random, deferred));
  const drain = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await turn();
      if (device.completeFlush()) quiet = 0;
    }
  };
  await drain();
  const store = await opening;
  versions.push({ digest: stateDigest(new Map()), events: device.events.length });
  acknowledged.push({ events: device.events.length, version: 0 });
  let failure: unknown;
  const history = new History(random, store, {
    volumeSize: random.pick([20000, 200000]),
    onVersion: (state: ModelState) => {
      versions.push({ digest: stateDigest(state), events: device.events.length });
    },
    onSync: (durable) => {
      const version = versions.length - 1;
      durable.then(
        () => acknowledged.push({ events: device.events.length, version }),
        (error) => {
          failure ??= error;
        },
      );
    },
  });
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
  return { device, versions, acknowledged, operations: history.operations };
}

/** Opens what a crash left, verifies it, and returns the digest of what it contains. */
async function reopen(image: RecordedDevice, random: Random): Promise<string> {
  const opening = openSeeded(image, random.u32());
  for (let quiet = 0; quiet < 2; quiet++) {
    await turn();
    if (image.completeFlush()) quiet = 0;
  }
  const store = await opening;
  const { problems } = store.verify();
  if (problems.length > 0) throw new Error(`verify: ${JSON.stringify(problems.slice(0, 3))}`);
  return stateDigest(dump(store));
}

/** The versions a crash before event `cut` may show: from the last acknowledged to the newest. */
function allowed(recording: Recording, cut: number): { from: number; to: number } {
  let from = 0;
  for (const { events, version } of recording.acknowledged) {
    if (events <= cut) from = Math.max(from, version);
  }
  let to = 0;
  recording.versions.forEach((version, i) => {
    // A version is complete a moment after the events that made it.
    if (i === 0 || recording.versions[i - 1].events <= cut || version.events <= cut) to = i;
  });
  return { from, to };
}

/**
 * Runs the history of a seed and cuts it at every boundary of a write or a flush, with several
 * choices of what was lost. Each time the store must open, verify, and show a state that is a
 * prefix of the history with everything in it that was acknowledged. Some recoveries are cut as
 * well.
 */
export async function crashHistory(seed: number, steps: number): Promise<CrashReport> {
  const recording = await record(seed, steps);
  const { events } = recording.device;
  const random = new Random(seed ^ 0x5eed);
  const images = new CrashImages(recording.device);
  const report: CrashReport = { operations: recording.operations, cuts: 0, images: 0 };
  for (let cut = 0; cut <= events.length; cut++) {
    images.moveTo(cut);
    report.cuts++;
    const { from, to } = allowed(recording, cut);
    const modes = cut % 3 === 0 ? lossModes : [random.pick(lossModes)];
    for (const mode of modes) {
      const where = `seed ${seed}, ${steps} steps, cut ${cut} of ${events.length}, lost: ${mode}`;
      const device = new RecordedDevice(images.image(mode, random));
      try {
        const digest = await reopen(device, random);
        report.images++;
        check(recording, digest, from, to);
        if (random.chance(0.2)) {
          const again = await crashRecovery(device, random, recording, from, to);
          report.images += again;
        }
      } catch (error) {
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  return report;
}

function check(recording: Recording, digest: string, from: number, to: number): void {
  for (let i = from; i <= to; i++) if (recording.versions[i].digest === digest) return;
  const other = recording.versions.findIndex((version) => version.digest === digest);
  const what = other < 0 ? 'a state that never was' : `version ${other}`;
  throw new Error(`the store shows ${what}, allowed are ${from} to ${to}`);
}

/** The recovery itself is cut, at every boundary. */
async function crashRecovery(
  device: RecordedDevice,
  random: Random,
  recording: Recording,
  from: number,
  to: number,
): Promise<number> {
  const images = new CrashImages(device);
  let count = 0;
  for (let cut = 0; cut <= device.events.length; cut++) {
    images.moveTo(cut);
    const again = new RecordedDevice(images.image(random.pick(lossModes), random));
    try {
      check(recording, await reopen(again, random), from, to);
    } catch (error) {
      throw new Error(`recovery cut at ${cut}: ${(error as Error).message}`, { cause: error });
    }
    count++;
  }
  return count;
}
