/** Decoding the values of pages, NULLs left out, into arrays of their physical type. */
import { QuernError, sqlState } from '../../base/error.ts';
import { encodings, type PhysicalColumn } from './schema.ts';
import {
  brokenPage,
  type PageReader,
  readDeltas32,
  readDeltas64,
  readHybrid,
  unpackBits,
} from './unpack.ts';

/** Values of one page or dictionary. */
export type Values = FixedValues | TextValues;

export interface FixedValues {
  readonly form: 'fixed';
  readonly data: Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
  /** Elements a value: the length of FIXED_LEN_BYTE_ARRAY and INT96, else 1. */
  readonly stride: number;
}

export interface TextValues {
  readonly form: 'text';
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

function unsupported(encoding: number, column: PhysicalColumn): QuernError {
  return new QuernError(
    sqlState.featureNotSupported,
    `cannot read Parquet encoding ${encoding} of ${column.physical}`,
  );
}

/** Decodes `count` values; codes of dictionaries are not values, see `readCodes`. */
export function readValues(
  page: PageReader,
  column: PhysicalColumn,
  encoding: number,
  count: number,
): Values {
  switch (encoding) {
    case encodings.plain:
      return readPlain(page, column, count);
    case encodings.deltaBinaryPacked:
      if (column.physical === 'INT32') {
        const data = new Int32Array(count);
        readDeltas32(page, data, count);
        return { form: 'fixed', data, stride: 1 };
      }
      if (column.physical === 'INT64') {
        const data = new BigInt64Array(count);
        readDeltas64(page, data, count);
        return { form: 'fixed', data, stride: 1 };
      }
      break;
    case encodings.deltaLengthByteArray:
      if (column.physical === 'BYTE_ARRAY') return readDeltaLengths(page, count);
      break;
    case encodings.deltaByteArray:
      if (column.physical === 'BYTE_ARRAY') return readPrefixed(page, count);
      if (column.physical === 'FIXED_LEN_BYTE_ARRAY')
        return fixedTexts(readPrefixed(page, count), column);
      break;
    case encodings.byteStreamSplit:
      return readSplit(page, column, count);
    case encodings.rle:
      if (column.physical === 'BOOLEAN') return readRunBooleans(page, count);
  }
  throw unsupported(encoding, column);
}

/** The codes of a dictionary-encoded page. */
export function readCodes(page: PageReader, count: number, entryCount: number): Uint32Array {
  const codes = new Uint32Array(count);
  if (count === 0) return codes;
  readHybrid(page, page.byte(), codes, count);
  for (const code of codes) if (code >= entryCount) throw brokenPage('a code without entry');
  return codes;
}

const elementBytes = {
  BOOLEAN: 1,
  INT32: 4,
  INT64: 8,
  INT96: 12,
  FLOAT: 4,
  DOUBLE: 8,
  BYTE_ARRAY: 0,
} as const;

function bytesPerValue(column: PhysicalColumn): number {
  if (column.physical === 'FIXED_LEN_BYTE_ARRAY') return column.length ?? 0;
  return elementBytes[column.physical];
}

function readPlain(page: PageReader, column: PhysicalColumn, count: number): Values {
  if (column.physical === 'BYTE_ARRAY') return readPlainTexts(page, count);
  if (column.physical === 'BOOLEAN') {
    const data = new Uint32Array(count);
    unpackBits(page.bytes, page.take((count + 7) >>> 3), 1, data, 0, count);
    return { form: 'fixed', data: Uint8Array.from(data), stride: 1 };
  }
  const size = count * bytesPerValue(column);
  const from = page.take(size);
  return typedValues(page.bytes.slice(from, from + size), column);
}

/** Values over the bytes of their plain encoding, which must be aligned. */
function typedValues(bytes: Uint8Array<ArrayBuffer>, column: PhysicalColumn): Values {
  const { buffer } = bytes;
  switch (column.physical) {
    case 'INT32':
      return { form: 'fixed', data: new Int32Array(buffer), stride: 1 };
    case 'INT64':
      return { form: 'fixed', data: new BigInt64Array(buffer), stride: 1 };
    case 'FLOAT':
      return { form: 'fixed', data: new Float32Array(buffer), stride: 1 };
    case 'DOUBLE':
      return { form: 'fixed', data: new Float64Array(buffer), stride: 1 };
    default:
      return { form: 'fixed', data: bytes, stride: bytesPerValue(column) };
  }
}

function readPlainTexts(page: PageReader, count: number): TextValues {
  // Each text takes its length at least.
  if (count * 4 > page.end - page.at) throw brokenPage();
  const offsets = new Uint32Array(count + 1);
  const bytes = new Uint8Array(page.end - page.at - count * 4);
  let size = 0;
  for (let i = 0; i < count; i++) {
    const length = page.u32();
    const from = page.take(length);
    if (size + length > bytes.length) throw brokenPage();
    if (length > 32) bytes.set(page.bytes.subarray(from, from + length), size);
    else for (let k = 0; k < length; k++) bytes[size + k] = page.bytes[from + k];
    offsets[i + 1] = size += length;
  }
  return { form: 'text', offsets, bytes: bytes.subarray(0, size) };
}

function offsetsOf(lengths: Int32Array): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1);
  let size = 0;
  for (let i = 0; i < lengths.length; i++) {
    if (lengths[i] < 0) throw brokenPage('a text of negative length');
    size += lengths[i];
    if (size > 0xffffffff) throw brokenPage('texts beyond 4 GiB');
    offsets[i + 1] = size;
  }
  return offsets;
}

function readDeltaLengths(page: PageReader, count: number): TextValues {
  const lengths = new Int32Array(count);
  readDeltas32(page, lengths, count);
  const offsets = offsetsOf(lengths);
  const from = page.take(offsets[count]);
  return { form: 'text', offsets, bytes: page.bytes.slice(from, from + offsets[count]) };
}

/** DELTA_BYTE_ARRAY: each text shares a prefix with the one before. */
function readPrefixed(page: PageReader, count: number): TextValues {
  const prefixes = new Int32Array(count);
  readDeltas32(page, prefixes, count);
  const suffixes = readDeltaLengths(page, count);
  const lengths = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const before = i === 0 ? 0 : lengths[i - 1];
    if (prefixes[i] < 0 || prefixes[i] > before) throw brokenPage('a prefix of nothing');
    lengths[i] = prefixes[i] + suffixes.offsets[i + 1] - suffixes.offsets[i];
  }
  const offsets = offsetsOf(lengths);
  if (offsets[count] > 0x40000000) throw brokenPage('texts beyond 1 GiB');
  const bytes = new Uint8Array(offsets[count]);
  for (let i = 0; i < count; i++) {
    const before = i === 0 ? 0 : offsets[i - 1];
    bytes.copyWithin(offsets[i], before, before + prefixes[i]);
    const suffix = suffixes.bytes.subarray(suffixes.offsets[i], suffixes.offsets[i + 1]);
    bytes.set(suffix, offsets[i] + prefixes[i]);
  }
  return { form: 'text', offsets, bytes };
}

function fixedTexts(texts: TextValues, column: PhysicalColumn): Values {
  const length = bytesPerValue(column);
  if (texts.bytes.length !== (texts.offsets.length - 1) * length) {
    throw brokenPage('texts of another length');
  }
  return { form: 'fixed', data: texts.bytes, stride: length };
}

/** BYTE_STREAM_SPLIT: first all first bytes, then all second ones, and so on. */
function readSplit(page: PageReader, column: PhysicalColumn, count: number): Values {
  const width = bytesPerValue(column);
  if (width === 0 || column.physical === 'BOOLEAN') {
    throw unsupported(encodings.byteStreamSplit, column);
  }
  const from = page.take(count * width);
  const bytes = new Uint8Array(count * width);
  for (let k = 0; k < width; k++) {
    for (let i = 0; i < count; i++) bytes[i * width + k] = page.bytes[from + k * count + i];
  }
  return typedValues(bytes, column);
}

function readRunBooleans(page: PageReader, count: number): Values {
  page.take(4);
  const data = new Uint32Array(count);
  readHybrid(page, 1, data, count);
  return { form: 'fixed', data: Uint8Array.from(data), stride: 1 };
}
