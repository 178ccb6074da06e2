import { QuernError, sqlState } from '../base/error.ts';
import { damaged } from './block/block-file.ts';
import type { BlockRun } from './block/blocks.ts';
import { isDiskFull, type StoreCore } from './core.ts';
import { blockSize } from './layout.ts';
import {
  decodeExtent,
  type Extent,
  encodeExtent,
  extentBlocks,
  extentMax,
  inlineMax,
  isExtent,
  valueTag,
} from './tree/extent.ts';

/** So many runs fit the reference of an extent. */
const runsMax = 100;

/** Takes places for `count` blocks and writes `bytes` there; nothing is taken if that fails. */
export function writeData(
  core: StoreCore,
  count: number,
  write: (run: BlockRun, at: number, birth: number) => void,
  least = 1,
): { runs: BlockRun[]; birth: number } {
  const { blocks, pool } = core;
  const runs: BlockRun[] = [];
  let retried = false;
  for (let done = 0; done < count; ) {
    try {
      const run = blocks.newData(count - done, Math.min(least, count - done));
      runs.push(run);
      pool.lastBirth = pool.now;
      write(run, done, pool.now);
      done += run.count;
    } catch (error) {
      for (const run of runs) discardRun(core, run);
      pool.now++; // The same ids may be handed out again: they must get another birth.
      if (!isDiskFull(error) || retried) throw error;
      // The file cannot grow; perhaps it has holes.
      retried = true;
      blocks.space.frozen = true;
      runs.length = 0;
      done = 0;
    }
  }
  return { runs, birth: pool.now };
}

function discardRun(core: StoreCore, run: BlockRun): void {
  for (let i = 0; i < run.count; i++) core.blocks.discard(run.id + i);
}

/** The tagged form of a value: inline, or a reference to an extent that is written now. */
export function storeValue(core: StoreCore, value: Uint8Array): Uint8Array {
  if (value.length < inlineMax) {
    const tagged = new Uint8Array(value.length + 1);
    tagged[0] = valueTag.inline;
    tagged.set(value, 1);
    return tagged;
  }
  if (value.length > extentMax) {
    throw new QuernError(
      sqlState.programLimitExceeded,
      `a value of ${value.length} bytes is too large: the limit is ${extentMax}`,
    );
  }
  core.admit('write');
  const extent = writeExtent(core, value);
  const reference = encodeExtent(extent);
  core.uncommitted.add(reference);
  return reference;
}

function writeExtent(core: StoreCore, value: Uint8Array): Extent {
  let stored = value;
  let compression: 0 | 1 = 0;
  if (core.compressor !== undefined && core.options.compress) {
    const smaller = core.compressor.compress(value);
    if (Math.ceil(smaller.length / blockSize) < Math.ceil(value.length / blockSize)) {
      stored = smaller;
      compression = 1;
    }
  }
  const count = Math.ceil(stored.length / blockSize);
  const { file } = core.blocks;
  const padded = new Uint8Array(count * blockSize);
  let low = 0;
  let high = 0;
  const least = Math.min(256, Math.ceil(count / 32));
  const { runs, birth } = writeData(
    core,
    count,
    (run, at, born) => {
      if (at === 0) {
        // The first id is part of the seal, so it comes before the bytes.
        padded.set(file.sealer.seal(stored, run.id, born));
        low = file.sealer.low;
        high = file.sealer.high;
      }
      const bytes = padded.subarray(at * blockSize, (at + run.count) * blockSize);
      file.write(bytes, run.place, 'dataWritten');
    },
    least,
  );
  if (runs.length > runsMax) {
    for (const run of runs) discardRun(core, run);
    core.pool.now++;
    throw core.blocks.space.full();
  }
  return {
    compression,
    length: value.length,
    storedLength: stored.length,
    birth,
    low,
    high,
    runs: runs.map(({ id, count: blocks }) => ({ id, count: blocks })),
  };
}

/** A transaction was given up: its extent goes. */
export function discardValue(core: StoreCore, tagged: Uint8Array): void {
  if (!core.uncommitted.delete(tagged)) return;
  extentBlocks(tagged, (id, birth) => core.blocks.dropReference(id, birth, core.pool.now));
}

/**
 * The value to commit, with the places of its blocks for the journal. Compaction may have moved
 * blocks since they were written, so runs are divided wherever places do not follow each other.
 */
export function settleValue(
  core: StoreCore,
  tagged: Uint8Array,
): { value: Uint8Array; places: number[] } {
  if (!isExtent(tagged)) return { value: tagged, places: [] };
  const extent = decodeExtent(tagged);
  const runs: Extent['runs'] = [];
  const places: number[] = [];
  for (const run of extent.runs) {
    for (let i = 0; i < run.count; i++) {
      const place = core.blocks.placeOf(run.id + i);
      const last = runs.at(-1);
      if (last !== undefined && i > 0 && place === places[places.length - 1] + last.count) {
        last.count++;
      } else {
        runs.push({ id: run.id + i, count: 1 });
        places.push(place);
      }
    }
  }
  return { value: encodeExtent({ ...extent, runs }), places };
}

/** Bytes of a tagged value. */
export function valueLength(tagged: Uint8Array): number {
  return isExtent(tagged) ? decodeExtent(tagged).length : tagged.length - 1;
}

/** The bytes of a tagged value; `what` names it in errors. */
export function loadValue(core: StoreCore, tagged: Uint8Array, what: () => string): Uint8Array {
  if (!isExtent(tagged)) return tagged.subarray(1);
  const extent = decodeExtent(tagged);
  const stored = new Uint8Array(extent.storedLength);
  readExtent(core, extent, stored, what);
  return extent.compression === 0 ? stored : decompress(core, extent, stored, what);
}

/** Puts the bytes of a tagged value at the beginning of `target`; returns how many they are. */
export function loadValueInto(
  core: StoreCore,
  tagged: Uint8Array,
  target: Uint8Array,
  what: () => string,
): number {
  const length = valueLength(tagged);
  if (length > target.length) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `${what()} has ${length} bytes, there is room for ${target.length}`,
    );
  }
  if (!isExtent(tagged)) {
    target.set(tagged.subarray(1));
    return length;
  }
  const extent = decodeExtent(tagged);
  if (extent.compression === 0) {
    readExtent(core, extent, target.subarray(0, length), what);
  } else {
    const stored = new Uint8Array(extent.storedLength);
    readExtent(core, extent, stored, what);
    target.set(decompress(core, extent, stored, what));
  }
  return length;
}

/** Reads what is stored of an extent, as many bytes as `stored` has, and checks it. */
function readExtent(core: StoreCore, extent: Extent, stored: Uint8Array, what: () => string): void {
  const { blocks } = core;
  let at = 0;
  let intact = true;
  for (const run of extent.runs) {
    for (let i = 0; i < run.count; ) {
      const place = blocks.placeOf(run.id + i);
      let count = 1;
      while (i + count < run.count && blocks.placeOf(run.id + i + count) === place + count) count++;
      // The last block is not full.
      const bytes = stored.subarray(at, at + count * blockSize);
      intact &&= blocks.file.tryRead(bytes, place);
      at += bytes.length;
      i += count;
    }
  }
  const { birth, low, high } = extent;
  intact &&= blocks.file.sealer.open(stored, extent.runs[0].id, birth, low, high);
  if (!intact) throw damaged(what(), blocks.file);
}

function decompress(
  core: StoreCore,
  extent: Extent,
  stored: Uint8Array,
  what: () => string,
): Uint8Array {
  if (core.compressor !== undefined) return core.compressor.decompress(stored, extent.length);
  throw new QuernError(sqlState.featureNotSupported, `${what()} is compressed`, {
    hint: 'Open the store with a compressor.',
  });
}
