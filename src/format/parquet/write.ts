/**
 * Writing Parquet files. A file is
 *
 *     "PAR1", row groups, the footer (Thrift), its length (4 bytes), "PAR1"
 *
 * and a row group is one chunk for each column: a dictionary page, if any, and one data page.
 */
import type { BatchStream, Schema } from '../../value/batch.ts';
import { type CodecName, loadCodec } from '../compression/codec.ts';
import { type EncodedChunk, type EncodedRowGroup, encodeRowGroup } from './encode.ts';
import type { Piece } from './gather.ts';
import {
  codecCodes,
  encodings,
  pageTypes,
  physicalOf,
  physicalTypes,
  schemaElement,
} from './schema.ts';
import { type ThriftField, type ThriftValue, writeThrift } from './thrift.ts';

export interface ParquetWriteOptions {
  /** zstd unless given. */
  readonly codec?: CodecName;
  /** Rows a row group; {@link rowGroupRowsDefault} unless given. */
  readonly rowGroupRows?: number;
}

/** As DuckDB's: enough for encodings to pay, few enough to read row groups in parallel. */
export const rowGroupRowsDefault = 122_880;

const encoder = new TextEncoder();
const magic = encoder.encode('PAR1');

/** The bytes of a Parquet file with the rows of `stream`; holds one row group at a time. */
export async function* writeParquet(
  stream: BatchStream,
  options: ParquetWriteOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { schema } = stream;
  const codec = await loadCodec(options.codec ?? 'zstd');
  const file = new ParquetFile(schema);
  yield file.head();
  const rowGroupRows = options.rowGroupRows ?? rowGroupRowsDefault;
  for await (const pieces of rowGroups(stream, rowGroupRows)) {
    yield file.append(encodeRowGroup(schema, pieces, codec));
  }
  yield file.finish();
}

/** Cuts a stream into pieces for row groups of `rowGroupRows` rows, the last one shorter. */
export async function* rowGroups(
  stream: BatchStream,
  rowGroupRows: number,
): AsyncGenerator<readonly Piece[]> {
  let pieces: Piece[] = [];
  let count = 0;
  for await (const batch of stream.batches) {
    for (let from = 0; from < batch.rowCount; ) {
      const to = Math.min(batch.rowCount, from + rowGroupRows - count);
      pieces.push({ batch, from, to });
      count += to - from;
      from = to;
      if (count < rowGroupRows) continue;
      yield pieces;
      pieces = [];
      count = 0;
    }
  }
  if (count > 0) yield pieces;
}

/** Puts a file together from row groups, encoded wherever, in order. */
export class ParquetFile {
  readonly #schema: Schema;
  readonly #rowGroups: (readonly ThriftField[])[] = [];
  #position = magic.length;
  #rowCount = 0;

  /** Fails for types that Parquet cannot hold. */
  constructor(schema: Schema) {
    for (const field of schema) physicalOf(field.type);
    this.#schema = schema;
  }

  head(): Uint8Array<ArrayBuffer> {
    return magic.slice();
  }

  /** Takes note of the next row group and answers the bytes to write for it. */
  append(group: EncodedRowGroup): Uint8Array<ArrayBuffer> {
    this.note(group.rowCount, group.bytes.length, group.chunks);
    return group.bytes;
  }

  /** Takes note of the next row group, whose `size` bytes somebody else writes. */
  note(rowCount: number, size: number, chunks: readonly EncodedChunk[]): void {
    const sum = (bytes: (chunk: EncodedChunk) => number): number =>
      chunks.reduce((total, chunk) => total + bytes(chunk), 0);
    this.#rowGroups.push([
      [1, 'list', 'struct', chunks.map((chunk, i) => this.#columnChunk(i, chunk, rowCount))],
      [2, 'i64', sum((chunk) => chunk.uncompressedBytes)],
      [3, 'i64', rowCount],
      [5, 'i64', this.#position],
      [6, 'i64', sum((chunk) => chunk.compressedBytes)],
    ]);
    this.#position += size;
    this.#rowCount += rowCount;
  }

  #columnChunk(index: number, chunk: EncodedChunk, rowCount: number): ThriftValue {
    const field = this.#schema[index];
    const start = this.#position;
    const { dictionaryOffset, bounds } = chunk;
    const statistics: ThriftField[] = [
      [3, 'i64', chunk.nullCount],
      [4, 'i64', chunk.distinctCount],
      [5, 'binary', bounds?.max],
      [6, 'binary', bounds?.min],
    ];
    const metadata: ThriftField[] = [
      [1, 'i32', physicalTypes.indexOf(physicalOf(field.type).physical)],
      [2, 'list', 'i32', chunk.encodings],
      [3, 'list', 'binary', [field.name]],
      [4, 'i32', codecCodes[chunk.codec]],
      [5, 'i64', rowCount],
      [6, 'i64', chunk.uncompressedBytes],
      [7, 'i64', chunk.compressedBytes],
      [9, 'i64', start + chunk.dataOffset],
      [11, 'i64', dictionaryOffset === undefined ? undefined : start + dictionaryOffset],
      [12, 'struct', statistics],
      [13, 'list', 'struct', pageEncodings(chunk)],
    ];
    return [
      [2, 'i64', start + (dictionaryOffset ?? chunk.dataOffset)],
      [3, 'struct', metadata],
    ];
  }

  /** The bytes behind the last row group. */
  finish(): Uint8Array<ArrayBuffer> {
    const root: ThriftField[] = [
      [4, 'binary', 'schema'],
      [5, 'i32', this.#schema.length],
    ];
    const columns = this.#schema.map(({ name, type, nullable }) =>
      schemaElement(name, type, nullable),
    );
    // Without the order of a column readers must not use its bounds.
    const order: ThriftValue = [[1, 'struct', []]];
    const footer = writeThrift([
      [1, 'i32', 2],
      [2, 'list', 'struct', [root, ...columns]],
      [3, 'i64', this.#rowCount],
      [4, 'list', 'struct', this.#rowGroups],
      [6, 'binary', 'quern'],
      [7, 'list', 'struct', this.#schema.map(() => order)],
    ]);
    const tail = new Uint8Array(footer.length + 8);
    tail.set(footer);
    new DataView(tail.buffer).setUint32(footer.length, footer.length, true);
    tail.set(magic, footer.length + 4);
    return tail;
  }
}

/** How many pages of each kind have which encoding. */
function pageEncodings({ encodings: [values], dictionaryOffset }: EncodedChunk): ThriftValue[] {
  const page = (type: number, encoding: number): ThriftValue => [
    [1, 'i32', type],
    [2, 'i32', encoding],
    [3, 'i32', 1],
  ];
  const data = page(pageTypes.data, values);
  if (dictionaryOffset === undefined) return [data];
  return [page(pageTypes.dictionary, encodings.plain), data];
}
