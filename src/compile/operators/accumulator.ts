import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { AggregateCall } from '../../plan/expression.ts';
import { decimalToDouble } from '../../value/decimal.ts';
import { type Expr, type FunctionBuilder, f64, i32, i64, type Local } from '../../wasm/index.ts';
import { compareValues } from '../expressions/comparison.ts';
import { compileCondition, compileExpression } from '../expressions/compile.ts';
import { toDouble } from '../expressions/wide.ts';
import { failure } from '../program.ts';
import { align, expressionKey, type Scope } from '../query.ts';
import { fitsI64, multiplyRange, type Range, rangeOf, unionRange } from '../range.ts';
import { halves, spill, type Value } from '../value.ts';

/**
 * Aggregate functions as accumulators over cells: places for a number, in memory or in locals, that
 * start as zeros. An accumulator of all zeros is always that of no rows.
 */
export interface Cell {
  get(): Expr;
  set(value: Expr): void;
}

export type CellType = 'i32' | 'i64' | 'f64';

/** Something that is computed once for all aggregate calls that need it. */
export interface Accumulator {
  readonly cells: readonly CellType[];
  /** Takes one row into account. */
  update(cells: readonly Cell[], scope: Scope): void;
  /** Adds the state of another accumulator of the same kind. */
  merge(cells: readonly Cell[], other: readonly Cell[], scope: Scope): void;
}

/** How the result of one call is made from the cells of accumulators. */
export interface AggregateResult {
  result(cells: readonly (readonly Cell[])[], scope: Scope): Value;
}

/** The accumulators of some calls, shared where calls have the same parts, as in sum and avg. */
export class AccumulatorSet {
  readonly accumulators: Accumulator[] = [];
  readonly results: AggregateResult[] = [];
  readonly #byKey = new Map<string, number>();
  /** No group has more rows than this. */
  readonly #rowsMax: bigint;
  /** Whether a group always has a row (not so without GROUP BY). */
  readonly #neverEmpty: boolean;

  /**
   * To be built where the first row is at hand: `scope` gives the forms and ranges of arguments,
   * which decide how they are accumulated.
   */
  constructor(calls: readonly AggregateCall[], scope: Scope, rowsMax: bigint, neverEmpty: boolean) {
    // Bounds of joins multiply; no more rows than a count can hold are ever seen.
    const most = 2n ** 63n - 1n;
    this.#rowsMax = rowsMax < 1n ? 1n : rowsMax > most ? most : rowsMax;
    this.#neverEmpty = neverEmpty;
    for (const call of calls) this.results.push(this.#plan(call, scope));
  }

  #add(key: string, make: () => Accumulator): number {
    let index = this.#byKey.get(key);
    if (index === undefined) {
      index = this.accumulators.length;
      this.accumulators.push(make());
      this.#byKey.set(key, index);
    }
    return index;
  }

  #plan(call: AggregateCall, scope: Scope): AggregateResult {
    if (call.distinct && call.name !== 'min' && call.name !== 'max') {
      throw new QuernError(
        sqlState.featureNotSupported,
        `${call.name}(DISTINCT …) is not supported here yet`,
      );
    }
    const [arg] = call.args;
    const inner = call.filter === undefined ? scope : scope.child();
    const value = arg === undefined ? undefined : compileExpression(arg, inner);
    const guard = new Guard(call, value);
    const suffix = guard.key;
    switch (call.name) {
      case 'count': {
        const index = this.#count(guard);
        const range = rangeOf(0n, this.#rowsMax);
        return {
          result: (cells) => ({ form: 'int', x: cells[index][0].get(), range, isNull: undefined }),
        };
      }
      case 'sum':
      case 'avg': {
        assert(value !== undefined, `${call.name} has an argument`);
        const sum = this.#sum(call, value, guard, suffix);
        const counts = call.name === 'avg' || guard.mayDrop || !this.#neverEmpty;
        const count = counts ? this.#count(guard) : undefined;
        return call.name === 'sum'
          ? this.#sumResult(sum, count)
          : this.#averageResult(call, sum, count as number, guard.mayDrop);
      }
      // The sum of partial counts: a count, so 0 of none.
      case 'sum_counts': {
        assert(value !== undefined, 'a sum has an argument');
        const sum = this.#sum(call, value, guard, suffix);
        // All partial counts together count no more rows than there are.
        const range = rangeOf(0n, this.#rowsMax);
        return {
          result: (cells) => ({
            form: 'int',
            x: cells[sum.index][0].get(),
            range,
            isNull: undefined,
          }),
        };
      }
      // An average of which sums and counts of parts are known.
      case 'avg_parts': {
        const sumCall = { ...call, name: 'sum', args: [call.args[0]] };
        const countCall = { ...call, name: 'sum', args: [call.args[1]] };
        const counts = compileExpression(call.args[1], inner);
        assert(value !== undefined, 'a sum has an argument');
        const countGuard = new Guard(countCall, counts);
        const sum = this.#sum(sumCall, value, guard, suffix);
        const count = this.#sum(countCall, counts, countGuard, countGuard.key);
        return this.#averageResult(sumCall, sum, count.index, true);
      }
      case 'min':
      case 'max':
        assert(value !== undefined, `${call.name} has an argument`);
        return this.#extreme(call, value, guard);
      default:
        throw new QuernError(
          sqlState.featureNotSupported,
          `aggregate function ${call.name} is not supported yet`,
        );
    }
  }

  #count(guard: Guard): number {
    return this.#add(`count ${guard.mayDrop ? guard.key : ''}`, () => ({
      cells: ['i64'],
      update: ([cell], scope) => {
        guard.when(scope, () => cell.set(i64.add(cell.get(), 1n)));
      },
      merge: ([cell], [other]) => cell.set(i64.add(cell.get(), other.get())),
    }));
  }

  #sum(call: AggregateCall, value: Value, guard: Guard, suffix: string): SumState {
    const [arg] = call.args;
    const current = (scope: Scope) => compileExpression(arg, scope);
    if (value.form === 'float') {
      const index = this.#add(`sum ${suffix}`, () => floatSum(guard, current));
      return { index, form: 'float', range: undefined };
    }
    assert(value.form === 'int' || value.form === 'wide', `sum of ${value.form}`);
    const total = unionRange(
      multiplyRange(value.range, rangeOf(1n, this.#rowsMax)),
      rangeOf(0n, 0n),
    );
    if (value.form === 'int' && fitsI64(total)) {
      const index = this.#add(`sum ${suffix}`, () => ({
        cells: ['i64'],
        update: ([cell], scope) => {
          guard.when(scope, (inner) => cell.set(i64.add(cell.get(), current(inner).x)));
        },
        merge: ([cell], [other]) => cell.set(i64.add(cell.get(), other.get())),
      }));
      return { index, form: 'int', range: total };
    }
    const index = this.#add(`sum ${suffix}`, () => wideSum(guard, current));
    const most = rangeOf(-(10n ** 38n) + 1n, 10n ** 38n - 1n);
    return {
      index,
      form: 'wide',
      range: total.max > most.max || total.min < most.min ? most : total,
    };
  }

  #sumResult(sum: SumState, count: number | undefined): AggregateResult {
    return {
      result: (cells, scope) => {
        const isNull = count === undefined ? undefined : i64.eqz(cells[count][0].get());
        return sumValue(sum, cells, scope, isNull);
      },
    };
  }

  #averageResult(
    call: AggregateCall,
    sum: SumState,
    count: number,
    mayDrop: boolean,
  ): AggregateResult {
    const [arg] = call.args;
    const scale = arg.type.kind === 'decimal' ? arg.type.scale : 0;
    return {
      result: (cells, scope) => {
        const rows = scope.f.let(cells[count][0].get(), 'rows');
        const isNull = i64.eqz(rows);
        const total = sumValue(sum, cells, scope, undefined);
        assert(total.form === 'int' || total.form === 'wide' || total.form === 'float', 'a sum');
        const whole = total.form === 'float' ? total.x : toDouble(total, scope);
        const divisor = decimalToDouble(10n ** BigInt(scale), 0);
        const x = f64.div(whole, f64.mul(f64.convertI64S(rows), divisor));
        return { form: 'float', x, isNull: this.#neverEmpty && !mayDrop ? undefined : isNull };
      },
    };
  }

  #extreme(call: AggregateCall, value: Value, guard: Guard): AggregateResult {
    const least = call.name === 'min';
    const [arg] = call.args;
    const key = `${call.name} ${guard.key}`;
    const types: CellType[] = ['i32', ...valueCells(value)];
    const take = (cells: readonly Cell[], next: Value, scope: Scope) => {
      const [seen, ...rest] = cells;
      const known = readValue(rest, value);
      const better = compareValues(least ? 'lt' : 'gt', next, known, scope);
      scope.f.if(i32.if(seen.get(), better, 1), () => {
        seen.set(i32.const(1));
        writeValue(rest, next);
      });
    };
    const index = this.#add(key, () => ({
      cells: types,
      update: (cells, scope) => {
        guard.when(scope, (inner) => take(cells, compileExpression(arg, inner), inner));
      },
      merge: (cells, other, scope) => {
        const [seen, ...rest] = other;
        scope.f.if(seen.get(), () => {
          take(cells, spill(scope.f, readValue(rest, value), 'other'), scope);
        });
      },
    }));
    return {
      result: (cells) => {
        const [seen, ...rest] = cells[index];
        const isNull = this.#neverEmpty && !guard.mayDrop ? undefined : i32.eqz(seen.get());
        const result = readValue(rest, value);
        if (result.form === 'bool' && isNull !== undefined) {
          return { ...result, x: i32.and(result.x, seen.get()), isNull };
        }
        return { ...result, isNull };
      },
    };
  }

  /** Index of the first cell that is not zero just when a row was seen, if one is. */
  get rowCountCell(): number | undefined {
    const index = this.#byKey.get('count ');
    if (index === undefined) return undefined;
    return this.accumulators.slice(0, index).reduce((sum, { cells }) => sum + cells.length, 0);
  }

  /** The cell types of all accumulators. */
  get cellTypes(): CellType[] {
    return this.accumulators.flatMap((accumulator) => accumulator.cells);
  }

  /** Takes the row of `scope` into account, the cells being given in the order of `cellTypes`. */
  update(cells: readonly Cell[], scope: Scope): void {
    this.#each(cells, (accumulator, own) => accumulator.update(own, scope));
  }

  merge(cells: readonly Cell[], other: readonly Cell[], scope: Scope): void {
    const others = this.#split(other);
    this.#each(cells, (accumulator, own, i) => accumulator.merge(own, others[i], scope));
  }

  /** The values of all calls. */
  values(cells: readonly Cell[], scope: Scope): Value[] {
    const split = this.#split(cells);
    return this.results.map((result) => result.result(split, scope));
  }

  #split(cells: readonly Cell[]): Cell[][] {
    let at = 0;
    return this.accumulators.map(({ cells: own }) => {
      at += own.length;
      return cells.slice(at - own.length, at);
    });
  }

  #each(
    cells: readonly Cell[],
    body: (accumulator: Accumulator, own: readonly Cell[], index: number) => void,
  ): void {
    const split = this.#split(cells);
    this.accumulators.forEach((accumulator, i) => body(accumulator, split[i], i));
  }
}

interface SumState {
  readonly index: number;
  readonly form: 'int' | 'wide' | 'float';
  readonly range: Range | undefined;
}

function sumValue(
  sum: SumState,
  cells: readonly (readonly Cell[])[],
  scope: Scope,
  isNull: Expr | undefined,
): Value {
  const [first, second] = cells[sum.index];
  if (sum.form === 'float') return { form: 'float', x: f64.add(first.get(), second.get()), isNull };
  const range = sum.range as Range;
  if (sum.form === 'int') return { form: 'int', x: first.get(), range, isNull };
  const x = scope.f.let(first.get(), 'sum_lo');
  return { form: 'wide', x, y: scope.f.let(second.get(), 'sum_hi'), range, isNull };
}

/** Which rows count for a call: its FILTER passes and its argument is not NULL. */
class Guard {
  readonly key: string;
  /** Whether there may be rows that do not count. */
  readonly mayDrop: boolean;
  readonly #call: AggregateCall;

  constructor(call: AggregateCall, value: Value | undefined) {
    this.#call = call;
    const arg = call.args[0] === undefined ? '*' : expressionKey(call.args[0]);
    const filter = call.filter === undefined ? '' : ` where ${expressionKey(call.filter)}`;
    this.key = `${arg}${filter}`;
    this.mayDrop = call.filter !== undefined || value?.isNull !== undefined;
  }

  when(scope: Scope, body: (scope: Scope) => void): void {
    const { f } = scope;
    const [arg] = this.#call.args;
    const withArg = (inner: Scope) => {
      const isNull = arg === undefined ? undefined : compileExpression(arg, inner).isNull;
      if (isNull === undefined) body(inner);
      else f.if(i32.eqz(isNull), () => body(inner.child()));
    };
    if (this.#call.filter === undefined) withArg(scope);
    else f.if(compileCondition(this.#call.filter, scope), () => withArg(scope.child()));
  }
}

/** 128 bits; the halves carry, and leaving 38 digits is an error at the end of each addition. */
function wideSum(guard: Guard, current: (scope: Scope) => Value): Accumulator {
  const add = (cells: readonly Cell[], lo: Expr, hi: Expr, scope: Scope) => {
    const [low, high] = cells;
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
  };
  return {
    cells: ['i64', 'i64'],
    update: (cells, scope) => {
      guard.when(scope, (inner) => {
        const value = current(inner);
        assert(value.form === 'int' || value.form === 'wide', 'whole sums');
        const { lo, hi } = halves(value);
        add(cells, lo, hi, inner);
      });
    },
    merge: (cells, other, scope) => add(cells, other[0].get(), other[1].get(), scope),
  };
}

/**
 * Sum of doubles with the lost low bits kept in a second double (Neumaier's variant of Kahan's
 * summation), so that the order in which rows come shows only far behind the last digit.
 */
function floatSum(guard: Guard, current: (scope: Scope) => Value): Accumulator {
  const add = ([sum, rest]: readonly Cell[], x: Expr, f: FunctionBuilder) => {
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
  };
  return {
    cells: ['f64', 'f64'],
    update: (cells, scope) => {
      guard.when(scope, (inner) => add(cells, current(inner).x, scope.f));
    },
    merge: (cells, other, scope) => {
      add(cells, other[0].get(), scope.f);
      const [, rest] = cells;
      rest.set(f64.add(rest.get(), other[1].get()));
    },
  };
}

function valueCells(value: Value): CellType[] {
  switch (value.form) {
    case 'int':
      return ['i64'];
    case 'wide':
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
function readValue(cells: readonly Cell[], model: Value): Value {
  const x = cells[0].get();
  if (model.form === 'wide' || model.form === 'string') {
    return { ...model, x, y: cells[1].get(), isNull: undefined };
  }
  return { ...model, x, isNull: undefined };
}

function writeValue(cells: readonly Cell[], value: Value): void {
  cells[0].set(value.x);
  if (value.form === 'wide' || value.form === 'string') cells[1].set(value.y);
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
