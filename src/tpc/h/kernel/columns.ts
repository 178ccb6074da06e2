import { type Effect, type Expr, i32, i64, type Local } from '../../../wasm/index.ts';

/** A column of an arena: fixed-width values back to back, at `offset` bytes from its start. */
export interface Column {
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
}

/** Pointers to one row of columns of every width: the arena plus the row times the width. */
export interface RowPointers {
  readonly 1: Local;
  readonly 2: Local;
  readonly 4: Local;
  readonly 8: Local;
}

/** Stores a value (i32, or i64 for eight bytes) into a row. */
export function put(row: RowPointers, column: Column, value: Expr | number): Effect {
  const pointer = row[column.width];
  switch (column.width) {
    case 1:
      return i32.store8(pointer, value, column.offset);
    case 2:
      return i32.store16(pointer, value, column.offset);
    case 4:
      return i32.store(pointer, value, column.offset);
    case 8:
      return i64.store(pointer, value, column.offset);
  }
}

/** The value of a row, without sign; i64 for eight bytes. */
export function get(row: RowPointers, column: Column): Expr {
  const pointer = row[column.width];
  switch (column.width) {
    case 1:
      return i32.load8U(pointer, column.offset);
    case 2:
      return i32.load16U(pointer, column.offset);
    case 4:
      return i32.load(pointer, column.offset);
    case 8:
      return i64.load(pointer, column.offset);
  }
}

/** The value of a key column as an i64, whatever its width. */
export function getLong(row: RowPointers, column: Column): Expr {
  const value = get(row, column);
  return column.width === 8 ? value : i64.extendI32U(value);
}
