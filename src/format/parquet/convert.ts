/** From Parquet's physical values to column vectors of SQL types, NULLs back in their places. */
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import {
  type ColumnVector,
  type FixedArray,
  isValid,
  type StringVector,
} from '../../value/batch.ts';
import { checkDate } from '../../value/date.ts';
import { checkTimestamp } from '../../value/time.ts';
import { isUtf8 } from '../../value/utf8.ts';
import { areDistinct, pickTexts } from '../pick-texts.ts';
import type { ReadType } from './schema.ts';
import { brokenPage } from './unpack.ts';
import type { FixedValues, TextValues, Values } from './values.ts';

/** All values of a column chunk: as they are, or codes into a dictionary. */
export interface ChunkValues {
  readonly rowCount: number;
  /** Absent when no row is NULL. */
  readonly validity: Uint8Array | undefined;
  readonly values: Values;
  /** One a value that is not NULL; the values are then the entries. */
  readonly codes: Uint32Array | undefined;
}

export function toVector(read: ReadType, chunk: ChunkValues): ColumnVector {
  const { values, codes, validity, rowCount } = chunk;
  const mask = validity === undefined ? {} : { validity };
  const converted = convert(read, values);
  if (converted.form === 'text') {
    checkTexts(read, converted);
    const strings: StringVector = {
      form: 'string',
      offsets: converted.offsets,
      bytes: converted.bytes,
    };
    if (codes !== undefined && !areDistinct(strings)) {
      return { ...spreadTexts(pickTexts(strings, codes), validity, rowCount), ...mask };
    }
    if (codes !== undefined) {
      const spread = spreadFixed(
        narrowCodes(codes, strings.offsets.length - 1),
        1,
        validity,
        rowCount,
      );
      return { form: 'dictionary', codes: spread as Uint32Array, dictionary: strings, ...mask };
    }
    return { ...spreadTexts(strings, validity, rowCount), ...mask };
  }
  const { stride } = converted;
  const picked = codes === undefined ? converted.data : pick(converted, codes);
  const data = spreadFixed(picked, stride, validity, rowCount);
  return { form: 'fixed', data, ...(stride === 2 ? { wide: true } : {}), ...mask };
}

function checkTexts(read: ReadType, { bytes, offsets }: TextValues): void {
  if (read.type.kind !== 'varchar' || isUtf8(bytes, offsets)) return;
  throw new QuernError(sqlState.characterNotInRepertoire, 'invalid UTF-8 in a Parquet text');
}

function narrowCodes(codes: Uint32Array, entryCount: number) {
  if (entryCount <= 256) return Uint8Array.from(codes);
  return entryCount <= 65536 ? Uint16Array.from(codes) : codes;
}

/** Fixed values with their final type; a stride of two stands for 128 bits. */
interface Converted {
  readonly form: 'fixed';
  readonly data: FixedArray;
  readonly stride: 1 | 2;
}

function convert(read: ReadType, values: Values): Converted | TextValues {
  const { type } = read;
  if (values.form === 'text') {
    if (type.kind === 'decimal') return wideIntegers(textParts(values), type.precision > 18);
    return values;
  }
  if (values.stride !== 1 || values.data instanceof Uint8Array) return convertBytes(read, values);
  const { data } = values;
  if (read.unsigned === true && data instanceof Int32Array)
    return single(new Uint32Array(data.buffer));
  if (read.unsigned === true && data instanceof BigInt64Array) return unsignedWide(data);
  if (type.kind === 'date') {
    for (const days of data as Int32Array) checkDate(days);
  } else if (type.kind === 'timestamp' || type.kind === 'timestamptz') {
    return single(times(read, data, checkTimestamp));
  } else if (type.kind === 'time') {
    return single(times(read, data, (micros) => micros));
  }
  return single(data);
}

function single(data: FixedArray): Converted {
  return { form: 'fixed', data, stride: 1 };
}

function times(
  { unit }: ReadType,
  data: FixedValues['data'],
  check: (micros: bigint) => bigint,
): BigInt64Array {
  if (unit === 'micros' && data instanceof BigInt64Array) {
    const parts = halves(data);
    for (let i = 0; i < data.length; i++) {
      // Two centuries about the epoch need no closer look.
      const high = parts[2 * i + 1];
      if (high > 0x100000 || high < -0x100000) check(data[i]);
    }
    return data;
  }
  const result = new BigInt64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = BigInt(data[i]);
    result[i] = check(
      unit === 'millis' ? value * 1000n : unit === 'nanos' ? floorDivide(value, 1000n) : value,
    );
  }
  return result;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}

function unsignedWide(data: BigInt64Array): Converted {
  const result = new BigInt64Array(data.length * 2);
  for (let i = 0; i < data.length; i++) result[2 * i] = data[i];
  return { form: 'fixed', data: result, stride: 2 };
}

/** Values that are bytes: booleans, decimals, UUIDs, intervals, old timestamps, plain bytes. */
function convertBytes(read: ReadType, values: FixedValues): Converted | TextValues {
  const { type } = read;
  const data = values.data as Uint8Array;
  const { stride } = values;
  switch (type.kind) {
    case 'boolean':
      return single(data);
    case 'decimal':
      return wideIntegers(fixedParts(data, stride), type.precision > 18);
    case 'uuid': {
      if (stride !== 16) throw brokenPage('a UUID that is not 16 bytes long');
      const flipped = data.slice();
      for (let at = 0; at < flipped.length; at += 16) flipped[at] ^= 0x80;
      return wideIntegers(fixedParts(flipped, stride), true);
    }
    case 'interval':
      if (stride !== 12) throw brokenPage('an interval that is not 12 bytes long');
      return intervals(data);
    case 'timestamp':
      return single(julianTimes(data));
    default: {
      const count = stride === 0 ? 0 : data.length / stride;
      const offsets = Uint32Array.from({ length: count + 1 }, (_, i) => i * stride);
      return { form: 'text', offsets, bytes: data };
    }
  }
}

/** Months, days and milliseconds, in four bytes each. */
function intervals(data: Uint8Array): Converted {
  const source = new DataView(data.buffer, data.byteOffset, data.length);
  const result = new BigInt64Array(data.length / 6);
  const target = new Int32Array(result.buffer);
  for (let i = 0; i < data.length / 12; i++) {
    target[4 * i] = source.getInt32(12 * i, true);
    target[4 * i + 1] = source.getInt32(12 * i + 4, true);
    result[2 * i + 1] = BigInt(source.getUint32(12 * i + 8, true)) * 1000n;
  }
  return { form: 'fixed', data: result, stride: 2 };
}

/** INT96: eight bytes of nanoseconds of the day, four of the Julian day. */
function julianTimes(data: Uint8Array): BigInt64Array {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const result = new BigInt64Array(data.length / 12);
  for (let i = 0; i < result.length; i++) {
    const days = BigInt(view.getInt32(12 * i + 8, true) - 2440588);
    const nanos = view.getBigInt64(12 * i, true);
    result[i] = checkTimestamp(days * 86_400_000_000n + floorDivide(nanos, 1000n));
  }
  return result;
}

interface Part {
  readonly count: number;
  bytes(index: number): Uint8Array;
}

function fixedParts(data: Uint8Array, stride: number): Part {
  return {
    count: stride === 0 ? 0 : data.length / stride,
    bytes: (i) => data.subarray(i * stride, (i + 1) * stride),
  };
}

function textParts({ offsets, bytes }: TextValues): Part {
  return {
    count: offsets.length - 1,
    bytes: (i) => bytes.subarray(offsets[i], offsets[i + 1]),
  };
}

/** Integers in two's complement, most significant byte first, of up to 16 bytes. */
function wideIntegers(parts: Part, wide: boolean): Converted {
  const width = wide ? 16 : 8;
  const bytes = new Uint8Array(parts.count * width);
  for (let i = 0; i < parts.count; i++) {
    const part = parts.bytes(i);
    const sign = part.length > 0 && part[0] >= 128 ? 255 : 0;
    const target = i * width;
    for (let k = 0; k < Math.max(width, part.length); k++) {
      const byte = k < part.length ? part[part.length - 1 - k] : sign;
      if (k < width) bytes[target + k] = byte;
      else if (byte !== sign) throw brokenPage('a decimal beyond its precision');
    }
  }
  return { form: 'fixed', data: new BigInt64Array(bytes.buffer), stride: wide ? 2 : 1 };
}

function pick({ data, stride }: Converted, codes: Uint32Array): FixedArray {
  const result = sameKind(data, codes.length * stride);
  pickElements(data, stride, codes, result);
  return result;
}

/** Copies the values that `codes` name, of `stride` elements each, one after the other. */
export function pickElements(
  data: FixedArray,
  stride: number,
  codes: Uint32Array,
  result: FixedArray,
): void {
  if (data instanceof BigInt64Array) {
    pickElements(halves(data), stride * 2, codes, halves(result as BigInt64Array));
    return;
  }
  if (stride === 1) {
    for (let i = 0; i < codes.length; i++) result[i] = data[codes[i]];
    return;
  }
  for (let i = 0; i < codes.length; i++) {
    for (let k = 0; k < stride; k++) result[i * stride + k] = data[codes[i] * stride + k];
  }
}

/** 64-bit integers as pairs of 32-bit ones: a bigint for each would cost an allocation. */
function halves(data: BigInt64Array): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, data.length * 2);
}

function sameKind<T extends FixedArray>(data: T, length: number): T {
  const Kind = data.constructor as new (length: number) => T;
  return new Kind(length);
}

function spreadFixed(
  data: FixedArray,
  stride: 1 | 2,
  validity: Uint8Array | undefined,
  rowCount: number,
): FixedArray {
  if (validity === undefined) {
    assert(data.length === rowCount * stride, 'a value for each row');
    return data;
  }
  const result = sameKind(data, rowCount * stride);
  if (data instanceof BigInt64Array) {
    spreadElements(halves(data), stride * 2, validity, halves(result as BigInt64Array));
  } else {
    spreadElements(data, stride, validity, result);
  }
  return result;
}

function spreadElements(
  data: Exclude<FixedArray, BigInt64Array>,
  stride: number,
  validity: Uint8Array,
  result: FixedArray,
): void {
  let from = 0;
  for (let at = 0, row = 0; at < result.length; at += stride, row++) {
    if (!isValid(validity, row)) continue;
    for (let k = 0; k < stride; k++) result[at + k] = data[from++];
  }
}

function spreadTexts(
  strings: StringVector,
  validity: Uint8Array | undefined,
  rowCount: number,
): StringVector {
  if (validity === undefined) return strings;
  const offsets = new Uint32Array(rowCount + 1);
  let value = 0;
  for (let row = 0; row < rowCount; row++) {
    if (isValid(validity, row)) value++;
    offsets[row + 1] = strings.offsets[value];
  }
  return { form: 'string', offsets, bytes: strings.bytes };
}
