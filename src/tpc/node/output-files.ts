import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { QuernError, sqlState } from '../../base/error.ts';

/** What is wrong with a file, in the words of our errors. */
export function fileError(error: unknown, what: string): QuernError {
  if (error instanceof QuernError) return error;
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  // What no system call has refused is a bug of ours, and a closed pipe is nobody's fault.
  if (syscall === undefined || code === 'EPIPE') throw error;
  const reasons: Readonly<Record<string, readonly [string, string]>> = {
    ENOSPC: [sqlState.diskFull, 'no space is left on the device'],
    EDQUOT: [sqlState.diskFull, 'the disk quota is used up'],
    EFBIG: [sqlState.diskFull, 'the file would be larger than is allowed'],
    EACCES: [sqlState.ioError, 'permission denied'],
    EPERM: [sqlState.ioError, 'operation not permitted'],
    EROFS: [sqlState.ioError, 'the file system is read-only'],
    ENOTDIR: [sqlState.ioError, 'a part of the path is not a directory'],
    EEXIST: [sqlState.duplicateFile, 'it exists and is not a directory'],
  };
  const [state, reason] = reasons[code ?? ''] ?? [sqlState.ioError, message];
  return new QuernError(state, `cannot write ${what}: ${reason}`, { cause: error });
}

/**
 * Files that appear together or not at all: they are written under temporary names, and renamed at
 * the end. What goes wrong before leaves nothing behind, not even directories made on the way.
 */
export class OutputFiles {
  readonly descriptors: number[] = [];
  readonly #directory: string;
  readonly #names: readonly string[];
  readonly #temporary: string[] = [];
  readonly #madeDirectories: string[];

  private constructor(directory: string, names: readonly string[]) {
    this.#directory = directory;
    this.#names = names;
    this.#madeDirectories = missingDirectories(directory);
  }

  /**
   * Opens files in a directory. Throws if something is there already, unless it may be replaced.
   */
  static open(
    directory: string,
    names: readonly string[],
    options: { readonly overwrite: boolean; readonly besideOthers: boolean },
  ): OutputFiles {
    const files = new OutputFiles(resolve(directory), names);
    try {
      if (!options.overwrite) files.#refuseExisting(directory, options.besideOthers);
      // One by one: Node's recursive mkdir never returns where directories cannot be made (/proc).
      for (const missing of files.#madeDirectories.toReversed()) mkdirSync(missing);
      for (const name of names) {
        const path = join(files.#directory, `.${name}.${process.pid}.tmp`);
        files.descriptors.push(openSync(path, 'w'));
        files.#temporary.push(path);
      }
    } catch (error) {
      files.discard();
      throw fileError(error, directory);
    }
    return files;
  }

  /** `besideOthers`: only the files that would be written must not exist. */
  #refuseExisting(directory: string, besideOthers: boolean): void {
    const existing = besideOthers
      ? this.#names.filter((name) => existsSync(join(this.#directory, name)))
      : existsSync(this.#directory)
        ? readdirSync(this.#directory)
        : [];
    if (existing.length === 0) return;
    const what = besideOthers ? join(directory, existing[0]!) : directory;
    const state = besideOthers ? 'exists already' : 'is not empty';
    throw new QuernError(sqlState.duplicateFile, `${what} ${state}; --overwrite replaces files`);
  }

  /** Gives the files their names. */
  commit(): void {
    try {
      for (const descriptor of this.descriptors.splice(0)) closeSync(descriptor);
      for (const name of this.#names) {
        renameSync(this.#temporary[0]!, join(this.#directory, name));
        this.#temporary.shift();
      }
    } catch (error) {
      this.discard();
      throw fileError(error, this.#directory);
    }
  }

  /** Removes what has been written. */
  discard(): void {
    for (const descriptor of this.descriptors.splice(0)) closeSync(descriptor);
    for (const path of this.#temporary.splice(0)) rmSync(path, { force: true });
    for (const directory of this.#madeDirectories.splice(0)) {
      try {
        rmdirSync(directory);
      } catch {
        // Never made, or somebody else has put something there.
      }
    }
  }
}

/** The directories of a path that do not exist, innermost first. */
function missingDirectories(directory: string): string[] {
  const missing: string[] = [];
  for (let path = directory; !existsSync(path) && dirname(path) !== path; path = dirname(path)) {
    missing.push(path);
  }
  return missing;
}
