import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { AggregateCall, Expression } from '../../plan/expression.ts';
import { f64, i32, i64 } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { morselField } from '../program.ts';
import type { Scope } from '../query.ts';
import { type Range, rangeOf } from '../range.ts';
import { eitherNull, typeRange, type Value } from '../value.ts';
import { type Accumulator, Guard, rowCount } from './accumulator-sum.ts';
import {
  bitwise,
  doubleProduct,
  endmost,
  extreme,
  extremeBy,
  type Position,
} from './accumulator-value.ts';
import {
  type Cell,
  type CellType,
  type KeepValue,
  keepOwnValue,
  readValue,
  writeValue,
} from './cells.ts';
import { isMoment, planMoments } from './moments.ts';
import {
  type AddAccumulator,
  asDouble,
  averageOf,
  planSum,
  type SumState,
  sumValue,
  unitOf,
} from './sum-state.ts';

/** How the result of one call is made from the cells of accumulators. */
export interface AggregateResult {
  result(cells: readonly (readonly Cell[])[], scope: Scope): Value;
}

const accumulatedNames = new Set([
  ...['count', 'sum', 'avg', 'sum_counts', 'avg_parts', 'min', 'max', 'min_by', 'max_by'],
  ...['first', 'last', 'any_value', 'bit_and', 'bit_or', 'bit_xor', 'product', 'grouping'],
]);

/** Whether accumulators compute the aggregate: row by row, with workers' states added up. */
export function isAccumulated(name: string): boolean {
  return accumulatedNames.has(name) || isMoment(name);
}

/** Numbers morsels in their order; within one, a worker sees the rows in order. */
const morselPosition: Position = (scope) => {
  return i32.add(i32.load(scope.f.param.morsel, morselField.sequence), 1);
};

/** The accumulators of some calls, shared where calls have the same parts, as in sum and avg. */
export class AccumulatorSet {
  readonly accumulators: Accumulator[] = [];
  readonly results: AggregateResult[] = [];
  readonly #byKey = new Map<string, number>();
  /** No group has more rows than this. */
  readonly #rowsMax: bigint;
  /** Whether a group always has a row (not so without GROUP BY). */
  readonly #neverEmpty: boolean;
  readonly #position: Position;
  readonly #keep: KeepValue;

  /**
   * To be built where the first row is at hand: `scope` gives the forms and ranges of arguments,
   * which decide how they are accumulated. `keep`: how texts of rows stay; those of rows that stay
   * themselves while they are accumulated are shared.
   */
  constructor(
    calls: readonly AggregateCall[],
    scope: Scope,
    rowsMax: bigint,
    neverEmpty: boolean,
    position = morselPosition,
    keep: KeepValue = position === morselPosition ? keepOwnValue : writeValue,
  ) {
    // Bounds of joins multiply; no more rows than a count can hold are ever seen.
    const most = 2n ** 63n - 1n;
    this.#rowsMax = rowsMax < 1n ? 1n : rowsMax > most ? most : rowsMax;
    this.#neverEmpty = neverEmpty;
    this.#position = position;
    this.#keep = keep;
    for (const call of calls) this.results.push(this.#plan(call, scope));
  }

  readonly #add: AddAccumulator = (key, make) => {
    let index = this.#byKey.get(key);
    if (index === undefined) {
      index = this.accumulators.length;
      this.accumulators.push(make());
      this.#byKey.set(key, index);
    }
    return index;
  };

  #plan(call: AggregateCall, scope: Scope): AggregateResult {
    if (call.distinct && call.name !== 'min' && call.name !== 'max') {
      throw new QuernError(
        sqlState.featureNotSupported,
        `${call.name}(DISTINCT …) is not supported here yet`,
      );
    }
    if (call.order.length > 0) {
      throw new QuernError(
        sqlState.featureNotSupported,
        `ORDER BY inside ${call.name} is not supported here yet`,
      );
    }
    const inner = call.filter === undefined ? scope : scope.child();
    if (isMoment(call.name)) {
      return { result: planMoments(call, inner, this.#rowsMax, this.#add) };
    }
    switch (call.name) {
      case 'count': {
        const index = this.#count(new Guard(call, call.args, inner));
        const range = rangeOf(0n, this.#rowsMax);
        return {
          result: (cells) => ({ form: 'int', x: cells[index][0].get(), range, isNull: undefined }),
        };
      }
      // Of a single grouping set, which has all groups.
      case 'grouping':
        return {
          result: () => ({
            form: 'int',
            x: i64.const(0n),
            range: rangeOf(0n, 0n),
            isNull: undefined,
          }),
        };
      case 'sum':
      case 'avg':
        return this.#sumOrAverage(call, inner);
      case 'sum_counts':
        return this.#sumOfCounts(call, inner);
      case 'avg_parts':
        return this.#averageOfParts(call, inner);
      case 'min':
      case 'max':
      case 'min_by':
      case 'max_by':
      case 'first':
      case 'last':
      case 'any_value':
        return this.#oneValue(call, inner);
      case 'bit_and':
      case 'bit_or':
      case 'bit_xor':
        return this.#bits(call, call.name, inner);
      case 'product':
        return this.#product(call, inner);
      default:
        throw new QuernError(
          sqlState.featureNotSupported,
          `aggregate function ${call.name} is not supported yet`,
        );
    }
  }

  #count(guard: Guard): number {
    return this.#add(`count ${guard.mayDrop ? guard.key : ''}`, () => rowCount(guard));
  }

  /** The number of the rows that count, where a result needs to know whether there are any. */
  #countIfNeeded(guard: Guard): number | undefined {
    return guard.mayDrop || !this.#neverEmpty ? this.#count(guard) : undefined;
  }

  #sumOrAverage(call: AggregateCall, scope: Scope): AggregateResult {
    const guard = new Guard(call, call.args, scope);
    const sum = this.#sum(call.args[0], guard, scope);
    if (call.name === 'avg') {
      return this.#averageResult(call.args[0], sum, this.#count(guard), guard.mayDrop);
    }
    const count = this.#countIfNeeded(guard);
    return {
      result: (cells, inner) => {
        const isNull = count === undefined ? undefined : i64.eqz(cells[count][0].get());
        return sumValue(sum, cells[sum.index], inner, isNull);
      },
    };
  }

  /** The sum of partial counts: a count, so 0 of none. */
  #sumOfCounts(call: AggregateCall, scope: Scope): AggregateResult {
    const sum = this.#sum(call.args[0], new Guard(call, call.args, scope), scope);
    // All partial counts together count no more rows than there are.
    const range = rangeOf(0n, this.#rowsMax);
    return {
      result: (cells) => ({ form: 'int', x: cells[sum.index][0].get(), range, isNull: undefined }),
    };
  }

  /** An average of which sums and counts of parts are known. */
  #averageOfParts(call: AggregateCall, scope: Scope): AggregateResult {
    const [arg, counts] = call.args;
    const sum = this.#sum(arg, new Guard(call, [arg], scope), scope);
    const count = this.#sum(counts, new Guard(call, [counts], scope), scope);
    return this.#averageResult(arg, sum, count.index, true);
  }

  #sum(arg: Expression, guard: Guard, scope: Scope): SumState {
    return planSum(this.#add, arg, this.#rowsMax, guard, scope);
  }

  #averageResult(arg: Expression, sum: SumState, count: number, mayDrop: boolean): AggregateResult {
    return {
      result: (cells, scope) => {
        const rows = scope.f.let(cells[count][0].get(), 'rows');
        const isNull = i64.eqz(rows);
        const total = sumValue(sum, cells[sum.index], scope, undefined);
        const x = averageOf(total, rows, arg, scope);
        return { form: 'float', x, isNull: this.#neverEmpty && !mayDrop ? undefined : isNull };
      },
    };
  }

  /** Results that are the value of some row. */
  #oneValue(call: AggregateCall, scope: Scope): AggregateResult {
    const [arg, by] = call.args;
    const model = compileExpression(arg, scope);
    const keepsNulls = call.name === 'first' || call.name === 'last';
    const guard = new Guard(call, keepsNulls ? [] : call.args, scope);
    const known = this.#neverEmpty && !guard.mayDrop;
    const key = `${call.name} ${call.args.length} ${guard.key}`;
    switch (call.name) {
      case 'min':
      case 'max': {
        const least = call.name === 'min';
        const index = this.#add(key, () => extreme(guard, least, arg, model, this.#keep));
        return valueResult(index, 1, model, known, undefined);
      }
      case 'min_by':
      case 'max_by': {
        const least = call.name === 'min_by';
        const models = { arg: model, key: compileExpression(by, scope) };
        const make = () => extremeBy(guard, least, models, call.args, this.#position, this.#keep);
        return valueResult(this.#add(key, make), 1, model, known, undefined);
      }
      default: {
        const make = () =>
          endmost(guard, call.name !== 'last', arg, model, this.#position, this.#keep);
        const ownKey = keepsNulls ? `${key} ${new Guard(call, [arg], scope).key}` : key;
        const nullCell = model.isNull === undefined || !keepsNulls ? undefined : 1;
        return valueResult(this.#add(ownKey, make), 2, model, known, nullCell);
      }
    }
  }

  #bits(
    call: AggregateCall,
    operation: 'bit_and' | 'bit_or' | 'bit_xor',
    scope: Scope,
  ): AggregateResult {
    const [arg] = call.args;
    const value = compileExpression(arg, scope);
    assert(value.form === 'int' || value.form === 'wide', `${operation} of ${value.form}`);
    const wide = value.form === 'wide';
    const guard = new Guard(call, call.args, scope);
    const make = () => bitwise(guard, operation, arg, wide);
    const index = this.#add(`${operation} ${guard.key}`, make);
    const count = this.#countIfNeeded(guard);
    const range = wide ? typeRange(arg.type) : bitRange(value.range);
    return {
      result: (cells, inner) => {
        const isNull = count === undefined ? undefined : i64.eqz(cells[count][0].get());
        const [x, y] = cells[index].map((cell) => {
          const bits = operation === 'bit_and' ? i64.xor(cell.get(), -1n) : cell.get();
          return inner.f.let(bits, 'bits');
        });
        if (wide) return { form: 'wide', x, y, range, isNull };
        return { form: 'int', x, range, isNull };
      },
    };
  }

  #product(call: AggregateCall, scope: Scope): AggregateResult {
    const [arg] = call.args;
    const guard = new Guard(call, call.args, scope);
    const factor = (inner: Scope): Value => {
      const x = f64.div(asDouble(compileExpression(arg, inner), inner), unitOf(arg));
      return { form: 'float', x, isNull: undefined };
    };
    const index = this.#add(`product ${guard.key}`, () => doubleProduct(guard, factor));
    return {
      result: (cells) => {
        const [seen, high, low] = cells[index];
        const isNull = this.#neverEmpty && !guard.mayDrop ? undefined : i32.eqz(seen.get());
        return { form: 'float', x: f64.add(high.get(), low.get()), isNull };
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

  /** Whether the cells mean the same in any other place and at any other time. */
  get isPortable(): boolean {
    return this.accumulators.every(({ isBound }) => isBound !== true);
  }

  /** Whether rows can be taken out again. */
  get isInvertible(): boolean {
    return this.accumulators.every(({ remove }) => remove !== undefined);
  }

  /** Takes the row of `scope` into account, the cells being given in the order of `cellTypes`. */
  update(cells: readonly Cell[], scope: Scope): void {
    this.#each(cells, (accumulator, own) => accumulator.update(own, scope));
  }

  /** Takes the row of `scope` out again. */
  remove(cells: readonly Cell[], scope: Scope): void {
    this.#each(cells, (accumulator, own) => accumulator.remove?.(own, scope));
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

/** A result that is kept in cells after `from` others, the first of which is 0 without rows. */
function valueResult(
  index: number,
  from: number,
  model: Value,
  known: boolean,
  nullCell: number | undefined,
): AggregateResult {
  return {
    result: (cells) => {
      const own = cells[index];
      const value = readValue(own.slice(from), model);
      const none = known ? undefined : i32.eqz(own[0].get());
      const isNull = eitherNull(none, nullCell === undefined ? undefined : own[nullCell].get());
      // A NULL boolean reads 0.
      if (value.form !== 'bool' || isNull === undefined) return { ...value, isNull };
      return { ...value, x: i32.and(value.x, i32.eqz(isNull)), isNull };
    },
  };
}

/** The least range that is closed under bitwise operations. */
function bitRange(range: Range): Range {
  let limit = 1n;
  while (limit <= range.max || -limit > range.min) limit *= 2n;
  return rangeOf(range.min < 0n ? -limit : 0n, limit - 1n);
}
