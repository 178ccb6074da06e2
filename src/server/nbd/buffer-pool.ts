import { assert } from '../../base/assert.ts';

/**
 * Buffers up to this size are always given, so that no one's large requests hold up another's small
 * ones; the number of requests that a client may have under way bounds them.
 */
export const smallBufferBytes = 64 * 1024;

/**
 * Buffers up to this size may take all of the pool's memory, larger ones no more than three
 * quarters: nearly everything is done in pieces of this size, and is not to wait for the few that
 * are not.
 */
export const mediumBufferBytes = 1024 * 1024;

/**
 * The buffers in which payloads are collected and read, shared by all connections of a server. They
 * are reused (a fresh megabyte costs more in page faults than its copy), and those in use that are
 * not small have a limit: who comes too late waits, medium ones before large ones, else first come
 * first served. Everyone who holds a buffer gives it back without needing another, so waiting ends
 * unless a client stands still; the server then ends it.
 */
export class BufferPool {
  readonly #limit: number;
  readonly #largeLimit: number;
  /** Free buffers by their size, a power of two. */
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;
  #usedBytes = 0;
  /** In medium and large buffers. */
  #limitedBytes = 0;
  #largeBytes = 0;
  readonly #waitingMedium: Waiter[] = [];
  readonly #waitingLarge: Waiter[] = [];

  /**
   * `limit`: bytes of medium and large buffers in use at a time. A buffer of more than three
   * quarters of it, or of `largest` if that is more, can never be acquired.
   */
  constructor(limit: number, largest = 0) {
    this.#limit = limit;
    this.#largeLimit = Math.max(largest, Math.floor(limit * 0.75));
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
    return this.#waitingMedium.length + this.#waitingLarge.length;
  }

  /**
   * A buffer of at least `length` bytes with undefined content; undefined if the limit forbids it
   * now or others of its kind wait already.
   */
  tryAcquire(length: number): Uint8Array | undefined {
    const size = sizeClass(length);
    const behindOthers =
      size > smallBufferBytes &&
      (this.#waitingMedium.length > 0 ||
        (size > mediumBufferBytes && this.#waitingLarge.length > 0));
    return behindOthers ? undefined : this.#take(size);
  }

  /** The same, as soon as there is room. */
  async acquire(length: number): Promise<Uint8Array> {
    const size = sizeClass(length);
    assert(
      size <= Math.min(this.#limit, this.#largeLimit),
      'one buffer fits the limit of the pool',
    );
    const buffer = this.tryAcquire(length);
    if (buffer !== undefined) return buffer;
    const line = size > mediumBufferBytes ? this.#waitingLarge : this.#waitingMedium;
    return new Promise((give) => line.push({ size, give }));
  }

  /** Takes a whole buffer back. Nobody may look at it any more. */
  release(buffer: Uint8Array): void {
    const size = buffer.byteLength;
    assert(
      size === sizeClass(size) && size <= this.#usedBytes,
      'a buffer comes back whole, and once',
    );
    this.#usedBytes -= size;
    if (size > smallBufferBytes) this.#limitedBytes -= size;
    if (size > mediumBufferBytes) this.#largeBytes -= size;
    if (this.#freeBytes + size <= this.#limit / 4) {
      const same = this.#free.get(size);
      if (same === undefined) this.#free.set(size, [buffer]);
      else same.push(buffer);
      this.#freeBytes += size;
    }
    this.#serve(this.#waitingMedium);
    if (this.#waitingMedium.length === 0) this.#serve(this.#waitingLarge);
  }

  #serve(line: Waiter[]): void {
    while (line.length > 0) {
      const buffer = this.#take(line[0].size);
      if (buffer === undefined) return;
      line.shift()?.give(buffer);
    }
  }

  #take(size: number): Uint8Array | undefined {
    if (size > smallBufferBytes) {
      if (this.#limitedBytes + size > this.#limit) return undefined;
      if (size > mediumBufferBytes) {
        if (this.#largeBytes + size > this.#largeLimit) return undefined;
        this.#largeBytes += size;
      }
      this.#limitedBytes += size;
    }
    this.#usedBytes += size;
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    this.#freeBytes -= size;
    return buffer;
  }
}

interface Waiter {
  readonly size: number;
  readonly give: (buffer: Uint8Array) => void;
}

function sizeClass(length: number): number {
  return Math.max(4096, 2 ** Math.ceil(Math.log2(length)));
}
