/** Reading delimited text as a stream of batches. */
import { QuernError, sqlState } from '../../base/error.ts';
import type { BatchStream, ColumnBatch, Schema } from '../../value/batch.ts';
import { copyBatch } from '../../value/copy.ts';
import { type ByteSource, batchesOf, readFully } from '../source.ts';
import {
  type CsvParse,
  CsvParser,
  type CsvProblem,
  type CsvProgram,
  chunkBytesFor,
  compileCsv,
} from './parser.ts';
import { type CsvFormat, type CsvReadOptions, sampleBytes, sniffCsv } from './sniff.ts';

/** No record may be longer than this. */
const recordBytesMax = 256 * 1024 * 1024;

/**
 * Opens delimited text: its dialect and the types of its columns are found out from its start
 * unless `options` says them. The batches are the receiver's own. Errors name source, line and
 * column.
 */
export async function readCsv(
  source: ByteSource,
  options: CsvReadOptions = {},
): Promise<BatchStream & { readonly format: CsvFormat }> {
  const { sample, rest } = await readSample(source);
  const format = sniffCsv(sample, options);
  const reader = new CsvReader(source, format, rest.subarray(format.dataStart), format.headerLines);
  const batches = batchesOf(source, reader.batches());
  return { format, schema: csvSchema(format), batches };
}

/** Reads on, in a known format, a source that stands at the start of a record in mid-file. */
export function continueCsv(
  source: ByteSource,
  format: CsvFormat,
  linesBefore: number,
): AsyncGenerator<ColumnBatch> {
  return new CsvReader(source, format, new Uint8Array(), linesBefore).batches();
}

/** The fields of the batches of a file: the columns that are wanted, in the order of the file. */
export function csvSchema(format: CsvFormat): Schema {
  return format.columns
    .filter((column) => column.wanted)
    .map(({ name, type }) => ({ name, type, nullable: true }));
}

/** Whole lines for guessing, and all bytes that were read. */
export async function readSample(source: ByteSource) {
  let buffer = new Uint8Array(sampleBytes);
  let filled = await readFully(source, buffer);
  while (filled === buffer.length && buffer.lastIndexOf(10) < 0) {
    if (filled >= recordBytesMax) throw tooLong(source.name, 1);
    const larger = new Uint8Array(buffer.length * 4);
    larger.set(buffer);
    filled += await readFully(source, larger.subarray(filled));
    buffer = larger;
  }
  const rest = buffer.subarray(0, filled);
  const end = filled < buffer.length ? filled : rest.lastIndexOf(10) + 1;
  return { sample: rest.subarray(0, end), rest };
}

function tooLong(name: string, line: number): QuernError {
  return new QuernError(
    sqlState.programLimitExceeded,
    `${name}, line ${line}: the record is longer than ${recordBytesMax} bytes`,
    { hint: 'A quote that is opened and never closed has this effect.' },
  );
}

/** The error for a problem found `linesBefore` lines from the start of the file. */
export function csvError(
  name: string,
  program: CsvProgram,
  problem: CsvProblem,
  linesBefore: number,
): QuernError {
  const column = program.columns[problem.column].name;
  const line = linesBefore + problem.line + 1;
  return new QuernError(
    problem.code,
    `${name}, line ${line}, column "${column}": ${problem.message}`,
    { hint: problem.hint },
  );
}

/** Reads chunk after chunk; what remains of a chunk is moved to the front of the next. */
class CsvReader {
  readonly #source: ByteSource;
  readonly #format: CsvFormat;
  #rest: Uint8Array;
  /** Bytes at hand in the parser's input. */
  #filled = 0;
  #ended = false;
  #lines: number;

  constructor(source: ByteSource, format: CsvFormat, rest: Uint8Array, linesBefore: number) {
    this.#source = source;
    this.#format = format;
    this.#rest = rest;
    this.#lines = linesBefore;
  }

  async *batches(): AsyncGenerator<ColumnBatch> {
    try {
      let parser = await this.#newParser(chunkBytesFor(this.#format.columns.length));
      for (;;) {
        await this.#fill(parser);
        if (this.#filled === 0) return;
        const end = parser.input.subarray(0, this.#filled).lastIndexOf(10) + 1;
        let at = 0;
        while (at < end) {
          const parse = parser.parse(at, end);
          at = parse.position;
          if (parse.batch.rowCount > 0) yield copyBatch(parse.batch);
          this.#check(parser, parse);
          this.#lines += parse.lineCount;
          if (parse.incomplete) break;
        }
        if (at === 0) parser = await this.#grow(parser);
        else {
          parser.input.copyWithin(0, at, this.#filled);
          this.#filled -= at;
        }
      }
    } finally {
      await this.#source.close();
    }
  }

  async #newParser(chunkBytesMax: number): Promise<CsvParser> {
    const { dialect, columns } = this.#format;
    return new CsvParser(await compileCsv({ dialect, columns, chunkBytesMax }));
  }

  /** Fills the input up; the last line of a file gets the line feed it may lack. */
  async #fill(parser: CsvParser): Promise<void> {
    const { input } = parser;
    const part = this.#rest.subarray(0, input.length - this.#filled);
    input.set(part, this.#filled);
    this.#filled += part.length;
    this.#rest = this.#rest.subarray(part.length);
    if (this.#ended || this.#filled === input.length) return;
    this.#filled += await readFully(this.#source, input.subarray(this.#filled));
    if (this.#filled === input.length) return;
    this.#ended = true;
    if (this.#filled > 0 && input[this.#filled - 1] !== 10) input[this.#filled++] = 10;
  }

  #check(parser: CsvParser, parse: CsvParse): void {
    const { problem } = parse;
    if (problem !== undefined) {
      throw csvError(this.#source.name, parser.program, problem, this.#lines);
    }
    if (!parse.incomplete || !this.#ended || this.#rest.length > 0) return;
    const line = this.#lines + parse.lineCount + 1;
    throw new QuernError(
      sqlState.badCopyFileFormat,
      `${this.#source.name}, line ${line}: a quote is opened and never closed`,
    );
  }

  /** A record is longer than the input: the same with a larger one. */
  async #grow(parser: CsvParser): Promise<CsvParser> {
    const size = parser.input.length * 4;
    if (size > recordBytesMax) throw tooLong(this.#source.name, this.#lines + 1);
    const larger = await this.#newParser(size);
    larger.input.set(parser.input.subarray(0, this.#filled));
    return larger;
  }
}
