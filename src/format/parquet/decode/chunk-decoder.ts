/** Decoding column chunks in a WebAssembly memory, straight into the form that they are used in. */
import { assert } from '../../../base/assert.ts';
import { isUtf8 } from '../../../value/utf8.ts';
import type { Codec } from '../../compression/codec.ts';
import { snappyBodyStart } from '../../compression/snappy.ts';
import type { ParquetColumn } from '../footer.ts';
import { type PageHeader, pageLevels, readPageHeaders } from '../pages.ts';
import { encodings, pageTypes } from '../schema.ts';
import { brokenPage, PageReader } from '../unpack.ts';
import { readValues, type TextValues } from '../values.ts';
import { decodeCode } from './code.ts';
import {
  chunkField,
  chunkFieldBytes,
  decoderName,
  decodeSlack,
  decodeStatus,
  type IntWidth,
  pageField,
  pageFieldBytes,
  pageFlag,
  type StoredForm,
} from './layout.ts';

/** What is needed of the memory that chunks are decoded in; views are fetched anew after growth. */
export interface DecodeMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly buffer: ArrayBufferLike;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
}

/** Gives memory that the caller frees when the rows are no longer used. */
export type Allocate = (bytes: number) => number;

/** How the values of a column are wanted. */
export type ColumnTarget =
  /** value - base in so many bytes; values beyond min and max are an error. */
  | {
      readonly kind: 'int';
      readonly width: IntWidth;
      readonly base: bigint;
      readonly min: bigint;
      readonly max: bigint;
    }
  | { readonly kind: 'float'; readonly width: 4 | 8 }
  /** Other codes for texts that all are in the chunk's dictionary: one for each of its entries. */
  | {
      readonly kind: 'codes';
      readonly width: 1 | 2 | 4;
      readonly codesOf: (entries: TextValues) => ArrayLike<number>;
    }
  /** Offsets, one more than rows, and bytes. */
  | { readonly kind: 'texts' };

/** Addresses of a decoded chunk. `nulls` is 0 when there are none. */
export interface DecodedChunk {
  readonly data: number;
  readonly nulls: number;
  readonly heap: number;
  readonly heapBytes: number;
}

type Decode = (chunk: number) => number;

export class ChunkDecoder {
  readonly #memory: DecodeMemory;
  readonly #exports: Readonly<Record<string, Decode>>;

  /** The decoder for a memory: one, so that its code is compiled once and becomes fast. */
  static in(memory: DecodeMemory): ChunkDecoder {
    let decoder = decoders.get(memory);
    if (decoder === undefined) {
      decoder = new ChunkDecoder(memory);
      decoders.set(memory, decoder);
    }
    return decoder;
  }

  private constructor(memory: DecodeMemory) {
    this.#memory = memory;
    const module = new WebAssembly.Module(decodeCode(memory.shared));
    const instance = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
    this.#exports = instance.exports as Readonly<Record<string, Decode>>;
  }

  /**
   * Decodes the chunk whose `size` bytes lie at `address`, with {@link decodeSlack} bytes behind
   * them. Undefined: its encoding or type is one that `ParquetReader` reads, but this does not.
   */
  decode(
    column: ParquetColumn,
    codec: Codec,
    { address, size, rowCount }: { address: number; size: number; rowCount: number },
    target: ColumnTarget,
    allocate: Allocate,
  ): DecodedChunk | undefined {
    const form = storedForm(column);
    if (form === undefined || (form === 'texts') !== isText(target)) return undefined;
    const pages = readPageHeaders(this.#memory.u8.subarray(address, address + size), rowCount);
    if (!pages.every(({ page }) => isSupported(page, target, column))) return undefined;
    const chunk = new ChunkDescription(this.#memory, column, codec, address, allocate);
    const dictionary = pages.find(({ page }) => page.type === pageTypes.dictionary);
    if (dictionary !== undefined) this.#readDictionary(chunk, dictionary, form, target);
    const data = pages.filter(({ page }) => page.type !== pageTypes.dictionary);
    chunk.setPages(data, dictionary !== undefined);
    return this.#run(chunk, form, target, rowCount);
  }

  #run(
    chunk: ChunkDescription,
    form: StoredForm,
    target: ColumnTarget,
    rowCount: number,
  ): DecodedChunk {
    chunk.setTarget(target, rowCount);
    const name = decoderName(form, target.kind === 'texts' ? 'texts' : target.width);
    const decode = this.#exports[name];
    assert(decode !== undefined, `there is a decoder ${name}`);
    for (;;) {
      const status = callDecoder(decode, chunk.address);
      if (status === decodeStatus.done) break;
      if (status === decodeStatus.outOfBounds) {
        throw brokenPage('a value is beyond the bounds that its statistics give');
      }
      if (status !== decodeStatus.heapFull) throw brokenPage();
      chunk.growHeap(rowCount);
    }
    return chunk.result(target, rowCount);
  }

  /** Puts the entries of the dictionary where the code looks them up. */
  #readDictionary(
    chunk: ChunkDescription,
    page: LocatedPage,
    form: StoredForm,
    target: ColumnTarget,
  ): void {
    const count = page.page.values;
    if (target.kind === 'int' || target.kind === 'float') {
      const entries = chunk.sibling();
      entries.setPages([page], false);
      entries.setTarget(target, count);
      const decode = this.#exports[decoderName(form, target.width)];
      const status = callDecoder(decode, entries.address);
      if (status === decodeStatus.outOfBounds) {
        throw brokenPage('a value is beyond the bounds that its statistics give');
      }
      if (status !== decodeStatus.done) throw brokenPage();
      chunk.set('table', entries.get('data'));
    } else {
      const entries = chunk.texts(page);
      if (target.kind === 'codes') chunk.setCodes(target.codesOf(entries), target.width);
      else chunk.setEntries(entries);
    }
    chunk.set('entryCount', count);
  }
}

const decoders = new WeakMap<DecodeMemory, ChunkDecoder>();

function isText(target: ColumnTarget): boolean {
  return target.kind === 'codes' || target.kind === 'texts';
}

/** What a broken chunk can make the code read may lie beyond the memory. */
function callDecoder(decode: Decode, chunk: number): number {
  try {
    return decode(chunk);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw brokenPage();
    throw error;
  }
}

/** How the code sees a column's values; undefined where each must be looked at. */
function storedForm({ physical, read }: ParquetColumn): StoredForm | undefined {
  const { type, unit, unsigned } = read;
  if (unit !== undefined && unit !== 'micros') return undefined;
  switch (physical.physical) {
    case 'INT32':
      return unsigned === true ? 'u32' : 'i32';
    case 'INT64':
      return unsigned === true ? undefined : 'i64';
    case 'FLOAT':
      return 'f32';
    case 'DOUBLE':
      return 'f64';
    case 'BOOLEAN':
      return 'boolean';
    case 'BYTE_ARRAY':
      return type.kind === 'varchar' || type.kind === 'blob' ? 'texts' : undefined;
    case 'FIXED_LEN_BYTE_ARRAY': {
      const length = physical.length ?? 0;
      return type.kind === 'decimal' && length >= 1 && length <= 16 ? 'flba' : undefined;
    }
    default:
      return undefined;
  }
}

function isSupported(
  page: PageHeader,
  target: ColumnTarget,
  { field, physical, read }: ParquetColumn,
): boolean {
  const hasLevels = field.nullable && page.type === pageTypes.data;
  if (hasLevels && page.levelEncoding !== encodings.rle) return false;
  switch (page.encoding) {
    case encodings.plain:
      return target.kind !== 'codes' || page.type === pageTypes.dictionary;
    case encodings.plainDictionary:
    case encodings.rleDictionary:
      return true;
    case encodings.deltaBinaryPacked:
      return target.kind === 'int' && /^INT(32|64)$/.test(physical.physical) && !read.unsigned;
    case encodings.deltaLengthByteArray:
      return target.kind === 'texts';
    default:
      return false;
  }
}

const deltaEncodings: readonly number[] = [
  encodings.deltaBinaryPacked,
  encodings.deltaLengthByteArray,
];

/** A page and where its bytes begin in the chunk. */
interface LocatedPage {
  readonly page: PageHeader;
  readonly at: number;
}

/** Writes the description of a chunk, and what it points to. */
class ChunkDescription {
  readonly address: number;
  readonly #memory: DecodeMemory;
  readonly #column: ParquetColumn;
  readonly #codec: Codec;
  /** Of the chunk's bytes. */
  readonly #bytes: number;
  readonly #allocate: Allocate;
  #entryBytes = 0;
  #hasDeltas = false;

  constructor(
    memory: DecodeMemory,
    column: ParquetColumn,
    codec: Codec,
    bytes: number,
    allocate: Allocate,
  ) {
    this.#memory = memory;
    this.#column = column;
    this.#codec = codec;
    this.#bytes = bytes;
    this.#allocate = allocate;
    this.address = allocate(chunkFieldBytes);
    memory.u32.fill(0, this.address >>> 2, (this.address + chunkFieldBytes) >>> 2);
    this.set('stride', column.physical.length ?? 0);
    memory.u8[this.address + chunkField.levels] = 1;
  }

  /** Another one over the same bytes, for the dictionary, which has no NULLs. */
  sibling(): ChunkDescription {
    const column = { ...this.#column, field: { ...this.#column.field, nullable: false } };
    return new ChunkDescription(this.#memory, column, this.#codec, this.#bytes, this.#allocate);
  }

  set(field: keyof typeof chunkField, value: number): void {
    this.#memory.u32[(this.address + chunkField[field]) >>> 2] = value;
  }

  get(field: keyof typeof chunkField): number {
    return this.#memory.u32[(this.address + chunkField[field]) >>> 2];
  }

  #room(bytes: number): number {
    return this.#allocate(bytes + decodeSlack);
  }

  setTarget(target: ColumnTarget, rowCount: number): void {
    if (target.kind === 'int') {
      const words = new BigInt64Array(this.#memory.buffer, this.address + chunkField.base, 3);
      words[0] = target.base;
      words[1] = target.min;
      words[2] = target.max - target.min;
    }
    const width = target.kind === 'texts' ? 4 : target.width;
    const data = this.#room((rowCount + 1) * width);
    this.set('data', data);
    if (target.kind !== 'texts') return;
    this.#memory.u32[data >>> 2] = 0;
    const hasNumbers = this.get('entryCount') > 0 || this.#hasDeltas;
    this.set('codes', hasNumbers ? this.#room(rowCount * 4) : 0);
    this.#setHeap(this.get('heapEnd') + this.#codedBytes(rowCount));
  }

  /** A guess at how long texts that come as codes are, if each entry occurs as often. */
  #codedBytes(rowCount: number): number {
    const entries = this.get('entryCount');
    return entries === 0 ? 0 : Math.ceil((this.#entryBytes / entries) * rowCount * 1.25) + 64;
  }

  /** Twice the room for texts, and everything from the beginning. */
  growHeap(rowCount: number): void {
    const size = 2 * (this.get('heapEnd') - this.get('heap')) + rowCount;
    this.#setHeap(size);
    this.set('nullCount', 0);
  }

  #setHeap(size: number): void {
    if (size > 0x7fffffff) throw brokenPage('texts of a row group beyond 2 GiB');
    const heap = this.#room(size);
    this.set('heap', heap);
    this.set('heapEnd', heap + size);
  }

  /** The data pages in order; what is not snappy is uncompressed here. */
  setPages(pages: readonly LocatedPage[], hasDictionary: boolean): void {
    const { nullable } = this.#column.field;
    const rows = pages.reduce((sum, { page }) => sum + page.values, 0);
    const address = this.#allocate(Math.max(1, pages.length) * pageFieldBytes);
    this.set('pages', address);
    this.set('pageCount', pages.length);
    this.set('nulls', nullable ? this.#room(rows) : 0);
    let scratch = 0;
    let plain = 0;
    for (const [i, { page, at }] of pages.entries()) {
      const isDeltas = deltaEncodings.includes(page.encoding);
      const isValues = page.encoding === encodings.plain || isDeltas;
      const isCoded = !isValues && page.type !== pageTypes.dictionary;
      if (isCoded && !hasDictionary && page.values > 0)
        throw brokenPage('codes without a dictionary');
      const words = this.#page(page, at, nullable);
      if ((words.flags & pageFlag.snappy) !== 0) scratch = Math.max(scratch, words.size);
      if (isDeltas) words.flags |= pageFlag.deltas;
      this.#hasDeltas ||= isDeltas;
      if (isCoded) words.flags |= pageFlag.dictionary;
      else plain += words.size;
      const base = (address + i * pageFieldBytes) >>> 2;
      const { u32 } = this.#memory;
      for (const [field, value] of Object.entries(words)) {
        u32[base + pageField[field as keyof typeof pageField] / 4] = value;
      }
    }
    this.set('scratch', this.#room(scratch));
    // For texts: no more than the plain pages hold.
    this.set('heapEnd', plain);
  }

  #page(page: PageHeader, at: number, nullable: boolean) {
    const levels = pageLevels(page);
    const from = this.#bytes + at + levels.skipped;
    const to = this.#bytes + at + page.compressedBytes;
    const size = page.uncompressedBytes - levels.skipped;
    const words = {
      from,
      to,
      size,
      flags: nullable && page.type === pageTypes.data ? pageFlag.levels : 0,
      rows: page.values,
      levelsFrom: from - levels.bytes,
      levelsTo: from,
    };
    if (this.#codec.name === 'none' || !page.isCompressed || (size === 0 && from === to)) {
      words.size = to - from;
    } else if (this.#codec.name === 'snappy') {
      words.flags |= pageFlag.snappy;
      words.from += snappyBodyStart(this.#memory.u8.subarray(from, to), size);
    } else {
      words.from = this.#uncompressed(from, to, size);
      words.to = words.from + size;
    }
    return words;
  }

  /** Codecs that are not in the code. */
  #uncompressed(from: number, to: number, size: number): number {
    const address = this.#room(size);
    // The libraries do not take views of shared memory.
    const bytes = this.#codec.decompress(this.#memory.u8.slice(from, to), size);
    this.#memory.u8.set(bytes, address);
    return address;
  }

  /** The texts of a dictionary page. */
  texts({ page, at }: LocatedPage): TextValues {
    const from = this.#bytes + at;
    const bytes = this.#memory.u8.slice(from, from + page.compressedBytes);
    const plain = this.#codec.decompress(bytes, page.uncompressedBytes);
    const reader = new PageReader(plain);
    const texts = readValues(reader, this.#column.physical, encodings.plain, page.values);
    assert(texts.form === 'text', 'byte arrays are texts');
    this.#checkTexts(texts.bytes, texts.offsets);
    return texts;
  }

  #checkTexts(bytes: Uint8Array, offsets: Uint32Array): void {
    if (this.#column.read.type.kind !== 'varchar' || isUtf8(bytes, offsets)) return;
    throw brokenPage('invalid UTF-8 in a text');
  }

  setCodes(codes: ArrayLike<number>, width: 1 | 2 | 4): void {
    const table = this.#room(codes.length * width);
    const { u8, u16, u32 } = this.#memory;
    const view = width === 1 ? u8 : width === 2 ? u16 : u32;
    view.set(codes, table / width);
    this.set('table', table);
  }

  setEntries({ offsets, bytes }: TextValues): void {
    const table = this.#room(4 * offsets.length);
    const heap = this.#room(bytes.length);
    new Uint32Array(this.#memory.buffer, table, offsets.length).set(offsets);
    this.#memory.u8.set(bytes, heap);
    this.set('table', table);
    this.set('entryBytes', heap);
    this.#entryBytes = bytes.length;
  }

  result(target: ColumnTarget, rowCount: number): DecodedChunk {
    const isTexts = target.kind === 'texts';
    const result = {
      data: this.get('data'),
      nulls: this.get('nullCount') > 0 ? this.get('nulls') : 0,
      heap: isTexts ? this.get('heap') : 0,
      heapBytes: this.get('heapUsed'),
    };
    if (isTexts && this.get('notAscii') !== 0) {
      const { u8, buffer } = this.#memory;
      const offsets = new Uint32Array(buffer, result.data, rowCount + 1);
      this.#checkTexts(u8.subarray(result.heap, result.heap + result.heapBytes), offsets);
    }
    return result;
  }
}
