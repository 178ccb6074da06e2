/** Columns of Arrow record batches as our vectors: views of the received bytes where they agree. */
import { QuernError, sqlState } from '../../base/error.ts';
import { type ColumnVector, isValid, type StringVector } from '../../value/batch.ts';
import { checkDate } from '../../value/date.ts';
import { checkTimestamp } from '../../value/time.ts';
import type { SqlType } from '../../value/type.ts';
import { isUtf8 } from '../../value/utf8.ts';
import { areDistinct, pickTexts } from '../pick-texts.ts';
import { type ArrowType, typeIds } from './schema.ts';

/** The nodes and buffers of a record batch, in the order of its columns. */
export interface ColumnBuffers {
  readonly rowCount: number;
  nextNode(): { readonly nullCount: number };
  nextBuffer(): Uint8Array<ArrayBuffer>;
}

function broken(what: string): QuernError {
  return new QuernError(sqlState.dataCorrupted, `broken Arrow data: ${what}`);
}

type Mask = { readonly validity?: Uint8Array };

function readValidity(buffers: ColumnBuffers): Mask {
  const { nullCount } = buffers.nextNode();
  const bits = buffers.nextBuffer();
  const size = (buffers.rowCount + 7) >>> 3;
  if (nullCount === 0 || bits.length === 0) return {};
  if (bits.length < size) throw broken('a validity bitmap is too short');
  return { validity: bits.subarray(0, size) };
}

export function readColumn(type: SqlType, stored: ArrowType, buffers: ColumnBuffers): ColumnVector {
  const { rowCount } = buffers;
  if (stored.id === typeIds.null) {
    buffers.nextNode();
    const validity = new Uint8Array((rowCount + 7) >>> 3);
    const offsets = new Uint32Array(rowCount + 1);
    return { form: 'string', offsets, bytes: new Uint8Array(), validity };
  }
  const mask = readValidity(buffers);
  switch (stored.id) {
    case typeIds.utf8:
    case typeIds.binary:
      return { ...readTexts(type, buffers, 4), ...mask };
    case typeIds.largeUtf8:
    case typeIds.largeBinary:
      return { ...readTexts(type, buffers, 8), ...mask };
    case typeIds.bool:
      return { form: 'fixed', data: unpackBooleans(buffers.nextBuffer(), rowCount), ...mask };
    case typeIds.fixedSizeBinary:
      return { ...readFixedBytes(type, stored, buffers), ...mask };
    case typeIds.interval:
      return { ...readIntervals(stored, buffers), ...mask };
    case typeIds.decimal:
      return { ...readDecimals(type, stored, buffers), ...mask };
    case typeIds.int:
      return { ...readIntegers(stored, buffers), ...mask };
    case typeIds.floatingPoint: {
      const bytes = take(buffers, stored.bits / 8);
      const data = stored.bits === 32 ? floats(bytes, rowCount) : doubles(bytes, rowCount);
      return { form: 'fixed', data, ...mask };
    }
    default:
      return { form: 'fixed', data: readTimes(type, stored, buffers, mask), ...mask };
  }
}

/** The next buffer, with at least `width` bytes a row. */
function take(buffers: ColumnBuffers, width: number): Uint8Array<ArrayBuffer> {
  const bytes = buffers.nextBuffer();
  if (bytes.length < width * buffers.rowCount) throw broken('a column is too short');
  return bytes;
}

function floats({ buffer, byteOffset }: Uint8Array<ArrayBuffer>, count: number): Float32Array {
  return new Float32Array(buffer, byteOffset, count);
}

function doubles({ buffer, byteOffset }: Uint8Array<ArrayBuffer>, count: number): Float64Array {
  return new Float64Array(buffer, byteOffset, count);
}

function integers({ buffer, byteOffset }: Uint8Array<ArrayBuffer>, bits: number, count: number) {
  switch (bits) {
    case 8:
      return new Int8Array(buffer, byteOffset, count);
    case 16:
      return new Int16Array(buffer, byteOffset, count);
    case 32:
      return new Int32Array(buffer, byteOffset, count);
    default:
      return new BigInt64Array(buffer, byteOffset, count);
  }
}

function unsigned({ buffer, byteOffset }: Uint8Array<ArrayBuffer>, bits: number, count: number) {
  switch (bits) {
    case 8:
      return new Uint8Array(buffer, byteOffset, count);
    case 16:
      return new Uint16Array(buffer, byteOffset, count);
    default:
      return new Uint32Array(buffer, byteOffset, count);
  }
}

function readIntegers(stored: ArrowType, buffers: ColumnBuffers): ColumnVector {
  const { rowCount } = buffers;
  const bytes = take(buffers, stored.bits / 8);
  if (stored.signed) return { form: 'fixed', data: integers(bytes, stored.bits, rowCount) };
  if (stored.bits < 64) return { form: 'fixed', data: unsigned(bytes, stored.bits, rowCount) };
  const low = integers(bytes, 64, rowCount) as BigInt64Array;
  const data = new BigInt64Array(2 * rowCount);
  for (let row = 0; row < rowCount; row++) data[2 * row] = low[row];
  return { form: 'fixed', data, wide: true };
}

function readDecimals(type: SqlType, stored: ArrowType, buffers: ColumnBuffers): ColumnVector {
  const { rowCount } = buffers;
  const bytes = take(buffers, stored.bits / 8);
  if (stored.bits < 128) return { form: 'fixed', data: integers(bytes, stored.bits, rowCount) };
  if (type.kind === 'decimal' && type.precision <= 18) {
    // The low halves suffice.
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, 4 * rowCount);
    const data = new BigInt64Array(rowCount);
    const target = new Int32Array(data.buffer);
    for (let row = 0; row < rowCount; row++) {
      target[2 * row] = words[4 * row];
      target[2 * row + 1] = words[4 * row + 1];
    }
    return { form: 'fixed', data };
  }
  return {
    form: 'fixed',
    data: new BigInt64Array(bytes.buffer, bytes.byteOffset, 2 * rowCount),
    wide: true,
  };
}

function unpackBooleans(bits: Uint8Array, rowCount: number): Uint8Array {
  if (bits.length * 8 < rowCount) throw broken('a column is too short');
  const data = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row++) data[row] = (bits[row >>> 3] >>> (row & 7)) & 1;
  return data;
}

function readTexts(type: SqlType, buffers: ColumnBuffers, offsetBytes: 4 | 8): StringVector {
  const { rowCount } = buffers;
  const place = buffers.nextBuffer();
  const heap = buffers.nextBuffer();
  // A batch without rows may go without offsets.
  if (rowCount === 0)
    return { form: 'string', offsets: new Uint32Array(1), bytes: new Uint8Array() };
  if (place.length < offsetBytes * (rowCount + 1)) throw broken('a column is too short');
  const offsets =
    offsetBytes === 4
      ? new Uint32Array(place.buffer, place.byteOffset, rowCount + 1)
      : Uint32Array.from(integers(place, 64, rowCount + 1) as BigInt64Array, Number);
  const from = offsets[0];
  let last = from;
  for (const offset of offsets) {
    if (offset < last) throw broken('offsets that go back');
    last = offset;
  }
  if (last > heap.length) throw broken('a text beyond the end');
  const bytes = heap.subarray(from, last);
  const rebased = from === 0 ? offsets : offsets.map((offset) => offset - from);
  if (type.kind === 'varchar' && !isUtf8(bytes, rebased)) {
    throw new QuernError(sqlState.characterNotInRepertoire, 'invalid UTF-8 in an Arrow text');
  }
  return { form: 'string', offsets: rebased, bytes };
}

function readFixedBytes(type: SqlType, stored: ArrowType, buffers: ColumnBuffers): ColumnVector {
  const { rowCount } = buffers;
  const width = stored.byteWidth;
  if (width < 0) throw broken('values of negative length');
  const bytes = take(buffers, width);
  if (type.kind !== 'uuid') {
    const offsets = Uint32Array.from({ length: rowCount + 1 }, (_, row) => row * width);
    return { form: 'string', offsets, bytes: bytes.subarray(0, width * rowCount) };
  }
  if (width !== 16) throw broken('a UUID that is not 16 bytes long');
  const turned = new Uint8Array(16 * rowCount);
  for (let row = 0; row < rowCount; row++) {
    for (let i = 0; i < 16; i++) turned[16 * row + i] = bytes[16 * row + 15 - i];
    turned[16 * row + 15] ^= 0x80;
  }
  return { form: 'fixed', data: new BigInt64Array(turned.buffer), wide: true };
}

function readIntervals(stored: ArrowType, buffers: ColumnBuffers): ColumnVector {
  const { rowCount } = buffers;
  const { intervalUnit } = stored;
  const bytes = take(buffers, [4, 8, 16][intervalUnit] ?? 0);
  const data = new BigInt64Array(2 * rowCount);
  const words = new Int32Array(data.buffer);
  if (intervalUnit === 2) {
    data.set(new BigInt64Array(bytes.buffer, bytes.byteOffset, 2 * rowCount));
    for (let i = 1; i < data.length; i += 2) data[i] /= 1000n;
    return { form: 'fixed', data, wide: true };
  }
  const source = new Int32Array(bytes.buffer, bytes.byteOffset, rowCount * (intervalUnit + 1));
  for (let row = 0; row < rowCount; row++) {
    if (intervalUnit === 0) words[4 * row] = source[row];
    else {
      words[4 * row + 1] = source[2 * row];
      data[2 * row + 1] = BigInt(source[2 * row + 1]) * 1000n;
    }
  }
  return { form: 'fixed', data, wide: true };
}

/** Units of a stored time in a microsecond, or microseconds in a unit. */
const scales = {
  second: { times: 1_000_000n, by: 1n },
  milli: { times: 1000n, by: 1n },
  micro: { times: 1n, by: 1n },
  nano: { times: 1n, by: 1000n },
} as const;

/** Dates, times and timestamps; those beyond our range are errors unless they are NULL. */
function readTimes(type: SqlType, stored: ArrowType, buffers: ColumnBuffers, mask: Mask) {
  const { rowCount } = buffers;
  const source = integers(take(buffers, stored.bits / 8), stored.bits, rowCount);
  const valid = (row: number) => isValid(mask.validity, row);
  if (stored.id === typeIds.date) {
    const days = source instanceof BigInt64Array ? new Int32Array(rowCount) : source;
    for (let row = 0; row < rowCount; row++) {
      if (source instanceof BigInt64Array) days[row] = Number(source[row] / 86_400_000n);
      if (valid(row)) checkDate(days[row]);
    }
    return days;
  }
  const { times, by } = scales[stored.unit] ?? scales.micro;
  const isMicros = stored.unit === 'micro' && source instanceof BigInt64Array;
  const data = isMicros ? source : new BigInt64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const value = isMicros ? source[row] : floorDivide(BigInt(source[row]) * times, by);
    if (type.kind !== 'time' && valid(row)) checkTimestamp(value);
    if (!isMicros) data[row] = value;
  }
  return data;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}

/** A column of codes into `dictionary`. */
export function readCodes(
  stored: ArrowType,
  dictionary: ColumnVector,
  buffers: ColumnBuffers,
): ColumnVector {
  const { rowCount } = buffers;
  const mask = readValidity(buffers);
  if (stored.bits === 64) throw broken('codes of 64 bits');
  const source = unsigned(take(buffers, stored.bits / 8), stored.bits, rowCount);
  if (dictionary.form !== 'string' || dictionary.validity !== undefined) {
    throw new QuernError(
      sqlState.featureNotSupported,
      'dictionaries of other values than texts are not supported',
    );
  }
  const entryCount = dictionary.offsets.length - 1;
  const codes = source.slice();
  for (let row = 0; row < rowCount; row++) {
    if (codes[row] < entryCount) continue;
    if (isValid(mask.validity, row)) throw broken('a code without entry');
    codes[row] = 0;
  }
  if (entryCount === 0) {
    const offsets = new Uint32Array(rowCount + 1);
    return { form: 'string', offsets, bytes: new Uint8Array(), ...mask };
  }
  if (!areDistinct(dictionary))
    return { ...pickTexts(dictionary, Uint32Array.from(codes)), ...mask };
  return { form: 'dictionary', codes, dictionary, ...mask };
}
