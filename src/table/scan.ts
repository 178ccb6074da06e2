/**
 * Least, greatest and order of a run of values, one tight loop for each element type that matters.
 * Other element types are first widened by `TypedArray.set`, which converts natively.
 */
import type { FixedArray } from '../value/batch.ts';
import { isValid } from '../value/batch.ts';

export interface RunSummary {
  readonly nullCount: number;
  /** Absent when there is no value, or none that orders (NaN, intervals). */
  readonly min: number | bigint | undefined;
  readonly max: number | bigint | undefined;
  readonly order: 'strict' | 'ascending' | 'none';
  /** Distinct values, if the run ascends. */
  readonly distinct: number | undefined;
  readonly first: number | bigint | undefined;
  readonly last: number | bigint | undefined;
}

const none: RunSummary = {
  nullCount: 0,
  min: undefined,
  max: undefined,
  order: 'strict',
  distinct: undefined,
  first: undefined,
  last: undefined,
};

/** Rows that are widened at a time; a row group is the longest run there is. */
const scratchRows = 65536;
const scratch32 = new Int32Array(scratchRows);
const scratch64 = new Float64Array(scratchRows);

/** Summary of rows `from` to `to` (at most 65536) of a vector's data. */
export function summarize(
  data: FixedArray,
  wide: boolean,
  validity: Uint8Array | undefined,
  from: number,
  to: number,
): RunSummary {
  if (from === to) return none;
  if (validity !== undefined) {
    const nullCount = countNulls(validity, from, to);
    if (nullCount > 0) return summarizeNullable(data, wide, validity, from, to, nullCount);
  }
  if (wide) return summarizeBigints(wideValues(data as BigInt64Array, from, to));
  if (data instanceof BigInt64Array) {
    return scanInt64(new Int32Array(data.buffer, data.byteOffset, data.length * 2), data, from, to);
  }
  const rows = to - from;
  if (data instanceof Float32Array || data instanceof Float64Array || data instanceof Uint32Array) {
    scratch64.set(data.subarray(from, to));
    return scanFloat64(scratch64, rows);
  }
  if (data instanceof Int32Array) return scanInt32(data, from, to);
  scratch32.set(data.subarray(from, to));
  return scanInt32(scratch32, 0, rows);
}

function scanInt32(data: Int32Array, from: number, to: number): RunSummary {
  // Order is looked for only as long as it holds: on random data it ends at once, and the loop
  // that follows has no branch to mispredict.
  let repeated = 0;
  let at = from + 1;
  for (; at < to; at++) {
    if (data[at] > data[at - 1]) continue;
    if (data[at] < data[at - 1]) break;
    repeated++;
  }
  const ascending = at === to;
  let min = data[from];
  let max = data[at - 1];
  for (; at < to; at++) {
    const value = data[at];
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return {
    nullCount: 0,
    min,
    max,
    ...orderOf(ascending, to - from, repeated),
    first: data[from],
    last: data[to - 1],
  };
}

function orderOf(
  ascending: boolean,
  rows: number,
  repeated: number,
): Pick<RunSummary, 'order' | 'distinct'> {
  if (!ascending) return { order: 'none', distinct: undefined };
  return { order: repeated === 0 ? 'strict' : 'ascending', distinct: rows - repeated };
}

/** 64-bit integers by their halves: no bigint is made unless a value is beyond 2^53. */
function scanInt64(words: Int32Array, data: BigInt64Array, from: number, to: number): RunSummary {
  for (let i = from; i < to; i++) {
    const high = words[2 * i + 1];
    if (high < -0x200000 || high >= 0x200000) return summarizeBigints(data.subarray(from, to));
    scratch64[i - from] = high * 4294967296 + (words[2 * i] >>> 0);
  }
  return scanFloat64(scratch64, to - from);
}

function scanFloat64(data: Float64Array, rows: number): RunSummary {
  let repeated = 0;
  let at = 1;
  for (; at < rows; at++) {
    if (data[at] > data[at - 1]) continue;
    if (!(data[at] === data[at - 1])) break;
    repeated++;
  }
  const ascending = at === rows;
  let min = data[0];
  let max = data[at - 1];
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i] * 0;
  for (; at < rows; at++) {
    const value = data[at];
    if (value < min) min = value;
    if (value > max) max = value;
  }
  // 0 times NaN or an infinity is NaN: those columns go without a zone.
  if (sum !== 0) return { ...none, order: 'none' };
  return {
    nullCount: 0,
    min,
    max,
    ...orderOf(ascending, rows, repeated),
    first: data[0],
    last: data[rows - 1],
  };
}

/** The rows as bigints, two elements each. */
function* wideValues(data: BigInt64Array, from: number, to: number): Generator<bigint> {
  for (let i = from; i < to; i++) {
    yield (data[2 * i + 1] << 64n) | BigInt.asUintN(64, data[2 * i]);
  }
}

function summarizeBigints(values: Iterable<bigint>): RunSummary {
  let first: bigint | undefined;
  let last: bigint | undefined;
  let min: bigint | undefined;
  let max: bigint | undefined;
  let ascending = true;
  let repeated = 0;
  let rows = 0;
  for (const value of values) {
    first ??= value;
    if (last !== undefined && value < last) ascending = false;
    if (value === last) repeated++;
    rows++;
    last = value;
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  }
  return { nullCount: 0, min, max, ...orderOf(ascending, rows, repeated), first, last };
}

function summarizeNullable(
  data: FixedArray,
  wide: boolean,
  validity: Uint8Array,
  from: number,
  to: number,
  nullCount: number,
): RunSummary {
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  for (let i = from; i < to; i++) {
    if (!isValid(validity, i)) continue;
    const value = wide
      ? ((data[2 * i + 1] as bigint) << 64n) | BigInt.asUintN(64, data[2 * i] as bigint)
      : data[i];
    if (typeof value === 'number' && !Number.isFinite(value))
      return { ...none, nullCount, order: 'none' };
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  }
  return { ...none, nullCount, min, max, order: 'none' };
}

/** Rows between `from` and `to` that are NULL. */
export function countNulls(validity: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) count += 1 - ((validity[i >>> 3] >>> (i & 7)) & 1);
  return count;
}
