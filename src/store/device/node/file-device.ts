import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { QuernError, sqlState } from '../../../base/error.ts';
import type { BlockDevice } from '../device.ts';
import { FileLock } from './file-lock.ts';

/** What went wrong with a file, as the world should see it. */
function fileError(error: unknown, doing: string, name: string): QuernError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new QuernError(sqlState.diskFull, `no space left ${doing} ${name}`, { cause: error });
  }
  if (code === 'ENOENT') {
    return new QuernError(sqlState.undefinedFile, `${name} does not exist`, { cause: error });
  }
  return new QuernError(sqlState.ioError, `${code ?? 'error'} ${doing} ${name}`, { cause: error });
}

/** Makes the name of a new file durable, where folders can be opened. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Windows: NTFS logs names by itself.
  }
}

/** So many reads are made later once reads have had to wait. */
const readsLater = 64;

function readAsync(
  file: number,
  target: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, target, at, length, position, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

/** A file, or a block device of the kernel. */
export class FileDevice implements BlockDevice {
  readonly name: string;
  readonly readOnly: boolean;
  readonly #file: number;
  readonly #lock: FileLock | undefined;
  #size: number;
  #closed = false;
  /** Reads since the last one that had to wait. */
  #fastReads = 4;
  /** Reads to come that had better be made later. */
  #laterLeft = 0;

  /**
   * Opens `path`; creates it unless `readOnly` or `create` is false. For writing it takes the lock;
   * throws 55006 and names the holder if another process has it.
   */
  constructor(path: string, options: { readOnly?: boolean; create?: boolean } = {}) {
    this.name = path;
    this.readOnly = options.readOnly ?? false;
    const create = !this.readOnly && options.create !== false;
    const flags = this.readOnly
      ? constants.O_RDONLY
      : constants.O_RDWR | (create ? constants.O_CREAT : 0);
    // An empty file must not be left behind by someone who is not allowed to write it.
    this.#lock = this.readOnly ? undefined : new FileLock(path);
    try {
      this.#file = openSync(path, flags, 0o600);
    } catch (error) {
      this.#lock?.release();
      throw fileError(error, 'opening', path);
    }
    this.#size = fstatSync(this.#file).size;
    if (create && this.#size === 0) syncFolder(dirname(path));
  }

  size(): number {
    // Someone else may be writing the file that we only read.
    if (this.readOnly) this.#size = fstatSync(this.#file).size;
    return this.#size;
  }

  get readsWait(): boolean {
    return this.#laterLeft > 0;
  }

  read(target: Uint8Array, offset: number): void {
    const began = performance.now();
    this.#read(target, offset);
    // What the page cache has comes at gigabytes a second.
    const waited = performance.now() - began > 0.2 + target.length / 500_000;
    // One alone may have lost the processor to somebody else.
    if (waited && this.#fastReads < 4) this.#laterLeft = readsLater;
    this.#fastReads = waited ? 0 : this.#fastReads + 1;
  }

  async readLater(target: Uint8Array, offset: number): Promise<void> {
    // Now and then someone tries whether reads still wait.
    if (this.#laterLeft > 0) this.#laterLeft--;
    let done = 0;
    while (done < target.length) {
      let count: number;
      try {
        count = await readAsync(this.#file, target, done, target.length - done, offset + done);
      } catch (error) {
        throw fileError(error, 'reading', this.name);
      }
      if (count === 0) {
        throw new QuernError(sqlState.ioError, `read beyond the end of ${this.name}`);
      }
      done += count;
    }
  }

  #read(target: Uint8Array, offset: number): void {
    let done = 0;
    while (done < target.length) {
      let count: number;
      try {
        count = readSync(this.#file, target, done, target.length - done, offset + done);
      } catch (error) {
        throw fileError(error, 'reading', this.name);
      }
      if (count === 0) {
        throw new QuernError(sqlState.ioError, `read beyond the end of ${this.name}`);
      }
      done += count;
    }
  }

  write(source: Uint8Array, offset: number): void {
    let done = 0;
    while (done < source.length) {
      try {
        done += writeSync(this.#file, source, done, source.length - done, offset + done);
      } catch (error) {
        throw fileError(error, 'writing', this.name);
      }
    }
    this.#size = Math.max(this.#size, offset + source.length);
  }

  flush(): Promise<void> {
    if (this.#lock?.isHeld() === false) {
      const message = `the lock of ${this.name} was taken away`;
      return Promise.reject(new QuernError(sqlState.ioError, message));
    }
    return new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => {
        if (error) reject(fileError(error, 'flushing', this.name));
        else resolve();
      });
    });
  }

  truncate(size: number): void {
    try {
      ftruncateSync(this.#file, size);
    } catch (error) {
      throw fileError(error, 'resizing', this.name);
    }
    this.#size = size;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
    this.#lock?.release();
  }
}
