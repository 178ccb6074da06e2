import { AssertionError } from '../../src/base/assert.ts';
import { QuernError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { checksum, checksumResult } from '../../src/store/block/checksum.ts';
import { receive, Store, send } from '../../src/store/index.ts';
import { dump, History, testOptions } from './history.ts';
import { type ModelState, stateDigest } from './model.ts';
import { KeptMemoryDevice } from './recorded-device.ts';

export interface StreamReport {
  /** Streams that were sent, and taken by another store as they were. */
  streams: number;
  /** Streams that were damaged on the way. */
  damaged: number;
  /** Streams of a hostile sender: wrong contents under right checksums. */
  forged: number;
  refused: number;
}

interface Frame {
  type: number;
  payload: Uint8Array;
}

/** The frames of a stream, as `docs/store-format.md` describes it. */
function parse(stream: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  for (let at = 0; at < stream.length; ) {
    const length = view.getUint32(at + 1, true);
    frames.push({ type: stream[at], payload: stream.slice(at + 5, at + 5 + length) });
    at += length + 13;
  }
  return frames;
}

function serialize(frames: Frame[]): Uint8Array {
  let seed = 0;
  const parts = frames.map(({ type, payload }) => {
    const bytes = new Uint8Array(payload.length + 13);
    const view = new DataView(bytes.buffer);
    bytes[0] = type;
    view.setUint32(1, payload.length, true);
    bytes.set(payload, 5);
    checksum(bytes.slice(0, payload.length + 5), seed);
    view.setUint32(payload.length + 5, checksumResult[0], true);
    view.setUint32(payload.length + 9, checksumResult[1], true);
    seed = checksumResult[0];
    return bytes;
  });
  return Buffer.concat(parts);
}

/** In chunks of any size. */
function* chunked(stream: Uint8Array, random: Random): Generator<Uint8Array> {
  const most = random.pick([7, 500, 70000]);
  for (let at = 0; at < stream.length; ) {
    const length = random.int(1, most);
    yield stream.subarray(at, at + length);
    at += length;
  }
}

function damage(stream: Uint8Array, random: Random): Uint8Array {
  const changed = stream.slice();
  const dice = random.int(0, 3);
  if (dice === 0) return changed.slice(0, random.int(0, stream.length - 1));
  if (dice === 1) {
    // A part is there twice, or missing.
    const at = random.int(0, stream.length - 1);
    const to = random.int(0, stream.length - 1);
    if (at !== to) return Buffer.concat([stream.subarray(0, at), stream.subarray(to)]);
  }
  changed[random.int(0, stream.length - 1)] ^= 1 << random.int(0, 7);
  return changed;
}

function forge(stream: Uint8Array, random: Random): Uint8Array {
  const frames = parse(stream);
  for (let i = random.int(1, 3); i > 0; i--) {
    const at = random.chance(0.3) ? 0 : random.int(0, frames.length - 1);
    const { payload } = frames[at];
    const dice = random.int(0, 5);
    if (dice === 0) frames[at].type = random.int(0, 7);
    else if (dice === 1) frames.splice(at, 1);
    else if (dice === 2) frames.splice(at, 0, frames[random.int(0, frames.length - 1)]);
    else if (dice === 3) frames[at].payload = payload.slice(0, random.int(0, payload.length));
    else if (payload.length > 0) {
      const limit = Math.min(payload.length, random.pick([8, 80, payload.length]));
      payload[random.int(0, limit - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.int(0, 255)]);
    }
    if (frames.length === 0) break;
  }
  return serialize(frames);
}

/** Takes a stream; true if it was refused, with an error that is the stream's fault. */
async function refuses(store: Store, name: string, chunks: Iterable<Uint8Array>): Promise<boolean> {
  try {
    await receive(store, name, chunks);
    return false;
  } catch (error) {
    if (error instanceof QuernError && !(error.cause instanceof AssertionError)) return true;
    throw error;
  }
}

/** Everything but the object with this name and its snapshots. */
function without(state: ModelState, name: string): string {
  const others = [...state].filter(([other]) => other.split('@')[0] !== name);
  return stateDigest(new Map(others));
}

class StreamRun {
  readonly #random: Random;
  readonly #target: Store;
  readonly report: StreamReport = { streams: 0, damaged: 0, forged: 0, refused: 0 };

  constructor(random: Random, target: Store) {
    this.#random = random;
    this.#target = target;
  }

  /** A damaged stream is refused, and changes nothing. */
  async damaged(name: string, stream: Uint8Array): Promise<void> {
    const before = stateDigest(dump(this.#target));
    const bytes = damage(stream, this.#random);
    if (Buffer.compare(bytes, stream) === 0) return;
    this.report.damaged++;
    if (!(await refuses(this.#target, name, chunked(bytes, this.#random)))) {
      throw new Error('a damaged stream is taken');
    }
    this.report.refused++;
    if (stateDigest(dump(this.#target)) !== before)
      throw new Error('a refused stream leaves traces');
  }

  /** A forged one may be taken, but nothing else changes, and nothing breaks. */
  async forged(name: string, stream: Uint8Array): Promise<void> {
    const before = dump(this.#target);
    this.report.forged++;
    const bytes = forge(stream, this.#random);
    const refused = await refuses(this.#target, name, chunked(bytes, this.#random));
    const after = dump(this.#target);
    if (refused) this.report.refused++;
    if (refused ? stateDigest(after) !== stateDigest(before) : false) {
      throw new Error('a refused stream leaves traces');
    }
    if (without(after, name) !== without(before, name)) throw new Error('something else changed');
    const { problems } = this.#target.verify();
    if (problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 3)));
    for (const kept of [...after.keys()].filter((other) => other.includes('@')).sort()) {
      if (before.has(kept)) continue;
      await this.#target.deleteSnapshot(...(kept.split('@') as [string, string]));
    }
    if (!before.has(name) && after.has(name)) {
      await this.#target.delete(name, { snapshots: true });
    }
  }

  async taken(name: string, stream: Uint8Array, wanted: ModelState): Promise<void> {
    const { snapshot } = await receive(this.#target, name, chunked(stream, this.#random));
    this.report.streams++;
    const found = dump(this.#target).get(`${name}@${snapshot}`);
    if (found === undefined) throw new Error('what was received is not there');
    const expected = wanted.get(`${name}@${snapshot}`)!;
    if (stateDigest(new Map([['x', found]])) !== stateDigest(new Map([['x', expected]]))) {
      throw new Error(`${name}@${snapshot} differs from what was sent`);
    }
  }
}

/**
 * Sends snapshots of a random history to another store, whole ones and differences, each first in
 * damaged and in forged forms.
 */
export async function streamRun(seed: number, steps: number): Promise<StreamReport> {
  const random = new Random(seed);
  const store = await Store.open(new KeptMemoryDevice(), testOptions(random, []));
  const target = await Store.open(new KeptMemoryDevice(), testOptions(random, []));
  const run = new StreamRun(random, target);
  const ignored = { onVersion: () => {}, onSync: () => {} };
  const history = new History(random, store, { volumeSize: 60000, ...ignored });
  try {
    for (let round = 0; round < 4; round++) {
      for (let step = 0; step < steps; step++) history.step();
      await store.sync();
      for (const { name, snapshot } of store.snapshots()) {
        const had = target.snapshots().filter((other) => other.name === name);
        if (had.some((other) => other.snapshot === snapshot)) continue;
        const mine = new Set(store.snapshots(name).map(({ guid }) => guid));
        const since = had.find(({ guid }) => mine.has(guid))?.snapshot;
        if (had.length > 0 && since === undefined) await target.delete(name, { snapshots: true });
        // No Buffer: a slice of one is no copy.
        const stream = new Uint8Array(Buffer.concat([...send(store, name, snapshot, since)]));
        for (let i = 0; i < 4; i++) await run.damaged(name, stream);
        for (let i = 0; i < 4; i++) await run.forged(name, stream);
        await run.taken(name, stream, history.state);
      }
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
  return run.report;
}
