/**
 * The rows of a row group, column by column: pieces of batches put together without their NULLs, in
 * the arrays that Parquet's physical types ask for.
 */
import { assert } from '../../base/assert.ts';
import {
  type ColumnBatch,
  type ColumnVector,
  isValid,
  type StringVector,
} from '../../value/batch.ts';

/** Rows [from, to) of a batch. */
export interface Piece {
  readonly batch: ColumnBatch;
  readonly from: number;
  readonly to: number;
}

/** The rows of one column that are not NULL. */
export interface ColumnPieces {
  readonly rowCount: number;
  readonly nullCount: number;
  /** Absent when no row is NULL. */
  readonly validity: Uint8Array | undefined;
  readonly pieces: readonly VectorPiece[];
}

/** Rows of a vector: those named by `rows`, or [from, to). */
export interface VectorPiece {
  readonly vector: ColumnVector;
  readonly from: number;
  readonly to: number;
  readonly rows: Uint32Array | undefined;
}

export function pieceLength(piece: VectorPiece): number {
  return piece.rows?.length ?? piece.to - piece.from;
}

export function columnPieces(pieces: readonly Piece[], column: number): ColumnPieces {
  const rowCount = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const bits = new Uint8Array((rowCount + 7) >>> 3);
  const result: VectorPiece[] = [];
  let at = 0;
  let valid = 0;
  for (const { batch, from, to } of pieces) {
    const vector = batch.columns[column];
    const rows = vector.validity === undefined ? undefined : validRows(vector.validity, from, to);
    if (rows === undefined) setBits(bits, at, to - from);
    else for (const row of rows) bits[(at + row - from) >>> 3] |= 1 << ((at + row - from) & 7);
    const piece = { vector, from, to, rows };
    result.push(piece);
    valid += pieceLength(piece);
    at += to - from;
  }
  const nullCount = rowCount - valid;
  return { rowCount, nullCount, validity: nullCount === 0 ? undefined : bits, pieces: result };
}

function validRows(validity: Uint8Array, from: number, to: number): Uint32Array {
  const rows = new Uint32Array(to - from);
  let count = 0;
  for (let row = from; row < to; row++) if (isValid(validity, row)) rows[count++] = row;
  return rows.subarray(0, count);
}

function setBits(bits: Uint8Array, from: number, count: number): void {
  for (let i = from; i < from + count; ) {
    if ((i & 7) === 0 && from + count - i >= 8) {
      bits[i >>> 3] = 255;
      i += 8;
    } else {
      bits[i >>> 3] |= 1 << (i & 7);
      i++;
    }
  }
}

function valueCount(column: ColumnPieces): number {
  return column.rowCount - column.nullCount;
}

/** Integers as doubles; undefined when one of them is not safe. */
export function gatherIntegers(column: ColumnPieces): Float64Array | undefined {
  const out = new Float64Array(valueCount(column));
  let at = 0;
  for (const piece of column.pieces) {
    const { vector } = piece;
    assert(vector.form === 'fixed' && vector.wide !== true, 'integers have fixed width');
    const count = pieceLength(piece);
    const target = out.subarray(at, at + count);
    if (vector.data instanceof BigInt64Array) {
      if (!gatherHalves(piece, vector.data, target)) return undefined;
    } else if (piece.rows === undefined) {
      target.set(vector.data.subarray(piece.from, piece.to));
    } else {
      const { data } = vector;
      const { rows } = piece;
      for (let i = 0; i < count; i++) target[i] = data[rows[i]];
    }
    at += count;
  }
  return out;
}

/** 64-bit integers by halves, for bigints cost an allocation each. False if one is not safe. */
function gatherHalves(piece: VectorPiece, data: BigInt64Array, target: Float64Array): boolean {
  const low = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  const high = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  const { rows, from } = piece;
  let safe = true;
  for (let i = 0; i < target.length; i++) {
    const at = 2 * (rows === undefined ? from + i : rows[i]);
    const top = high[at + 1];
    if (top >= 0x200000 || top < -0x1fffff) safe = false;
    target[i] = top * 4294967296 + low[at];
  }
  return safe;
}

/** Integers of any size, two elements a row when `wide`. */
export function gatherBigints(column: ColumnPieces, wide: boolean): BigInt64Array {
  const out = new BigInt64Array(valueCount(column) * (wide ? 2 : 1));
  let at = 0;
  for (const { vector, rows, from, to } of column.pieces) {
    assert(vector.form === 'fixed', 'integers have fixed width');
    const { data } = vector;
    const count = rows?.length ?? to - from;
    for (let i = 0; i < count; i++) {
      const row = rows === undefined ? from + i : rows[i];
      if (wide && vector.wide === true) {
        out[at++] = data[2 * row] as bigint;
        out[at++] = data[2 * row + 1] as bigint;
      } else {
        const value = BigInt(data[row]);
        out[at++] = value;
        if (wide) out[at++] = value < 0n ? -1n : 0n;
      }
    }
  }
  return out;
}

export function gatherFloats(column: ColumnPieces): Float64Array {
  const out = new Float64Array(valueCount(column));
  let at = 0;
  for (const { vector, rows, from, to } of column.pieces) {
    assert(vector.form === 'fixed', 'numbers have fixed width');
    const { data } = vector;
    const count = rows?.length ?? to - from;
    for (let i = 0; i < count; i++)
      out[at++] = Number(data[rows === undefined ? from + i : rows[i]]);
  }
  return out;
}

/** Texts back to back. */
export function gatherStrings(column: ColumnPieces): StringVector {
  const count = valueCount(column);
  const offsets = new Uint32Array(count + 1);
  let size = 0;
  for (const piece of column.pieces) size += stringBytes(piece);
  const bytes = new Uint8Array(size);
  let at = 0;
  let row = 0;
  for (const piece of column.pieces) {
    const { from, to, rows } = piece;
    const entry = entryOf(piece.vector);
    const { strings } = entry;
    if (entry.codes === undefined && rows === undefined) {
      const start = strings.offsets[from];
      bytes.set(strings.bytes.subarray(start, strings.offsets[to]), at);
      for (let i = from; i < to; i++) offsets[++row] = at + strings.offsets[i + 1] - start;
      at = offsets[row];
      continue;
    }
    const length = rows?.length ?? to - from;
    for (let i = 0; i < length; i++) {
      const source = rows === undefined ? from + i : rows[i];
      const index = entry.codes === undefined ? source : entry.codes[source];
      const end = strings.offsets[index + 1];
      for (let k = strings.offsets[index]; k < end; k++) bytes[at++] = strings.bytes[k];
      offsets[++row] = at;
    }
  }
  return { form: 'string', offsets, bytes };
}

export function entryOf(vector: ColumnVector) {
  assert(vector.form !== 'fixed', 'texts are strings or codes of strings');
  if (vector.form === 'string') return { strings: vector, codes: undefined };
  return { strings: vector.dictionary, codes: vector.codes };
}

function stringBytes(piece: VectorPiece): number {
  const { strings, codes } = entryOf(piece.vector);
  const { offsets } = strings;
  const { from, to, rows } = piece;
  if (codes === undefined && rows === undefined) return offsets[to] - offsets[from];
  let size = 0;
  const length = rows?.length ?? to - from;
  for (let i = 0; i < length; i++) {
    const source = rows === undefined ? from + i : rows[i];
    const index = codes === undefined ? source : codes[source];
    size += offsets[index + 1] - offsets[index];
  }
  return size;
}
