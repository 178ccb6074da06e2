/**
 * Writing staged values into the segments of a layout. All loops over rows are either native
 * (`TypedArray.set` converts and truncates) or over one fixed pair of array types.
 */
import { assert, unreachable } from '../base/assert.ts';
import { isValid, type StringVector } from '../value/batch.ts';
import type { ColumnLayout } from './layout.ts';
import { layoutWidth } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { CodePiece, FixedPiece, Piece, StringPiece } from './staged-column.ts';

/** Where a segment's blocks are while rows are written to it. */
export interface SegmentTarget {
  readonly data: number;
  readonly heap: number;
  readonly nulls: number;
  /** Bytes of the heap in use; writing strings moves it. */
  heapBytes: number;
  /** Least and greatest code written so far; codes of NULL rows may count. */
  codeMin: number;
  codeMax: number;
}

/** Codes of a staged column's strings in the dictionary that was chosen for it. */
export interface CodeMap {
  /** By number in the staged {@link StringSet}. */
  readonly codeOf: Int32Array;
  /** The same by the codes of a batch's own dictionary, made when first needed. */
  readonly composed: Map<Uint32Array, Int32Array>;
}

export function newCodeMap(codeOf: Int32Array): CodeMap {
  return { codeOf, composed: new Map() };
}

/**
 * Writes a piece; `strings` are those its numbers stand for, `codes` is needed for dictionaries.
 */
export function writePiece(
  memory: LinearMemory,
  layout: ColumnLayout,
  target: SegmentTarget,
  piece: Piece,
  strings: StringVector | undefined,
  codes: CodeMap | undefined,
): void {
  switch (layout.kind) {
    case 'string':
      if (piece.kind === 'string') writeStrings(memory, target, piece);
      else if (piece.kind === 'code') writeNumberedStrings(memory, target, piece, strings!);
      break;
    case 'dictionary':
      assert(piece.kind === 'code' && codes !== undefined, 'a dictionary column has codes');
      writeCodes(memory, layout.width, target, piece, codes);
      break;
    case 'float':
      assert(piece.kind === 'fixed', 'numbers come in fixed vectors');
      writeFloats(memory, layout.width, target, piece);
      break;
    case 'int':
      assert(piece.kind === 'fixed', 'numbers come in fixed vectors');
      if (layout.width === 8) writeInt64(memory, target, piece);
      else writeNarrow(memory, layout.width, layout.base, target, piece);
      break;
    case 'wide':
      assert(piece.kind === 'fixed', 'numbers come in fixed vectors');
      writeWide(memory, target, piece);
      break;
    default:
      unreachable(layout);
  }
  if (target.nulls !== 0) writeNulls(memory, layout, target, piece);
}

const scratchRows = 65536;
const scratch = new Int32Array(scratchRows);

type NarrowArray = Uint8Array | Uint16Array | Uint32Array;

function narrowView(
  memory: LinearMemory,
  width: 1 | 2 | 4,
  address: number,
  rows: number,
): NarrowArray {
  if (width === 1) return new Uint8Array(memory.buffer, address, rows);
  if (width === 2) return new Uint16Array(memory.buffer, address, rows);
  return new Uint32Array(memory.buffer, address, rows);
}

function writeNarrow(
  memory: LinearMemory,
  width: 1 | 2 | 4,
  base: bigint,
  target: SegmentTarget,
  piece: FixedPiece,
): void {
  const { from, to, at } = piece;
  const rows = to - from;
  const { data, wide } = piece.vector;
  const view = narrowView(memory, width, target.data + at * width, rows);
  if (data instanceof BigInt64Array) {
    // value - base fits in the width, so it is right to compute with the low words only.
    const words = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
    subtractWords(words, wide === true ? 4 : 2, from, rows, Number(BigInt.asIntN(32, base)));
    view.set(scratch.subarray(0, rows));
  } else if (base === 0n) {
    view.set(data.subarray(from, to));
  } else {
    scratch.set(data.subarray(from, to));
    subtract(rows, Number(BigInt.asIntN(32, base)));
    view.set(scratch.subarray(0, rows));
  }
}

function subtractWords(
  words: Int32Array,
  stride: number,
  from: number,
  rows: number,
  base: number,
): void {
  for (let i = 0, at = from * stride; i < rows; i++, at += stride) scratch[i] = words[at] - base;
}

function subtract(rows: number, base: number): void {
  for (let i = 0; i < rows; i++) scratch[i] -= base;
}

function writeInt64(memory: LinearMemory, target: SegmentTarget, piece: FixedPiece): void {
  const { from, to, at } = piece;
  const { data, wide } = piece.vector;
  const rows = to - from;
  const view = new BigInt64Array(memory.buffer, target.data + at * 8, rows);
  if (data instanceof BigInt64Array) {
    if (wide !== true) view.set(data.subarray(from, to));
    else for (let i = 0; i < rows; i++) view[i] = data[2 * (from + i)];
    return;
  }
  const words = new Int32Array(view.buffer, view.byteOffset, rows * 2);
  for (let i = 0; i < rows; i++) {
    const value = data[from + i];
    words[2 * i] = value;
    words[2 * i + 1] = value < 0 ? -1 : 0;
  }
}

function writeWide(memory: LinearMemory, target: SegmentTarget, piece: FixedPiece): void {
  const { from, to, at } = piece;
  const { data, wide } = piece.vector;
  const rows = to - from;
  const view = new BigInt64Array(memory.buffer, target.data + at * 16, rows * 2);
  if (wide === true) {
    view.set((data as BigInt64Array).subarray(2 * from, 2 * to));
    return;
  }
  for (let i = 0; i < rows; i++) {
    const value = BigInt(data[from + i]);
    view[2 * i] = value;
    view[2 * i + 1] = value >> 63n;
  }
}

function writeFloats(
  memory: LinearMemory,
  width: 4 | 8,
  target: SegmentTarget,
  piece: FixedPiece,
): void {
  const { from, to, at } = piece;
  const rows = to - from;
  const { data } = piece.vector;
  assert(!(data instanceof BigInt64Array), 'floats do not come as 64-bit integers');
  const address = target.data + at * width;
  if (width === 4) new Float32Array(memory.buffer, address, rows).set(data.subarray(from, to));
  else new Float64Array(memory.buffer, address, rows).set(data.subarray(from, to));
}

function writeCodes(
  memory: LinearMemory,
  width: 1 | 2 | 4,
  target: SegmentTarget,
  piece: CodePiece,
  codes: CodeMap,
): void {
  const { from, to, at } = piece;
  const rows = to - from;
  scratch.set(piece.codes.subarray(from, to));
  translate(rows, codeTable(codes, piece.numbers), target);
  narrowView(memory, width, target.data + at * width, rows).set(scratch.subarray(0, rows));
}

function translate(rows: number, table: Int32Array, target: SegmentTarget): void {
  let min = target.codeMin;
  let max = target.codeMax;
  for (let i = 0; i < rows; i++) {
    const code = table[scratch[i]] | 0;
    scratch[i] = code;
    if (code < min) min = code;
    if (code > max) max = code;
  }
  target.codeMin = min;
  target.codeMax = max;
}

/** Codes by what a piece holds: numbers of strings, or entries of its batch's own dictionary. */
function codeTable(codes: CodeMap, numbers: Uint32Array | undefined): Int32Array {
  if (numbers === undefined) return codes.codeOf;
  let table = codes.composed.get(numbers);
  if (table === undefined) {
    // Entries that no row uses have no number; any code will do.
    table = Int32Array.from(numbers, (number) => codes.codeOf[number] ?? 0);
    codes.composed.set(numbers, table);
  }
  return table;
}

/** Bytes a piece adds to the heap of a string segment. */
export function heapBytesOf(piece: Piece, strings: StringVector | undefined): number {
  if (piece.kind === 'string') {
    const { offsets } = piece.vector;
    if (piece.nullCount === 0) return offsets[piece.to] - offsets[piece.from];
  }
  let bytes = 0;
  eachString(piece, strings, (start, end) => {
    bytes += end - start;
  });
  return bytes;
}

/** Calls `visit` for every row of a string or code piece; a NULL row is an empty string. */
function eachString(
  piece: Piece,
  strings: StringVector | undefined,
  visit: (start: number, end: number) => void,
): void {
  for (let i = piece.from; i < piece.to; i++) {
    if (piece.nullCount > 0 && !isValid(piece.validity, i)) {
      visit(0, 0);
    } else if (piece.kind === 'string') {
      visit(piece.vector.offsets[i], piece.vector.offsets[i + 1]);
    } else if (piece.kind === 'code') {
      const number = piece.numbers === undefined ? piece.codes[i] : piece.numbers[piece.codes[i]];
      visit(strings!.offsets[number], strings!.offsets[number + 1]);
    }
  }
}

function writeStrings(memory: LinearMemory, target: SegmentTarget, piece: StringPiece): void {
  if (piece.nullCount > 0) {
    writeEachString(memory, target, piece, piece.vector, undefined);
    return;
  }
  const { from, to, at, vector } = piece;
  const rows = to - from;
  const start = vector.offsets[from];
  const end = vector.offsets[to];
  const shift = target.heapBytes - start;
  const view = new Uint32Array(memory.buffer, target.data + 4 * at, rows + 1);
  view.set(vector.offsets.subarray(from, to + 1));
  if (shift !== 0) for (let i = 0; i <= rows; i++) view[i] += shift;
  memory.u8.set(vector.bytes.subarray(start, end), target.heap + target.heapBytes);
  target.heapBytes += end - start;
}

function writeNumberedStrings(
  memory: LinearMemory,
  target: SegmentTarget,
  piece: CodePiece,
  strings: StringVector,
): void {
  writeEachString(memory, target, piece, strings, strings);
}

function writeEachString(
  memory: LinearMemory,
  target: SegmentTarget,
  piece: Piece,
  source: StringVector,
  strings: StringVector | undefined,
): void {
  const heap = memory.u8;
  const view = new Uint32Array(
    memory.buffer,
    target.data + 4 * piece.at,
    piece.to - piece.from + 1,
  );
  const { bytes } = source;
  let row = 0;
  let used = target.heapBytes;
  view[0] = used;
  eachString(piece, strings, (start, end) => {
    for (let i = start; i < end; i++) heap[target.heap + used++] = bytes[i];
    view[++row] = used;
  });
  target.heapBytes = used;
}

/** Marks the NULL rows of a piece and clears their data. */
function writeNulls(
  memory: LinearMemory,
  layout: ColumnLayout,
  target: SegmentTarget,
  piece: Piece,
): void {
  const { from, to, at, validity, nullCount } = piece;
  const mask = memory.u8;
  const width = layoutWidth(layout);
  mask.fill(0, target.nulls + at, target.nulls + at + to - from);
  if (nullCount === 0 || validity === undefined) return;
  for (let i = from; i < to; i++) {
    if (isValid(validity, i)) continue;
    const row = at + i - from;
    mask[target.nulls + row] = 1;
    if (layout.kind !== 'string') {
      const address = target.data + row * width;
      for (let byte = 0; byte < width; byte++) mask[address + byte] = 0;
    }
  }
}
