/** Delimited text files in FROM and COPY. */
import { QuernError, sqlState } from '../base/error.ts';
import { readCsv } from '../format/csv/read.ts';
import type { CsvReadOptions } from '../format/csv/sniff.ts';
import { type CsvWriteOptions, writeCsv } from '../format/csv/write.ts';
import type { ConstantValue } from '../plan/expression.ts';
import type { BatchStream, Schema } from '../value/batch.ts';
import type { FileSystem } from './files.ts';
import { checkArguments, textArgument } from './source-arguments.ts';
import type { SourceCall, TableFunction } from './sources.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Options that COPY and read_csv know, by all the names that other databases gave them. */
const optionNames = ['delimiter', 'delim', 'sep', 'header', 'quote', 'escape', 'null', 'nullstr'];

/** `read_csv(path, …)`, and FROM 'file.csv'. */
export function csvSource(files: FileSystem): TableFunction {
  return {
    name: 'read_csv',
    fileEndings: ['csv', 'tsv', 'tbl', 'txt'],
    schema: async (call) => {
      const { path, options } = readArguments(call);
      const source = await files.open(path);
      try {
        return (await readCsv(source, options)).schema;
      } finally {
        await source.close();
      }
    },
    read: async (call) => {
      const { path, options } = readArguments(call);
      return readCsv(await files.open(path), options);
    },
  };
}

function readArguments(call: SourceCall): { path: string; options: CsvReadOptions } {
  checkArguments(call, ['path', ...optionNames], 'read_csv');
  const path = textArgument(call, 0, 'path');
  if (path === undefined) {
    throw new QuernError(sqlState.invalidParameterValue, 'read_csv needs the path of a file');
  }
  const options = new Map([...call.named].map(([name, { value }]) => [name, value]));
  options.delete('path');
  return { path, options: csvOptions(options, path) };
}

/** Reads a file into columns of the given names and types. */
export async function readCsvAs(
  files: FileSystem,
  path: string,
  options: ReadonlyMap<string, ConstantValue>,
  schema: Schema,
): Promise<BatchStream> {
  return readCsv(await files.open(path), { ...csvOptions(options, path), schema });
}

export function writeCsvTo(
  path: string,
  options: ReadonlyMap<string, ConstantValue>,
  stream: BatchStream,
): AsyncIterable<Uint8Array> {
  return writeCsv(stream, csvOptions(options, path) as CsvWriteOptions);
}

function csvOptions(options: ReadonlyMap<string, ConstantValue>, path: string): CsvReadOptions {
  const result: Mutable<CsvReadOptions> = /\.tbl$/i.test(path)
    ? { delimiter: '|', trailingDelimiter: true, header: false, quote: '' }
    : {};
  for (const [name, value] of options) {
    switch (name) {
      case 'delimiter':
      case 'delim':
      case 'sep':
        result.delimiter = text(name, value);
        break;
      case 'header':
        result.header = value === true || value === 'true' || value === 1n;
        break;
      case 'quote':
        result.quote = text(name, value);
        break;
      case 'escape':
        result.escape = text(name, value);
        break;
      case 'null':
      case 'nullstr':
        result.nullText = text(name, value);
        break;
      case 'format':
        break;
      default:
        throw new QuernError(
          sqlState.featureNotSupported,
          `the option "${name}" of delimited text is not supported yet`,
        );
    }
  }
  return result;
}

function text(name: string, value: ConstantValue): string {
  if (typeof value === 'string') return value;
  throw new QuernError(sqlState.invalidParameterValue, `the option "${name}" must be text`);
}
