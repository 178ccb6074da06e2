/** Smallest and largest value of a column chunk, in the plain encoding of its physical type. */
import type { StringVector } from '../../value/batch.ts';

export interface Bounds {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

/** Undefined when there are no values. */
export function integerBounds(values: Float64Array) {
  if (values.length === 0) return undefined;
  // Order is looked for only as long as it holds; the loop that follows has nothing to mispredict.
  let at = 1;
  while (at < values.length && values[at] >= values[at - 1]) at++;
  const ascending = at === values.length;
  let min = values[0];
  let max = values[at - 1];
  for (; at < values.length; at++) {
    const value = values[at];
    min = value < min ? value : min;
    max = value > max ? value : max;
  }
  return { min, max, ascending };
}

export function bigintBounds(values: BigInt64Array): Bounds | undefined {
  if (values.length === 0) return undefined;
  let min = values[0];
  let max = min;
  for (const value of values) {
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  const bytes = (value: bigint) => new Uint8Array(BigInt64Array.of(value).buffer);
  return { min: bytes(min), max: bytes(max) };
}

/** NaN has no place in an order: where it occurs there are no bounds. Zeros are of both signs. */
export function floatBounds(values: Float32Array | Float64Array): Bounds | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (Number.isNaN(value)) return undefined;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min > max) return undefined;
  const bytes = (value: number) =>
    new Uint8Array(
      (values instanceof Float32Array ? Float32Array.of(value) : Float64Array.of(value)).buffer,
    );
  return { min: bytes(min === 0 ? -0 : min), max: bytes(max === 0 ? 0 : max) };
}

/** Bounds of 128-bit integers, given with their encoded `bytes` of `length` each. */
export function sixteenByteBounds(
  values: BigInt64Array,
  bytes: Uint8Array,
  length: number,
): Bounds | undefined {
  if (values.length === 0) return undefined;
  const unsigned = new BigUint64Array(values.buffer, values.byteOffset, values.length);
  const less = (a: number, b: number): boolean =>
    values[2 * a + 1] < values[2 * b + 1] ||
    (values[2 * a + 1] === values[2 * b + 1] && unsigned[2 * a] < unsigned[2 * b]);
  let min = 0;
  let max = 0;
  for (let row = 1; row < values.length / 2; row++) {
    if (less(row, min)) min = row;
    else if (less(max, row)) max = row;
  }
  const part = (row: number) => bytes.slice(row * length, (row + 1) * length);
  return { min: part(min), max: part(max) };
}

/** Longer texts make poor bounds, and large footers. */
const boundBytesMax = 64;

export function stringBounds(strings: StringVector, count: number): Bounds | undefined {
  if (count === 0) return undefined;
  const { offsets, bytes } = strings;
  let min = 0;
  let max = 0;
  let minPrefix = prefixOf(bytes, offsets[0], offsets[1]);
  let maxPrefix = minPrefix;
  for (let row = 1; row < count; row++) {
    const prefix = prefixOf(bytes, offsets[row], offsets[row + 1]);
    // Most texts lie between the bounds, and their first bytes show it.
    if (prefix > minPrefix && prefix < maxPrefix) continue;
    if (compareTexts(bytes, offsets, row, min) < 0) {
      min = row;
      minPrefix = prefix;
    }
    if (compareTexts(bytes, offsets, row, max) > 0) {
      max = row;
      maxPrefix = prefix;
    }
  }
  const part = (row: number) => bytes.slice(offsets[row], offsets[row + 1]);
  const bounds = { min: part(min), max: part(max) };
  const small = bounds.min.length <= boundBytesMax && bounds.max.length <= boundBytesMax;
  return small ? bounds : undefined;
}

/** The first three bytes as a number that orders as the texts do, but for ties. */
function prefixOf(bytes: Uint8Array, from: number, to: number): number {
  if (to - from >= 3) return (bytes[from] << 16) | (bytes[from + 1] << 8) | bytes[from + 2];
  const first = to > from ? bytes[from] : 0;
  return (first << 16) | ((to > from + 1 ? bytes[from + 1] : 0) << 8);
}

function compareTexts(bytes: Uint8Array, offsets: Uint32Array, a: number, b: number): number {
  let i = offsets[a];
  let k = offsets[b];
  const endA = offsets[a + 1];
  const endB = offsets[b + 1];
  for (; i < endA && k < endB; i++, k++) {
    const difference = bytes[i] - bytes[k];
    if (difference !== 0) return difference;
  }
  return endA - i - (endB - k);
}
