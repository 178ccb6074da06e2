import { assert } from '../../base/assert.ts';
import type { Expression } from '../../plan/expression.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import { compareValues } from '../expressions/comparison.ts';
import { compileExpression } from '../expressions/compile.ts';
import type { Scope } from '../query.ts';
import { halves, spill, type Value } from '../value.ts';
import { type Accumulator, exactProduct, type Guard } from './accumulator-sum.ts';
import { type Cell, type KeepValue, readValue, valueCells } from './cells.ts';

/** Where a row stands in the order of the input: an i32, more than 0. */
export type Position = (scope: Scope) => Expr;

/** MIN and MAX. The first cell says whether there was a row. */
export function extreme(
  guard: Guard,
  least: boolean,
  arg: Expression,
  model: Value,
  keep: KeepValue,
): Accumulator {
  const take = (cells: readonly Cell[], next: Value, scope: Scope) => {
    const [seen, ...rest] = cells;
    const known = readValue(rest, model);
    const better = compareValues(least ? 'lt' : 'gt', next, known, scope);
    scope.f.if(i32.if(seen.get(), better, 1), () => {
      seen.set(i32.const(1));
      keep(rest, next, scope);
    });
  };
  return {
    cells: ['i32', ...valueCells(model)],
    isBound: model.form === 'string',
    update: (cells, scope) => {
      guard.when(scope, (inner) => take(cells, compileExpression(arg, inner), inner));
    },
    merge: (cells, other, scope) => {
      const [seen, ...rest] = other;
      scope.f.if(seen.get(), () => {
        take(cells, spill(scope.f, readValue(rest, model), 'other'), scope);
      });
    },
  };
}

/**
 * The value of the first or the last row that counts. The first cell has the position of the row,
 * the second whether its value is NULL.
 */
export function endmost(
  guard: Guard,
  first: boolean,
  arg: Expression,
  model: Value,
  position: Position,
  keep: KeepValue,
): Accumulator {
  const write = (cells: readonly Cell[], at: Expr, value: Value, scope: Scope) => {
    const [seen, isNull, ...rest] = cells;
    seen.set(at);
    isNull.set(value.isNull ?? i32.const(0));
    keep(rest, value, scope);
  };
  return {
    cells: ['i32', 'i32', ...valueCells(model)],
    isBound: true,
    update: (cells, scope) => {
      guard.when(scope, (inner) => {
        const take = (at: Scope) => write(cells, position(at), compileExpression(arg, at), at);
        if (first) inner.f.if(i32.eqz(cells[0].get()), () => take(inner.child()));
        else take(inner);
      });
    },
    merge: (cells, other, scope) => {
      const { f } = scope;
      const [seen, isNull, ...rest] = other;
      const at = f.let(seen.get(), 'position');
      const own = f.let(cells[0].get(), 'own_position');
      // Without a row of its own, the position is 0.
      const earlier = i32.or(i32.eqz(own), i32.ltU(at, own));
      const better = first ? earlier : i32.geU(at, own);
      f.if(i32.and(i32.ne(at, 0), better), () => {
        write(cells, at, { ...readValue(rest, model), isNull: isNull.get() }, scope);
      });
    },
  };
}

/** The value of `arg` in the row that has the least or greatest `key`; the first of such rows. */
export function extremeBy(
  guard: Guard,
  least: boolean,
  models: { readonly arg: Value; readonly key: Value },
  args: readonly Expression[],
  position: Position,
  keep: KeepValue,
): Accumulator {
  const [arg, key] = args;
  const split = 1 + valueCells(models.arg).length;
  const take = (
    cells: readonly Cell[],
    at: Expr,
    next: { key: Value; arg: Value },
    scope: Scope,
  ) => {
    const [seen, ...rest] = cells;
    const { f } = scope;
    const known = readValue(rest.slice(split - 1), models.key);
    const wins = f.let(i32.eqz(seen.get()), 'wins');
    f.if(i32.eqz(wins), () => {
      const inner = scope.child();
      const better = f.let(compareValues(least ? 'lt' : 'gt', next.key, known, inner), 'better');
      const same = compareValues('eq', next.key, known, inner);
      f.set(wins, i32.if(better, 1, i32.if(i32.ltU(at, seen.get()), same, 0)));
    });
    f.if(wins, () => {
      seen.set(at);
      keep(rest, next.arg, scope);
      keep(rest.slice(split - 1), next.key, scope);
    });
  };
  return {
    cells: ['i32', ...valueCells(models.arg), ...valueCells(models.key)],
    isBound: true,
    update: (cells, scope) => {
      guard.when(scope, (inner) => {
        const next = { arg: compileExpression(arg, inner), key: compileExpression(key, inner) };
        take(cells, position(inner), next, inner);
      });
    },
    merge: (cells, other, scope) => {
      const [seen, ...rest] = other;
      const { f } = scope;
      f.if(seen.get(), () => {
        const next = {
          arg: spill(f, readValue(rest, models.arg), 'other'),
          key: spill(f, readValue(rest.slice(split - 1), models.key), 'other_key'),
        };
        take(cells, f.let(seen.get(), 'position'), next, scope.child());
      });
    },
  };
}

/** BIT_AND is kept as the OR of the complements, so that zeros stand for no rows. */
export function bitwise(
  guard: Guard,
  operation: 'bit_and' | 'bit_or' | 'bit_xor',
  arg: Expression,
  wide: boolean,
): Accumulator {
  const combine = operation === 'bit_xor' ? i64.xor : i64.or;
  const complement = operation === 'bit_and';
  return {
    cells: wide ? ['i64', 'i64'] : ['i64'],
    update: (cells, scope) => {
      guard.when(scope, (inner) => {
        const value = compileExpression(arg, inner);
        assert(value.form === 'int' || value.form === 'wide', 'bits are those of integers');
        const { lo, hi } = halves(value);
        [lo, hi].slice(0, cells.length).forEach((half, i) => {
          const bits = complement ? i64.xor(half, -1n) : half;
          cells[i].set(combine(cells[i].get(), bits));
        });
      });
    },
    merge: (cells, other) => {
      cells.forEach((cell, i) => cell.set(combine(cell.get(), other[i].get())));
    },
  };
}

/**
 * A product of doubles with what rounding left out in a third cell, so that the order of the rows
 * shows only far behind the last digit. The first cell says whether there was a row.
 */
export function doubleProduct(guard: Guard, factor: (scope: Scope) => Value): Accumulator {
  const multiply = (
    [seen, high, low]: readonly Cell[],
    by: { x: Expr; rest: Expr },
    scope: Scope,
  ) => {
    const { f } = scope;
    f.if(
      seen.get(),
      () => {
        const before = f.let(high.get(), 'before');
        const { product, error } = exactProduct(f, before, by.x);
        const crossed = f64.add(f64.mul(low.get(), by.x), f64.mul(before, by.rest));
        const rest = f.let(f64.add(error, crossed), 'rest');
        high.set(product);
        // Infinities have no low bits.
        const finite = f64.lt(f64.abs(product), Number.POSITIVE_INFINITY);
        low.set(f64.select(finite, rest, f64.const(0)));
      },
      () => {
        seen.set(i32.const(1));
        high.set(by.x);
        low.set(by.rest);
      },
    );
  };
  return {
    cells: ['i32', 'f64', 'f64'],
    update: (cells, scope) => {
      guard.when(scope, (inner) => {
        const x = inner.f.let(factor(inner).x, 'factor');
        multiply(cells, { x, rest: f64.const(0) }, inner);
      });
    },
    merge: (cells, [seen, high, low], scope) => {
      const { f } = scope;
      f.if(seen.get(), () => {
        const by = { x: f.let(high.get(), 'factor'), rest: f.let(low.get(), 'factor_rest') };
        multiply(cells, by, scope.child());
      });
    },
  };
}
