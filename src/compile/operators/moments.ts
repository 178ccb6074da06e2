import type { AggregateCall, Expression } from '../../plan/expression.ts';
import { type Expr, type Func, f64, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { once } from '../kernels/kernel.ts';
import { failure } from '../program.ts';
import { expressionKey, type Scope } from '../query.ts';
import { multiplyRange, type Range, rangeOf } from '../range.ts';
import type { Value } from '../value.ts';
import { exactProduct, floatSum, Guard, productSum, rowCount } from './accumulator-sum.ts';
import type { Cell } from './cells.ts';
import {
  type AddAccumulator,
  asDouble,
  planWholeSum,
  type SumState,
  sumHalves,
  unitOf,
} from './sum-state.ts';

/**
 * Variances, correlations and regressions from sums of values, squares and products. The sums are
 * exact for integers and decimals, and have twice the digits of a double otherwise: taking them
 * from each other then loses nothing, and the order of the rows does not show. (One pass with
 * doubles alone would need Welford's updates, whose last digits depend on that order.)
 */

/** An unevaluated sum of two doubles. */
interface DoubleDouble {
  readonly high: Expr;
  readonly low: Expr;
}

const momentNames = new Set([
  ...['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop', 'covar_samp', 'covar_pop', 'corr'],
  ...['regr_slope', 'regr_intercept', 'regr_r2', 'regr_avgx', 'regr_avgy'],
  ...['regr_sxx', 'regr_syy', 'regr_sxy'],
]);

/** Whether the aggregate is of this kind: of one argument, or of y and x. */
export function isMoment(name: string): boolean {
  return momentNames.has(name);
}

/** The sums over the rows where no argument is NULL; y is the first argument, x the second. */
interface MomentSums {
  /** An i64. */
  readonly rows: Expr;
  sum(of: 'x' | 'y'): DoubleDouble;
  product(a: 'x' | 'y', b: 'x' | 'y'): DoubleDouble;
  /** What the sums of an argument are multiples of: 10 to the scale of a decimal. */
  unit(of: 'x' | 'y'): number;
}

/** 128 bits as two doubles. */
function wideToDoubles(scope: Scope, lo: Expr, hi: Expr): DoubleDouble {
  const { f } = scope;
  const high = f.local('f64', 'high');
  const low = f.local('f64', 'low');
  f.setMulti([high, low], emitWideToDoubles(scope.query.module).callMulti(lo, hi));
  return { high, low };
}

function emitWideToDoubles(m: ModuleBuilder): Func {
  return once(m, 'wide_to_doubles', (name) =>
    m.func(name, { params: { lo: 'i64', hi: 'i64' }, results: ['f64', 'f64'] }, (f) => {
      const { lo, hi } = f.param;
      const mask = i64.const(0xffff_ffffn);
      const parts = [
        f64.mul(f64.convertI64S(i64.shrS(hi, 32n)), 2 ** 96),
        f64.mul(f64.convertI64U(i64.and(hi, mask)), 2 ** 64),
        f64.mul(f64.convertI64U(i64.shrU(lo, 32n)), 2 ** 32),
        f64.convertI64U(i64.and(lo, mask)),
      ];
      const high = f.let(f64.const(0), 'high');
      const low = f.let(f64.const(0), 'low');
      for (const part of parts) {
        const addend = f.let(part, 'part');
        const sum = f.let(f64.add(high, addend), 'sum');
        const shown = f.let(f64.sub(sum, high), 'shown');
        const lost = f64.add(f64.sub(high, f64.sub(sum, shown)), f64.sub(addend, shown));
        f.set(low, f64.add(low, lost));
        f.set(high, sum);
      }
      f.return(high, low);
    }),
  );
}

/** (n, a, b, ab): the sum of (a - mean a) * (b - mean b) over n rows, each sum as two doubles. */
function emitCentral(m: ModuleBuilder): Func {
  return once(m, 'central_moment', (name) => {
    const params = {
      n: 'f64',
      aHigh: 'f64',
      aLow: 'f64',
      bHigh: 'f64',
      bLow: 'f64',
      abHigh: 'f64',
      abLow: 'f64',
    } as const;
    return m.func(name, { params, results: ['f64'] }, (f) => {
      const { n, aHigh, aLow, bHigh, bLow, abHigh, abLow } = f.param;
      const whole = exactProduct(f, n, abHigh);
      const of = exactProduct(f, aHigh, bHigh);
      const wholeRest = f64.add(whole.error, f64.mul(n, abLow));
      const crossed = f64.add(f64.mul(aHigh, bLow), f64.mul(aLow, bHigh));
      const rest = f64.sub(wholeRest, f64.add(of.error, crossed));
      const difference = f.let(f64.sub(whole.product, of.product), 'difference');
      const result = f.let(f64.add(difference, rest), 'result');
      // What the digits of the sums cannot tell from 0 is 0.
      const noise = f64.mul(f64.abs(whole.product), f64.mul(n, 2 ** -104));
      f.if(f64.le(f64.abs(result), noise), () => f.set(result, 0));
      f.return(f64.div(result, n));
    });
  });
}

/** The result of an aggregate over its sums, which are of `MomentSums.rows` rows. */
function momentResult(name: string, sums: MomentSums, scope: Scope): Value {
  const { f } = scope;
  const rows = f.let(sums.rows, 'rows');
  const n = f.let(f64.convertI64S(rows), 'n');
  const none = i64.eqz(rows);
  const fewerThanTwo = i64.ltS(rows, 2n);
  const central = (a: 'x' | 'y', b: 'x' | 'y'): Expr => {
    const [x, y, xy] = [sums.sum(a), sums.sum(b), sums.product(a, b)];
    const parts = [x.high, x.low, y.high, y.low, xy.high, xy.low];
    const moment = emitCentral(scope.query.module).call(n, ...parts);
    return f.let(f64.div(moment, sums.unit(a) * sums.unit(b)), `central_${a}${b}`);
  };
  const mean = (of: 'x' | 'y'): Expr => {
    const { high, low } = sums.sum(of);
    return f64.div(f64.div(f64.add(high, low), n), sums.unit(of));
  };
  const float = (x: Expr, isNull: Expr): Value => ({ form: 'float', x: f.let(x, name), isNull });
  switch (name) {
    case 'var_pop':
    case 'stddev_pop':
    case 'var_samp':
    case 'stddev_samp': {
      const sample = name.endsWith('samp');
      const squares = central('y', 'y');
      const variance = f.let(f64.div(squares, sample ? f64.sub(n, 1) : n), 'variance');
      const isNull = f.let(sample ? fewerThanTwo : none, 'is_null');
      const finite = f64.lt(f64.abs(variance), Number.POSITIVE_INFINITY);
      f.if(i32.eqz(i32.or(isNull, finite)), () =>
        f.call(scope.query.fail, failure.numericOverflow, 0),
      );
      const positive = f64.max(variance, 0);
      return float(name.startsWith('stddev') ? f64.sqrt(positive) : positive, isNull);
    }
    case 'covar_pop':
      return float(f64.div(central('y', 'x'), n), none);
    case 'covar_samp':
      return float(f64.div(central('y', 'x'), f64.sub(n, 1)), fewerThanTwo);
    case 'corr': {
      const spread = f64.mul(f64.sqrt(central('x', 'x')), f64.sqrt(central('y', 'y')));
      return float(f64.div(central('y', 'x'), spread), none);
    }
    case 'regr_slope':
      return float(f64.div(central('y', 'x'), central('x', 'x')), none);
    case 'regr_intercept': {
      const slope = f64.div(central('y', 'x'), central('x', 'x'));
      return float(f64.sub(mean('y'), f64.mul(slope, mean('x'))), none);
    }
    case 'regr_r2': {
      const [xx, yy, xy] = [central('x', 'x'), central('y', 'y'), central('y', 'x')];
      const share = f64.div(f64.mul(xy, xy), f64.mul(xx, yy));
      const flatX = f64.eq(xx, 0);
      return float(f64.select(f64.eq(yy, 0), f64.const(1), share), i32.or(none, flatX));
    }
    case 'regr_avgx':
      return float(mean('x'), none);
    case 'regr_avgy':
      return float(mean('y'), none);
    case 'regr_sxx':
      return float(central('x', 'x'), none);
    case 'regr_syy':
      return float(central('y', 'y'), none);
    default:
      return float(central('y', 'x'), none);
  }
}

/** Adds the accumulators a call needs; the answer makes its result from their cells. */
export function planMoments(
  call: AggregateCall,
  scope: Scope,
  rowsMax: bigint,
  add: AddAccumulator,
): (cells: readonly (readonly Cell[])[], scope: Scope) => Value {
  const [y, x] = call.args;
  const args = { y, x };
  const guard = new Guard(call, call.args, scope);
  const count = add(`count ${guard.mayDrop ? guard.key : ''}`, () => rowCount(guard));
  const plan = { scope, rowsMax, add, guard };
  const states = new Map<string, SumState>();
  for (const key of x === undefined ? ['y', 'yy'] : ['y', 'x', 'yy', 'xx', 'yx']) {
    const factors = [...key].map((name) => args[name as 'x' | 'y']);
    states.set(key, planPower(plan, factors));
  }
  return (cells, inner) => {
    const part = (key: string): DoubleDouble => {
      const state = states.get(key) as SumState;
      const own = cells[state.index];
      if (state.form === 'float') return { high: own[0].get(), low: own[1].get() };
      const { lo, hi } = sumHalves(state, own);
      return wideToDoubles(inner, lo, hi);
    };
    const sums: MomentSums = {
      rows: cells[count][0].get(),
      sum: part,
      product: (a, b) => part(`${a}${b}`),
      unit: (of) => unitOf(args[of]),
    };
    return momentResult(call.name, sums, inner);
  };
}

interface MomentPlan {
  readonly scope: Scope;
  readonly rowsMax: bigint;
  readonly add: AddAccumulator;
  readonly guard: Guard;
}

/** The sum of one factor, or of the product of two: exact if they are integers of 31 bits. */
function planPower(plan: MomentPlan, factors: readonly Expression[]): SumState {
  const { add, guard, rowsMax } = plan;
  const key = `moment ${factors.map((factor) => expressionKey(factor)).join(' * ')} ${guard.key}`;
  const ranges = factors.map((factor): Range | undefined => {
    const value = compileExpression(factor, plan.scope);
    if (value.form !== 'int') return undefined;
    return value.range.min > -(2n ** 31n) && value.range.max < 2n ** 31n ? value.range : undefined;
  });
  if (ranges.every((range) => range !== undefined)) {
    const range = ranges.reduce(multiplyRange, rangeOf(1n, rowsMax));
    return planWholeSum(add, key, range, guard, (inner) => {
      const values = factors.map((factor) => compileExpression(factor, inner).x);
      const power = values.reduce((a, b) => i64.mul(a, b));
      return { form: 'int', x: power, range: ranges.reduce(multiplyRange), isNull: undefined };
    });
  }
  const double =
    (factor: Expression) =>
    (inner: Scope): Value => {
      const value = compileExpression(factor, inner);
      return { form: 'float', x: asDouble(value, inner), isNull: undefined };
    };
  const [a, b] = factors;
  const make = () =>
    b === undefined ? floatSum(guard, double(a)) : productSum(guard, double(a), double(b));
  return { index: add(key, make), form: 'float', range: undefined };
}
