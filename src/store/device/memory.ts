import { QuernError, sqlState } from '../../base/error.ts';
import type { BlockDevice } from './device.ts';

const chunkSize = 1 << 20;

/** A device in memory, in chunks of 1 MiB so that growing copies nothing. */
export class MemoryDevice implements BlockDevice {
  readonly name = 'memory';
  readonly readOnly: boolean = false;
  readonly #chunks: Uint8Array[] = [];
  readonly #capacity: number;
  #size = 0;

  /** `capacity` in bytes: writing beyond it is a full disk. */
  constructor(options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? Number.MAX_SAFE_INTEGER;
  }

  size(): number {
    return this.#size;
  }

  read(target: Uint8Array, offset: number): void {
    if (offset + target.length > this.#size) {
      throw new QuernError(sqlState.ioError, `read beyond the end of ${this.name}`);
    }
    for (let done = 0; done < target.length; ) {
      const chunk = this.#chunks[Math.floor((offset + done) / chunkSize)];
      const at = (offset + done) % chunkSize;
      const count = Math.min(target.length - done, chunkSize - at);
      target.set(chunk.subarray(at, at + count), done);
      done += count;
    }
  }

  write(source: Uint8Array, offset: number): void {
    if (offset + source.length > this.#size) this.#resize(offset + source.length);
    for (let done = 0; done < source.length; ) {
      const chunk = this.#chunks[Math.floor((offset + done) / chunkSize)];
      const at = (offset + done) % chunkSize;
      const count = Math.min(source.length - done, chunkSize - at);
      chunk.set(source.subarray(done, done + count), at);
      done += count;
    }
  }

  async flush(): Promise<void> {}

  truncate(size: number): void {
    this.#resize(size);
  }

  close(): void {}

  #resize(size: number): void {
    if (size > this.#capacity) {
      throw new QuernError(sqlState.diskFull, `${this.name} is full at ${this.#capacity} bytes`);
    }
    const count = Math.ceil(size / chunkSize);
    while (this.#chunks.length < count) this.#chunks.push(new Uint8Array(chunkSize));
    this.#chunks.length = count;
    if (size < this.#size && size % chunkSize > 0) {
      this.#chunks[count - 1].fill(0, size % chunkSize);
    }
    this.#size = size;
  }
}
