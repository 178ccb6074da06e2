import { QuernError, sqlState } from '../../../base/error.ts';
import type { BlockDevice } from '../device.ts';

/** The part of FileSystemSyncAccessHandle in use (only workers can have one). */
export interface SyncAccessHandle {
  read(target: Uint8Array, options: { at: number }): number;
  write(source: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/**
 * A file of the browser's origin-private file system. Obtain the handle in a worker with
 * `fileHandle.createSyncAccessHandle()`; it is exclusive, so it is also the lock.
 */
export class OpfsDevice implements BlockDevice {
  readonly name: string;
  readonly readOnly: boolean = false;
  readonly #handle: SyncAccessHandle;
  #size: number;
  #closed = false;

  constructor(name: string, handle: SyncAccessHandle) {
    this.name = name;
    this.#handle = handle;
    this.#size = handle.getSize();
  }

  size(): number {
    return this.#size;
  }

  read(target: Uint8Array, offset: number): void {
    const count = this.#guard('reading', () => this.#handle.read(target, { at: offset }));
    if (count < target.length) {
      throw new QuernError(sqlState.ioError, `read beyond the end of ${this.name}`);
    }
  }

  write(source: Uint8Array, offset: number): void {
    // The standard fills gaps with zeros only on truncate.
    if (offset > this.#size) this.truncate(offset);
    const count = this.#guard('writing', () => this.#handle.write(source, { at: offset }));
    if (count < source.length) {
      throw new QuernError(sqlState.diskFull, `no space left writing ${this.name}`);
    }
    this.#size = Math.max(this.#size, offset + source.length);
  }

  async flush(): Promise<void> {
    this.#guard('flushing', () => this.#handle.flush());
  }

  truncate(size: number): void {
    this.#guard('resizing', () => this.#handle.truncate(size));
    this.#size = size;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }

  #guard<T>(doing: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const quota = (error as { name?: string }).name === 'QuotaExceededError';
      const code = quota ? sqlState.diskFull : sqlState.ioError;
      throw new QuernError(code, `${String(error)} ${doing} ${this.name}`, { cause: error });
    }
  }
}
