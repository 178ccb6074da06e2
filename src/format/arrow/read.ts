/**
 * Reading Arrow's IPC formats: the stream, and the file, which is a stream with a frame around it.
 */
import { QuernError, sqlState } from '../../base/error.ts';
import type { BatchStream, ColumnBatch, ColumnVector } from '../../value/batch.ts';
import { type Codec, loadCodec } from '../compression/codec.ts';
import { type ByteSource, batchesOf, readFully } from '../source.ts';
import { type ColumnBuffers, readCodes, readColumn } from './column.ts';
import { FlatTable } from './flatbuffer.ts';
import { type ArrowColumn, readSchema } from './schema.ts';

const headers = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;
/** No message is larger: what says so is broken. */
const messageBytesMax = 0x7fffffff;

interface Message {
  readonly type: number;
  readonly header: FlatTable;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Opens Arrow IPC data, stream or file. */
export async function readArrow(source: ByteSource): Promise<BatchStream> {
  const reader = new ArrowReader(source);
  const columns = await reader.guarded(() => reader.readSchema());
  const batches = batchesOf(source, reader.batches(columns));
  return { schema: columns.map((column) => column.field), batches };
}

class ArrowReader {
  readonly #source: ByteSource;
  readonly #dictionaries = new Map<number, ColumnVector>();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Says where an error comes from; lengths that no array can have are broken data too. */
  async guarded<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const { name } = this.#source;
      if (error instanceof QuernError) {
        throw new QuernError(error.code, `${name}: ${error.message}`, { cause: error });
      }
      if (!(error instanceof RangeError)) throw error;
      throw new QuernError(sqlState.dataCorrupted, `${name}: broken Arrow data`, { cause: error });
    }
  }

  async readSchema(): Promise<ArrowColumn[]> {
    const message = await this.#next(true);
    if (message?.type !== headers.schema) throw broken('it does not begin with a schema');
    return readSchema(message.header);
  }

  async *batches(columns: readonly ArrowColumn[]): AsyncGenerator<ColumnBatch> {
    try {
      for (;;) {
        const batch = await this.guarded(() => this.#nextBatch(columns));
        if (batch === undefined) return;
        yield batch;
      }
    } finally {
      await this.#source.close();
    }
  }

  async #nextBatch(columns: readonly ArrowColumn[]): Promise<ColumnBatch | undefined> {
    for (;;) {
      const message = await this.#next(false);
      if (message === undefined) return undefined;
      if (message.type === headers.recordBatch) return this.#readBatch(message, columns);
      if (message.type !== headers.dictionaryBatch) throw broken('an unknown message');
      await this.#readDictionary(message, columns);
    }
  }

  async #readBatch(message: Message, columns: readonly ArrowColumn[]): Promise<ColumnBatch> {
    const buffers = await BatchBuffers.open(message.header, message.body);
    const vectors = columns.map((column) => this.#readColumn(column, buffers));
    return { rowCount: buffers.rowCount, columns: vectors };
  }

  #readColumn(column: ArrowColumn, buffers: BatchBuffers): ColumnVector {
    if (column.dictionary === undefined)
      return readColumn(column.field.type, column.stored, buffers);
    const dictionary = this.#dictionaries.get(column.dictionary.id);
    if (dictionary === undefined) throw broken('codes without a dictionary');
    return readCodes(column.dictionary.codes, dictionary, buffers);
  }

  async #readDictionary(message: Message, columns: readonly ArrowColumn[]): Promise<void> {
    const id = message.header.size(0);
    const column = columns.find(({ dictionary }) => dictionary?.id === id);
    const data = message.header.table(1);
    if (column === undefined || data === undefined) throw broken('a dictionary of no column');
    if (message.header.i8(2) !== 0) {
      throw new QuernError(
        sqlState.featureNotSupported,
        `column "${column.field.name}": deltas of dictionaries are not supported`,
      );
    }
    const buffers = await BatchBuffers.open(data, message.body);
    this.#dictionaries.set(id, readColumn(column.field.type, column.stored, buffers));
  }

  /** The next message; undefined at the end mark or the end of the data. */
  async #next(first: boolean): Promise<Message | undefined> {
    let head = await this.#read(4, true);
    if (head === undefined) return undefined;
    if (first && new TextDecoder('latin1').decode(head) === 'ARRO') {
      await this.#read(4);
      head = await this.#read(4);
    }
    let size = new DataView(head!.buffer).getUint32(0, true);
    // Before version 0.15 messages began with their size.
    if (size === 0xffffffff) {
      const bytes = await this.#read(4);
      size = new DataView(bytes!.buffer).getUint32(0, true);
    }
    if (size === 0) return undefined;
    if (size > messageBytesMax) throw broken('a message is too large');
    const table = FlatTable.root((await this.#read(size))!);
    const bodyBytes = table.size(3);
    if (bodyBytes > messageBytesMax) throw broken('a message is too large');
    const header = table.table(2);
    if (header === undefined) throw broken('a message without a header');
    return { type: table.i8(1), header, body: (await this.#read(bodyBytes))! };
  }

  /** Exactly `size` bytes; undefined when there are none at all and `mayEnd`. */
  async #read(size: number, mayEnd = false): Promise<Uint8Array<ArrayBuffer> | undefined> {
    // In steps: a size that is a lie must not take the memory for it.
    let bytes = new Uint8Array(Math.min(size, 1 << 24));
    let filled = await readFully(this.#source, bytes);
    if (filled === 0 && size > 0 && mayEnd) return undefined;
    while (filled === bytes.length && filled < size) {
      const larger = new Uint8Array(Math.min(size, filled * 4));
      larger.set(bytes);
      filled += await readFully(this.#source, larger.subarray(filled));
      bytes = larger;
    }
    if (filled < size) throw broken('it ends too early');
    return bytes;
  }
}

function broken(what: string): QuernError {
  return new QuernError(sqlState.dataCorrupted, `broken Arrow data: ${what}`);
}

/** Hands out nodes and buffers of a record batch in order, decompressed. */
class BatchBuffers implements ColumnBuffers {
  readonly rowCount: number;
  readonly #nodes: readonly (readonly [length: number, nullCount: number])[];
  readonly #buffers: readonly (readonly [offset: number, length: number])[];
  readonly #body: Uint8Array<ArrayBuffer>;
  readonly #codec: Codec | undefined;
  #node = 0;
  #buffer = 0;

  private constructor(header: FlatTable, body: Uint8Array<ArrayBuffer>, codec: Codec | undefined) {
    this.rowCount = header.size(0);
    this.#nodes = header.pairs(1);
    this.#buffers = header.pairs(2);
    this.#body = body;
    this.#codec = codec;
  }

  static async open(header: FlatTable, body: Uint8Array<ArrayBuffer>): Promise<BatchBuffers> {
    const compression = header.table(3);
    if (compression === undefined) return new BatchBuffers(header, body, undefined);
    if (compression.i8(0) !== 1) {
      throw new QuernError(sqlState.featureNotSupported, 'LZ4 compression is not supported', {
        hint: 'Write the data with zstd or without compression.',
      });
    }
    return new BatchBuffers(header, body, await loadCodec('zstd'));
  }

  nextNode(): { readonly nullCount: number } {
    const node = this.#nodes[this.#node++];
    if (node === undefined || node[0] !== this.rowCount) throw broken('columns of unequal length');
    return { nullCount: node[1] };
  }

  nextBuffer(): Uint8Array<ArrayBuffer> {
    const place = this.#buffers[this.#buffer++];
    if (place === undefined) throw broken('a column lacks a buffer');
    const [offset, length] = place;
    if (offset + length > this.#body.length) throw broken('a buffer beyond the end');
    const bytes = this.#body.subarray(offset, offset + length);
    if (this.#codec !== undefined && length > 0) return this.#decompress(bytes, this.#codec);
    // Typed arrays need aligned bytes; writers usually see to that.
    return offset % 16 === 0 ? bytes : bytes.slice();
  }

  /** A size in eight bytes, -1 for data that did not compress, then the data. */
  #decompress(bytes: Uint8Array, codec: Codec): Uint8Array<ArrayBuffer> {
    if (bytes.length < 8) throw broken('a buffer beyond the end');
    const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true));
    const data = bytes.subarray(8);
    if (size === -1) return data.slice() as Uint8Array<ArrayBuffer>;
    if (size < 0 || size > messageBytesMax) throw broken('a buffer is too large');
    return codec.decompress(data, size).slice() as Uint8Array<ArrayBuffer>;
  }
}
