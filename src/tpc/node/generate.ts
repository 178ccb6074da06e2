import { availableParallelism } from 'node:os';
import { QuernError, sqlState } from '../../base/error.ts';
import { type CodecName, codecNames } from '../../format/compression/codec.ts';
import { rowGroupRowsDefault } from '../../format/parquet/write.ts';
import { checkPart, checkTable } from '../h/generator.ts';
import type { KernelConfig } from '../h/kernel/config.ts';
import type { KernelPlan } from '../h/kernel/plan.ts';
import { partRange, scaleOf, type TableName, tableNames, unitCount } from '../h/scale.ts';
import { tableSchemas } from '../h/schema.ts';
import type { Span } from '../h/spans.ts';
import { type BlockFile, blockFile, type Encoding } from './encoding.ts';
import { fileError, OutputFiles } from './output-files.ts';
import type { Progress, ProgressListener } from './progress.ts';
import { type JobOptions, runJobs } from './run-jobs.ts';

export const fileFormats = ['tbl', 'csv', 'parquet', 'arrow', 'arrow-stream'] as const;
export type FileFormat = (typeof fileFormats)[number];

export interface GenerateOptions {
  /** 0.001 to 100000 in steps of 0.001. */
  readonly scale: number;
  readonly format: FileFormat;
  /** All by default. */
  readonly tables?: readonly string[] | undefined;
  /** The directory for the files, or a file descriptor for one stream of all tables. */
  readonly out: string | { readonly descriptor: number };
  /** Cuts every table into as many parts, a file each. */
  readonly parts?: number | undefined;
  /** Writes only this part, from 1. */
  readonly part?: number | undefined;
  /** Compression of Parquet: zstd by default. */
  readonly compression?: string | undefined;
  /** Rows of a row group of Parquet or a record batch of Arrow; of lineitem about as many. */
  readonly rowGroupRows?: number | undefined;
  /** All cores by default. */
  readonly threads?: number | undefined;
  /** Replaces files that exist; without, a directory that is not empty is refused. */
  readonly overwrite?: boolean | undefined;
  /** Stops the work and removes what has been written. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

const rowGroupRowsMax = 10_000_000;

/** Parts written at once: every file of theirs is open at the same time. */
const partsMax = 1000;

/** Writes the tables of TPC-H to files, or one after the other to a stream. */
export async function generateTables(options: GenerateOptions): Promise<Progress> {
  const { out, signal } = options;
  const toStream = typeof out !== 'string';
  const run = prepare(options, toStream);
  try {
    return await (toStream ? writeStream(run, out.descriptor) : writeFiles(run, out));
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw fileError(error, toStream ? 'to the output' : `to ${out}`);
  }
}

/** A generation whose options have been checked. */
interface Run {
  readonly options: GenerateOptions;
  readonly tables: readonly TableName[];
  readonly parts: { readonly numbers: readonly number[]; readonly count: number };
  readonly encoding: Encoding;
  readonly common: Pick<
    JobOptions,
    'config' | 'encoding' | 'onProgress' | 'rowsPerJob' | 'sequential' | 'signal' | 'threads'
  >;
}

function prepare(options: GenerateOptions, toStream: boolean): Run {
  const { format, threads, signal, onProgress } = options;
  const scale = scaleOf(options.scale);
  const tables = chosenTables(options.tables);
  const encoding = encodingOf(options);
  const columns = encoding.kind !== 'text';
  if (toStream && columns && tables.length > 1) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `only one table in format ${format} can be written to a stream`,
    );
  }
  const output = format === 'csv' || format === 'tbl' ? format : 'columns';
  // Blocks of columns are as large for orders as for lineitem, so they have nothing to share.
  const config: KernelConfig = { scale, output, tables, apart: toStream || columns };
  return {
    options,
    tables,
    parts: chosenParts(options),
    encoding,
    common: {
      config,
      encoding,
      rowsPerJob: columns ? rowGroupRows(options) : undefined,
      sequential: toStream,
      threads: threads ?? availableParallelism(),
      signal,
      onProgress,
    },
  };
}

function writeStream(run: Run, descriptor: number): Promise<Progress> {
  const { tables, parts, common } = run;
  return runJobs({
    ...common,
    heads: [],
    files: blockFiles(run, tables),
    descriptors: [descriptor],
    spans: (plan) =>
      tables.flatMap((table) => parts.numbers.map((part) => spanOf(run, plan, table, part, [0]))),
  });
}

async function writeFiles(run: Run, directory: string): Promise<Progress> {
  const { options, tables, parts, encoding, common } = run;
  const { format, overwrite = false } = options;
  const outputs = parts.numbers.flatMap((part) => tables.map((table) => ({ part, table })));
  const names = outputs.map(({ part, table }) => fileName(table, format, part, parts.count));
  const besideOthers = options.part !== undefined;
  const files = OutputFiles.open(directory, names, { overwrite, besideOthers });
  const spans = (plan: KernelPlan): Span[] =>
    parts.numbers.flatMap((part) =>
      plan.groups.map((group) => {
        const targets = group.tables.map(({ name }) =>
          outputs.findIndex((output) => output.part === part && output.table === name),
        );
        return spanOf(run, plan, group.name, part, targets);
      }),
    );
  const outputTables = outputs.map(({ table }) => table);
  const isText = encoding.kind === 'text';
  try {
    const progress = await runJobs({
      ...common,
      heads: isText ? outputTables.map((table) => header(format, table)) : [],
      files: blockFiles(run, outputTables),
      descriptors: files.descriptors,
      spans,
    });
    files.commit();
    return progress;
  } catch (error) {
    files.discard();
    throw error;
  }
}

/** One part of the tables of a group, named after the first of them. */
function spanOf(
  { options, parts, common }: Run,
  plan: KernelPlan,
  table: TableName,
  part: number,
  outputs: number[],
): Span {
  const range = partRange(unitCount(table, common.config.scale), part, parts.count);
  return {
    ...range,
    group: plan.groups.findIndex(({ name }) => name === table),
    firstIndex: range.start + 1,
    sequence: 0,
    origin: range.start,
    outputs,
    head: part === parts.numbers[0] ? header(options.format, table) : '',
  };
}

/** What puts the files of columns together; nothing for text. */
function blockFiles({ encoding }: Run, tables: readonly TableName[]): BlockFile[] {
  if (encoding.kind === 'text') return [];
  return tables.map((table) => blockFile(encoding, tableSchemas[table]));
}

function chosenTables(names: readonly string[] | undefined): TableName[] {
  const tables: TableName[] = [];
  for (const name of names ?? tableNames) {
    checkTable(name);
    if (!tables.includes(name)) tables.push(name);
  }
  if (tables.length === 0) {
    throw new QuernError(sqlState.invalidParameterValue, 'no table is chosen');
  }
  return tables;
}

/** The parts to write, and into how many the tables are cut. */
function chosenParts({ part, parts }: GenerateOptions): { numbers: number[]; count: number } {
  if (parts === undefined && part !== undefined) {
    throw new QuernError(sqlState.invalidParameterValue, 'a part needs the number of parts');
  }
  const count = parts ?? 1;
  checkPart(part ?? 1, count);
  if (part !== undefined) return { numbers: [part], count };
  if (count > partsMax) {
    throw new QuernError(
      sqlState.programLimitExceeded,
      `at most ${partsMax} parts are written at once; choose one of the ${count}`,
    );
  }
  return { numbers: Array.from({ length: count }, (_, index) => index + 1), count };
}

function encodingOf({ format, compression = 'zstd' }: GenerateOptions): Encoding {
  if (!(codecNames as readonly string[]).includes(compression)) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `there is no compression '${compression}'; there are ${codecNames.join(', ')}`,
    );
  }
  if (format === 'parquet') return { kind: 'parquet', codec: compression as CodecName };
  if (format === 'tbl' || format === 'csv') return { kind: 'text' };
  return { kind: 'arrow', stream: format === 'arrow-stream' };
}

function rowGroupRows({ rowGroupRows: rows = rowGroupRowsDefault }: GenerateOptions): number {
  if (Number.isSafeInteger(rows) && rows >= 1 && rows <= rowGroupRowsMax) return rows;
  throw new QuernError(
    sqlState.invalidParameterValue,
    `a row group has 1 to ${rowGroupRowsMax} rows; got ${rows}`,
  );
}

/** `lineitem.tbl`; parts as dbgen names them, `lineitem.tbl.3`, but `lineitem.3.csv`. */
function fileName(table: TableName, format: FileFormat, part: number, parts: number): string {
  const extension = format === 'arrow-stream' ? 'arrows' : format;
  if (parts === 1) return `${table}.${extension}`;
  return format === 'tbl' ? `${table}.tbl.${part}` : `${table}.${part}.${extension}`;
}

/** The first line of a file: the names of the columns in CSV. */
function header(format: FileFormat, table: TableName): string {
  if (format !== 'csv') return '';
  return `${tableSchemas[table].map(({ name }) => name).join(',')}\n`;
}
