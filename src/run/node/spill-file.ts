/** Rows that do not fit in memory, in a temporary file without a name. */
import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import { type SpillStore, type SpillStores, spillPageBytes } from '../spill/store.ts';

/** Threads of one process share file descriptors, and read and write at places they say. */
class SpillFile implements SpillStore {
  readonly handle: number;
  readonly capacityBytes: number | undefined;
  /** Where a file in use cannot be without a name: removed at the end. */
  readonly #name: string | undefined;

  constructor(descriptor: number, capacityBytes?: number, name?: string) {
    this.handle = descriptor;
    this.capacityBytes = capacityBytes;
    this.#name = name;
  }

  write(page: number, bytes: Uint8Array): void {
    const at = page * spillPageBytes;
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      const written = attempt('write', () => writeSync(this.handle, bytes, done, left, at + done));
      if (written === 0) throw failed('write', new Error('nothing was written'));
      done += written;
    }
  }

  read(page: number, into: Uint8Array): void {
    const at = page * spillPageBytes;
    for (let done = 0; done < into.length; ) {
      const left = into.length - done;
      const got = attempt('read', () => readSync(this.handle, into, done, left, at + done));
      if (got === 0) throw failed('read', new Error('the file is shorter than what was written'));
      done += got;
    }
  }

  close(): void {
    closeSync(this.handle);
    if (this.#name !== undefined) unlinkSync(this.#name);
  }
}

let fileCount = 0;

/** Files in a directory, by default that of the system for temporary files. */
export const spillFiles: SpillStores = {
  create(directory) {
    const place = directory ?? tmpdir();
    const name = join(place, `quern-${process.pid}-${++fileCount}.spill`);
    // Exclusive: never a file, or a link, that somebody else has put there.
    const descriptor = attempt('create', () => openSync(name, 'wx+', 0o600));
    try {
      // Without a name from the start, it vanishes with the process, whatever becomes of it.
      unlinkSync(name);
      return new SpillFile(descriptor, capacityOf(place));
    } catch {
      return new SpillFile(descriptor, capacityOf(place), name);
    }
  },
  attach(handle) {
    assert(typeof handle === 'number', 'the handle is a file descriptor');
    return new SpillFile(handle);
  },
};

/** Share of what a disk has left that a statement may fill. */
const diskShare = 0.9;

function capacityOf(directory: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize * diskShare;
  } catch {
    return undefined;
  }
}

function attempt<T>(action: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw failed(action, cause as NodeJS.ErrnoException);
  }
}

function failed(action: string, cause: NodeJS.ErrnoException): QuernError {
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  return new QuernError(
    full ? sqlState.diskFull : sqlState.ioError,
    `could not ${action} the temporary file for rows that do not fit in memory: ${cause.message}`,
    { hint: 'The option tempDirectory says where it is.', cause },
  );
}
