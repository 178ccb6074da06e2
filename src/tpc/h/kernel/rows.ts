import { type Expr, type FunctionBuilder, i32, type Local } from '../../../wasm/index.ts';
import type { LengthRange } from '../constants.ts';
import { textPoolSize } from '../constants.ts';
import { type Column, put, type RowPointers } from './columns.ts';
import type { Stream } from './random.ts';

/** Locals that point to a row, starting at the first one. */
export function rowPointers(f: FunctionBuilder, arena: Local): RowPointers {
  return {
    1: f.let(arena, 'row1'),
    2: f.let(arena, 'row2'),
    4: f.let(arena, 'row4'),
    8: f.let(arena, 'row8'),
  };
}

/** Moves on by a number of rows. */
export function advanceRows(f: FunctionBuilder, row: RowPointers, rows = 1): void {
  for (const width of [1, 2, 4, 8] as const) {
    f.set(row[width], i32.add(row[width], width * rows));
  }
}

/** The number of the row, from 0. */
export function rowIndex(row: RowPointers): Expr {
  return i32.sub(row[2], row[1]);
}

/** The start of the arena. */
export function arenaOf(row: RowPointers): Expr {
  return i32.sub(i32.shl(row[1], 1), row[2]);
}

/** The piece of the text pool that is a comment. */
export interface CommentColumns {
  readonly offset: Column;
  readonly length: Column;
}

/** Draws a comment: where in the pool, then how long. */
export function drawComment(
  f: FunctionBuilder,
  stream: Stream,
  lengths: LengthRange,
  row: RowPointers,
  columns: CommentColumns,
): void {
  f.do(put(row, columns.offset, stream.next(textPoolSize - lengths.max + 1)));
  const length = stream.next(lengths.max - lengths.min + 1);
  f.do(put(row, columns.length, i32.add(length, lengths.min)));
}
