import { assert } from '../../base/assert.ts';
import { unitMicros } from '../../plan/functions/times.ts';
import { civilFromDays, dateMax, dateMin } from '../../value/date.ts';
import { microsPerDay } from '../../value/time.ts';
import type { SqlType } from '../../value/type.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import {
  type CivilLocals,
  emitCivilFromDays,
  emitDaysFromCivil,
  emitYearStart,
  mondayIndex,
} from '../kernels/civil.ts';
import { failure } from '../program.ts';
import { expressionKey, type Scope } from '../query.ts';
import {
  addRange,
  intersectRange,
  multiplyRange,
  negateRange,
  type Range,
  rangeOf,
  subtractRange,
  unionRange,
} from '../range.ts';
import { expectInt, type IntValue, nullOfAny, typeRange } from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { intervalEpoch, intervalField } from './intervals.ts';
import { floorDivide } from './rescale.ts';

/** A number of days as an i32, with the range it lies in. */
export interface Days {
  readonly x: Expr;
  readonly range: Range;
}

export const dateRange: Range = rangeOf(BigInt(dateMin), BigInt(dateMax));

/** The microseconds of a date, time or timestamp. */
export function microsOf(value: IntValue, type: SqlType): IntValue {
  if (type.kind !== 'date') return value;
  const range = multiplyRange(value.range, rangeOf(microsPerDay, microsPerDay));
  return { ...value, x: i64.mul(value.x, i64.const(microsPerDay)), range };
}

function floorRange({ min, max }: Range, size: bigint): Range {
  const floor = (x: bigint) => (x < 0n ? -((-x + size - 1n) / size) : x / size);
  return rangeOf(floor(min), floor(max));
}

/** The day that a date or timestamp lies in. */
export function daysOf(value: IntValue, type: SqlType, scope: Scope): Days {
  const date = type.kind === 'date';
  const days = date ? value.x : floorDivide(value, microsPerDay);
  const range = date ? value.range : floorRange(value.range, microsPerDay);
  return { x: scope.f.let(i32.wrapI64(days), 'days'), range: intersectRange(range, dateRange) };
}

/** The microseconds since midnight. */
export function clockOf(value: IntValue, type: SqlType, scope: Scope): Expr {
  if (type.kind === 'date') return i64.const(0);
  if (type.kind === 'time') return value.x;
  const days = floorDivide(value, microsPerDay);
  return scope.f.let(i64.sub(value.x, i64.mul(days, i64.const(microsPerDay))), 'clock');
}

/** Year, month and day of a date; computed once where several functions ask for the same. */
export function civilOf(days: Days, scope: Scope, key: string): CivilLocals {
  return scope.once(`civil of ${key}`, () => emitCivilFromDays(scope.f, days.x));
}

function yearRange(range: Range): Range {
  const year = (day: bigint) => BigInt(civilFromDays(Number(day)).year);
  return rangeOf(year(range.min), year(range.max));
}

/** The Thursday of the week of a day, which has the year of the week. */
function thursdayOf(days: Days, scope: Scope): Days {
  const x = i32.add(i32.sub(days.x, mondayIndex(days.x)), 3);
  return { x: scope.f.let(x, 'thursday'), range: addRange(days.range, rangeOf(-3n, 3n)) };
}

export function isoWeek(days: Days, scope: Scope): { year: Expr; week: Expr } {
  const thursday = thursdayOf(days, scope);
  const { year } = emitCivilFromDays(scope.f, thursday.x);
  const start = emitYearStart(scope.f, year);
  return { year, week: i32.add(i32.divU(i32.sub(thursday.x, start), 7), 1) };
}

type Field = (days: Days, scope: Scope, key: string) => readonly [Expr, Range];

const isoYears = (range: Range): Range => addRange(yearRange(range), rangeOf(-1n, 1n));

/** An i32 and its range. */
const dayFields: Readonly<Record<string, Field>> = {
  year: (days, scope, key) => [civilOf(days, scope, key).year, yearRange(days.range)],
  month: (days, scope, key) => [civilOf(days, scope, key).month, rangeOf(1n, 12n)],
  day: (days, scope, key) => [civilOf(days, scope, key).day, rangeOf(1n, 31n)],
  quarter: (days, scope, key) => {
    return [i32.divU(i32.add(civilOf(days, scope, key).month, 2), 3), rangeOf(1n, 4n)];
  },
  week: (days, scope) => [isoWeek(days, scope).week, rangeOf(1n, 53n)],
  isoyear: (days, scope) => [isoWeek(days, scope).year, isoYears(days.range)],
  yearweek: (days, scope) => {
    const { year, week } = isoWeek(days, scope);
    const { min, max } = isoYears(days.range);
    const range = rangeOf(min * 100n - 100n, max * 100n + 100n);
    return [i32.add(i32.mul(year, 100), week), range];
  },
  dow: (days) => [i32.remU(i32.add(mondayIndex(days.x), 1), 7), rangeOf(0n, 6n)],
  isodow: (days) => [i32.add(mondayIndex(days.x), 1), rangeOf(1n, 7n)],
  doy: (days, scope, key) => {
    const start = emitYearStart(scope.f, civilOf(days, scope, key).year);
    return [i32.add(i32.sub(days.x, start), 1), rangeOf(1n, 366n)];
  },
  decade: (days, scope, key) => yearsBy(days, scope, key, 0, 10),
  century: (days, scope, key) => yearsBy(days, scope, key, 99, 100),
  millennium: (days, scope, key) => yearsBy(days, scope, key, 999, 1000),
};

function yearsBy(days: Days, scope: Scope, key: string, add: number, size: number) {
  const year = i32.add(civilOf(days, scope, key).year, add);
  const moved = addRange(yearRange(days.range), rangeOf(BigInt(add), BigInt(add)));
  return [i32.divS(year, size), floorRange(moved, BigInt(size))] as const;
}

const clockFields: Readonly<Record<string, readonly [divisor: bigint, modulus: bigint]>> = {
  hour: [3_600_000_000n, 0n],
  minute: [60_000_000n, 60n],
  second: [1_000_000n, 60n],
  millisecond: [1000n, 60_000n],
  microsecond: [1n, 60_000_000n],
};

function clockField(micros: Expr, field: string): Expr {
  const [divisor, modulus] = clockFields[field];
  const units = divisor === 1n ? micros : i64.divS(micros, i64.const(divisor));
  return modulus === 0n ? units : i64.remS(units, i64.const(modulus));
}

function extract(field: string): Build {
  return ([value], { args: [argument] }, scope) => {
    const { isNull } = value;
    if (value.form === 'interval') {
      const range = rangeOf(-(2n ** 63n), 2n ** 63n - 1n);
      const ofTime = (): IntValue => ({
        form: 'int',
        x: clockField(value.y, field),
        range,
        isNull,
      });
      return intervalField(value, field) ?? ofTime();
    }
    const input = expectInt(value);
    const ofDay = dayFields[field];
    if (ofDay === undefined) {
      const [divisor, modulus] = clockFields[field];
      const x = clockField(clockOf(input, argument.type, scope), field);
      // A TIME may be 24:00:00.
      const limit = modulus === 0n ? microsPerDay / divisor : modulus - 1n;
      return { form: 'int', x, range: rangeOf(0n, limit), isNull };
    }
    const [x, range] = ofDay(daysOf(input, argument.type, scope), scope, expressionKey(argument));
    return { form: 'int', x: i64.extendI32S(x), range, isNull };
  };
}

const epoch: Build = ([value], { args: [argument] }) => {
  const { isNull } = value;
  if (value.form === 'interval') return { form: 'float', x: intervalEpoch(value), isNull };
  const micros = microsOf(expectInt(value), argument.type);
  return { form: 'float', x: f64.div(f64.convertI64S(micros.x), 1e6), isNull };
};

const julian: Build = ([value], { args: [argument] }) => {
  const micros = microsOf(expectInt(value), argument.type);
  const days = f64.div(f64.convertI64S(micros.x), Number(microsPerDay));
  return { form: 'float', x: f64.add(days, 2_440_588), isNull: value.isNull };
};

/** The first day of a unit that a day lies in, and how many days it may lie back. */
function firstDay(unit: string, days: Days, scope: Scope): readonly [Expr, number] {
  const { f } = scope;
  const one = i32.const(1);
  if (unit === 'day') return [days.x, 0];
  if (unit === 'week') return [i32.sub(days.x, mondayIndex(days.x)), 6];
  if (unit === 'isoyear') {
    const { year } = emitCivilFromDays(f, thursdayOf(days, scope).x);
    const january4 = emitDaysFromCivil(f, year, one, i32.const(4));
    return [i32.sub(january4, mondayIndex(january4)), 371];
  }
  const { year, month, day } = emitCivilFromDays(f, days.x);
  if (unit === 'month') return [i32.add(i32.sub(days.x, day), 1), 31];
  if (unit === 'quarter') {
    const past = i32.remU(i32.sub(month, 1), 3);
    return [emitDaysFromCivil(f, year, i32.sub(month, past), one), 92];
  }
  const size = { year: 1, decade: 10, century: 100, millennium: 1000 }[unit];
  assert(size !== undefined, `dates are not truncated to ${unit}`);
  const first = size === 1 ? year : f.let(i32.sub(year, i32.remU(year, size)), 'first_year');
  return [emitYearStart(f, first), 366 * size];
}

function truncate(unit: string): Build {
  return ([value], { args: [argument], type }, scope) => {
    const input = expectInt(value);
    const { isNull } = value;
    const size = unitMicros[unit];
    const micros = microsOf(input, argument.type);
    if (size !== undefined) {
      if (argument.type.kind === 'date' || size === 1n) return micros;
      const x = i64.mul(floorDivide(micros, size), i64.const(size));
      const { min, max } = floorRange(micros.range, size);
      return { form: 'int', x, range: rangeOf(min * size, max * size), isNull };
    }
    const days = daysOf(input, argument.type, scope);
    const [first, back] = firstDay(unit, days, scope);
    const start = scope.f.let(first, 'start');
    const least = days.range.min - BigInt(back);
    if (least < dateRange.min) {
      // The decade of the years 1 to 9 begins before all dates.
      failIf(scope, i32.ltS(start, dateMin), isNull, failure.dateOutOfRange);
    }
    const all = rangeOf(least * microsPerDay, days.range.max * microsPerDay);
    const x = i64.mul(i64.extendI32S(start), i64.const(microsPerDay));
    return { form: 'int', x, range: intersectRange(typeRange(type), all), isNull };
  };
}

/** Units are numbered from some place on: an i32 that grows with the day. */
function unitNumber(unit: string, days: Days, scope: Scope): Expr {
  if (unit === 'day' || unit === 'week') return days.x;
  if (unit === 'isoyear') return isoWeek(days, scope).year;
  const { year, month } = emitCivilFromDays(scope.f, days.x);
  if (unit === 'month') return i32.add(i32.mul(year, 12), month);
  if (unit === 'quarter') {
    return i32.add(i32.shl(year, 2), i32.divU(i32.sub(month, 1), 3));
  }
  const size = { year: 1, decade: 10, century: 100, millennium: 1000 }[unit];
  assert(size !== undefined, `there is no date_diff of ${unit}`);
  return size === 1 ? year : i32.divS(year, size);
}

function difference(unit: string): Build {
  return (args, expression, scope) => {
    const isNull = nullOfAny(args);
    const [aType, bType] = expression.args.map((arg) => arg.type);
    const [a, b] = args.map(expectInt);
    const size = unitMicros[unit];
    if (size !== undefined) {
      const from = microsOf(a, aType);
      const to = microsOf(b, bType);
      const x = i64.sub(floorDivide(to, size), floorDivide(from, size));
      const range = subtractRange(floorRange(to.range, size), floorRange(from.range, size));
      return { form: 'int', x, range, isNull };
    }
    const from = daysOf(a, aType, scope);
    const to = daysOf(b, bType, scope);
    const days = subtractRange(to.range, from.range);
    const reach = unionRange(unionRange(days, negateRange(days)), rangeOf(0n, 0n));
    const count = i32.sub(unitNumber(unit, to, scope), unitNumber(unit, from, scope));
    const x = unit === 'week' ? i32.divS(count, 7) : count;
    return { form: 'int', x: i64.extendI32S(x), range: reach, isNull };
  };
}

const differenceOfDays: Build = (args) => {
  const [a, b] = args.map(expectInt);
  const range = subtractRange(a.range, b.range);
  return { form: 'int', x: i64.sub(a.x, b.x), range, isNull: nullOfAny(args) };
};

const named = (prefix: string, names: readonly string[], make: (name: string) => Build) =>
  Object.fromEntries(names.map((name) => [`${prefix}_${name}`, make(name)]));

const dayUnits = 'day week isoyear month quarter year decade century millennium'.split(' ');

export const dateFunctions: Readonly<Record<string, Build>> = {
  ...named('extract', [...Object.keys(dayFields), ...Object.keys(clockFields)], extract),
  extract_epoch: epoch,
  extract_julian: julian,
  ...named('date_trunc', [...dayUnits, ...Object.keys(unitMicros)], truncate),
  ...named('date_diff', [...dayUnits, ...Object.keys(unitMicros)], difference),
  date_diff_days: differenceOfDays,
};
