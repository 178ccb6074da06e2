import type { TableEntry } from '../catalog/catalog.ts';
import type { Plan } from '../plan/plan.ts';
import type { Dictionary } from '../table/layout.ts';
import { decimalType, type SqlType } from '../value/type.ts';

/**
 * What the compiler hands to the runtime: one Wasm module and the steps that drive it.
 *
 * Memory. The module imports `env.memory`, the engine's one linear memory. For each execution the
 * runtime allocates a zeroed *frame* (state shared by all workers) and, for each worker, a zeroed
 * *local* area; all functions take their addresses as first parameters, so one compiled module can
 * run many times and at once. Both are 64-byte aligned. Address 0 to 63 of the memory is always
 * zero and readable: a null row pointer reads as zeros.
 *
 * Imports of the module from `env`:
 * - `memory`: shared or not, as {@link CompileOptions.sharedMemory} said.
 * - `fail(code: i32, detail: i32)`: throws the QuernError of {@link failures}[code]; never returns.
 *   `detail` is the address of what the message tells, for `cast`, else 0.
 * - `parse_double(address: i32, length: i32) -> f64`: reads a number that code has checked.
 * - `fixed_text(value: f64, places: i32, out: i32) -> i32`: writes a number with so many digits
 * behind
 *   the point; the address behind it.
 * - `regex_program(address: i32, length: i32, flags: i32) -> i32`: the address of the program of a
 *   regular expression with its scratch memory, see `kernels/regex-simulate.ts`. The flags are
 *   those of {@link regexFlags}.
 * - `chunk(local: i32, appender: i32, bytes: i32) -> i32`: makes room for at least `bytes` more
 * bytes in
 *   the row buffer whose appender lies at address `appender`, and returns the new cursor.
 * - `allocate(bytes: i32) -> i32`: zeroed memory owned by the execution, 64-byte aligned, for
 * tables that grow
 *   inside a pipeline; may be called by any worker.
 * - `release(address: i32)`: gives memory from `allocate` back early.
 * - `page(site: i32, buffer: i32, index: i32)`: in a program that spills, brings a row of a movable
 * buffer into memory by its number, see {@link pageField}. Only in steps of a single morsel.
 * - `poll`, `save`, `restore`: as `Suspension` of the assembler says. Step functions and those they
 * call may be
 *   suspended at checkpoints in their long loops, so that no call blocks its thread for long.
 *
 * The exported global `suspension` is their state.
 *
 * The functions of the host's `Math` are imported from `Math`.
 *
 * Row buffers. A pipeline that materialises rows appends fixed-size rows through an appender in its
 * local area: { cursor: u32, limit: u32, chunk: u32, reserved: u32 }. Code appends while
 * cursor + rowBytes <= limit, else calls `chunk`. cursor = limit = 0 at the start. The runtime
 * notes, before and after each morsel, where the appender stands, so it knows the rows of every
 * morsel as slices and can put them in morsel order, whatever worker ran it.
 *
 * Every step function is exported under its name:
 * - `scan`, `rows`, `range` steps: (frame, local, morsel) with the address of a morsel descriptor
 *   (see {@link morselField}), run in parallel, morsel by morsel.
 * - `call` steps: (frame, local of worker 0), run once.
 *
 * A program that spills (see {@link SpillOptions}) may have rows in buffers that leave the memory,
 * and steps that run once for each partition of such rows.
 */
export interface Program {
  readonly bytes: Uint8Array;
  /**
   * Makes the module's other form, in which suspended functions go on; absent if there are none.
   */
  readonly resumableBytes?: () => Uint8Array;
  readonly frameBytes: number;
  readonly localBytes: number;
  /** Values the runtime writes into the frame before it starts: parameters of the statement. */
  readonly parameters: readonly ParameterSlot[];
  readonly buffers: readonly RowBuffer[];
  readonly steps: readonly Step[];
  /** With {@link CompileOptions.countRows}: where the frame has the rows a node gave, a u32. */
  readonly counters: readonly RowCounter[];
  readonly result: ProgramResult;
  /** An estimate of what the largest operator keeps in memory, in bytes. */
  readonly keptBytes: number;
  /** Whether rows may leave the memory while it runs. */
  readonly spills?: boolean;
  /** The same query in a form that needs less memory. */
  readonly spilling?: (options: SpillOptions) => Program;
}

/** Where the value of a statement parameter goes in the frame, as a field of that form. */
export interface ParameterSlot {
  readonly index: number;
  readonly field: RowField;
}

export interface RowCounter {
  readonly plan: Plan;
  readonly slot: number;
}

export interface RowBuffer {
  /** Name for EXPLAIN and errors. */
  readonly name: string;
  readonly rowBytes: number;
  /** Offset of the 16-byte appender in the local area. */
  readonly appender: number;
  /**
   * Its chunks may leave the memory when they are full, and come back elsewhere: nothing keeps the
   * address of a row. Given are the offsets of its string fields, whose bytes lie in the chunk of
   * the row, behind the rows.
   */
  readonly movable?: { readonly strings: readonly number[] };
}

export type Step =
  | ScanStep
  | RowsStep
  | RangeStep
  | CallStep
  | AllocateStep
  | GatherStep
  | FreeStep
  | PartitionsStep
  | LoopStep;

/**
 * One call for each row group of the table that its zone maps cannot rule out, or for each of the
 * equal parts of a multiple of 64 rows that the runtime cuts it into.
 */
export interface ScanStep {
  readonly kind: 'scan';
  readonly name: string;
  readonly table: TableEntry;
  /** Columns in the order in which their segment addresses stand in the morsel descriptor. */
  readonly ordinals: readonly number[];
  /** A row group is skipped when one of these cannot hold in it. */
  readonly prune: readonly ZoneTest[];
  /** Whether what it passes on may refer to texts in the table. */
  readonly keepsTexts: boolean;
  /** Indexes of the buffers it appends to. */
  readonly appends: readonly number[];
  /**
   * Called once the last morsel of this step is done: (frame, local) for the local area of each
   * worker that took part and of worker 0 in any case, in the order of the workers, never two at a
   * time. What it appends comes after the rows of all morsels.
   */
  readonly finish?: string;
}

/** The stored values (see ColumnLayout) of the column must reach into [min, max]. */
export interface ZoneTest {
  readonly ordinal: number;
  readonly min: bigint | number | undefined;
  readonly max: bigint | number | undefined;
}

/** Over the rows of a buffer, in morsel order; a morsel is a run of adjacent rows. */
export interface RowsStep {
  readonly kind: 'rows';
  readonly name: string;
  /** Index into `Program.buffers`. */
  readonly buffer: number;
  /** Whether nobody reads the rows after this step. */
  readonly isLast?: boolean;
  /** Indexes of the buffers it appends to. */
  readonly appends: readonly number[];
  readonly finish?: string;
}

/** Over the numbers 0 to count - 1, `count` a u32 that the frame holds at that offset by then. */
export interface RangeStep {
  readonly kind: 'range';
  readonly name: string;
  readonly count: number;
  /** Numbers a morsel. */
  readonly grain: number;
  /** Indexes of the buffers it appends to. */
  readonly appends: readonly number[];
  readonly finish?: string;
}

export interface CallStep {
  readonly kind: 'call';
  readonly name: string;
  /** Indexes of the buffers it appends to. */
  readonly appends: readonly number[];
}

/**
 * Allocates zeroed memory for the execution and stores its address (u32) at `slot` of the frame.
 */
export interface AllocateStep {
  readonly kind: 'allocate';
  readonly slot: number;
  /** A constant, or the frame offset of a u32 with the bytes. */
  readonly bytes: number | { readonly slot: number };
}

/**
 * Makes an array of u32 addresses of all rows of a buffer, in morsel order; stores its address at
 * `slot` and the number of rows at `slot + 4` of the frame. Without `pointers`, only the count.
 */
export interface GatherStep {
  readonly kind: 'gather';
  readonly buffer: number;
  readonly slot: number;
  readonly pointers: boolean;
}

/** The rows of these buffers and the memory at these places are not needed any more. */
export interface FreeStep {
  readonly kind: 'free';
  readonly buffers: readonly number[];
  readonly areas: readonly FreedArea[];
}

/** A u32 address of memory from `allocate`, and what is known of that memory behind it. */
export interface FreedArea {
  /** In the frame, or in the local area of every worker. */
  readonly of: 'frame' | 'local';
  readonly offset: number;
  /** Bytes to zero, the address included. */
  readonly bytes: number;
  /** Whether the memory begins with the address of more, which does as well, or 0. */
  readonly chain?: boolean;
}

/**
 * An operator whose rows were distributed over partitions, none of which has anything to do with
 * another: its steps run for one partition after the other, or for several that are small. Each
 * time, the windows of the inputs hold just the rows of these partitions.
 */
export interface PartitionsStep {
  readonly kind: 'partitions';
  readonly name: string;
  readonly inputs: readonly PartitionedInput[];
  readonly partitions: number;
  readonly steps: readonly Step[];
  /**
   * The step whose rows go on to the next operator: its `finish` is called once, after all
   * partitions.
   */
  readonly outgoing: string;
  /** What to do with a partition whose rows do not fit in memory. */
  readonly split: PartitionSplit;
  /** Frame offset of a u32: not 0 when no further partition is wanted. */
  readonly done?: number;
}

/**
 * Runs steps in rounds, each of which reads the rows that the round before has added, until one
 * adds none; before the first, the rows there are in `added` count as that. After each round,
 * memory that `steps` have allocated is free again, and so are rows in `buffers`. Where the buffers
 * are movable, they all are.
 */
export interface LoopStep {
  readonly kind: 'loop';
  readonly name: string;
  /** Indexes of buffers: what a round adds; what it reads; in the end, all rows added. */
  readonly added: number;
  readonly working: number;
  readonly result: number;
  readonly steps: readonly Step[];
  /**
   * Given if all rows are in other buffers as well, so many from the first on, from where the
   * result gets them; else it has them in their order.
   */
  readonly kept?: { readonly first: number; readonly count: number };
  /** Run after each round; memory that they allocate stays. */
  readonly after: readonly Step[];
  /** The state of `steps` in the frame, which is at each round as it was at the first. */
  readonly frame: StateArea;
  /** Frame offsets of u32 in it that go on from round to round. */
  readonly keptWords: readonly number[];
  /** Their state in the local areas, zeroed before each round. */
  readonly locals: readonly StateArea[];
  /** Indexes of the buffers that `steps` append to, but for `added`. */
  readonly buffers: readonly number[];
}

/** Bytes at an offset; both are multiples of 4. */
export interface StateArea {
  readonly offset: number;
  readonly bytes: number;
}

export interface PartitionedInput {
  /** Index of the first of as many buffers as there are partitions. */
  readonly first: number;
  /** Index of the buffer in which `steps` find the rows; only the runtime writes to it. */
  readonly window: number;
  /** Whether the steps need all rows at once, or one run after the other. */
  readonly whole: boolean;
  /**
   * Its rows stay in their partitions, with those that the steps append to these; where the other
   * inputs have no rows, nothing is done. Other rows are gone afterwards.
   */
  readonly kept?: boolean;
  /** What else the steps allocate for each of its rows, in bytes. */
  readonly extraBytes: number;
  /**
   * Distributes the rows of the window over the partitions once more: see {@link PartitionSplit}.
   */
  readonly distribute: RowsStep;
}

/** What to do with a partition that is too large: its rows are distributed over as many again. */
export type PartitionSplit = HashSplit | RangeSplit;

/** By the next bits of their hash. */
export interface HashSplit {
  readonly kind: 'hash';
  /**
   * Frame offset of a u32: how far to shift the hash to have the bits in the lowest place.
   * Undefined where all rows have one hash.
   */
  readonly shift: number | undefined;
  /**
   * Given if what still does not fit may be worked on in pieces of the first input, each with all
   * rows of the others. `last`: frame offset of a u32 that is 1 for the last piece, for steps that
   * change rows of the other inputs in the meantime.
   */
  readonly pieces?: { readonly last: number | undefined };
  /**
   * Given if what still does not fit is worked on outside of memory: the steps to run in place of
   * the loop's. They find the rows in the window of the only input.
   */
  readonly outside?: readonly Step[];
}

/**
 * By their order: partition 2i + 1 has the rows equal to splitter i, those beside it the rows
 * between splitters. Rows that are equal may be worked on in pieces.
 */
export interface RangeSplit {
  readonly kind: 'range';
  /** Index of the buffer with all rows, which nobody has distributed yet. */
  readonly all: number;
  /** Absent where all rows are equal. */
  readonly splitters?: {
    /** Chooses some of the sample rows from number `low` to before `high`, frame offsets of u32. */
    readonly choose: CallStep;
    readonly low: number;
    readonly high: number;
    /** Frame offset of a u32: how many were chosen. */
    readonly count: number;
    /** Frame offset of the address of their numbers among the samples. */
    readonly numbers: number;
  };
}

/** Where the rows of the result are when the last step is done. */
export interface ProgramResult {
  readonly columns: readonly ResultColumn[];
  readonly rowBytes: number;
  /**
   * `rows`: all rows of the buffer, in morsel order. `pointers`: as a gather step left them at
   * `slot` (address, count; a later call may have sorted the array and lowered the count).
   * `none`: no rows.
   */
  readonly source:
    | { readonly kind: 'rows'; readonly buffer: number }
    | { readonly kind: 'pointers'; readonly slot: number }
    | { readonly kind: 'none' };
  /** Applied when reading: frame offsets of u32, or constants. */
  readonly offset: number;
  readonly limit: number | undefined;
}

export interface ResultColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly field: RowField;
}

/**
 * A value in a row. Forms:
 * - `int`: `width` bytes; 1, 2, 4 unsigned plus `base`, 8 signed with base 0. Any integer-like
 * type.
 * - `wide`: 16 bytes, low half first.
 * - `float`: 4 or 8 bytes.
 * - `code`: u8, u16 or u32 code into `dictionary`.
 * - `string`: u32 address, u32 length.
 * `nullAt`: offset of a byte that is 1 when the value is NULL; undefined when it never is.
 */
export interface RowField {
  readonly form: 'int' | 'wide' | 'float' | 'code' | 'string';
  readonly offset: number;
  readonly width: number;
  readonly base: bigint;
  readonly dictionary?: Dictionary;
  readonly nullAt: number | undefined;
}

/** A scan's row group is cut into at most so many morsels; compiled code may count on it. */
export const morselsPerRowGroupMax = 4;

/**
 * A morsel may be done in several calls, of at most so many parts; what is said of morsels in this
 * file is true of parts. The sequence numbers of a morsel's parts are so many numbers.
 */
export const partsPerMorselMax = 16;

/** Offsets in a morsel descriptor (all u32). */
export const morselField = {
  /** Rows, or numbers, in this morsel. */
  count: 0,
  /** Index of the first row in its table, or the first number of the range. */
  first: 4,
  /** Grows from 0 in table order, by {@link partsPerMorselMax} a morsel. */
  sequence: 8,
  /** Address of the first row, for `rows` steps. */
  rows: 12,
  /**
   * For scans: column i has its data, heap and nulls addresses at columns + 16 * i (+ 0, 4, 8), and
   * the bytes of a value (+ 12).
   */
  columns: 16,
} as const;

/**
 * What `env.page` writes at `site`: the number of the first of some rows that lie side by side, the
 * one asked for among them; how many these are; and the address of the first. They stay in memory
 * until it is called for that site again, or until the rows of the buffer are freed.
 */
export const pageField = { first: 0, count: 4, address: 8, bytes: 16 } as const;

export const appenderField = { cursor: 0, limit: 4, chunk: 8, bytes: 16 } as const;

/** What `env.fail` can be called with; the runtime turns a code into a QuernError. */
export const failures = [
  { code: '22012', message: 'division by zero' },
  { code: '22003', message: 'integer out of range' },
  { code: '22003', message: 'numeric value out of range' },
  { code: '21000', message: 'more than one row returned by a subquery used as an expression' },
  { code: '22008', message: 'date out of range' },
  { code: '22P02', message: 'invalid input syntax for this type' },
  { code: '53200', message: 'out of memory' },
  { code: '22003', message: 'value out of range for the type of the cast' },
  { code: '22003', message: 'decimal overflow' },
  { code: '22008', message: 'interval out of range' },
  { code: '2201F', message: 'cannot take square root of a negative number' },
  { code: '2201E', message: 'cannot take logarithm of a negative number' },
  { code: '2201E', message: 'cannot take logarithm of zero' },
  { code: '22003', message: 'input is out of range' },
  { code: '22003', message: 'cannot shift left by a negative number of bits' },
  { code: '22003', message: 'cannot shift a negative number left' },
  { code: '22023', message: 'there is nothing to pad with' },
  { code: '22003', message: 'text too long' },
  { code: '22023', message: 'invalid Unicode code point' },
  { code: '22025', message: 'LIKE pattern must not end with the escape character' },
  { code: '22004', message: 'the offset of a window frame must not be NULL' },
  { code: '22014', message: 'the argument of ntile must be greater than zero' },
  { code: '2201W', message: 'LIMIT and OFFSET must not be negative' },
  { code: '22P02', message: 'the text is not hexadecimal' },
  { code: '22P02', message: 'the text is not base64' },
  { code: '22P02', message: 'the text is not valid UTF-8' },
  { code: '22023', message: 'the texts must have the same length, which is not zero' },
  { code: '22023', message: 'the texts must not be empty' },
] as const;

export const failure = {
  divisionByZero: 0,
  integerOverflow: 1,
  numericOverflow: 2,
  moreThanOneRow: 3,
  dateOutOfRange: 4,
  invalidText: 5,
  outOfMemory: 6,
  cast: 7,
  decimalOverflow: 8,
  intervalOutOfRange: 9,
  negativeSquareRoot: 10,
  negativeLogarithm: 11,
  zeroLogarithm: 12,
  outOfDomain: 13,
  negativeShift: 14,
  shiftOfNegative: 15,
  nothingToPadWith: 16,
  textTooLong: 17,
  invalidCodePoint: 18,
  invalidPattern: 19,
  nullFrameOffset: 20,
  noTiles: 21,
  negativeCount: 22,
  invalidHex: 23,
  invalidBase64: 24,
  invalidUtf8: 25,
  differentLengths: 26,
  emptyText: 27,
} as const;

/**
 * How a regular expression that is known at run time is to be used; from the bit `places` on a bit
 * for each place to note.
 */
export const regexFlags = { ignoreCase: 1, dotAll: 2, literal: 4, whole: 8, places: 4 } as const;

/**
 * Where `detail` of the failure `cast` points to: the types of the cast, see {@link typeCode}, and
 * its value: 128 bits of a whole number, date or time; 64 of a double; address and length of a
 * text.
 */
export const castFailure = { from: 0, to: 4, low: 8, high: 16, bytes: 24 } as const;

const typeKinds: readonly SqlType['kind'][] = [
  'null',
  'boolean',
  'tinyint',
  'smallint',
  'integer',
  'bigint',
  'hugeint',
  'real',
  'double',
  'varchar',
  'blob',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'uuid',
  'decimal',
];

/** A type as a number, for compiled code to hand over. */
export function typeCode(type: SqlType): number {
  const [precision, scale] = type.kind === 'decimal' ? [type.precision, type.scale] : [0, 0];
  return (typeKinds.indexOf(type.kind) << 16) | (precision << 8) | scale;
}

/** The type that {@link typeCode} made a number of. */
export function typeOfCode(code: number): SqlType {
  const kind = typeKinds[code >>> 16];
  return kind === 'decimal' ? decimalType((code >>> 8) & 0xff, code & 0xff) : { kind };
}

export interface CompileOptions {
  readonly sharedMemory: boolean;
  readonly threads: number;
  /** Counts the rows of every operator, for EXPLAIN ANALYZE; costs an addition a row. */
  readonly countRows?: boolean;
  /** For a program that keeps no more in memory than it must. */
  readonly spill?: SpillOptions;
  /** Makes the module in the form in which suspended functions go on. */
  readonly resumable?: boolean;
  /** Work, in rows or so, between two looks whether to stop; {@link portionWork} by default. */
  readonly portionWork?: number;
}

/** Few enough to be done in no time, enough to cost nothing. */
export const portionWork = 1024;

/**
 * How a program spills. Its operators work partition by partition if they would keep more than
 * `keepBytes`, and all rows have strings of their own, so that table segments are needed only while
 * they are read.
 */
export interface SpillOptions {
  /** A power of two. */
  readonly partitions: number;
  /** One of so many rows is looked at to find out how rows that are sorted are distributed. */
  readonly sampleEvery: number;
  /** Of memory in which each thread groups rows before they are distributed. */
  readonly groupBytes: number;
  readonly keepBytes: number;
  /** Whether only what is certain counts in that, or an estimate is good enough. */
  readonly certain: boolean;
}
