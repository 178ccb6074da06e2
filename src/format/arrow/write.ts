/**
 * Writing Arrow's IPC formats (apache/arrow, Columnar.rst). A message is
 *
 *     FF FF FF FF, size of the metadata (4 bytes), metadata (FlatBuffers, padded), body
 *
 * and the body of a record batch is, for each column, validity bitmap and data, each padded to
 * {@link alignment} bytes. A stream is the schema's message, a message a batch and an end mark; a
 * file is the same between "ARROW1" and a footer that says where the batches are.
 */
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import {
  type BatchStream,
  type ColumnBatch,
  type ColumnVector,
  type Field,
  isValid,
  type Schema,
} from '../../value/batch.ts';
import { fixedArray } from '../../value/column-builder.ts';
import { pickTexts } from '../pick-texts.ts';
import { FlatBuilder, type Offset } from './flatbuffer.ts';
import { writeSchema } from './schema.ts';

const alignment = 64;
const version = 4;
const headers = { schema: 1, recordBatch: 3 } as const;
const magic = new TextEncoder().encode('ARROW1\0\0');

/**
 * The IPC stream format. Chunks may be views of the arrays of the batches: they are to be used up
 * before the next one is asked for.
 */
export async function* writeArrowStream(stream: BatchStream): AsyncGenerator<Uint8Array> {
  yield* writeArrow(stream, true);
}

/** The IPC file format; see {@link writeArrowStream}. */
export async function* writeArrowFile(stream: BatchStream): AsyncGenerator<Uint8Array> {
  yield* writeArrow(stream, false);
}

async function* writeArrow(stream: BatchStream, asStream: boolean): AsyncGenerator<Uint8Array> {
  const file = new ArrowFile(stream.schema, asStream);
  yield file.head();
  for await (const batch of stream.batches) {
    const { metadata, body } = encodeArrowBatch(stream.schema, batch);
    file.note(metadata.length, sum(body));
    yield metadata;
    yield* body;
  }
  yield file.finish();
}

/** Puts a file (or a stream) together from record batches, encoded wherever, in order. */
export class ArrowFile {
  readonly #schema: Schema;
  readonly #asStream: boolean;
  readonly #blocks: number[] = [];
  #position = 0;

  constructor(schema: Schema, asStream: boolean) {
    this.#schema = schema;
    this.#asStream = asStream;
  }

  head(): Uint8Array {
    const schema = message(headers.schema, 0, (builder) => writeSchema(builder, this.#schema));
    const head = this.#asStream ? schema : concatenate(magic, schema);
    this.#position = head.length;
    return head;
  }

  /** Takes note of the next record batch, given the sizes of its two parts. */
  note(metadataBytes: number, bodyBytes: number): void {
    // The struct Block; the four bytes behind its second member are padding.
    if (!this.#asStream) this.#blocks.push(this.#position, metadataBytes, bodyBytes);
    this.#position += metadataBytes + bodyBytes;
  }

  /** The bytes behind the last record batch. */
  finish(): Uint8Array {
    return this.#asStream ? endMark() : concatenate(endMark(), footer(this.#schema, this.#blocks));
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

function sum(parts: readonly Uint8Array[]): number {
  return parts.reduce((total, part) => total + part.length, 0);
}

function endMark(): Uint8Array {
  return Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);
}

function footer(schema: Schema, blocks: readonly number[]): Uint8Array {
  const builder = new FlatBuilder();
  const batches = builder.longs(blocks, 3);
  const dictionaries = builder.longs([], 3);
  const root = builder.table([
    [0, 'i16', version],
    [1, 'offset', writeSchema(builder, schema)],
    [2, 'offset', dictionaries],
    [3, 'offset', batches],
  ]);
  const metadata = builder.finish(root);
  const bytes = new Uint8Array(metadata.length + 10);
  bytes.set(metadata);
  new DataView(bytes.buffer).setUint32(metadata.length, metadata.length, true);
  bytes.set(magic.subarray(0, 6), metadata.length + 4);
  return bytes;
}

function message(
  type: number,
  bodyBytes: number,
  header: (builder: FlatBuilder) => Offset,
): Uint8Array<ArrayBuffer> {
  const builder = new FlatBuilder();
  const root = builder.table([
    [0, 'i16', version],
    [1, 'i8', type],
    [2, 'offset', header(builder)],
    [3, 'i64', bodyBytes],
  ]);
  const metadata = builder.finish(root);
  const bytes = new Uint8Array(metadata.length + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xffffffff, true);
  view.setUint32(4, metadata.length, true);
  bytes.set(metadata, 8);
  return bytes;
}

interface EncodedBatch {
  readonly metadata: Uint8Array;
  readonly body: readonly Uint8Array[];
}

/** The message of a record batch; its body may be views of the arrays of the batch. */
export function encodeArrowBatch(schema: Schema, batch: ColumnBatch): EncodedBatch {
  const nodes: number[] = [];
  const places: number[] = [];
  const body: Uint8Array[] = [];
  let position = 0;
  schema.forEach((field, i) => {
    const vector = batch.columns[i];
    const validity = vector.validity?.subarray(0, (batch.rowCount + 7) >>> 3);
    const nullCount = countNulls(vector, batch.rowCount);
    assert(field.nullable || nullCount === 0, `column "${field.name}" holds no NULL`);
    nodes.push(batch.rowCount, nullCount);
    const none = new Uint8Array();
    const bitmap = nullCount === 0 || validity === undefined ? none : validity;
    for (const buffer of [bitmap, ...encodeColumn(field, vector, batch.rowCount)]) {
      places.push(position, buffer.length);
      const padding = -buffer.length & (alignment - 1);
      if (buffer.length > 0) body.push(buffer);
      if (padding > 0) body.push(new Uint8Array(padding));
      position += buffer.length + padding;
    }
  });
  const metadata = message(headers.recordBatch, position, (builder) => {
    const buffers = builder.longs(places, 2);
    return builder.table([
      [0, 'i64', batch.rowCount],
      [1, 'offset', builder.longs(nodes, 2)],
      [2, 'offset', buffers],
    ]);
  });
  return { metadata, body };
}

function countNulls({ validity }: ColumnVector, rowCount: number): number {
  if (validity === undefined) return 0;
  let count = 0;
  for (let row = 0; row < rowCount; row++) if (!isValid(validity, row)) count++;
  return count;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The buffers of a column, without its validity. */
function encodeColumn(field: Field, vector: ColumnVector, rowCount: number): Uint8Array[] {
  if (vector.form === 'fixed') return [bytesOf(encodeFixed(field, vector, rowCount))];
  const strings =
    vector.form === 'string'
      ? vector
      : pickTexts(vector.dictionary, Uint32Array.from(vector.codes.subarray(0, rowCount)));
  const offsets = strings.offsets.subarray(0, rowCount + 1);
  const size = offsets[rowCount];
  if (size > 0x7fffffff) {
    throw new QuernError(
      sqlState.programLimitExceeded,
      `column "${field.name}" has more than 2 GiB of text in one batch`,
    );
  }
  return [bytesOf(offsets), strings.bytes.subarray(0, size)];
}

type FixedColumn = Extract<ColumnVector, { form: 'fixed' }>;

/** The values in Arrow's layout: as they are where that is ours too. */
function encodeFixed(field: Field, vector: FixedColumn, rowCount: number): ArrayBufferView {
  const { data } = vector;
  const { type } = field;
  switch (type.kind) {
    case 'boolean':
      return packBooleans(data, rowCount);
    case 'decimal':
      return vector.wide === true ? data.subarray(0, 2 * rowCount) : widen(data, rowCount);
    case 'uuid':
      return uuidBytes(data as BigInt64Array, rowCount);
    case 'interval':
      return monthDayNanos(field, data as BigInt64Array, rowCount);
    default: {
      const part = data.subarray(0, rowCount);
      const target = fixedArray(type, rowCount);
      if (part.constructor === target.constructor) return part;
      for (let row = 0; row < rowCount; row++) {
        target[row] = target instanceof BigInt64Array ? BigInt(part[row]) : Number(part[row]);
      }
      return target;
    }
  }
}

function packBooleans(data: FixedColumn['data'], rowCount: number): Uint8Array {
  const bits = new Uint8Array((rowCount + 7) >>> 3);
  for (let row = 0; row < rowCount; row++) if (data[row]) bits[row >>> 3] |= 1 << (row & 7);
  return bits;
}

/** Integers of up to 64 bits as ones of 128. */
function widen(data: FixedColumn['data'], rowCount: number): BigInt64Array {
  const result = new BigInt64Array(2 * rowCount);
  const words = new Int32Array(result.buffer);
  if (data instanceof BigInt64Array) {
    const source = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
    for (let row = 0; row < rowCount; row++) {
      const high = source[2 * row + 1];
      words[4 * row] = source[2 * row];
      words[4 * row + 1] = high;
      words[4 * row + 2] = words[4 * row + 3] = high >> 31;
    }
    return result;
  }
  for (let row = 0; row < rowCount; row++) {
    const value = data[row];
    words[4 * row] = value;
    words[4 * row + 1] = words[4 * row + 2] = words[4 * row + 3] = value < 0 ? -1 : 0;
  }
  return result;
}

function uuidBytes(data: BigInt64Array, rowCount: number): Uint8Array {
  const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bytes = new Uint8Array(16 * rowCount);
  for (let row = 0; row < rowCount; row++) {
    for (let i = 0; i < 16; i++) bytes[16 * row + i] = source[16 * row + 15 - i];
    bytes[16 * row] ^= 0x80;
  }
  return bytes;
}

/** Months, days (32 bits each), nanoseconds; ours differ by a factor of 1000. */
function monthDayNanos(field: Field, data: BigInt64Array, rowCount: number): BigInt64Array {
  const result = data.slice(0, 2 * rowCount);
  for (let i = 1; i < result.length; i += 2) {
    const nanos = result[i] * 1000n;
    if (nanos !== BigInt.asIntN(64, nanos)) {
      throw new QuernError(
        sqlState.datetimeFieldOverflow,
        `column "${field.name}" has an interval beyond Arrow's nanoseconds`,
      );
    }
    result[i] = nanos;
  }
  return result;
}
