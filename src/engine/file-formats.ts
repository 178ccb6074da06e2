/** The file formats of FROM 'file' and COPY. Their code is loaded when it is first needed. */
import { QuernError, sqlState } from '../base/error.ts';
import type { CodecName } from '../format/compression/codec.ts';
import type { CsvReadOptions } from '../format/csv/sniff.ts';
import type { ConstantValue } from '../plan/expression.ts';
import type { BatchStream, Schema } from '../value/batch.ts';
import type { FileSystem } from './files.ts';
import type { FileMemory } from './parquet/file-table.ts';
import type { OpenedTable } from './sources.ts';

/**
 * Options by name in lower case, as in `COPY … (delimiter '|')` and `read_csv(…, header => true)`.
 */
export type FormatOptions = ReadonlyMap<string, ConstantValue>;

export interface FileFormat {
  readonly name: string;
  /** The table function that reads it. */
  readonly reader: string;
  readonly endings: readonly string[];
  readonly options: readonly string[];
  /** Reads with `schema`'s names and types if the format can: {@link typed}. */
  read(
    files: FileSystem,
    path: string,
    options: FormatOptions,
    schema?: Schema,
  ): Promise<BatchStream>;
  /** The columns of a file, where that is less than beginning to read it. */
  schema?(files: FileSystem, path: string): Promise<Schema>;
  /** Opens a file as a table whose rows are read as they are scanned, if the format can. */
  open?(files: FileSystem, path: string, memory: FileMemory): Promise<OpenedTable>;
  /** Whether it can read text into given types; other formats know their own. */
  readonly typed: boolean;
  write(
    stream: BatchStream,
    path: string,
    options: FormatOptions,
  ): Promise<AsyncIterable<Uint8Array>>;
}

const csv: FileFormat = {
  name: 'csv',
  reader: 'read_csv',
  endings: ['csv', 'tsv', 'tbl', 'txt'],
  options: ['delimiter', 'delim', 'sep', 'header', 'quote', 'escape', 'null', 'nullstr'],
  typed: true,
  async read(files, path, options, schema) {
    const own = csvOptions(options, path);
    const read = schema === undefined ? own : { ...own, schema };
    if (files.readCsv !== undefined) return files.readCsv(path, read);
    const { readCsv } = await import('../format/csv/read.ts');
    return readCsv(await files.open(path), read);
  },
  async write(stream, path, options) {
    const { writeCsv } = await import('../format/csv/write.ts');
    return writeCsv(stream, csvOptions(options, path));
  },
};

const parquet: FileFormat = {
  name: 'parquet',
  reader: 'read_parquet',
  endings: ['parquet'],
  options: ['compression', 'codec', 'row_group_size'],
  typed: false,
  async read(files, path) {
    const { readParquet } = await import('../format/parquet/read.ts');
    return readParquet(await files.openRandom(path));
  },
  async schema(files, path) {
    const { readFileSchema } = await import('./parquet/file-table.ts');
    return readFileSchema(await files.openRandom(path));
  },
  async open(files, path, memory) {
    const { ParquetTable } = await import('./parquet/file-table.ts');
    return ParquetTable.open(await files.openRandom(path), memory);
  },
  async write(stream, _path, options) {
    const { writeParquet } = await import('../format/parquet/write.ts');
    const codec = codecOption(options);
    const rows = options.get('row_group_size');
    return writeParquet(stream, {
      // What other writers take, and every reader knows: the fastest one.
      codec: codec ?? 'snappy',
      ...(rows === undefined ? {} : { rowGroupRows: Number(rows) }),
    });
  },
};

const arrow: FileFormat = {
  name: 'arrow',
  reader: 'read_arrow',
  endings: ['arrow', 'arrows', 'ipc', 'feather'],
  options: [],
  typed: false,
  async read(files, path) {
    const { readArrow } = await import('../format/arrow/read.ts');
    return readArrow(await files.open(path));
  },
  async write(stream, path) {
    const { writeArrowFile, writeArrowStream } = await import('../format/arrow/write.ts');
    return /\.arrows$/i.test(path) ? writeArrowStream(stream) : writeArrowFile(stream);
  },
};

const json: FileFormat = {
  name: 'json',
  reader: 'read_json',
  endings: ['json', 'ndjson', 'jsonl'],
  options: [],
  typed: true,
  async read(files, path, _options, schema) {
    const { readJson } = await import('../format/json/read.ts');
    return readJson(await files.open(path), schema === undefined ? {} : { schema });
  },
  async write(stream, path) {
    const { writeJson, writeNdjson } = await import('../format/json/write.ts');
    return /\.json$/i.test(path) ? writeJson(stream) : writeNdjson(stream);
  },
};

export const fileFormats: readonly FileFormat[] = [csv, parquet, arrow, json];

/** The format of a COPY: what FORMAT says, else what the file's ending does, else CSV. */
export function formatOf(path: string, options: FormatOptions): FileFormat {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? 'csv';
  const name = String(options.get('format') ?? ending).toLowerCase();
  const format = fileFormats.find((known) => known.name === name || known.endings.includes(name));
  if (format === undefined) {
    throw new QuernError(sqlState.featureNotSupported, `the file format "${name}" is not known`, {
      hint: `There are ${fileFormats.map((known) => known.name).join(', ')}: COPY … (FORMAT csv).`,
    });
  }
  for (const option of options.keys()) {
    if (option === 'format' || format.options.includes(option)) continue;
    throw unknownOption(option, format.name);
  }
  return format;
}

export function unknownOption(option: string, format: string): QuernError {
  return new QuernError(
    sqlState.featureNotSupported,
    `the option "${option}" of the format ${format} is not supported yet`,
  );
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function csvOptions(options: FormatOptions, path: string): Omit<CsvReadOptions, 'schema'> {
  const result: Mutable<CsvReadOptions> = /\.tbl$/i.test(path)
    ? { delimiter: '|', trailingDelimiter: true, header: false, quote: '' }
    : {};
  for (const [name, value] of options) {
    if (name === 'header') result.header = value === true || value === 'true' || value === 1n;
    else if (name === 'quote' || name === 'escape') result[name] = text(name, value);
    else if (name === 'null' || name === 'nullstr') result.nullText = text(name, value);
    else if (name !== 'format') result.delimiter = text(name, value);
  }
  return result;
}

function text(name: string, value: ConstantValue): string {
  if (typeof value === 'string') return value;
  throw new QuernError(sqlState.invalidParameterValue, `the option "${name}" must be text`);
}

const codecs: Readonly<Record<string, CodecName>> = {
  none: 'none',
  uncompressed: 'none',
  snappy: 'snappy',
  gzip: 'gzip',
  zstd: 'zstd',
};

function codecOption(options: FormatOptions): CodecName | undefined {
  const value = options.get('compression') ?? options.get('codec');
  if (value === undefined) return undefined;
  const codec = codecs[String(value).toLowerCase()];
  if (codec !== undefined) return codec;
  throw new QuernError(sqlState.invalidParameterValue, `unknown compression "${String(value)}"`, {
    hint: `There are ${Object.keys(codecs).join(', ')}.`,
  });
}
