/**
 * Generates the WebAssembly that parses delimited text into columns: one function, specialised for
 * a dialect and the types of the columns, so that its inner loop decides nothing it could know
 * before.
 *
 * A record is read field by field, left to right. Each field has a fast path for the usual form of
 * its type (see `number-code.ts` and `text-code.ts`), which ends exactly at the delimiter that must
 * follow; whatever it does not understand goes to the imported function `field`, which reads that
 * one field in JavaScript, exactly and slowly, or says what is wrong with it.
 *
 *     parse(base, from, to) → number of rows;   the state at `base` says where and why it ended
 *
 * The text from `from` to `to` must end with a line feed: then no loop outside quotes needs to look
 * for the end of the text.
 */
import {
  type Expr,
  type FunctionBuilder,
  i8x16,
  i32,
  i64,
  type Label,
  type Local,
  ModuleBuilder,
  memory,
  type Operand,
} from '../../wasm/index.ts';
import { emitCoded } from './coded-code.ts';
import { emitNumber } from './number-code.ts';
import {
  type CsvColumn,
  type CsvDialect,
  type CsvLayout,
  type ParseStatus,
  parseStatus,
  slotCount,
  stateFields,
} from './plan.ts';
import { emitText } from './text-code.ts';

export const lineFeed = 10;
const carriageReturn = 13;

export interface ParserCodeOptions {
  readonly dialect: CsvDialect;
  readonly columns: readonly CsvColumn[];
  readonly layout: CsvLayout;
  /** Whether the memory it will be given is shared between threads. */
  readonly sharedMemory?: boolean;
}

/** The binary module; it imports `csv.memory` and `csv.field`, and exports `parse`. */
export function parserCode(options: ParserCodeOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ name: 'csv' });
  const shared = options.sharedMemory === true ? { shared: true, max: 65536 } : {};
  module.importMemory('csv', 'memory', { min: 1, ...shared });
  const field = module.importFunc('csv', 'field', ['i32', 'i32', 'i32'], ['i32']);
  const params = { base: 'i32', from: 'i32', to: 'i32' } as const;
  module.func('parse', { params, results: ['i32'], export: true }, (f) => {
    const emitter = new FieldEmitter(f, options, (column, row, at) => field.call(column, row, at));
    emitter.emitRows();
  });
  return module.toBytes();
}

type SlowField = (column: number, row: Local, at: Local) => Expr;

/** The state of the generated function, and what the code of every kind of field shares. */
export class FieldEmitter {
  readonly f: FunctionBuilder<{ base: 'i32'; from: 'i32'; to: 'i32' }>;
  readonly dialect: CsvDialect;
  readonly columns: readonly CsvColumn[];
  readonly layout: CsvLayout;
  /** Base of the parser's region. */
  readonly base: Local;
  readonly end: Local;
  /** Address of the next byte to read. */
  readonly position: Local;
  readonly row: Local;
  /** Line feeds read so far. */
  readonly lines: Local;
  /** All bytes of text fields, or-ed: shows whether any is beyond ASCII. */
  readonly seen: Local;
  readonly rowStart: Local;
  /** Line feeds before the current record. */
  readonly linesBefore: Local;
  /** Next free byte in the heap of each string column. */
  readonly heaps = new Map<number, Local>();
  /** Number of dictionary entries of each coded column. */
  readonly entries = new Map<number, Local>();
  readonly delimiter: number;
  readonly quote: number | undefined;
  readonly #scratch = new Map<string, Local>();
  readonly #slow: SlowField;
  #finish: Label | undefined;

  constructor(
    f: FunctionBuilder<{ base: 'i32'; from: 'i32'; to: 'i32' }>,
    options: ParserCodeOptions,
    slow: SlowField,
  ) {
    this.f = f;
    this.dialect = options.dialect;
    this.columns = options.columns;
    this.layout = options.layout;
    this.base = f.param.base;
    this.end = f.param.to;
    this.position = f.param.from;
    this.row = f.local('i32', 'row');
    this.lines = f.local('i32', 'lines');
    this.seen = f.local('v128', 'seen');
    this.rowStart = f.local('i32', 'rowStart');
    this.linesBefore = f.local('i32', 'linesBefore');
    this.delimiter = options.dialect.delimiter.charCodeAt(0);
    this.quote = options.dialect.quote === '' ? undefined : options.dialect.quote.charCodeAt(0);
    this.#slow = slow;
  }

  /** A local for use within one field. */
  scratch(type: 'i32' | 'i64' | 'f64' | 'v128', name: string): Local {
    let local = this.#scratch.get(name);
    if (local === undefined) this.#scratch.set(name, (local = this.f.local(type, name)));
    return local;
  }

  emitRows(): void {
    const { f, position, row, layout, columns } = this;
    this.#emitPrologue();
    f.block((finish) => {
      this.#finish = finish;
      f.loop((next) => {
        f.brIf(finish, i32.geU(position, this.end));
        f.brIf(finish, i32.geU(row, layout.rowCountMax));
        f.set(this.rowStart, position);
        f.set(this.linesBefore, this.lines);
        if (columns.length > 1) this.#skipBlankLine(next);
        columns.forEach((_, index) => {
          this.#emitField(index);
        });
        f.set(row, i32.add(row, 1));
        f.set(this.lines, i32.add(this.lines, 1));
        f.br(next);
      });
    });
    this.#emitEpilogue();
  }

  #emitPrologue(): void {
    const { f, base, layout } = this;
    for (let i = 0; i < stateFields.length; i++) f.do(i32.store(base, 0, 4 * i));
    layout.homes.forEach((home, index) => {
      if (home.form === 'skipped' || home.form === 'built') return;
      f.do(i32.store(base, 0, layout.nullCounts + 4 * index));
      const validityBytes = (layout.rowCountMax + 7) >>> 3;
      f.do(memory.fill(i32.add(base, home.validity), 255, validityBytes));
      if (home.form === 'fixed') return;
      f.do(i32.store(base, 0, home.offsets));
      this.heaps.set(index, f.let(i32.add(base, home.heap), `heap${index}`));
      if (home.form !== 'coded') return;
      this.entries.set(index, f.local('i32', `entries${index}`));
      f.do(memory.fill(i32.add(base, home.slots), 0, 2 * slotCount));
    });
  }

  #emitEpilogue(): void {
    const { f } = this;
    for (const [index, entries] of this.entries) {
      f.do(i32.store(this.base, entries, this.layout.entryCounts + 4 * index));
    }
    this.#storeState('position', this.position);
    this.#storeState('lineCount', this.lines);
    this.#storeState('nonAscii', i8x16.bitmask(this.seen));
    f.return(this.row);
  }

  #storeState(name: (typeof stateFields)[number], value: Operand): void {
    this.f.do(i32.store(this.base, value, 4 * stateFields.indexOf(name)));
  }

  #skipBlankLine(next: Label): void {
    const { f, position } = this;
    const first = i32.load8U(position);
    f.if(i32.eq(first, lineFeed), () => {
      f.set(position, i32.add(position, 1));
      f.set(this.lines, i32.add(this.lines, 1));
      f.br(next);
    });
    f.if(i32.eq(i32.load16U(position, 0, 1), carriageReturn | (lineFeed << 8)), () => {
      f.set(position, i32.add(position, 2));
      f.set(this.lines, i32.add(this.lines, 1));
      f.br(next);
    });
  }

  isLast(column: number): boolean {
    return column === this.columns.length - 1;
  }

  /** The byte that the dialect lets one expect behind a column's field. */
  expected(column: number): number {
    if (!this.isLast(column) || this.dialect.trailingDelimiter) return this.delimiter;
    return this.dialect.carriageReturn ? carriageReturn : lineFeed;
  }

  #emitField(column: number): void {
    const home = this.layout.homes[column];
    this.f.block((done) => {
      if (home.form === 'string' || home.form === 'skipped') emitText(this, column);
      else if (home.form === 'coded') emitCoded(this, column, home);
      else if (home.form === 'fixed') emitNumber(this, column, done);
      else this.emitSlow(column);
      this.#emitTerminator(column);
    });
  }

  /** Reads the field at `position` in JavaScript; `position` is then the byte behind it. */
  emitSlow(column: number): void {
    const { f, position } = this;
    const start = this.scratch('i32', 'start');
    f.set(start, position);
    f.set(position, this.#slow(column, this.row, start));
    f.if(i32.leS(position, 0), () => {
      f.if(i32.eqz(position), () => this.fail(column, parseStatus.incomplete));
      f.set(position, start);
      this.fail(column, parseStatus.badValue);
    });
  }

  /** Steps over what must follow the field of `column`, at `position`. */
  #emitTerminator(column: number): void {
    const { f, position } = this;
    if (!this.isLast(column)) {
      f.if(i32.ne(i32.load8U(position), this.delimiter), () => this.#failAtTerminator(column));
      f.set(position, i32.add(position, 1));
      return;
    }
    if (this.dialect.trailingDelimiter) {
      // Not every record needs to have it.
      f.set(position, i32.add(position, i32.eq(i32.load8U(position), this.delimiter)));
    }
    f.if(i32.ne(i32.load8U(position), lineFeed), () => {
      const pair = carriageReturn | (lineFeed << 8);
      f.if(i32.ne(i32.load16U(position, 0, 1), pair), () => this.#failAtTerminator(column));
      f.set(position, i32.add(position, 1));
    });
    f.set(position, i32.add(position, 1));
  }

  #failAtTerminator(column: number): void {
    const { f, position } = this;
    const byte = i32.load8U(position);
    if (this.isLast(column) && this.dialect.trailingDelimiter) {
      const before = i32.load8U(i32.sub(position, 1));
      f.if(i32.eq(before, this.delimiter), () => this.fail(column, parseStatus.tooManyFields));
    }
    f.if(i32.eq(byte, this.delimiter), () => this.fail(column, parseStatus.tooManyFields));
    f.if(i32.or(i32.eq(byte, lineFeed), i32.eq(byte, carriageReturn)), () =>
      this.fail(column, parseStatus.tooFewFields),
    );
    this.fail(column, parseStatus.textAfterQuote);
  }

  /** Ends the function; an incomplete record is given back as a whole. */
  fail(column: number, status: ParseStatus): void {
    const { f } = this;
    this.#storeState('status', status);
    this.#storeState('column', column);
    if (status === parseStatus.incomplete) {
      f.set(this.position, this.rowStart);
      f.set(this.lines, this.linesBefore);
    }
    f.br(this.#finish!);
  }

  /** Ends the batch before the current row, which will be the first of the next one. */
  endBatch(): void {
    const { f } = this;
    f.set(this.position, this.rowStart);
    f.set(this.lines, this.linesBefore);
    f.br(this.#finish!);
  }

  /** Makes the current row of `column` NULL. */
  setNull(column: number): void {
    const { f, base, row, layout } = this;
    const home = layout.homes[column];
    if (home.form === 'skipped' || home.form === 'built') return;
    const byte = i32.add(base, i32.shrU(row, 3));
    const mask = i32.xor(i32.shl(1, i32.and(row, 7)), 255);
    f.do(i32.store8(byte, i32.and(i32.load8U(byte, home.validity), mask), home.validity));
    const count = layout.nullCounts + 4 * column;
    f.do(i32.store(base, i32.add(i32.load(base, count), 1), count));
    if (home.form === 'fixed') this.#storeZero(column);
  }

  /** NULL rows hold zero, so that equal files give equal batches. */
  #storeZero(column: number): void {
    const home = this.layout.homes[column];
    if (home.form !== 'fixed') return;
    if (home.width === 8) this.f.do(i64.store(this.address(8), 0, home.data));
    else if (home.width === 4) this.f.do(i32.store(this.address(4), 0, home.data));
    else if (home.width === 2) this.f.do(i32.store16(this.address(2), 0, home.data));
    else this.f.do(i32.store8(this.address(1), 0, home.data));
  }

  /** Address of the current row in an array of `width` bytes a row, without the array's offset. */
  address(width: 1 | 2 | 4 | 8): Expr {
    const shift = Math.log2(width);
    return i32.add(this.base, shift === 0 ? this.row : i32.shl(this.row, shift));
  }
}
