/** A spill store in ordinary memory, for places without files. */
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import { type SpillStore, type SpillStores, spillPageBytes } from './store.ts';

/** Pages of one buffer; a run of pages may lie in two. */
const pagesPerBuffer = 16384;
const bufferBytes = pagesPerBuffer * spillPageBytes;
/** Buffers that other threads know of from the beginning; each may grow from nothing to 1 GiB. */
const buffersMax = 16;

/**
 * Buffers that grow. Where threads share memory they are shared too, and handed to every thread at
 * the start: 16 GiB at most, if the place lets memory grow so far.
 */
class MemoryStore implements SpillStore {
  readonly handle: readonly Growable[];

  constructor(buffers: readonly Growable[]) {
    this.handle = buffers;
  }

  write(page: number, bytes: Uint8Array): void {
    this.#each(page, bytes, (buffer, at, piece) => {
      grow(buffer, at + piece.length);
      new Uint8Array(buffer, at, piece.length).set(piece);
    });
  }

  read(page: number, into: Uint8Array): void {
    this.#each(page, into, (buffer, at, piece) => {
      piece.set(new Uint8Array(buffer, at, piece.length));
    });
  }

  close(): void {
    for (const buffer of this.handle) if (buffer instanceof ArrayBuffer) buffer.resize(0);
  }

  #each(
    page: number,
    bytes: Uint8Array,
    visit: (buffer: Growable, at: number, piece: Uint8Array) => void,
  ): void {
    let at = page * spillPageBytes;
    for (let done = 0; done < bytes.length; ) {
      const buffer = this.handle[Math.floor(at / bufferBytes)];
      if (buffer === undefined) throw full();
      const offset = at % bufferBytes;
      const length = Math.min(bytes.length - done, bufferBytes - offset);
      visit(buffer, offset, bytes.subarray(done, done + length));
      done += length;
      at += length;
    }
  }
}

/** An ArrayBuffer or SharedArrayBuffer that can grow (both of them in ES2024). */
type Growable = (ArrayBuffer & Resizable) | (SharedArrayBuffer & GrowableShared);
interface Resizable {
  resize(bytes: number): void;
}
interface GrowableShared {
  grow(bytes: number): void;
}

function grow(buffer: Growable, bytes: number): void {
  if (buffer.byteLength >= bytes) return;
  // In steps, since other threads grow it as well: a smaller size than it has by then is an error.
  const wanted = Math.min(Math.ceil(bytes / growthBytes) * growthBytes, bufferBytes);
  try {
    if (buffer instanceof ArrayBuffer) buffer.resize(wanted);
    else buffer.grow(wanted);
  } catch (cause) {
    if (buffer.byteLength < bytes) throw full(cause);
  }
}

const growthBytes = 16 << 20;

function full(cause?: unknown): QuernError {
  return new QuernError(sqlState.diskFull, 'no room is left for rows that do not fit in memory', {
    cause,
  });
}

/** `shared`: whether other threads will attach. */
export function memoryStores(shared: boolean): SpillStores {
  return {
    create() {
      const Buffers = (shared ? SharedArrayBuffer : ArrayBuffer) as unknown as new (
        bytes: number,
        options: { maxByteLength: number },
      ) => Growable;
      const options = { maxByteLength: bufferBytes };
      return new MemoryStore(Array.from({ length: buffersMax }, () => new Buffers(0, options)));
    },
    attach(handle) {
      assert(Array.isArray(handle), 'the handle is a list of buffers');
      return new MemoryStore(handle);
    },
  };
}
