import { assert } from '../../base/assert.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import { emitMultiply64 } from '../kernels/wide.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import {
  eitherNull,
  expectFloat,
  expectInt,
  type IntervalValue,
  type IntValue,
  nullOfAny,
  type Value,
} from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { add128, type Halves } from './wide.ts';

const microsPerDay = 86_400_000_000n;

export function expectInterval(value: Value): IntervalValue {
  assert(value.form === 'interval', `expected an interval, not ${value.form}`);
  return value;
}

/** The months of an interval, an i32. */
export function monthsOf(value: IntervalValue): Expr {
  return i32.wrapI64(value.x);
}

/** The days of an interval, an i64. */
export function daysOfInterval(value: IntervalValue): Expr {
  return i64.shrS(value.x, 32n);
}

/** What intervals are compared by: microseconds, a month being 30 days. */
export function intervalMicros(value: IntervalValue, scope: Scope): Halves {
  const { f } = scope;
  const months = i64.extendI32S(monthsOf(value));
  const days = i64.add(i64.mul(months, 30n), daysOfInterval(value));
  const lo = f.local('i64', 'interval_lo');
  const hi = f.local('i64', 'interval_hi');
  const multiply = emitMultiply64(scope.query.module);
  f.setMulti([lo, hi], multiply.callMulti(days, i64.const(microsPerDay)));
  return add128(scope, { lo, hi }, { lo: value.y, hi: i64.shrS(value.y, 63n) });
}

/** An interval of i64 months and days, which are checked to fit, and microseconds. */
function packed(
  scope: Scope,
  months: Expr,
  days: Expr,
  micros: Expr,
  isNull: Expr | undefined,
): IntervalValue {
  const { f } = scope;
  const m = f.let(months, 'months');
  const d = f.let(days, 'days');
  const fits = i32.and(i64.eq(m, i64.extend32S(m)), i64.eq(d, i64.extend32S(d)));
  failIf(scope, i32.eqz(fits), isNull, failure.intervalOutOfRange);
  const x = i64.or(i64.shl(d, 32n), i64.and(m, 0xffffffffn));
  return { form: 'interval', x, y: micros, isNull };
}

function combine(minus: boolean): Build {
  return (args, _, scope) => {
    const [a, b] = args.map(expectInterval);
    const { f } = scope;
    const isNull = nullOfAny(args);
    const operate = minus ? i64.sub : i64.add;
    const months = operate(i64.extendI32S(monthsOf(a)), i64.extendI32S(monthsOf(b)));
    const days = operate(daysOfInterval(a), daysOfInterval(b));
    const micros = f.let(operate(a.y, b.y), 'micros');
    // The sum has another sign than both addends.
    const other = minus ? i64.xor(b.y, -1n) : b.y;
    const overflows = i64.ltS(i64.and(i64.xor(a.y, micros), i64.xor(other, micros)), 0n);
    failIf(scope, overflows, isNull, failure.intervalOutOfRange);
    return packed(scope, months, days, micros, isNull);
  };
}

const negate: Build = ([value], _, scope) => {
  const interval = expectInterval(value);
  const { isNull } = interval;
  failIf(scope, i64.eq(interval.y, -(2n ** 63n)), isNull, failure.intervalOutOfRange);
  const months = i64.sub(0n, i64.extendI32S(monthsOf(interval)));
  const days = i64.sub(0n, daysOfInterval(interval));
  return packed(scope, months, days, i64.sub(0n, interval.y), isNull);
};

const multiply: Build = ([value, factor], _, scope) => {
  const interval = expectInterval(value);
  const by = expectInt(factor);
  const isNull = eitherNull(interval.isNull, by.isNull);
  const { f } = scope;
  const times = (part: Expr): Expr => {
    const lo = f.local('i64', 'part');
    const hi = f.local('i64', 'part_hi');
    f.setMulti([lo, hi], emitMultiply64(scope.query.module).callMulti(part, by.x));
    const overflows = i64.ne(hi, i64.shrS(lo, 63n));
    failIf(scope, overflows, isNull, failure.intervalOutOfRange);
    return lo;
  };
  const months = times(i64.extendI32S(monthsOf(interval)));
  const days = times(daysOfInterval(interval));
  return packed(scope, months, days, times(interval.y), isNull);
};

/** By a double: what a month or a day has of a fraction flows down, a month being 30 days. */
function scale(divides: boolean): Build {
  return ([value, factor], _, scope) => {
    const interval = expectInterval(value);
    const given = expectFloat(factor);
    const isNull = eitherNull(interval.isNull, given.isNull);
    const { f } = scope;
    if (divides) failIf(scope, f64.eq(given.x, 0), isNull, failure.divisionByZero);
    const by = f.let(divides ? f64.div(1, given.x) : given.x, 'factor');
    const allMonths = f.let(f64.mul(f64.convertI32S(monthsOf(interval)), by), 'all_months');
    const months = f.let(f64.trunc(allMonths), 'whole_months');
    const millionths = f64.nearest(f64.mul(f64.sub(allMonths, months), 30e6));
    const ofMonths = f.let(f64.div(millionths, 1e6), 'of_months');
    const ofDays = f.let(f64.mul(f64.convertI64S(daysOfInterval(interval)), by), 'of_days');
    const days = f64.add(f64.trunc(ofMonths), f64.trunc(ofDays));
    const fraction = (x: Expr) => f64.sub(x, f64.trunc(x));
    const restDays = f64.add(fraction(ofMonths), fraction(ofDays));
    const ofTime = f64.mul(f64.convertI64S(interval.y), by);
    const rest = f64.mul(restDays, Number(microsPerDay));
    const micros = f.let(f64.nearest(f64.add(ofTime, rest)), 'all_micros');
    const fits = f64.lt(f64.abs(micros), 2 ** 63);
    failIf(scope, i32.eqz(fits), isNull, failure.intervalOutOfRange);
    const whole = i64.truncSatF64S;
    return packed(scope, whole(months), whole(days), whole(micros), isNull);
  };
}

function made(part: 'months' | 'days' | 'micros'): Build {
  return ([value], _, scope) => {
    const { x, isNull } = expectInt(value);
    const zero = i64.const(0);
    if (part === 'micros') return { form: 'interval', x: zero, y: x, isNull };
    const [months, days] = part === 'months' ? [x, zero] : [zero, x];
    return packed(scope, months, days, zero, isNull);
  };
}

export const intervalFunctions: Readonly<Record<string, Build>> = {
  interval_add: combine(false),
  interval_subtract: combine(true),
  interval_negate: negate,
  interval_multiply: multiply,
  interval_scale: scale(false),
  interval_divide: scale(true),
  make_months: made('months'),
  make_days: made('days'),
  make_micros: made('micros'),
};

/** Fields of an interval for EXTRACT; undefined for those of its time. */
export function intervalField(value: IntervalValue, field: string): IntValue | undefined {
  const { isNull } = value;
  const months = i64.extendI32S(monthsOf(value));
  const whole = (x: Expr, limit: bigint): IntValue => {
    return { form: 'int', x, range: rangeOf(-limit, limit), isNull };
  };
  const parts: Readonly<Record<string, bigint>> = {
    millennium: 12_000n,
    century: 1200n,
    decade: 120n,
    year: 12n,
  };
  const size = parts[field];
  if (size !== undefined) return whole(i64.divS(months, size), 2n ** 31n / size + 1n);
  if (field === 'month') return whole(i64.remS(months, 12n), 11n);
  if (field === 'quarter') {
    return whole(i64.add(i64.divS(i64.remS(months, 12n), 3n), 1n), 4n);
  }
  return field === 'day' ? whole(daysOfInterval(value), 2n ** 31n) : undefined;
}

/** The length in seconds, a year being 365.25 days and a month 30. */
export function intervalEpoch(value: IntervalValue): Expr {
  const months = monthsOf(value);
  const years = f64.mul(f64.convertI32S(i32.divS(months, 12)), 365.25);
  const rest = f64.mul(f64.convertI32S(i32.remS(months, 12)), 30);
  const days = f64.add(f64.add(years, rest), f64.convertI64S(daysOfInterval(value)));
  return f64.add(f64.mul(days, 86_400), f64.div(f64.convertI64S(value.y), 1e6));
}
