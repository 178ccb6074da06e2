import { type Expr, type FunctionBuilder, f64, i32, i64, type Local } from '../../wasm/index.ts';
import { freeGroupTexts, ownTextInPlace, textsToFree } from '../expressions/own-text.ts';
import type { FreedArea } from '../program.ts';
import { align, type Query, type Scope } from '../query.ts';
import { isPair, type Value } from '../value.ts';

/**
 * Aggregate functions as accumulators over cells: places for a number, in memory or in locals, that
 * start as zeros. An accumulator of all zeros is always that of no rows.
 */
export interface Cell {
  get(): Expr;
  set(value: Expr): void;
}

export type CellType = 'i32' | 'i64' | 'f64';

/** Cells that hold a value of the form of `value`. */
export function valueCells(value: Value): CellType[] {
  switch (value.form) {
    case 'int':
      return ['i64'];
    case 'wide':
    case 'interval':
      return ['i64', 'i64'];
    case 'float':
      return ['f64'];
    case 'bool':
    case 'code':
      return ['i32'];
    case 'string':
      return ['i32', 'i32'];
  }
}

/** A value like `model`, kept in cells. */
export function readValue(cells: readonly Cell[], model: Value): Value {
  const x = cells[0].get();
  if (isPair(model)) {
    return { ...model, x, y: cells[1].get(), isNull: undefined };
  }
  return { ...model, x, isNull: undefined };
}

/** Keeps a value for longer than its row. */
export type KeepValue = (cells: readonly Cell[], value: Value, scope: Scope) => void;

/** Keeps texts as copies, in a program that spills; no other cells have the same ones. */
export const keepOwnValue: KeepValue = (cells, value, scope) => {
  const old = value.form === 'string' ? readValue(cells, value) : value;
  writeValue(cells, ownTextInPlace(scope, value, old));
};

/** The same until the end of the group of rows under way. */
export const keepGroupValue: KeepValue = (cells, value, scope) => {
  const old = value.form === 'string' ? readValue(cells, value) : value;
  writeValue(cells, ownTextInPlace(scope, value, old, 'group'));
};

export interface KeptTexts {
  readonly keep: KeepValue;
  /** Emits code that frees those of the thread. */
  free(scope: Scope): void;
  /** To free those of all threads. */
  toFree(query: Query): FreedArea;
}

/** A way to keep texts until they are freed, apart from others. */
export function groupTexts(name: string): KeptTexts {
  return {
    toFree: (query) => textsToFree(query, name),
    keep: (cells, value, scope) => {
      const old = value.form === 'string' ? readValue(cells, value) : value;
      writeValue(cells, ownTextInPlace(scope, value, old, name));
    },
    free: (scope) => freeGroupTexts(scope, name),
  };
}

export function writeValue(cells: readonly Cell[], value: Value): void {
  cells[0].set(value.x);
  if (isPair(value)) cells[1].set(value.y);
}

const cellBytes = { i32: 4, i64: 8, f64: 8 } as const;

/** Where cells lie in a record; each aligned by its size. */
export function cellOffsets(
  types: readonly CellType[],
  start: number,
): { offsets: number[]; end: number } {
  let end = start;
  const offsets = types.map((type) => {
    const offset = align(end, cellBytes[type]);
    end = offset + cellBytes[type];
    return offset;
  });
  return { offsets, end };
}

/** Cells in memory, at offsets from an address. */
export function memoryCells(
  f: FunctionBuilder,
  base: Expr,
  types: readonly CellType[],
  offsets: readonly number[],
): Cell[] {
  return types.map((type, i) => {
    const at = offsets[i];
    if (type === 'i32') {
      return { get: () => i32.load(base, at), set: (x) => f.do(i32.store(base, x, at)) };
    }
    if (type === 'i64') {
      return { get: () => i64.load(base, at), set: (x) => f.do(i64.store(base, x, at)) };
    }
    return { get: () => f64.load(base, at), set: (x) => f.do(f64.store(base, x, at)) };
  });
}

/** Cells in locals of the function. */
export function localCells(f: FunctionBuilder, types: readonly CellType[]): Cell[] {
  return types.map((type) => {
    const local: Local = f.local(type, 'acc');
    return { get: () => local, set: (x) => f.set(local, x) };
  });
}

/** The zero that a cell starts with. */
export function zeroLike(cell: Cell): Expr {
  const { type } = cell.get();
  return type === 'i32' ? i32.const(0) : type === 'i64' ? i64.const(0) : f64.const(0);
}
