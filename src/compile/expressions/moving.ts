import type { CallExpression } from '../../plan/expression.ts';
import { dateMax, dateMin } from '../../value/date.ts';
import { microsPerDay } from '../../value/time.ts';
import { dateType, type SqlType, timestampType } from '../../value/type.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import { emitAge } from '../kernels/age.ts';
import {
  emitAddMonths,
  emitCivilFromDays,
  emitDaysFromCivil,
  emitDaysInMonth,
} from '../kernels/civil.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { addRange, intersectRange, type Range, rangeOf } from '../range.ts';
import {
  eitherNull,
  expectFloat,
  expectInt,
  type IntervalValue,
  type IntValue,
  nullOfAny,
  spill,
  typeRange,
  type Value,
} from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { fold } from './compile.ts';
import { clockOf, daysOf, microsOf } from './dates.ts';
import { daysOfInterval, expectInterval, monthsOf } from './intervals.ts';
import { floorDivide } from './rescale.ts';

/** A date or timestamp that may be out of the range of its type, in which case it is an error. */
function checked(value: IntValue, type: SqlType, scope: Scope): Value {
  const allowed = typeRange(type);
  const { min, max } = value.range;
  if (min >= allowed.min && max <= allowed.max) return value;
  const spilled = spill(scope.f, value, 'moved');
  const below = i64.ltS(spilled.x, i64.const(allowed.min));
  const above = i64.gtS(spilled.x, i64.const(allowed.max));
  failIf(scope, i32.or(below, above), spilled.isNull, failure.dateOutOfRange);
  return { ...spilled, range: intersectRange(allowed, value.range) };
}

/** A date or timestamp, or a time, plus or minus an interval. */
function move(sign: 1 | -1): Build {
  return ([value, by], expression, scope) => {
    const input = expectInt(value);
    const interval = expectInterval(by);
    const isNull = eitherNull(input.isNull, interval.isNull);
    const [{ type }, intervalExpression] = expression.args;
    if (type.kind === 'time') return { ...moveClock(input, interval, sign, scope), isNull };
    const constant = fold(intervalExpression)?.value;
    if (typeof constant === 'object' && constant !== null && 'months' in constant) {
      const months = BigInt(sign * constant.months);
      const micros = BigInt(sign) * (BigInt(constant.days) * microsPerDay + constant.micros);
      const moved = moveBy(input, type, months, micros, scope);
      return checked({ ...moved, isNull }, expression.type, scope);
    }
    const x = moveByAny(input, type, interval, sign, isNull, scope);
    const range = rangeOf(-(2n ** 62n), 2n ** 62n);
    return checked({ form: 'int', x, range, isNull }, expression.type, scope);
  };
}

/** By an interval that is known: only what it has of months needs the calendar. */
function moveBy(
  value: IntValue,
  type: SqlType,
  months: bigint,
  micros: bigint,
  scope: Scope,
): IntValue {
  const start = microsOf(value, type);
  if (months === 0n) {
    const x = i64.add(start.x, i64.const(BigInt.asIntN(64, micros)));
    // Farther than all of our dates from any of them: the check may not wrap around.
    if (micros !== BigInt.asIntN(62, micros)) return outside(value);
    return { ...start, x, range: addRange(start.range, rangeOf(micros, micros)) };
  }
  const days = daysOf(value, type, scope);
  const moved = emitAddMonths(scope.f, days.x, i32.const(Number(BigInt.asIntN(32, months))));
  const time = i64.add(clockOf(value, type, scope), i64.const(BigInt.asIntN(64, micros)));
  if (micros !== BigInt.asIntN(62, micros)) return outside(value);
  const x = i64.add(i64.mul(i64.extendI32S(moved), i64.const(microsPerDay)), time);
  return { ...start, x, range: addRange(start.range, monthsRange(months, micros)) };
}

function outside(value: IntValue): IntValue {
  const beyond = 2n ** 62n;
  return { ...value, x: i64.const(beyond), range: rangeOf(beyond, beyond) };
}

/** How far a timestamp moves by months, of 28 to 31 days each, and some time. */
function monthsRange(months: bigint, micros: bigint): Range {
  // The code counts no more than a million months, which lead far out of range.
  const limit = 1_000_000n;
  const counted = months > limit ? limit : months < -limit ? -limit : months;
  const least = counted * (counted > 0n ? 28n : 31n) - 4n;
  const most = counted * (counted > 0n ? 31n : 28n) + 4n;
  return rangeOf(least * microsPerDay + micros, most * microsPerDay + micros);
}

/** Days and microseconds beyond these move every date out of range. */
const daysLimit = 10_000_000n;
const microsLimit = 2n ** 60n;

function moveByAny(
  value: IntValue,
  type: SqlType,
  interval: IntervalValue,
  sign: 1 | -1,
  isNull: Expr | undefined,
  scope: Scope,
): Expr {
  const { f } = scope;
  const signed = (x: Expr): Expr => (sign > 0 ? x : i64.sub(0n, x));
  const moreDays = f.let(signed(daysOfInterval(interval)), 'more_days');
  const moreMicros = f.let(interval.y, 'more_micros');
  const far = (x: Expr, limit: bigint) =>
    i64.gtU(i64.add(x, i64.const(limit)), i64.const(2n * limit));
  const tooFar = i32.or(far(moreDays, daysLimit), far(moreMicros, microsLimit));
  failIf(scope, tooFar, isNull, failure.dateOutOfRange);
  const months = monthsOf(interval);
  const by = sign > 0 ? months : i32.sub(0, months);
  const days = emitAddMonths(f, daysOf(value, type, scope).x, by);
  const allDays = i64.add(i64.extendI32S(days), moreDays);
  const time = i64.add(clockOf(value, type, scope), signed(moreMicros));
  return i64.add(i64.mul(allDays, i64.const(microsPerDay)), time);
}

/** Times go round the clock. */
function moveClock(value: IntValue, interval: IntervalValue, sign: 1 | -1, scope: Scope): IntValue {
  const rest = i64.remS(interval.y, i64.const(microsPerDay));
  const moved = sign > 0 ? i64.add(value.x, rest) : i64.sub(value.x, rest);
  const range = rangeOf(-2n * microsPerDay, 2n * microsPerDay);
  const x = scope.f.let(moved, 'moved');
  const days = floorDivide({ ...value, x, range }, microsPerDay);
  const round = i64.sub(x, i64.mul(days, i64.const(microsPerDay)));
  return { ...value, x: round, range: rangeOf(0n, microsPerDay - 1n) };
}

const addDays: Build = (args, _, scope) => {
  const [date, days] = args.map(expectInt);
  const range = addRange(date.range, days.range);
  const isNull = nullOfAny(args);
  // Far numbers of days must not wrap around.
  const limit = rangeOf(-(2n ** 40n), 2n ** 40n);
  const near = days.range.min >= limit.min && days.range.max <= limit.max;
  if (!near) {
    const far = i64.gtU(i64.add(days.x, i64.const(limit.max)), i64.const(2n * limit.max));
    failIf(scope, far, isNull, failure.dateOutOfRange);
  }
  const sum: IntValue = { form: 'int', x: i64.add(date.x, days.x), range, isNull };
  return checked(near ? sum : { ...sum, range: addRange(limit, date.range) }, dateType, scope);
};

const atTime: Build = (args, expression, scope) => {
  const [date, time] = args.map(expectInt);
  const start = microsOf(date, expression.args[0].type);
  const x = i64.add(start.x, time.x);
  const range = addRange(start.range, time.range);
  return checked({ form: 'int', x, range, isNull: nullOfAny(args) }, timestampType, scope);
};

/** The days and time between two timestamps. */
const subtract: Build = (args, expression, scope) => {
  const [a, b] = args.map((arg, i) => microsOf(expectInt(arg), expression.args[i].type));
  const { f } = scope;
  const micros = f.let(i64.sub(a.x, b.x), 'between');
  const days = f.let(i64.divS(micros, i64.const(microsPerDay)), 'days_between');
  const y = i64.sub(micros, i64.mul(days, i64.const(microsPerDay)));
  return { form: 'interval', x: i64.shl(days, 32n), y, isNull: nullOfAny(args) };
};

const age: Build = (args, expression, scope) => {
  const [a, b] = args.map((arg, i) => microsOf(expectInt(arg), expression.args[i].type));
  const { f, query } = scope;
  const x = f.local('i64', 'age');
  const y = f.local('i64', 'age_micros');
  f.setMulti([x, y], emitAge(query.module).callMulti(a.x, b.x));
  return { form: 'interval', x, y, isNull: nullOfAny(args) };
};

const lastDay: Build = ([value], { args: [argument] }, scope) => {
  const days = daysOf(expectInt(value), argument.type, scope);
  const { f } = scope;
  const { year, month, day } = emitCivilFromDays(f, days.x);
  const last = i32.add(i32.sub(days.x, day), emitDaysInMonth(f, year, month));
  const range = intersectRange(typeRange(dateType), addRange(days.range, rangeOf(0n, 30n)));
  return { form: 'int', x: i64.extendI32S(last), range, isNull: value.isNull };
};

/** The day of fields that a user gave, which are checked; an i64. */
function dayOfFields(args: readonly Value[], isNull: Expr | undefined, scope: Scope): Expr {
  const { f } = scope;
  const [year, month, day] = args.map((arg) => f.let(expectInt(arg).x, 'field'));
  const within = (x: Expr, min: bigint, max: bigint) =>
    i64.leU(i64.sub(x, i64.const(min)), i64.const(max - min));
  const early = i32.and(within(month, 1n, 12n), within(day, 1n, 31n));
  const valid = i32.and(within(year, 1n, 9999n), early);
  failIf(scope, i32.eqz(valid), isNull, failure.dateOutOfRange);
  const [y, m, d] = [year, month, day].map((x) => f.let(i32.wrapI64(x), 'part'));
  const tooLate = i32.gtS(d, emitDaysInMonth(f, y, m));
  failIf(scope, tooLate, isNull, failure.dateOutOfRange);
  return i64.extendI32S(emitDaysFromCivil(f, y, m, d));
}

function timeOfFields(args: readonly Value[], isNull: Expr | undefined, scope: Scope): Expr {
  const { f } = scope;
  const [hour, minute] = args.slice(0, 2).map((arg) => f.let(expectInt(arg).x, 'field'));
  const second = f.let(f64.nearest(f64.mul(expectFloat(args[2]).x, 1e6)), 'second');
  const fits = i32.and(
    i32.and(i64.leU(hour, 24n), i64.leU(minute, 59n)),
    i32.and(f64.ge(second, 0), f64.le(second, 60e6)),
  );
  failIf(scope, i32.eqz(fits), isNull, failure.dateOutOfRange);
  const minutes = i64.add(i64.mul(hour, 60n), minute);
  const micros = i64.add(i64.mul(minutes, 60_000_000n), i64.truncSatF64S(second));
  const total = f.let(micros, 'time');
  failIf(scope, i64.gtU(total, i64.const(microsPerDay)), isNull, failure.dateOutOfRange);
  return total;
}

const makeDate: Build = (args, _, scope) => {
  const isNull = nullOfAny(args);
  return { form: 'int', x: dayOfFields(args, isNull, scope), range: typeRange(dateType), isNull };
};

const makeTime: Build = (args, _, scope) => {
  const isNull = nullOfAny(args);
  const range = rangeOf(0n, microsPerDay);
  return { form: 'int', x: timeOfFields(args, isNull, scope), range, isNull };
};

const makeTimestamp: Build = (args, expression: CallExpression, scope) => {
  const isNull = nullOfAny(args);
  const days = dayOfFields(args.slice(0, 3), isNull, scope);
  const time = timeOfFields(args.slice(3), isNull, scope);
  const x = i64.add(i64.mul(days, i64.const(microsPerDay)), time);
  const range = rangeOf(BigInt(dateMin) * microsPerDay, (BigInt(dateMax) + 1n) * microsPerDay);
  return checked({ form: 'int', x, range, isNull }, expression.type, scope);
};

export const movingFunctions: Readonly<Record<string, Build>> = {
  date_add: move(1),
  date_subtract: move(-1),
  date_add_days: addDays,
  date_at_time: atTime,
  timestamp_diff: subtract,
  age,
  last_day: lastDay,
  make_date: makeDate,
  make_time: makeTime,
  make_timestamp: makeTimestamp,
};
