import { assert } from '../../base/assert.ts';
import type { Expression } from '../../plan/expression.ts';
import { decimalToDouble } from '../../value/decimal.ts';
import { type Expr, f64, i64 } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { toDouble } from '../expressions/wide.ts';
import type { Scope } from '../query.ts';
import { fitsI64, multiplyRange, type Range, rangeOf, unionRange } from '../range.ts';
import type { Value } from '../value.ts';
import {
  type Accumulator,
  floatSum,
  type Guard,
  intSum,
  type Summand,
  wideSum,
} from './accumulator-sum.ts';
import type { Cell } from './cells.ts';

/** A sum under way: the index of its accumulator, and the form its value has. */
export interface SumState {
  readonly index: number;
  readonly form: 'int' | 'wide' | 'float';
  readonly range: Range | undefined;
}

/** Gives the index of the accumulator of that key, made at its first use. */
export type AddAccumulator = (key: string, make: () => Accumulator) => number;

/** The sum of an argument, whose form decides how. */
export function planSum(
  add: AddAccumulator,
  arg: Expression,
  rowsMax: bigint,
  guard: Guard,
  scope: Scope,
): SumState {
  const value = compileExpression(arg, scope);
  const current = (inner: Scope) => compileExpression(arg, inner);
  const key = `sum ${guard.key}`;
  if (value.form === 'float') {
    return { index: add(key, () => floatSum(guard, current)), form: 'float', range: undefined };
  }
  assert(value.form === 'int' || value.form === 'wide', `sum of ${value.form}`);
  const rowsRange = rangeOf(1n, rowsMax);
  return planWholeSum(add, key, multiplyRange(value.range, rowsRange), guard, current);
}

/** A sum of whole numbers that lies within `range`, in 64 bits where that fits. */
export function planWholeSum(
  add: AddAccumulator,
  key: string,
  range: Range,
  guard: Guard,
  current: Summand,
): SumState {
  const total = unionRange(range, rangeOf(0n, 0n));
  if (fitsI64(total)) {
    return { index: add(key, () => intSum(guard, current)), form: 'int', range: total };
  }
  const index = add(key, () => wideSum(guard, current));
  const most = rangeOf(-(10n ** 38n) + 1n, 10n ** 38n - 1n);
  const isBeyond = total.max > most.max || total.min < most.min;
  return { index, form: 'wide', range: isBeyond ? most : total };
}

export function sumValue(
  sum: SumState,
  cells: readonly Cell[],
  scope: Scope,
  isNull: Expr | undefined,
): Value {
  const [first, second] = cells;
  if (sum.form === 'float') return { form: 'float', x: f64.add(first.get(), second.get()), isNull };
  const range = sum.range as Range;
  if (sum.form === 'int') return { form: 'int', x: first.get(), range, isNull };
  const x = scope.f.let(first.get(), 'sum_lo');
  return { form: 'wide', x, y: scope.f.let(second.get(), 'sum_hi'), range, isNull };
}

/** A number as a double; of a decimal, its scaled integer. */
export function asDouble(value: Value, scope: Scope): Expr {
  if (value.form === 'float') return value.x;
  assert(value.form === 'int' || value.form === 'wide', 'a number');
  return toDouble(value, scope);
}

/** What a number is a multiple of: 10 to the scale of a decimal. */
export function unitOf(arg: Expression): number {
  const scale = arg.type.kind === 'decimal' ? arg.type.scale : 0;
  return decimalToDouble(10n ** BigInt(scale), 0);
}

/** The average of a sum over a number of rows, an i64. */
export function averageOf(total: Value, rows: Expr, arg: Expression, scope: Scope): Expr {
  return f64.div(asDouble(total, scope), f64.mul(f64.convertI64S(rows), unitOf(arg)));
}

/** Both halves of a sum of whole numbers. */
export function sumHalves(sum: SumState, cells: readonly Cell[]): { lo: Expr; hi: Expr } {
  const lo = cells[0].get();
  return { lo, hi: sum.form === 'wide' ? cells[1].get() : i64.shrS(lo, 63n) };
}
