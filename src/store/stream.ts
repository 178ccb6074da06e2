import { QuernError, sqlState } from '../base/error.ts';
import { checksum, checksumResult } from './block/checksum.ts';
import { ByteReader, ByteWriter, compareBytes } from './bytes.ts';
import { checkName, decodeEntry, snapshotKey } from './catalog.ts';
import { loadValue } from './extents.ts';
import type { ObjectKind } from './journal/operation.ts';
import { showKey } from './map.ts';
import { unknownObject } from './objects.ts';
import type { Store } from './store.ts';
import { mapDifferences } from './tree/map-difference.ts';
import { MapTree } from './tree/map-tree.ts';

/**
 * A snapshot, or what differs between two, as a stream of frames. A frame is its type (1 byte), the
 * length of its payload (4 bytes), the payload, and a checksum (8 bytes) over the three with the
 * checksum of the frame before as its seed: frames can be neither changed, lost nor reordered.
 */
const frameType = { begin: 1, data: 2, hole: 3, put: 4, delete: 5, end: 6 } as const;
const streamMagic = 'quern stream 1';
const payloadMax = 80 * 1024 * 1024;
/** Bytes of a volume in one frame. */
const chunkSize = 1 << 18;

class FrameChain {
  #seed = 0;

  /** The checksum that belongs after these bytes. */
  next(bytes: Uint8Array): [number, number] {
    checksum(bytes, this.#seed);
    const [low, high] = checksumResult;
    this.#seed = low;
    return [low, high];
  }
}

class FrameWriter {
  readonly #chain = new FrameChain();

  frame(type: number, write: (payload: ByteWriter) => void): Uint8Array {
    const payload = new ByteWriter();
    write(payload);
    const frame = new ByteWriter();
    frame.u8(type);
    frame.u32(payload.length);
    frame.raw(payload.view());
    const [low, high] = this.#chain.next(frame.take());
    frame.u32(low);
    frame.u32(high);
    return frame.take();
  }
}

const noGuid = new Uint8Array(16);

/**
 * The snapshot `name@snapshot` as a stream; with `since`, the name of an earlier snapshot of the
 * same object, only what differs. Reads as it goes: the snapshot must stay until the end.
 */
export function* send(
  store: Store,
  name: string,
  snapshot: string,
  since?: string,
): Generator<Uint8Array> {
  const { core } = store;
  const value = core.catalog.get(snapshotKey(name, snapshot));
  if (value === undefined) throw unknownObject(`${name}@${snapshot}`);
  const entry = decodeEntry(value);
  const base = since === undefined ? undefined : core.entry(snapshotKey(name, since));
  if (since !== undefined && base === undefined) throw unknownObject(`${name}@${since}`);
  const writer = new FrameWriter();
  yield writer.frame(frameType.begin, (payload) => {
    payload.text(streamMagic);
    payload.u8(entry.kind === 'map' ? 0 : 1);
    payload.varint(entry.size);
    payload.text(snapshot);
    payload.raw(entry.guid);
    payload.raw(base?.guid ?? noGuid);
  });
  let frames = 1;
  const body =
    entry.kind === 'map'
      ? sendMap(store, writer, name, snapshot, since)
      : sendVolume(store, writer, name, snapshot, since);
  for (const frame of body) {
    frames++;
    yield frame;
  }
  yield writer.frame(frameType.end, (payload) => payload.varint(frames));
}

function* sendVolume(
  store: Store,
  writer: FrameWriter,
  name: string,
  snapshot: string,
  since: string | undefined,
): Generator<Uint8Array> {
  const volume = store.volume(`${name}@${snapshot}`);
  const whole = [{ offset: 0, length: volume.size }];
  const changed = since === undefined ? whole : volume.changes(store.volume(`${name}@${since}`));
  for (const change of changed) {
    for (const range of volume.ranges(change.offset, change.length)) {
      if (!range.data) {
        if (since === undefined) continue;
        yield writer.frame(frameType.hole, (payload) => {
          payload.varint(range.offset);
          payload.varint(range.length);
        });
        continue;
      }
      for (let at = 0; at < range.length; at += chunkSize) {
        const bytes = volume.read(range.offset + at, Math.min(chunkSize, range.length - at));
        yield writer.frame(frameType.data, (payload) => {
          payload.varint(range.offset + at);
          payload.raw(bytes);
        });
      }
    }
  }
}

function* sendMap(
  store: Store,
  writer: FrameWriter,
  name: string,
  snapshot: string,
  since: string | undefined,
): Generator<Uint8Array> {
  const { core } = store;
  const empty = { root: undefined, objectId: 0, name };
  const holder = core.snapshot(name, snapshot);
  const after = new MapTree(core.pool, holder);
  const before = new MapTree(core.pool, since === undefined ? empty : core.snapshot(name, since));
  for (const difference of mapDifferences(before, after)) {
    const { key, after: tagged } = difference;
    if (holder.gone) throw unknownObject(`${name}@${snapshot}`);
    if (tagged === undefined) {
      yield writer.frame(frameType.delete, (payload) => payload.raw(key));
      continue;
    }
    const value = loadValue(core, tagged, () => `key ${showKey(key)} of '${name}@${snapshot}'`);
    yield writer.frame(frameType.put, (payload) => {
      payload.block(key);
      payload.raw(value);
    });
  }
}

interface Frame {
  type: number;
  payload: ByteReader;
}

function damagedStream(what: string): QuernError {
  return new QuernError(sqlState.dataCorrupted, `the stream is damaged: ${what}`);
}

/** Bytes that arrive in chunks of any size and are taken from the front. */
class ByteQueue {
  #bytes = new Uint8Array(1 << 16);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  push(chunk: Uint8Array): void {
    const length = this.length + chunk.length;
    if (this.#to + chunk.length > this.#bytes.length) {
      const enough = length <= this.#bytes.length / 2;
      const bytes = enough ? this.#bytes : new Uint8Array(Math.max(length, this.#bytes.length * 2));
      bytes.set(this.#bytes.subarray(this.#from, this.#to));
      this.#to -= this.#from;
      this.#from = 0;
      this.#bytes = bytes;
    }
    this.#bytes.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  /** The first bytes, as a view until the next {@link push}. */
  peek(count: number): Uint8Array {
    return this.#bytes.subarray(this.#from, this.#from + count);
  }

  drop(count: number): void {
    this.#from += count;
  }
}

/** Cuts chunks of any size into frames and checks them. */
async function* frames(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Frame> {
  const chain = new FrameChain();
  const queue = new ByteQueue();
  for await (const chunk of chunks) {
    queue.push(chunk);
    while (queue.length >= 5) {
      const length = new ByteReader(queue.peek(5).subarray(1)).u32();
      if (length > payloadMax) throw damagedStream('a frame is too long');
      if (queue.length < length + 13) break;
      const bytes = queue.peek(length + 5).slice();
      const [low, high] = chain.next(bytes);
      const sums = new ByteReader(queue.peek(length + 13).subarray(length + 5));
      if (sums.u32() !== low || sums.u32() !== high) throw damagedStream('a checksum is wrong');
      queue.drop(length + 13);
      yield { type: bytes[0], payload: new ByteReader(bytes.subarray(5)) };
    }
  }
  if (queue.length > 0) throw damagedStream('it ends within a frame');
}

interface Begin {
  kind: ObjectKind;
  size: number;
  snapshot: string;
  guid: Uint8Array;
  base: Uint8Array;
}

function readBegin(frame: Frame | undefined): Begin {
  if (frame?.type !== frameType.begin) throw damagedStream('it does not begin as one');
  const { payload } = frame;
  if (payload.text() !== streamMagic) throw damagedStream('it is of a kind not known here');
  return {
    kind: payload.u8() === 0 ? 'map' : 'volume',
    size: payload.varint(),
    snapshot: payload.text(),
    guid: payload.raw(16).slice(),
    base: payload.raw(16).slice(),
  };
}

/**
 * Takes a stream into object `name`: a whole one makes the object, one of differences needs it to
 * have the snapshot they start from, to which it is set back first. Afterwards the object has the
 * snapshot that was sent. If the stream is damaged or ends early, the object is as it was before.
 */
export async function receive(
  store: Store,
  name: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ snapshot: string }> {
  const stream = frames(chunks)[Symbol.asyncIterator]();
  const first = await stream.next();
  const begin = readBegin(first.done === true ? undefined : first.value);
  checkName(begin.snapshot);
  const whole = compareBytes(begin.base, noGuid) === 0;
  const draft = `${name}.receiving`;
  if (whole) {
    if (store.list().some((object) => object.name === name)) {
      throw new QuernError(sqlState.duplicateTable, `'${name}' exists already`);
    }
    if (begin.kind === 'map') await store.createMap(draft);
    else await store.createVolume(draft, begin.size);
  } else {
    const hex = Array.from(begin.base, (b) => b.toString(16).padStart(2, '0')).join('');
    const base = store.snapshots(name).find((candidate) => candidate.guid === hex);
    if (base === undefined) {
      throw new QuernError(
        sqlState.objectNotInPrerequisiteState,
        `'${name}' does not have the snapshot that these differences start from`,
      );
    }
    await store.branch(`${name}@${base.snapshot}`, draft);
  }
  try {
    await receiveBody(store, draft, begin, stream);
    await store.adoptBranch(draft, name, begin.snapshot, begin.guid);
  } catch (error) {
    await store.delete(draft).catch(() => {});
    throw error;
  }
  return { snapshot: begin.snapshot };
}

async function receiveBody(
  store: Store,
  draft: string,
  begin: Begin,
  stream: AsyncIterator<Frame>,
): Promise<void> {
  let count = 1;
  if (begin.kind === 'volume') await store.resizeVolume(draft, begin.size);
  let transaction = begin.kind === 'map' ? await store.begin() : undefined;
  const volume = begin.kind === 'volume' ? store.volume(draft) : undefined;
  let pending = 0;
  try {
    for (;;) {
      const next = await stream.next();
      if (next.done === true) throw damagedStream('it ends early');
      const { type, payload } = next.value;
      if (type === frameType.end) {
        if (payload.varint() !== count) throw damagedStream('frames are missing');
        break;
      }
      count++;
      if (type === frameType.data) {
        const offset = payload.varint();
        volume?.write(payload.raw(payload.bytes.length - payload.at), offset);
      } else if (type === frameType.hole) {
        volume?.zero(payload.varint(), payload.varint());
      } else if (type === frameType.put) {
        const key = payload.block();
        transaction?.put(draft, key, payload.raw(payload.bytes.length - payload.at));
      } else if (type === frameType.delete) {
        transaction?.delete(draft, payload.bytes);
      } else {
        throw damagedStream('a frame is of an unknown kind');
      }
      pending += payload.bytes.length;
      if (pending > 16 << 20) {
        pending = 0;
        if (transaction === undefined) await store.sync();
        else {
          await transaction.commit();
          transaction = await store.begin();
        }
      }
    }
    await transaction?.commit();
    transaction = undefined;
    await store.sync();
  } finally {
    transaction?.rollback();
  }
}
