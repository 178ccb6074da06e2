/** Encoding the columns of a row group: pages of values, their statistics, compressed. */
import { assert } from '../../base/assert.ts';
import type { Field, Schema, StringVector } from '../../value/batch.ts';
import { type Codec, type CodecName, noCodec } from '../compression/codec.ts';
import { type Coded, codeIntegers, codeStrings } from './dictionary.ts';
import {
  type ColumnPieces,
  columnPieces,
  gatherBigints,
  gatherFloats,
  gatherIntegers,
  gatherStrings,
  type Piece,
} from './gather.ts';
import { bitWidthOf, PageBuffer, putDeltas, putHybrid, putValidity } from './pack.ts';
import { encodings, type PhysicalType, pageTypes, physicalOf } from './schema.ts';
import {
  type Bounds,
  bigintBounds,
  floatBounds,
  integerBounds,
  sixteenByteBounds,
  stringBounds,
} from './statistics.ts';
import { type ThriftField, writeThrift } from './thrift.ts';

/** What the footer says of a column chunk; offsets are from the start of the row group. */
export interface EncodedChunk {
  readonly encodings: readonly number[];
  readonly codec: CodecName;
  readonly dictionaryOffset: number | undefined;
  readonly dataOffset: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly nullCount: number;
  readonly distinctCount: number | undefined;
  readonly bounds: Bounds | undefined;
}

export interface EncodedRowGroup {
  readonly rowCount: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly chunks: readonly EncodedChunk[];
}

/** Used again for every row group and page: nothing that comes out of here refers to them. */
const rowGroupBuffer = new PageBuffer(1 << 20);
const pageBuffer = new PageBuffer(1 << 20);

/** Encodes rows as one row group: pure and synchronous, so that workers can do it side by side. */
export function encodeRowGroup(
  schema: Schema,
  pieces: readonly Piece[],
  codec: Codec,
): EncodedRowGroup {
  const out = rowGroupBuffer;
  out.length = 0;
  const chunks = schema.map((field, i) => encodeChunk(field, columnPieces(pieces, i), codec, out));
  const rowCount = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  return { rowCount, bytes: out.bytes.slice(0, out.length), chunks };
}

/** The values of a chunk, encoded but not yet compressed. */
interface EncodedValues {
  readonly encoding: number;
  /** Appends the values to a page. */
  readonly put: (out: PageBuffer) => void;
  readonly dictionary?: { readonly bytes: Uint8Array; readonly count: number };
  readonly bounds: Bounds | undefined;
}

function encodeChunk(
  field: Field,
  column: ColumnPieces,
  wanted: Codec,
  out: PageBuffer,
): EncodedChunk {
  assert(field.nullable || column.nullCount === 0, `column "${field.name}" holds no NULL`);
  const start = out.length;
  const values = encodeValues(field, column);
  const page = pageBuffer;
  page.length = 0;
  if (field.nullable) putValidity(page, column.validity, column.rowCount);
  values.put(page);
  const codec = worthCompressing(wanted, page.written()) ? wanted : noCodec;
  let uncompressedBytes = 0;
  let dictionaryOffset: number | undefined;
  if (values.dictionary !== undefined) {
    dictionaryOffset = out.length;
    const { bytes, count } = values.dictionary;
    const header: ThriftField = [
      7,
      'struct',
      [
        [1, 'i32', count],
        [2, 'i32', encodings.plain],
      ],
    ];
    uncompressedBytes += putPage(out, pageTypes.dictionary, header, bytes, codec);
  }
  const dataOffset = out.length;
  const header: ThriftField = [
    5,
    'struct',
    [
      [1, 'i32', column.rowCount],
      [2, 'i32', values.encoding],
      [3, 'i32', encodings.rle],
      [4, 'i32', encodings.rle],
    ],
  ];
  uncompressedBytes += putPage(out, pageTypes.data, header, page.written(), codec);
  const used = [values.encoding, encodings.rle];
  if (values.dictionary !== undefined) used.push(encodings.plain);
  return {
    codec: codec.name,
    encodings: used,
    dictionaryOffset,
    dataOffset,
    compressedBytes: out.length - start,
    uncompressedBytes,
    nullCount: column.nullCount,
    distinctCount: values.dictionary?.count,
    bounds: values.bounds,
  };
}

/** Bytes of a page that are tried, from its middle. */
const trialBytes = 32 * 1024;
/** Less of a gain is not worth the time that every reader spends on it. */
const compressedShareMax = 0.9;

/**
 * Packed codes and deltas mostly have nothing to give; each chunk says what it is compressed by.
 */
function worthCompressing(codec: Codec, page: Uint8Array): boolean {
  if (codec.name === 'none') return false;
  const from = Math.max(0, (page.length - trialBytes) >>> 1);
  const trial = page.subarray(from, from + trialBytes);
  return codec.compress(trial).length < trial.length * compressedShareMax;
}

/** Appends a page; answers its size without compression, header included. */
function putPage(
  out: PageBuffer,
  type: number,
  header: ThriftField,
  bytes: Uint8Array,
  codec: Codec,
): number {
  const compressed = codec.compress(bytes);
  const head = writeThrift([
    [1, 'i32', type],
    [2, 'i32', bytes.length],
    [3, 'i32', compressed.length],
    header,
  ]);
  out.append(head);
  out.append(compressed);
  return head.length + bytes.length;
}

function encodeValues(field: Field, column: ColumnPieces): EncodedValues {
  const { physical, length } = physicalOf(field.type);
  switch (physical) {
    case 'BOOLEAN':
      return encodeBooleans(gatherFloats(column));
    case 'INT32':
    case 'INT64': {
      const values = gatherIntegers(column);
      return values === undefined
        ? encodeBigints(gatherBigints(column, false))
        : encodeIntegers(physical, values);
    }
    case 'FLOAT':
    case 'DOUBLE':
      return encodeFloats(physical, gatherFloats(column));
    case 'FIXED_LEN_BYTE_ARRAY':
      return encodeWide(gatherBigints(column, true), length!, field.type.kind === 'uuid');
    default:
      return encodeStrings(column);
  }
}

function encodeBooleans(values: Float64Array): EncodedValues {
  const bits = new Uint8Array((values.length + 7) >>> 3);
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) bits[i >>> 3] |= 1 << (i & 7);
  const bounds = integerBounds(values);
  const byte = (value: number) => Uint8Array.of(value === 0 ? 0 : 1);
  return {
    encoding: encodings.plain,
    put: (out) => out.append(bits),
    bounds: bounds && { min: byte(bounds.min), max: byte(bounds.max) },
  };
}

function encodeIntegers(physical: 'INT32' | 'INT64', values: Float64Array): EncodedValues {
  const found = integerBounds(values);
  if (found === undefined) return { encoding: encodings.plain, put: () => {}, bounds: undefined };
  const { min, max, ascending } = found;
  const one = (value: number) => integerBytes(physical, Float64Array.of(value));
  const bounds = { min: one(min), max: one(max) };
  // Ascending values have small deltas, better than any code.
  const coded = ascending ? undefined : codeIntegers(values, min, max);
  if (coded !== undefined) {
    const entries = integerBytes(physical, coded.entries);
    return { ...encodeCodes(coded, entries), bounds };
  }
  if (max - min < 0x80000000) {
    return {
      encoding: encodings.deltaBinaryPacked,
      put: (out) => putDeltas(out, values, values.length),
      bounds,
    };
  }
  const bytes = integerBytes(physical, values);
  return { encoding: encodings.plain, put: (out) => out.append(bytes), bounds };
}

function encodeCodes<T>(coded: Coded<T>, bytes: Uint8Array) {
  const width = Math.max(1, bitWidthOf(coded.entryCount - 1));
  return {
    encoding: encodings.rleDictionary,
    put: (out: PageBuffer) => {
      out.byte(width);
      putHybrid(out, coded.codes, coded.codes.length, width);
    },
    dictionary: { bytes, count: coded.entryCount },
  };
}

function integerBytes(physical: 'INT32' | 'INT64', values: Float64Array): Uint8Array {
  if (physical === 'INT32') return new Uint8Array(Int32Array.from(values).buffer);
  const halves = new Int32Array(values.length * 2);
  for (let i = 0; i < values.length; i++) {
    halves[2 * i] = values[i];
    halves[2 * i + 1] = Math.floor(values[i] / 4294967296);
  }
  return new Uint8Array(halves.buffer);
}

function encodeBigints(values: BigInt64Array): EncodedValues {
  return {
    encoding: encodings.plain,
    put: (out) => out.append(new Uint8Array(values.buffer)),
    bounds: bigintBounds(values),
  };
}

function encodeFloats(physical: PhysicalType, values: Float64Array): EncodedValues {
  const array = physical === 'FLOAT' ? Float32Array.from(values) : values;
  const bytes = new Uint8Array(array.buffer);
  return {
    encoding: encodings.plain,
    put: (out) => out.append(bytes),
    bounds: floatBounds(array),
  };
}

/** 128-bit integers as big-endian bytes; UUIDs get their top bit back. */
function encodeWide(values: BigInt64Array, length: number, isUuid: boolean): EncodedValues {
  const count = values.length / 2;
  const bytes = new Uint8Array(count * length);
  const source = new DataView(values.buffer);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < length; i++)
      bytes[(row + 1) * length - 1 - i] = source.getUint8(row * 16 + i);
    if (isUuid) bytes[row * length] ^= 0x80;
  }
  return {
    encoding: encodings.plain,
    put: (out) => out.append(bytes),
    bounds: sixteenByteBounds(values, bytes, length),
  };
}

function encodeStrings(column: ColumnPieces): EncodedValues {
  const coded = codeStrings(column);
  if (coded !== undefined) {
    const bounds = stringBounds(coded.entries, coded.entryCount);
    return { ...encodeCodes(coded, plainStrings(coded.entries, coded.entryCount)), bounds };
  }
  const strings = gatherStrings(column);
  const count = strings.offsets.length - 1;
  const lengths = new Int32Array(count);
  for (let i = 0; i < count; i++) lengths[i] = strings.offsets[i + 1] - strings.offsets[i];
  return {
    encoding: encodings.deltaLengthByteArray,
    put: (out) => {
      putDeltas(out, lengths, count);
      out.append(strings.bytes);
    },
    bounds: stringBounds(strings, count),
  };
}

/** Each text behind its length in four bytes. */
function plainStrings(strings: StringVector, count: number): Uint8Array {
  const out = new PageBuffer(strings.bytes.length + 4 * count);
  for (let i = 0; i < count; i++) {
    const from = strings.offsets[i];
    const to = strings.offsets[i + 1];
    out.u32(to - from);
    out.append(strings.bytes.subarray(from, to));
  }
  return out.written();
}
