/** Files of Node as sources of bytes, and files written whole or not at all. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { QuernError, sqlState } from '../../base/error.ts';
import type { ByteSource, RandomSource } from '../source.ts';

/** Bytes that are read ahead of the reader. */
const aheadBytes = 1 << 20;

/** Opens a file for reading from `position` to its end, a step ahead of the reader. */
export async function openFile(path: string, position = 0): Promise<ByteSource> {
  const handle = await openHandle(path);
  const ahead = new ReadAhead(handle, path, position);
  return {
    name: path,
    read: (into) => ahead.read(into),
    close: () => ahead.close(),
  };
}

/** While the bytes of one buffer are used, the next ones are on their way into another. */
class ReadAhead {
  readonly #handle: FileHandle;
  readonly #path: string;
  #spare = new Uint8Array(aheadBytes);
  #current = new Uint8Array(aheadBytes);
  #from = 0;
  #to = 0;
  #next: Promise<number> | undefined;
  /** Of the next bytes to read; pipes have no positions and are read as they come. */
  #position: number | null;

  constructor(handle: FileHandle, path: string, position: number) {
    this.#handle = handle;
    this.#path = path;
    this.#position = position === 0 ? null : position;
  }

  #start(): Promise<number> {
    const next = readAt(this.#handle, this.#path, this.#position, this.#spare);
    // An error is for the one who asks for these bytes; nobody may.
    next.catch(() => {});
    return next;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#from === this.#to) {
      const count = await (this.#next ?? this.#start());
      [this.#current, this.#spare] = [this.#spare, this.#current];
      this.#from = 0;
      this.#to = count;
      if (count === 0) return 0;
      if (this.#position !== null) this.#position += count;
      this.#next = this.#start();
    }
    const part = this.#current.subarray(this.#from, Math.min(this.#to, this.#from + into.length));
    into.set(part);
    this.#from += part.length;
    return part.length;
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => {});
    await this.#handle.close();
  }
}

/** Opens a file for reading anywhere. */
export async function openRandomFile(path: string): Promise<RandomSource> {
  const handle = await openHandle(path);
  const { size, ino, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  return {
    name: path,
    size: Number(size),
    version: `${ino}/${size}/${mtimeNs}/${ctimeNs}`,
    async readAt(position, into) {
      let filled = 0;
      while (filled < into.length) {
        const count = await readAt(handle, path, position + filled, into.subarray(filled));
        if (count === 0) {
          throw new QuernError(sqlState.dataCorrupted, `${path} ends too early`);
        }
        filled += count;
      }
    },
    close: () => handle.close(),
  };
}

async function openHandle(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if (!(await handle.stat()).isDirectory()) return handle;
    await handle.close();
  } catch (cause) {
    throw fileError(path, 'open', cause);
  }
  throw new QuernError(sqlState.ioError, `cannot open "${path}": it is a directory`);
}

async function readAt(
  handle: FileHandle,
  path: string,
  position: number | null,
  into: Uint8Array,
): Promise<number> {
  try {
    return (await handle.read(into, 0, into.length, position)).bytesRead;
  } catch (cause) {
    throw fileError(path, 'read', cause);
  }
}

const systemErrors: Readonly<Record<string, readonly [code: string, reason: string]>> = {
  ENOENT: [sqlState.undefinedFile, 'there is no such file'],
  EACCES: [sqlState.ioError, 'permission denied'],
  EEXIST: [sqlState.duplicateFile, 'the file exists'],
  EISDIR: [sqlState.ioError, 'it is a directory'],
  ENOTDIR: [sqlState.ioError, 'part of the path is no directory'],
  ENOSPC: [sqlState.diskFull, 'the disk is full'],
};

function fileError(path: string, what: string, cause: unknown): QuernError {
  const { code: systemCode = '', message } = cause as NodeJS.ErrnoException;
  const [code, reason] = systemErrors[systemCode] ?? [sqlState.ioError, message];
  return new QuernError(code, `cannot ${what} "${path}": ${reason}`, { cause });
}

/**
 * Writes chunks to a file under a temporary name beside it and renames it at the end: a run that is
 * interrupted leaves no file that looks whole. Answers the number of bytes.
 */
export async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const temporary = `${path}.${process.pid}.partial`;
  let written = 0;
  try {
    const handle = await open(temporary, 'w');
    try {
      for await (const chunk of chunks) {
        for (let done = 0; done < chunk.length; ) {
          done += (await handle.write(chunk, done)).bytesWritten;
        }
        written += chunk.length;
      }
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause instanceof QuernError ? cause : fileError(path, 'write', cause);
  }
  return written;
}
