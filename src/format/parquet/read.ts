/** Reading Parquet files: the columns that are asked for, a row group at a time. */
import { QuernError, sqlState } from '../../base/error.ts';
import type { BatchStream, ColumnBatch, ColumnVector, Schema } from '../../value/batch.ts';
import { type Codec, codecNames, loadCodec } from '../compression/codec.ts';
import { pickTexts } from '../pick-texts.ts';
import { batchesOf, type RandomSource } from '../source.ts';
import { type ChunkValues, pickElements, toVector } from './convert.ts';
import { type ParquetChunk, type ParquetColumn, type ParquetFooter, readFooter } from './footer.ts';
import { type PageHeader, pageLevels, readPageHeaders } from './pages.ts';
import { codecCodes, encodings, pageTypes } from './schema.ts';
import { brokenPage, PageReader, readHybrid } from './unpack.ts';
import { type FixedValues, readCodes, readValues, type TextValues, type Values } from './values.ts';

export interface ParquetReadOptions {
  /**
   * The columns to read, by name, in this order; all unless given, all that can be read with
   * `readable`.
   */
  readonly columns?: readonly string[] | 'readable';
}

/** Row groups beyond this are not read: no writer makes them, broken files claim them. */
const rowGroupRowsMax = 1 << 28;

/** Opens a Parquet file as a stream of batches, one a row group. */
export async function readParquet(
  source: RandomSource,
  options: ParquetReadOptions = {},
): Promise<BatchStream> {
  const file = await ParquetReader.open(source, options);
  const batches = async function* () {
    try {
      for (let i = 0; i < file.footer.rowGroups.length; i++) yield await file.readRowGroup(i);
    } finally {
      await source.close();
    }
  };
  return { schema: file.schema, batches: batchesOf(source, batches()) };
}

/**
 * A Parquet file opened for reading. Row groups can be read in any order, also at the same time.
 */
export class ParquetReader {
  readonly footer: ParquetFooter;
  /** The columns that are read. */
  readonly schema: Schema;
  readonly columns: readonly ParquetColumn[];
  readonly source: RandomSource;

  private constructor(
    source: RandomSource,
    footer: ParquetFooter,
    columns: readonly ParquetColumn[],
  ) {
    this.source = source;
    this.footer = footer;
    this.columns = columns;
    this.schema = columns.map((column) => column.field);
  }

  /** Reads the footer; fails when a column that is asked for cannot be read. */
  static async open(
    source: RandomSource,
    options: ParquetReadOptions = {},
  ): Promise<ParquetReader> {
    const footer = await readFooter(source);
    return new ParquetReader(source, footer, chooseColumns(source, footer, options));
  }

  /** All rows of a row group. The batch is the receiver's own. */
  async readRowGroup(index: number): Promise<ColumnBatch> {
    const group = this.footer.rowGroups[index];
    if (group.rowCount > rowGroupRowsMax) throw brokenPage('a row group of too many rows');
    const columns: ColumnVector[] = [];
    for (const column of this.columns) {
      columns.push(await this.#readColumn(column, group.chunks[column.index], group.rowCount));
    }
    return { rowCount: group.rowCount, columns };
  }

  async #readColumn(
    column: ParquetColumn,
    chunk: ParquetChunk,
    rowCount: number,
  ): Promise<ColumnVector> {
    const bytes = new Uint8Array(chunk.bytes);
    await this.source.readAt(chunk.position, bytes);
    return this.decode(column, chunk, rowCount, bytes);
  }

  /** The values of a chunk whose bytes have been read. */
  async decode(
    column: ParquetColumn,
    chunk: ParquetChunk,
    rowCount: number,
    bytes: Uint8Array,
  ): Promise<ColumnVector> {
    return this.locate(column, async () => {
      if (chunk.valueCount !== rowCount) throw brokenPage('columns of unequal length');
      const codec = await chunkCodec(chunk.codec);
      return toVector(column.read, new ChunkReader(column, codec, rowCount).read(bytes));
    });
  }

  /** Runs `body`; errors of the data name the file and the column. */
  async locate<T>(column: ParquetColumn, body: () => T | Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw this.#located(error, column.field.name);
    }
  }

  #located(error: unknown, column: string): unknown {
    const place = `${this.source.name}, column "${column}"`;
    if (error instanceof QuernError) {
      return new QuernError(error.code, `${place}: ${error.message}`, { cause: error });
    }
    // Sizes that no array can have, from lengths that no writer wrote.
    if (!(error instanceof RangeError)) return error;
    return new QuernError(sqlState.dataCorrupted, `${place}: broken Parquet data`, {
      cause: error,
    });
  }
}

function chooseColumns(
  source: RandomSource,
  footer: ParquetFooter,
  options: ParquetReadOptions,
): ParquetColumn[] {
  if (options.columns === 'readable') return [...footer.columns];
  const names = options.columns ?? [
    ...footer.columns.map((column) => column.field.name),
    ...footer.unreadable.keys(),
  ];
  return names.map((name) => {
    const column = footer.columns.find(({ field }) => field.name === name);
    if (column !== undefined) return column;
    if (!footer.unreadable.has(name)) {
      throw new QuernError(sqlState.undefinedColumn, `${source.name} has no column "${name}"`);
    }
    throw unreadableColumn(source, footer, name);
  });
}

export function unreadableColumn(
  source: RandomSource,
  footer: ParquetFooter,
  name: string,
): QuernError {
  return new QuernError(
    sqlState.featureNotSupported,
    `${source.name}, column "${name}": ${footer.unreadable.get(name)}`,
    { hint: 'Read the other columns by name.' },
  );
}

export function chunkCodec(code: number): Promise<Codec> {
  const name = codecNames.find((candidate) => codecCodes[candidate] === code);
  if (name !== undefined) return loadCodec(name);
  const others = ['', '', '', 'LZO', 'brotli', 'LZ4', '', 'LZ4_RAW'];
  throw new QuernError(
    sqlState.featureNotSupported,
    `Parquet compression ${others[code] ?? code} is not supported`,
    { hint: `Supported are ${codecNames.join(', ')}.` },
  );
}

/** Decodes the pages of a column chunk, one after the other. */
class ChunkReader {
  readonly #column: ParquetColumn;
  readonly #codec: Codec;
  readonly #rowCount: number;
  readonly #validity: Uint8Array;
  #dictionary: Values | undefined;
  readonly #codes: Uint32Array[] = [];
  readonly #values: Values[] = [];
  #done = 0;
  #nullCount = 0;

  constructor(column: ParquetColumn, codec: Codec, rowCount: number) {
    this.#column = column;
    this.#codec = codec;
    this.#rowCount = rowCount;
    this.#validity = new Uint8Array((rowCount + 7) >>> 3);
  }

  read(bytes: Uint8Array): ChunkValues {
    for (const { page, at } of readPageHeaders(bytes, this.#rowCount)) {
      this.#readPage(page, bytes.subarray(at, at + page.compressedBytes));
    }
    return this.#finish();
  }

  #readPage(header: PageHeader, bytes: Uint8Array): void {
    if (header.type === pageTypes.dictionary) {
      const page = new PageReader(this.#codec.decompress(bytes, header.uncompressedBytes));
      const { physical } = this.#column;
      this.#dictionary = readValues(page, physical, encodings.plain, header.values);
    } else if (header.type === pageTypes.data) this.#readData(header, bytes);
    else this.#readDataV2(header, bytes);
  }

  #readData(header: PageHeader, bytes: Uint8Array): void {
    const rows = header.values;
    const page = new PageReader(this.#codec.decompress(bytes, header.uncompressedBytes));
    let valid = rows;
    if (this.#column.field.nullable) {
      if (header.levelEncoding !== encodings.rle) throw brokenPage('levels in an old encoding');
      const size = page.u32();
      const from = page.take(size);
      valid = this.#readLevels(new PageReader(page.bytes, from, from + size), rows);
    } else this.#setValid(rows);
    this.#readValues(page, header.encoding, valid);
    this.#done += rows;
  }

  /** Version 2 has its levels in front, never compressed. */
  #readDataV2(header: PageHeader, bytes: Uint8Array): void {
    const rows = header.values;
    const levels = pageLevels(header);
    let valid = rows;
    if (this.#column.field.nullable) {
      const from = levels.skipped - levels.bytes;
      valid = this.#readLevels(new PageReader(bytes, from, levels.skipped), rows);
    } else this.#setValid(rows);
    const data = bytes.subarray(levels.skipped);
    const size = header.uncompressedBytes - levels.skipped;
    const isPlain = !header.isCompressed || (size === 0 && data.length === 0);
    const plain = isPlain ? data : this.#codec.decompress(data, size);
    this.#readValues(new PageReader(plain), header.encoding, valid);
    this.#done += rows;
  }

  #readLevels(page: PageReader, rows: number): number {
    const levels = new Uint32Array(rows);
    readHybrid(page, 1, levels, rows);
    const validity = this.#validity;
    let valid = 0;
    for (let i = 0; i < rows; i++) {
      const row = this.#done + i;
      validity[row >>> 3] |= levels[i] << (row & 7);
      valid += levels[i];
    }
    this.#nullCount += rows - valid;
    return valid;
  }

  #setValid(rows: number): void {
    for (let row = this.#done; row < this.#done + rows; row++) {
      this.#validity[row >>> 3] |= 1 << (row & 7);
    }
  }

  #readValues(page: PageReader, encoding: number, count: number): void {
    if (encoding === encodings.rleDictionary || encoding === encodings.plainDictionary) {
      const dictionary = this.#dictionary;
      if (dictionary === undefined) throw brokenPage('codes without a dictionary');
      const codes = readCodes(page, count, valueCount(dictionary));
      // Once one page has plain values, all must: writers give a dictionary up in mid-chunk.
      if (this.#values.length === 0) this.#codes.push(codes);
      else this.#values.push(pickValues(dictionary, codes));
      return;
    }
    this.#giveUpDictionary();
    this.#values.push(readValues(page, this.#column.physical, encoding, count));
  }

  #giveUpDictionary(): void {
    for (const codes of this.#codes) this.#values.push(pickValues(this.#dictionary!, codes));
    this.#codes.length = 0;
  }

  #finish(): ChunkValues {
    const validity = this.#nullCount === 0 ? undefined : this.#validity;
    const rowCount = this.#rowCount;
    if (this.#codes.length > 0) {
      const codes = joinCodes(this.#codes);
      return { rowCount, validity, values: this.#dictionary!, codes };
    }
    const physical = this.#column.physical;
    const empty = () => readValues(new PageReader(new Uint8Array()), physical, encodings.plain, 0);
    const values = this.#values.length === 0 ? empty() : joinValues(this.#values);
    return { rowCount, validity, values, codes: undefined };
  }
}

function valueCount(values: Values): number {
  if (values.form === 'text') return values.offsets.length - 1;
  return values.stride === 0 ? 0 : values.data.length / values.stride;
}

function joinCodes(parts: readonly Uint32Array[]): Uint32Array {
  if (parts.length === 1) return parts[0];
  const joined = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function pickValues(values: Values, codes: Uint32Array): Values {
  if (values.form === 'text') return { ...pickTexts(values, codes), form: 'text' };
  const { data, stride } = values;
  const picked = emptyLike(data, codes.length * stride);
  pickElements(data, stride, codes, picked);
  return { form: 'fixed', data: picked, stride };
}

function emptyLike<T extends FixedValues['data']>(data: T, length: number): T {
  const Kind = data.constructor as new (length: number) => T;
  return new Kind(length);
}

function joinValues(parts: readonly Values[]): Values {
  if (parts.length === 1) return parts[0];
  const [first] = parts;
  if (first.form === 'text') return joinTexts(parts as readonly TextValues[]);
  const fixed = parts as readonly FixedValues[];
  const joined = emptyLike(
    first.data,
    fixed.reduce((sum, part) => sum + part.data.length, 0),
  );
  let at = 0;
  for (const { data } of fixed) {
    (joined as { set(part: unknown, at: number): void }).set(data, at);
    at += data.length;
  }
  return { form: 'fixed', data: joined, stride: first.stride };
}

function joinTexts(parts: readonly TextValues[]): TextValues {
  const count = parts.reduce((sum, part) => sum + part.offsets.length - 1, 0);
  const offsets = new Uint32Array(count + 1);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.length, 0));
  let row = 0;
  let at = 0;
  for (const part of parts) {
    bytes.set(part.bytes, at);
    for (let i = 1; i < part.offsets.length; i++) offsets[++row] = at + part.offsets[i];
    at += part.bytes.length;
  }
  return { form: 'text', offsets, bytes };
}
