/** Opening a database. */
import { QuernError, sqlState } from '../base/error.ts';
import type { Platform } from '../run/platform.ts';
import { Runtime } from '../run/runtime.ts';
import { TableStorage } from '../table/storage.ts';
import { CatalogState } from './catalog-state.ts';
import { Database } from './database.ts';
import { fileFormats } from './file-formats.ts';
import { fileSource } from './file-source.ts';
import type { FileSystem } from './files.ts';
import type { OpenOptions } from './options.ts';
import type { Procedure } from './procedures.ts';
import { QueryRunner } from './query-runner.ts';
import { generateSeriesSource, rangeSource } from './range-source.ts';
import { Rehearsals } from './rehearsals.ts';
import type { Engine } from './session.ts';
import { SourceRegistry, type TableFunction } from './sources.ts';

/** What a database can do beyond what the engine brings. */
export interface Extension {
  readonly tableFunctions?: readonly TableFunction[];
  readonly procedures?: readonly Procedure[];
}

/**
 * Opens a database: in memory, as there are no files yet.
 *
 * @param path Must be absent; a file gives error 0A000.
 */
export async function openDatabase(
  path: string | undefined,
  options: OpenOptions,
  extensions: readonly Extension[] = [],
): Promise<Database> {
  return new Database(await openEngine(path, options, extensions));
}

/** What a database is made of. */
export async function openEngine(
  path: string | undefined,
  options: OpenOptions,
  extensions: readonly Extension[] = [],
): Promise<Engine> {
  if (path !== undefined && path !== ':memory:') {
    throw new QuernError(
      sqlState.featureNotSupported,
      `cannot open "${path}": databases in files are not supported yet`,
      { hint: 'open() without a path gives a database in memory.' },
    );
  }
  checkOptions(options);
  const { platform, files } = await loadEnvironment(options.threads);
  const runtime = new Runtime({ platform, ...options });
  const storage = new TableStorage(runtime.memory);
  runtime.pager = storage.pager;
  const sources = new SourceRegistry([
    rangeSource,
    generateSeriesSource,
    ...fileFormats.map((format) => fileSource(files, format)),
    ...extensions.flatMap((extension) => extension.tableFunctions ?? []),
  ]);
  const procedures = extensions.flatMap((extension) => extension.procedures ?? []);
  return {
    runtime,
    storage,
    catalog: new CatalogState(storage),
    runner: new QueryRunner(runtime, storage, sources),
    sources,
    procedures: new Map(procedures.map((procedure) => [procedure.name, procedure])),
    files,
    readOnly: options.readOnly ?? false,
    rehearsals: new Rehearsals(options.rehearse ?? true),
  };
}

function checkOptions({ threads, memoryLimit, tempLimit }: OpenOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new QuernError(sqlState.invalidParameterValue, 'threads must be a whole number from 1');
  }
  if (memoryLimit !== undefined && !(memoryLimit > 0)) {
    throw new QuernError(sqlState.invalidParameterValue, 'memoryLimit must be a number of bytes');
  }
  if (tempLimit !== undefined && !(tempLimit > 0)) {
    throw new QuernError(sqlState.invalidParameterValue, 'tempLimit must be a number of bytes');
  }
}

/** `threads` as the user has set it. */
async function loadEnvironment(
  threads: number | undefined,
): Promise<{ platform: Platform; files: FileSystem }> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node !== undefined) {
    const [{ platform }, { openFile, openRandomFile, writeFile }] = await Promise.all([
      import('../run/node/platform.ts'),
      import('../format/node/file.ts'),
    ]);
    const files: FileSystem = {
      open: openFile,
      openRandom: openRandomFile,
      write: writeFile,
      readCsv: async (path, read) => {
        const { readCsvFile } = await import('../format/node/csv-threads.ts');
        // One thread is the one that stores the rows.
        return readCsvFile(path, read, (threads ?? platform.threads) - 1);
      },
    };
    return { platform, files };
  }
  const { platform } = await import('../run/browser/platform.ts');
  return { platform, files: noFiles };
}

const noFiles: FileSystem = {
  open: (path) => Promise.reject(noFileError(path)),
  openRandom: (path) => Promise.reject(noFileError(path)),
  write: (path) => Promise.reject(noFileError(path)),
};

function noFileError(path: string): QuernError {
  return new QuernError(
    sqlState.featureNotSupported,
    `cannot open "${path}": there are no files in a browser`,
  );
}
