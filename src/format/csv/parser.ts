/**
 * The parser of delimited text: a compiled program, which can be sent to any worker, and an
 * instance of it over a region of memory. A chunk of text in, a batch of columns out,
 * synchronously.
 */
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { ColumnBatch, ColumnVector } from '../../value/batch.ts';
import { ColumnBuilder } from '../../value/column-builder.ts';
import { typeName } from '../../value/type.ts';
import { isUtf8 } from '../../value/utf8.ts';
import { parseValue, type Value } from '../../value/value.ts';
import { fieldSyntax, readField, readRecord } from './field.ts';
import { parserCode } from './parser-code.ts';
import {
  type CsvColumn,
  type CsvDialect,
  type CsvLayout,
  layoutOf,
  parseStatus,
  stateFields,
} from './plan.ts';

/** What an instance needs; can be posted to other threads. */
export interface CsvProgram {
  readonly module: WebAssembly.Module;
  readonly dialect: CsvDialect;
  /** All columns of the file; only those that are wanted are in the batches. */
  readonly columns: readonly CsvColumn[];
  readonly layout: CsvLayout;
}

export interface CsvProgramOptions {
  readonly dialect: CsvDialect;
  readonly columns: readonly CsvColumn[];
  /** The longest text given at a time, and so the longest record. */
  readonly chunkBytesMax?: number;
  /** Whether instances will work in a memory that is shared between threads. */
  readonly sharedMemory?: boolean;
}

/** Chunk and columns together stay within a usual second-level cache. */
const chunkBytesDefault = 512 * 1024;
/** Every text column has room for all of a chunk; what is not used is never touched. */
const heapBytesDefault = 512 * 1024 * 1024;
const columnCountMax = 16384;
/** What a WebAssembly memory can have. */
const memoryBytesMax = 65535 * 65536;

/** A good size of chunks for so many columns. */
export function chunkBytesFor(columnCount: number): number {
  return Math.min(chunkBytesDefault, Math.max(16384, Math.floor(heapBytesDefault / columnCount)));
}

export async function compileCsv(options: CsvProgramOptions): Promise<CsvProgram> {
  const { dialect, columns, sharedMemory = false } = options;
  assert(columns.length > 0, 'a file has at least one column');
  if (columns.length > columnCountMax) {
    throw new QuernError(
      sqlState.programLimitExceeded,
      `the file has ${columns.length} columns, at most ${columnCountMax} can be read`,
    );
  }
  const layout = layoutOf(columns, options.chunkBytesMax ?? chunkBytesFor(columns.length));
  if (layout.size > memoryBytesMax) {
    throw new QuernError(
      sqlState.programLimitExceeded,
      `a record of a file with ${columns.length} columns is too long to be read`,
      { hint: 'A quote that is opened and never closed has this effect.' },
    );
  }
  const bytes = parserCode({ dialect, columns, layout, sharedMemory });
  return { module: await WebAssembly.compile(bytes), dialect, columns, layout };
}

/** What is wrong with the text. */
export interface CsvProblem {
  /** Line feeds between the start of the text that was parsed and the problem. */
  readonly line: number;
  /** Index among all columns of the file. */
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export interface CsvParse {
  /** The rows that were read; views of the parser's memory, valid until the next call. */
  readonly batch: ColumnBatch;
  /** Index of the first byte of `input` that was not read. */
  readonly position: number;
  /** The number of lines that were read; records with line feeds in quotes count for several. */
  readonly lineCount: number;
  /** True when the text ended inside quotes: the record at `position` needs more text. */
  readonly incomplete: boolean;
  /** Set when the record behind the rows is malformed. */
  readonly problem?: CsvProblem;
}

type Store = (row: number, value: Value) => void;

export class CsvParser {
  readonly program: CsvProgram;
  /** Where the text goes. */
  readonly input: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #state: Uint32Array;
  readonly #parse: (base: number, from: number, to: number) => number;
  readonly #builders: readonly (ColumnBuilder | undefined)[];
  readonly #stores: readonly (Store | undefined)[];
  #end = 0;
  #fault: QuernError | undefined;

  /** Works at `base`, a multiple of 16, of `memory`; without one, in a memory of its own. */
  constructor(program: CsvProgram, memory?: WebAssembly.Memory, base = 0) {
    const pages = Math.ceil((base + program.layout.size) / 65536);
    const home = memory ?? newMemory(pages);
    assert(home.buffer.byteLength >= base + program.layout.size, 'the region lies in the memory');
    this.program = program;
    this.#base = base;
    this.#bytes = new Uint8Array(home.buffer);
    const { layout, columns } = program;
    const input = base + layout.input;
    this.input = this.#bytes.subarray(input, input + layout.chunkBytesMax);
    this.#state = new Uint32Array(home.buffer, base, stateFields.length);
    const powers = new BigInt64Array(home.buffer, base + layout.powers, 19);
    for (let i = 0; i < powers.length; i++) powers[i] = 10n ** BigInt(i);
    this.#builders = layout.homes.map((place, i) =>
      place.form === 'built' ? new ColumnBuilder(columns[i].type) : undefined,
    );
    this.#stores = columns.map((_, i) => this.#storeOf(i));
    const field = (column: number, row: number, at: number) => this.#readField(column, row, at);
    const imports = { csv: { memory: home, field } };
    this.#parse = new WebAssembly.Instance(program.module, imports).exports['parse'] as never;
  }

  /**
   * Parses the records of `input` from index `from` to `to`; the byte before `to` must be a line
   * feed. Stops early when a batch is full: call again from `position`.
   */
  parse(from: number, to: number): CsvParse {
    assert(to > from && to <= this.input.length && this.input[to - 1] === 10, 'text ends a line');
    const start = this.#base + this.program.layout.input;
    this.#end = start + to;
    this.#fault = undefined;
    // No quote may stand behind the text, for the code looks one byte ahead.
    const behind = this.#bytes[this.#end];
    this.#bytes[this.#end] = 10;
    const rowCount = this.#parse(this.#base, start + from, this.#end);
    this.#bytes[this.#end] = behind;
    const [position, status, column, lineCount, nonAscii] = this.#state;
    const columns = this.#columns(rowCount);
    const batch: ColumnBatch = { rowCount, columns };
    const index = position - start;
    const incomplete = status === parseStatus.incomplete;
    const result = { batch, position: index, lineCount, incomplete };
    const invalid = nonAscii === 0 ? undefined : this.#findInvalidText(batch, from);
    if (invalid !== undefined) return { ...result, problem: invalid };
    if (status === parseStatus.complete || incomplete) return result;
    return { ...result, problem: this.#problem(status, column, from, index) };
  }

  #columns(rowCount: number): ColumnVector[] {
    const { layout, columns } = this.program;
    const vectors: ColumnVector[] = [];
    layout.homes.forEach((home, i) => {
      if (columns[i].wanted) vectors.push(this.#vector(i, home, rowCount));
    });
    return vectors;
  }

  #vector(column: number, home: CsvLayout['homes'][number], rowCount: number): ColumnVector {
    const { buffer } = this.#bytes;
    const { layout, columns } = this.program;
    const builder = this.#builders[column];
    if (builder !== undefined) {
      // A row that failed half-way has left a value in the builders of its first columns.
      return builder.finish(rowCount);
    }
    assert(home.form !== 'skipped' && home.form !== 'built', 'a wanted column has a place');
    const nullCount = this.#count(layout.nullCounts, column);
    const at = this.#base + home.validity;
    const validity =
      nullCount === 0 ? {} : { validity: this.#bytes.subarray(at, at + ((rowCount + 7) >>> 3)) };
    if (home.form === 'fixed') {
      const data = fixedView(columns[column], home.width, buffer, this.#base + home.data, rowCount);
      return { form: 'fixed', data, ...validity };
    }
    const entryCount = home.form === 'coded' ? this.#count(layout.entryCounts, column) : rowCount;
    const offsets = new Uint32Array(buffer, this.#base + home.offsets, entryCount + 1);
    const heap = this.#base + home.heap;
    const bytes = this.#bytes.subarray(heap, heap + offsets[entryCount]);
    const strings = { form: 'string', offsets, bytes } as const;
    if (home.form === 'string') return { ...strings, ...validity };
    // Without entries there is nothing that codes could stand for.
    if (entryCount === 0)
      return { ...strings, offsets: new Uint32Array(rowCount + 1), ...validity };
    const codes = new Uint16Array(buffer, this.#base + home.codes, rowCount);
    return { form: 'dictionary', codes, dictionary: strings, ...validity };
  }

  #count(counts: number, column: number): number {
    return new Uint32Array(this.#bytes.buffer, this.#base + counts)[column];
  }

  /** The slow path: answers the address behind the field, 0 if it does not end, -1 if it is bad. */
  #readField(column: number, row: number, at: number): number {
    const { dialect, columns, layout } = this.program;
    const field = readField(this.#bytes, at, this.#end, fieldSyntax(dialect));
    if (field === undefined) return 0;
    const isNull = !field.quoted && field.text === dialect.nullText;
    try {
      const value = isNull ? null : parseValue(columns[column].type, field.text);
      const home = layout.homes[column];
      if (home.form === 'built') this.#builders[column]!.append(value);
      else if (value !== null) this.#stores[column]!(row, value);
      else this.#setNull(column, row);
    } catch (error) {
      if (!(error instanceof QuernError)) throw error;
      this.#fault = error;
      return -1;
    }
    return field.next;
  }

  #setNull(column: number, row: number): void {
    const { layout } = this.program;
    const home = layout.homes[column];
    assert(home.form === 'fixed', 'only fields of fixed width are read slowly');
    this.#bytes[this.#base + home.validity + (row >>> 3)] &= ~(1 << (row & 7));
    const counts = new Uint32Array(this.#bytes.buffer, this.#base + layout.nullCounts);
    counts[column]++;
    this.#bytes.fill(
      0,
      this.#base + home.data + row * home.width,
      this.#base + home.data + (row + 1) * home.width,
    );
  }

  #storeOf(column: number): Store | undefined {
    const { layout, columns } = this.program;
    const home = layout.homes[column];
    if (home.form !== 'fixed') return undefined;
    const { buffer } = this.#bytes;
    const at = this.#base + home.data;
    const data = fixedView(columns[column], home.width, buffer, at, layout.rowCountMax);
    if (data instanceof BigInt64Array) {
      return (row, value) => {
        data[row] = BigInt(value as bigint);
      };
    }
    return (row, value) => {
      data[row] = Number(value);
    };
  }

  #problem(status: number, column: number, from: number, index: number): CsvProblem {
    const line = countLineFeeds(this.input, from, index);
    const count = this.program.columns.length;
    const code = sqlState.badCopyFileFormat;
    switch (status) {
      case parseStatus.tooFewFields:
        return { line, column, code, message: `expected ${count} fields, found ${column + 1}` };
      case parseStatus.tooManyFields:
        return { line, column, code, message: `expected ${count} fields, found more` };
      case parseStatus.textAfterQuote:
        return { line, column, code, message: 'text between a closing quote and the delimiter' };
      default: {
        const fault = this.#fault;
        assert(fault !== undefined, 'a bad value has its reason');
        return { line, column, code: fault.code, message: fault.message, hint: fault.hint };
      }
    }
  }

  /** Text must be UTF-8; finds the first that is not. */
  #findInvalidText(
    { columns: vectors, rowCount }: ColumnBatch,
    from: number,
  ): CsvProblem | undefined {
    const wanted = this.program.columns.flatMap((column, i) => (column.wanted ? [i] : []));
    for (const [i, vector] of vectors.entries()) {
      const { type } = this.program.columns[wanted[i]];
      if (vector.form === 'fixed' || type.kind === 'blob') continue;
      const strings = vector.form === 'string' ? vector : vector.dictionary;
      const { offsets, bytes } = strings;
      if (isUtf8(bytes, offsets)) continue;
      const isValidEntry = (at: number) => isUtf8(bytes.subarray(offsets[at], offsets[at + 1]));
      let row = 0;
      const textAt = (at: number) => (vector.form === 'string' ? at : vector.codes[at]);
      while (row < rowCount && isValidEntry(textAt(row))) row++;
      // The text of a record that is not among the rows.
      if (row === rowCount) continue;
      return {
        line: this.#lineOfRow(row, from),
        column: wanted[i],
        code: sqlState.characterNotInRepertoire,
        message: `invalid UTF-8 in a value of type ${typeName(type)}`,
      };
    }
    return undefined;
  }

  #lineOfRow(row: number, from: number): number {
    const syntax = fieldSyntax(this.program.dialect);
    let at = from;
    for (let i = 0; i < row; i++) {
      at = readRecord(this.input, at, this.input.length, syntax)?.next ?? at;
    }
    return countLineFeeds(this.input, from, at);
  }
}

function newMemory(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages });
  } catch (cause) {
    const size = `${Math.ceil(pages / 16)} MiB`;
    throw new QuernError(sqlState.outOfMemory, `no memory of ${size} for reading text`, { cause });
  }
}

function fixedView(
  column: CsvColumn,
  width: 1 | 2 | 4 | 8,
  buffer: ArrayBufferLike,
  at: number,
  length: number,
) {
  const { kind } = column.type;
  if (kind === 'double') return new Float64Array(buffer, at, length);
  if (kind === 'real') return new Float32Array(buffer, at, length);
  if (kind === 'boolean') return new Uint8Array(buffer, at, length);
  if (width === 8) return new BigInt64Array(buffer, at, length);
  if (width === 4) return new Int32Array(buffer, at, length);
  return width === 2 ? new Int16Array(buffer, at, length) : new Int8Array(buffer, at, length);
}

function countLineFeeds(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = bytes.indexOf(10, from); i >= 0 && i < to; i = bytes.indexOf(10, i + 1)) count++;
  return count;
}
