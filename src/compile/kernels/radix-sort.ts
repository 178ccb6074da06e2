/**
 * Sorting by an integer key that is ordered as unsigned: least significant digit first, a byte a
 * pass. Values are made such keys by the normalizing functions below.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  f64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  memory,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

/** Bytes of an entry: the key, and a u32 that comes along, at {@link payloadOffset}. */
export const entryBytes = { 4: 8, 8: 16 } as const;
export const payloadOffset = { 4: 4, 8: 8 } as const;

const bucketCount = 256;
const histogramBytes = bucketCount * 4;

/** Room that {@link emitRadixSort} needs besides that for a copy of the entries. */
export function radixScratchBytes(keyBytes: 4 | 8): number {
  return keyBytes * histogramBytes;
}

/** A signed integer of 64 bits as a key. */
export function normalizedI64(value: Expr): Expr {
  return i64.xor(value, -(2n ** 63n));
}

/** A double as a key: -0 is 0, and NaN comes last, as PostgreSQL has it. */
export function normalizedF64(f: FunctionBuilder, value: Expr): Expr {
  const number = f.let(value, 'number');
  // Adding 0 turns -0 into 0.
  const bits = f.let(i64.reinterpretF64(f64.add(number, 0)), 'bits');
  const flipped = i64.xor(bits, i64.or(i64.shrS(bits, 63), -(2n ** 63n)));
  return i64.select(f64.eq(number, number), flipped, -1n);
}

/**
 * A function (entries: i32, count: i32, scratch: i32) that sorts by the key, stably. `scratch` is
 * room for as many entries and {@link radixScratchBytes} more. Bytes that are the same in all keys
 * cost next to nothing.
 */
export function emitRadixSort(m: ModuleBuilder, keyBytes: 4 | 8): Func {
  const size = entryBytes[keyBytes];
  return once(m, `radix_sort_${keyBytes * 8}`, (name) => {
    const params = { entries: 'i32', count: 'i32', scratch: 'i32' } as const;
    return m.func(name, { params, suspendable: true }, (f) => {
      const { entries, count, scratch } = f.param;
      const bytes = f.let(i32.mul(count, size), 'bytes');
      const histograms = f.let(i32.add(scratch, bytes), 'histograms');
      f.if(i32.ltU(count, 2), () => f.return());
      emitReturnIfSorted(f, entries, bytes, keyBytes);
      emitHistograms(f, { entries, bytes, histograms }, keyBytes);
      const source = f.let(entries, 'source');
      const target = f.let(scratch, 'target');
      const swap = f.local('i32', 'swap');
      for (let digit = 0; digit < keyBytes; digit++) {
        const histogram = f.let(i32.add(histograms, digit * histogramBytes), 'histogram');
        // All keys have this byte in common if those of the first entry's bucket are all there are.
        const first = i32.load8U(source, digit);
        const inBucket = i32.load(i32.add(histogram, i32.shl(first, 2)));
        f.if(i32.ne(inBucket, count), () => {
          emitPass(f, { source, target, bytes, histogram }, keyBytes, digit);
          f.set(swap, source);
          f.set(source, target);
          f.set(target, swap);
        });
      }
      f.if(i32.ne(source, entries), () => f.do(memory.copy(entries, source, bytes)));
    });
  });
}

/** The key of the entry at `address`. */
export function loadKey(address: Expr, keyBytes: 4 | 8): Expr {
  return keyBytes === 4 ? i64.load32U(address) : i64.load(address);
}

/**
 * Returns from the function if no key is less than the one before; gives up at the first that is.
 */
function emitReturnIfSorted(
  f: FunctionBuilder,
  entries: Local,
  bytes: Local,
  keyBytes: 4 | 8,
): void {
  const size = entryBytes[keyBytes];
  const previous = f.let(loadKey(entries, keyBytes), 'previous');
  const key = f.local('i64', 'key');
  const entry = f.let(i32.add(entries, size), 'entry');
  const end = f.let(i32.add(entries, bytes), 'end');
  f.block((unsorted) => {
    f.loop((next) => {
      f.checkpoint();
      f.set(key, loadKey(entry, keyBytes));
      f.brIf(unsorted, i64.ltU(key, previous));
      f.set(previous, key);
      f.set(entry, i32.add(entry, size));
      f.brIf(next, i32.ltU(entry, end));
    });
    f.return();
  });
}

/** Counts, in one pass, how often each byte stands at each place of the keys. */
function emitHistograms(
  f: FunctionBuilder,
  { entries, bytes, histograms }: Record<'entries' | 'bytes' | 'histograms', Local>,
  keyBytes: 4 | 8,
): void {
  f.do(memory.fill(histograms, 0, radixScratchBytes(keyBytes)));
  const entry = f.local('i32', 'entry');
  const cell = f.local('i32', 'cell');
  const body = (): void => {
    for (let digit = 0; digit < keyBytes; digit++) {
      f.set(cell, i32.add(histograms, i32.shl(i32.load8U(entry, digit), 2)));
      const offset = digit * histogramBytes;
      f.do(i32.store(cell, i32.add(i32.load(cell, offset), 1), offset));
    }
    f.checkpoint();
  };
  const options = { step: entryBytes[keyBytes], unsigned: true };
  f.for(entry, entries, i32.add(entries, bytes), body, options);
}

/** Distributes the entries by one byte of their keys. */
function emitPass(
  f: FunctionBuilder,
  run: Record<'source' | 'target' | 'bytes' | 'histogram', Local>,
  keyBytes: 4 | 8,
  digit: number,
): void {
  const { source, target, bytes, histogram } = run;
  const size = entryBytes[keyBytes];
  const cell = f.local('i32', 'cell');
  const place = f.let(target, 'place');
  const here = f.local('i32', 'here');
  // Counts become the addresses where the buckets begin.
  const toAddress = (): void => {
    f.set(here, place);
    f.set(place, i32.add(place, i32.mul(i32.load(cell), size)));
    f.do(i32.store(cell, here));
  };
  const buckets = { step: 4, unsigned: true };
  f.for(cell, histogram, i32.add(histogram, histogramBytes), toAddress, buckets);
  const entry = f.local('i32', 'entry');
  const move = (): void => {
    f.set(cell, i32.add(histogram, i32.shl(i32.load8U(entry, digit), 2)));
    f.set(place, i32.load(cell));
    for (let offset = 0; offset < size; offset += 8) {
      f.do(i64.store(place, i64.load(entry, offset), offset));
    }
    f.do(i32.store(cell, i32.add(place, size)));
    f.checkpoint();
  };
  f.for(entry, source, i32.add(source, bytes), move, { step: size, unsigned: true });
}
