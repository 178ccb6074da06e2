import { assert } from '../../base/assert.ts';

/**
 * Buffers up to this size are always given, so that no one's large requests hold up another's small
 * ones; the number of requests that a client may have under way bounds them.
 */
export const smallBufferBytes = 64 * 1024;

/**
 * The buffers in which payloads are collected and read, shared by all connections of a server. They
 * are reused (a fresh megabyte costs more in page faults than its copy), and the large ones in use
 * have a limit: who comes too late waits, first come first served. Everyone who holds a buffer
 * gives it back without needing another, so waiting ends unless a client stands still; the server
 * then ends it.
 */
export class BufferPool {
  readonly #limit: number;
  /** Free buffers by their size, a power of two. */
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;
  #usedBytes = 0;
  #largeBytes = 0;
  readonly #waiting: (() => void)[] = [];

  /** `limit`: bytes of large buffers in use at a time; one that is larger can never be acquired. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes kept for reuse; at most a quarter of the limit. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** How many wait for memory. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * A buffer of at least `length` bytes with undefined content; undefined if the limit forbids it
   * now or others wait already.
   */
  tryAcquire(length: number): Uint8Array | undefined {
    const mayPass = this.#waiting.length === 0 || length <= smallBufferBytes;
    return mayPass ? this.#take(length) : undefined;
  }

  /** The same, as soon as there is room. */
  async acquire(length: number): Promise<Uint8Array> {
    assert(sizeClass(length) <= this.#limit, 'one buffer fits the limit of the pool');
    let buffer = this.tryAcquire(length);
    if (buffer !== undefined) return buffer;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    while ((buffer = this.#take(length)) === undefined) {
      // First in line stays first in line.
      await new Promise<void>((resolve) => this.#waiting.unshift(resolve));
    }
    // There may be room for the next one too.
    this.#waiting.shift()?.();
    return buffer;
  }

  /** Takes a whole buffer back. Nobody may look at it any more. */
  release(buffer: Uint8Array): void {
    const size = buffer.byteLength;
    assert(
      size === sizeClass(size) && size <= this.#usedBytes,
      'a buffer comes back whole, and once',
    );
    this.#usedBytes -= size;
    if (size > smallBufferBytes) this.#largeBytes -= size;
    if (this.#freeBytes + size <= this.#limit / 4) {
      const same = this.#free.get(size);
      if (same === undefined) this.#free.set(size, [buffer]);
      else same.push(buffer);
      this.#freeBytes += size;
    }
    this.#waiting.shift()?.();
  }

  #take(length: number): Uint8Array | undefined {
    const size = sizeClass(length);
    if (size > smallBufferBytes) {
      if (this.#largeBytes + size > this.#limit) return undefined;
      this.#largeBytes += size;
    }
    this.#usedBytes += size;
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    this.#freeBytes -= size;
    return buffer;
  }
}

function sizeClass(length: number): number {
  return Math.max(4096, 2 ** Math.ceil(Math.log2(length)));
}
