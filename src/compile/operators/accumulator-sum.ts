import { assert } from '../../base/assert.ts';
import type { AggregateCall, Expression } from '../../plan/expression.ts';
import { type Expr, type FunctionBuilder, f64, i32, i64 } from '../../wasm/index.ts';
import { compileCondition, compileExpression } from '../expressions/compile.ts';
import { failure } from '../program.ts';
import { expressionKey, type Scope } from '../query.ts';
import { halves, type Value } from '../value.ts';
import type { Cell, CellType } from './cells.ts';

/** Something that is computed once for all aggregate calls that need it. */
export interface Accumulator {
  readonly cells: readonly CellType[];
  /** Whether its cells tell of a place, of a row or a text: they mean nothing elsewhere. */
  readonly isBound?: boolean;
  /** Takes one row into account. */
  update(cells: readonly Cell[], scope: Scope): void;
  /** Adds the state of another accumulator of the same kind. */
  merge(cells: readonly Cell[], other: readonly Cell[], scope: Scope): void;
  /** Takes a row out again, exactly; absent where that is not possible. */
  readonly remove?: (cells: readonly Cell[], scope: Scope) => void;
}

/** Which rows count for a call: its FILTER passes and the arguments it needs are not NULL. */
export class Guard {
  readonly key: string;
  /** Whether there may be rows that do not count. */
  readonly mayDrop: boolean;
  readonly #filter: Expression | undefined;
  readonly #present: readonly Expression[];

  /** `present`: what must not be NULL. */
  constructor(call: AggregateCall, present: readonly Expression[], scope: Scope) {
    this.#filter = call.filter;
    this.#present = present;
    const args = present.length === 0 ? '*' : present.map(expressionKey).join();
    const filter = call.filter === undefined ? '' : ` where ${expressionKey(call.filter)}`;
    this.key = `${args}${filter}`;
    const nullable = (arg: Expression) => compileExpression(arg, scope).isNull !== undefined;
    this.mayDrop = call.filter !== undefined || present.some(nullable);
  }

  when(scope: Scope, body: (scope: Scope) => void): void {
    const filter = this.#filter;
    if (filter === undefined) this.#whenPresent(scope, 0, body);
    else {
      scope.f.if(compileCondition(filter, scope), () => {
        this.#whenPresent(scope.child(), 0, body);
      });
    }
  }

  #whenPresent(scope: Scope, from: number, body: (scope: Scope) => void): void {
    for (let i = from; i < this.#present.length; i++) {
      const { isNull } = compileExpression(this.#present[i], scope);
      if (isNull === undefined) continue;
      scope.f.if(i32.eqz(isNull), () => this.#whenPresent(scope.child(), i + 1, body));
      return;
    }
    body(scope);
  }
}

export function rowCount(guard: Guard): Accumulator {
  return {
    cells: ['i64'],
    update: ([cell], scope) => {
      guard.when(scope, () => cell.set(i64.add(cell.get(), 1n)));
    },
    merge: ([cell], [other]) => cell.set(i64.add(cell.get(), other.get())),
    remove: ([cell], scope) => {
      guard.when(scope, () => cell.set(i64.sub(cell.get(), 1n)));
    },
  };
}

/** What is summed up, in a scope that has the row. */
export type Summand = (scope: Scope) => Value;

/** A sum that is known to fit in 64 bits. */
export function intSum(guard: Guard, current: Summand): Accumulator {
  return {
    cells: ['i64'],
    update: ([cell], scope) => {
      guard.when(scope, (inner) => cell.set(i64.add(cell.get(), current(inner).x)));
    },
    merge: ([cell], [other]) => cell.set(i64.add(cell.get(), other.get())),
    remove: ([cell], scope) => {
      guard.when(scope, (inner) => cell.set(i64.sub(cell.get(), current(inner).x)));
    },
  };
}

/** 128 bits; the halves carry, and leaving 38 digits is an error at the end of each addition. */
export function wideSum(guard: Guard, current: Summand): Accumulator {
  const change = (cells: readonly Cell[], scope: Scope, remove: boolean) => {
    guard.when(scope, (inner) => {
      const value = current(inner);
      assert(value.form === 'int' || value.form === 'wide', 'whole sums');
      const { lo, hi } = halves(value);
      if (remove) subtractWide(cells, lo, hi, inner.f);
      else addWide(cells, lo, hi, inner);
    });
  };
  return {
    cells: ['i64', 'i64'],
    update: (cells, scope) => change(cells, scope, false),
    merge: (cells, other, scope) => addWide(cells, other[0].get(), other[1].get(), scope),
    remove: (cells, scope) => change(cells, scope, true),
  };
}

function addWide([low, high]: readonly Cell[], lo: Expr, hi: Expr, scope: Scope): void {
  const { f } = scope;
  const addend = f.let(lo, 'addend');
  const sum = f.let(i64.add(low.get(), addend), 'sum');
  const carry = i64.extendI32U(i64.ltU(sum, addend));
  low.set(sum);
  const top = f.let(i64.add(i64.add(high.get(), hi), carry), 'sum_hi');
  high.set(top);
  // 10^38 is 0x4b3b4ca85a86c47a * 2^64 and some: beyond that the sum has no type.
  const limit = 0x4b3b4ca85a86c47an;
  const outside = i64.gtU(i64.add(top, i64.const(limit)), i64.const(2n * limit));
  f.if(outside, () => f.call(scope.query.fail, failure.decimalOverflow, 0));
}

function subtractWide([low, high]: readonly Cell[], lo: Expr, hi: Expr, f: FunctionBuilder): void {
  const subtrahend = f.let(lo, 'subtrahend');
  const before = f.let(low.get(), 'before');
  low.set(i64.sub(before, subtrahend));
  const borrow = i64.extendI32U(i64.ltU(before, subtrahend));
  high.set(i64.sub(i64.sub(high.get(), hi), borrow));
}

/**
 * Sum of doubles with the lost low bits kept in a second double (Neumaier's variant of Kahan's
 * summation), so that the order in which rows come shows only far behind the last digit.
 */
export function floatSum(guard: Guard, current: Summand): Accumulator {
  return {
    cells: ['f64', 'f64'],
    update: (cells, scope) => {
      guard.when(scope, (inner) => addFloat(cells, current(inner).x, inner.f));
    },
    merge: (cells, other, scope) => mergeFloat(cells, other, scope.f),
  };
}

/** Sum of products of doubles, each with the error of its rounding (Dekker's product). */
export function productSum(guard: Guard, a: Summand, b: Summand): Accumulator {
  return {
    cells: ['f64', 'f64'],
    update: (cells, scope) => {
      guard.when(scope, (inner) => {
        const { f } = inner;
        const { product, error } = exactProduct(f, a(inner).x, b(inner).x);
        addFloat(cells, product, f);
        const [, rest] = cells;
        rest.set(f64.add(rest.get(), error));
      });
    },
    merge: (cells, other, scope) => mergeFloat(cells, other, scope.f),
  };
}

function mergeFloat(cells: readonly Cell[], other: readonly Cell[], f: FunctionBuilder): void {
  addFloat(cells, other[0].get(), f);
  const [, rest] = cells;
  rest.set(f64.add(rest.get(), other[1].get()));
}

function addFloat([sum, rest]: readonly Cell[], x: Expr, f: FunctionBuilder): void {
  const addend = f.let(x, 'addend');
  const before = f.let(sum.get(), 'before');
  const after = f.let(f64.add(before, addend), 'after');
  sum.set(after);
  const larger = f64.ge(f64.abs(before), f64.abs(addend));
  const lostOfAddend = f64.add(f64.sub(before, after), addend);
  const lostOfSum = f64.add(f64.sub(addend, after), before);
  const lost = f.let(f64.select(larger, lostOfAddend, lostOfSum), 'lost');
  // Infinities and NaN have no low bits.
  f.if(f64.eq(lost, lost), () => rest.set(f64.add(rest.get(), lost)));
}

/**
 * A product and what its rounding left out, 0 where splitting the factors overflows
 * (T. J. Dekker, "A floating-point technique for extending the available precision", 1971).
 */
export function exactProduct(f: FunctionBuilder, a: Expr, b: Expr): { product: Expr; error: Expr } {
  const x = f.let(a, 'x');
  const y = f.let(b, 'y');
  const product = f.let(f64.mul(x, y), 'product');
  const upper = (value: Expr): Expr => {
    const scaled = f.let(f64.mul(value, 2 ** 27 + 1), 'scaled');
    return f.let(f64.sub(scaled, f64.sub(scaled, value)), 'upper');
  };
  const xHigh = upper(x);
  const xLow = f.let(f64.sub(x, xHigh), 'x_low');
  const yHigh = upper(y);
  const yLow = f.let(f64.sub(y, yHigh), 'y_low');
  const crossed = f64.add(f64.sub(f64.mul(xHigh, yHigh), product), f64.mul(xHigh, yLow));
  const error = f64.add(f64.add(crossed, f64.mul(xLow, yHigh)), f64.mul(xLow, yLow));
  const known = f.let(error, 'error');
  return { product, error: f.let(f64.select(f64.eq(known, known), known, f64.const(0)), 'error') };
}
