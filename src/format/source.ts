/** Where readers get bytes from. Adapters for files and streams are in `node/` and `browser/`. */
import type { ColumnBatch } from '../value/batch.ts';

/** Bytes in order. */
export interface ByteSource {
  /** For error messages: usually the name of the file. */
  readonly name: string;
  /** Reads the next bytes into `into`, at least one and as many as are at hand; 0 at the end. */
  read(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** Bytes by position, for formats with their table of contents at the end. */
export interface RandomSource {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Changes whenever the bytes do; absent where that cannot be told. */
  readonly version?: string;
  /** Fills `into` with the bytes from `position` on; an error when there are fewer. */
  readAt(position: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array, name = 'the data'): ByteSource {
  let position = 0;
  return {
    name,
    async read(into) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      position += part.length;
      return part.length;
    },
    async close() {},
  };
}

/** A source over a sequence of chunks of any size, such as a web stream or a Node stream. */
export function chunkSource(chunks: AsyncIterable<Uint8Array>, name = 'the stream'): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  return {
    name,
    async read(into) {
      while (rest.length === 0) {
        const next = await iterator.next();
        if (next.done === true) return 0;
        rest = next.value;
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    async close() {
      await iterator.return?.();
    },
  };
}

/** A random source over bytes in memory. */
export function bytesRandomSource(bytes: Uint8Array, name = 'the data'): RandomSource {
  return {
    name,
    size: bytes.length,
    async readAt(position, into) {
      into.set(bytes.subarray(position, position + into.length));
    },
    async close() {},
  };
}

/** Reads until `into` is full or the source ends; answers how many bytes there were. */
export async function readFully(source: ByteSource, into: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const count = await source.read(into.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/**
 * The batches of a reader. Whoever wants none of them can end the stream before its first batch,
 * and the source is closed; a generator by itself closes nothing that it has not begun with.
 */
export function batchesOf(
  source: { close(): Promise<void> },
  generator: AsyncGenerator<ColumnBatch>,
): AsyncGenerator<ColumnBatch> {
  let begun = false;
  const end = async () => {
    if (!begun) await source.close();
    begun = true;
  };
  return {
    next: () => {
      begun = true;
      return generator.next();
    },
    return: async (value) => {
      await end();
      return generator.return(value);
    },
    throw: async (error) => {
      await end();
      return generator.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: end,
  };
}
