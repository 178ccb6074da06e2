import { QuernError, sqlState } from '../../base/error.ts';
import {
  checkDate,
  civilFromDays,
  dateFromFields,
  daysFromCivil,
  daysInMonth,
  pad2,
} from '../../value/date.ts';
import type { Interval } from '../../value/interval.ts';
import { checkTimestamp, microsPerDay, microsPerSecond } from '../../value/time.ts';
import type { SqlType } from '../../value/type.ts';
import { floorDivide, roundHalfEven } from '../cast.ts';
import { divisionByZero, type Known, type Strict } from './meaning.ts';

/** Day of the week, Monday 0. */
function mondayIndex(days: number): number {
  return (((days + 3) % 7) + 7) % 7;
}

/** The year and week of ISO 8601: week 1 has the first Thursday of its year. */
function isoWeek(days: number): { year: number; week: number } {
  const thursday = days - mondayIndex(days) + 3;
  const { year } = civilFromDays(thursday);
  return { year, week: Math.floor((thursday - daysFromCivil(year, 1, 1)) / 7) + 1 };
}

/** Fields that follow from the day. */
const dayFields: Readonly<Record<string, (days: number) => number>> = {
  year: (days) => civilFromDays(days).year,
  month: (days) => civilFromDays(days).month,
  day: (days) => civilFromDays(days).day,
  quarter: (days) => Math.floor((civilFromDays(days).month + 2) / 3),
  week: (days) => isoWeek(days).week,
  isoyear: (days) => isoWeek(days).year,
  yearweek: (days) => isoWeek(days).year * 100 + isoWeek(days).week,
  dow: (days) => (mondayIndex(days) + 1) % 7,
  isodow: (days) => mondayIndex(days) + 1,
  doy: (days) => days - daysFromCivil(civilFromDays(days).year, 1, 1) + 1,
  decade: (days) => Math.floor(civilFromDays(days).year / 10),
  century: (days) => Math.floor((civilFromDays(days).year + 99) / 100),
  millennium: (days) => Math.floor((civilFromDays(days).year + 999) / 1000),
};

/** Fields that follow from the microseconds since midnight. */
const clockFields: Readonly<Record<string, (micros: bigint) => bigint>> = {
  hour: (micros) => micros / 3_600_000_000n,
  minute: (micros) => (micros / 60_000_000n) % 60n,
  second: (micros) => (micros / 1_000_000n) % 60n,
  millisecond: (micros) => (micros % 60_000_000n) / 1000n,
  microsecond: (micros) => micros % 60_000_000n,
};

/** Fields of an interval; all but epoch. */
const intervalFields: Readonly<Record<string, (value: Interval) => number>> = {
  millennium: ({ months }) => Math.trunc(months / 12_000),
  century: ({ months }) => Math.trunc(months / 1200),
  decade: ({ months }) => Math.trunc(months / 120),
  year: ({ months }) => Math.trunc(months / 12),
  quarter: ({ months }) => Math.trunc((months % 12) / 3) + 1,
  month: ({ months }) => (months % 12) + 0,
  day: ({ days }) => days,
};

function instantOf(value: Known, type: SqlType): bigint {
  return type.kind === 'date' ? (value as bigint) * microsPerDay : (value as bigint);
}

function daysOf(value: Known, type: SqlType): number {
  return Number(type.kind === 'date' ? value : floorDivide(value as bigint, microsPerDay));
}

function extract(field: string): Strict {
  return ([value], _type, [argType]) => {
    if (argType.kind === 'interval') {
      const interval = value as Interval;
      const ofInterval = intervalFields[field];
      if (ofInterval !== undefined) return BigInt(ofInterval(interval));
      return clockFields[field](interval.micros);
    }
    const ofDay = dayFields[field];
    if (ofDay !== undefined) return BigInt(ofDay(daysOf(value, argType)));
    // A TIME may be 24:00:00.
    if (argType.kind === 'time') return clockFields[field](value as bigint);
    const micros = instantOf(value, argType);
    return clockFields[field](micros - floorDivide(micros, microsPerDay) * microsPerDay);
  };
}

/** Seconds since 1970; of an interval its length, a year being 365.25 days and a month 30. */
const epoch: Strict = ([value], _type, [argType]) => {
  if (argType.kind !== 'interval') return Number(instantOf(value, argType)) / 1e6;
  const { months, days, micros } = value as Interval;
  const years = Math.trunc(months / 12);
  const wholeDays = years * 365.25 + (months - years * 12) * 30 + days;
  return wholeDays * 86_400 + Number(micros) / 1e6;
};

/** Days since the first of January 4713 BC, and the part of the day. */
const julian: Strict = ([value], _type, [argType]) =>
  Number(instantOf(value, argType)) / Number(microsPerDay) + 2_440_588;

/** Moves a day by months; the day of the month is cut to what the month has. */
export function addMonths(days: number, months: number): number {
  const civil = civilFromDays(days);
  const month = civil.year * 12 + civil.month - 1 + months;
  const year = Math.floor(month / 12);
  const inYear = month - year * 12 + 1;
  return daysFromCivil(year, inYear, Math.min(civil.day, daysInMonth(year, inYear)));
}

/**
 * Adds `sign` times an interval to a timestamp: months first (the day clipped), days, then time.
 */
function addInterval(micros: bigint, interval: Interval, sign: 1 | -1): bigint {
  let days = Number(floorDivide(micros, microsPerDay));
  const time = micros - BigInt(days) * microsPerDay;
  if (interval.months !== 0) days = addMonths(days, sign * interval.months);
  days += sign * interval.days;
  return checkTimestamp(BigInt(days) * microsPerDay + time + BigInt(sign) * interval.micros);
}

function dateAdd(sign: 1 | -1): Strict {
  return ([value, interval], _type, [argType]) => {
    if (argType.kind === 'time') {
      const moved = (value as bigint) + BigInt(sign) * (interval as Interval).micros;
      return moved - floorDivide(moved, microsPerDay) * microsPerDay;
    }
    return addInterval(instantOf(value, argType), interval as Interval, sign);
  };
}

function intervalOutOfRange(): QuernError {
  return new QuernError(sqlState.datetimeFieldOverflow, 'interval out of range');
}

export function makeInterval(months: number, days: number, micros: bigint): Interval {
  const fits =
    months === (months | 0) && days === (days | 0) && micros === BigInt.asIntN(64, micros);
  if (!fits) throw intervalOutOfRange();
  return { months: months + 0, days: days + 0, micros };
}

function combine(sign: 1 | -1): Strict {
  return ([a, b]) => {
    const x = a as Interval;
    const y = b as Interval;
    const micros = x.micros + BigInt(sign) * y.micros;
    return makeInterval(x.months + sign * y.months, x.days + sign * y.days, micros);
  };
}

const multiplyInterval: Strict = ([interval, factor]) => {
  const { months, days, micros } = interval as Interval;
  const by = factor as bigint;
  return makeInterval(Number(BigInt(months) * by), Number(BigInt(days) * by), micros * by);
};

/** By a double: what a month or a day has of a fraction flows down, a month being 30 days. */
function scaleInterval({ months, days, micros }: Interval, factor: number): Interval {
  const allMonths = months * factor;
  const wholeMonths = Math.trunc(allMonths);
  // To the millionth of a day, so that a sixth of a month is five days.
  const ofMonths = roundHalfEven((allMonths - wholeMonths) * 30e6) / 1e6;
  const ofDays = days * factor;
  const wholeDays = Math.trunc(ofMonths) + Math.trunc(ofDays);
  const restDays = ofMonths - Math.trunc(ofMonths) + (ofDays - Math.trunc(ofDays));
  const whole = roundHalfEven(Number(micros) * factor + restDays * Number(microsPerDay));
  if (!(Math.abs(whole) < 2 ** 63)) throw intervalOutOfRange();
  return makeInterval(wholeMonths, wholeDays, BigInt(whole));
}

const divideInterval: Strict = ([interval, divisor]) => {
  if (divisor === 0) throw divisionByZero();
  return scaleInterval(interval as Interval, 1 / (divisor as number));
};

/** The days and time between two timestamps. */
const subtractInstants: Strict = ([a, b], _type, [aType, bType]) => {
  const micros = instantOf(a, aType) - instantOf(b, bType);
  const days = micros / microsPerDay;
  return makeInterval(0, Number(days), micros - days * microsPerDay);
};

/** Years, months, days and time between two timestamps, as one counts a person's age. */
const age: Strict = ([a, b], _type, [aType, bType]) => {
  const x = instantOf(a, aType);
  const y = instantOf(b, bType);
  const [late, early] = x >= y ? [x, y] : [y, x];
  const sign = x >= y ? 1 : -1;
  const lateDay = Number(floorDivide(late, microsPerDay));
  const earlyDay = Number(floorDivide(early, microsPerDay));
  let micros = late - BigInt(lateDay) * microsPerDay - (early - BigInt(earlyDay) * microsPerDay);
  const to = civilFromDays(lateDay);
  const from = civilFromDays(earlyDay);
  let days = to.day - from.day;
  let months = (to.year - from.year) * 12 + to.month - from.month;
  if (micros < 0n) {
    micros += microsPerDay;
    days--;
  }
  if (days < 0) {
    // The month of the earlier day is given back.
    days += daysInMonth(from.year, from.month);
    months--;
  }
  return makeInterval(sign * months, sign * days, BigInt(sign) * micros);
};

/** Units to which date_trunc cuts whole days. */
const truncateDay: Readonly<Record<string, (days: number) => number>> = {
  day: (days) => days,
  week: (days) => days - mondayIndex(days),
  isoyear: (days) => {
    const january4 = daysFromCivil(isoWeek(days).year, 1, 4);
    return january4 - mondayIndex(january4);
  },
  month: (days) => firstOfMonth(days, 1),
  quarter: (days) => firstOfMonth(days, 3),
  year: (days) => firstOfYear(days, 1),
  decade: (days) => firstOfYear(days, 10),
  century: (days) => firstOfYear(days, 100),
  millennium: (days) => firstOfYear(days, 1000),
};

function firstOfMonth(days: number, group: number): number {
  const { year, month } = civilFromDays(days);
  return daysFromCivil(year, month - ((month - 1) % group), 1);
}

/** Of the years 1 to 9 there is no first year of a decade: year 0 is out of range. */
function firstOfYear(days: number, group: number): number {
  const { year } = civilFromDays(days);
  return checkDate(daysFromCivil(year - (year % group), 1, 1));
}

/** Microseconds of units below the day. */
export const unitMicros: Readonly<Record<string, bigint>> = {
  hour: 3_600_000_000n,
  minute: 60_000_000n,
  second: 1_000_000n,
  millisecond: 1000n,
  microsecond: 1n,
};

function truncate(unit: string): Strict {
  return ([value], _type, [argType]) => {
    const micros = instantOf(value, argType);
    const size = unitMicros[unit];
    if (size !== undefined) return floorDivide(micros, size) * size;
    const days = truncateDay[unit](Number(floorDivide(micros, microsPerDay)));
    return BigInt(days) * microsPerDay;
  };
}

/** date_diff: how many borders between units lie between two moments. */
function difference(unit: string): Strict {
  return ([a, b], _type, [aType, bType]) => {
    const size = unitMicros[unit];
    if (size !== undefined) {
      return floorDivide(instantOf(b, bType), size) - floorDivide(instantOf(a, aType), size);
    }
    const from = daysOf(a, aType);
    const to = daysOf(b, bType);
    return BigInt(unitNumber(unit, to) - unitNumber(unit, from) + 0) + weeks(unit, to - from);
  };
}

/** Weeks are the one unit that DuckDB counts by their length, not by their borders. */
function weeks(unit: string, days: number): bigint {
  return unit === 'week' ? BigInt(Math.trunc(days / 7)) : 0n;
}

/** The units numbered from some place on; weeks, which are counted otherwise, are all 0. */
function unitNumber(unit: string, days: number): number {
  const { year, month } = civilFromDays(days);
  switch (unit) {
    case 'day':
      return days;
    case 'month':
      return year * 12 + month;
    case 'quarter':
      return year * 4 + Math.floor((month - 1) / 3);
    case 'year':
      return year;
    case 'isoyear':
      return isoWeek(days).year;
    case 'decade':
      return Math.floor(year / 10);
    case 'century':
      return Math.floor(year / 100);
    case 'millennium':
      return Math.floor(year / 1000);
    default:
      return 0;
  }
}

const months =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

export const monthNames: readonly string[] = months;
export const dayNames: readonly string[] = weekdays;

function timeOfFields(hour: bigint, minute: bigint, second: number, text: string): bigint {
  const micros = Number.isFinite(second) ? BigInt(roundHalfEven(second * 1e6)) : -1n;
  const total = (hour * 60n + minute) * 60n * microsPerSecond + micros;
  const fits = hour >= 0n && minute >= 0n && minute < 60n && micros >= 0n && micros <= 60_000_000n;
  if (fits && total <= microsPerDay) return total;
  throw new QuernError(sqlState.datetimeFieldOverflow, `time out of range: ${text}`);
}

const makeDate: Strict = ([year, month, day]) => {
  return BigInt(
    dateFromFields(Number(year), Number(month), Number(day), `${year}-${month}-${day}`),
  );
};

const makeTimestamp: Strict = ([year, month, day, hour, minute, second]) => {
  const text = `${year}-${month}-${day} ${hour}:${minute}:${second}`;
  const days = dateFromFields(Number(year), Number(month), Number(day), text);
  const time = timeOfFields(hour as bigint, minute as bigint, second as number, text);
  return checkTimestamp(BigInt(days) * microsPerDay + time);
};

const padded = (value: number | bigint, width: number): string => `${value}`.padStart(width, '0');

/** What each letter of a strftime format stands for, given the days and the time of the day. */
export const formatters: Readonly<Record<string, (days: number, micros: bigint) => string>> = {
  a: (days) => weekdays[dayFields['dow'](days)].slice(0, 3),
  A: (days) => weekdays[dayFields['dow'](days)],
  b: (days) => months[civilFromDays(days).month - 1].slice(0, 3),
  B: (days) => months[civilFromDays(days).month - 1],
  d: (days) => pad2(civilFromDays(days).day),
  '-d': (days) => `${civilFromDays(days).day}`,
  m: (days) => pad2(civilFromDays(days).month),
  '-m': (days) => `${civilFromDays(days).month}`,
  y: (days) => pad2(civilFromDays(days).year % 100),
  '-y': (days) => `${civilFromDays(days).year % 100}`,
  Y: (days) => padded(civilFromDays(days).year, 4),
  j: (days) => padded(dayFields['doy'](days), 3),
  '-j': (days) => `${dayFields['doy'](days)}`,
  w: (days) => `${dayFields['dow'](days)}`,
  u: (days) => `${dayFields['isodow'](days)}`,
  G: (days) => padded(isoWeek(days).year, 4),
  V: (days) => pad2(isoWeek(days).week),
  H: (_, micros) => padded(clockFields['hour'](micros), 2),
  '-H': (_, micros) => `${clockFields['hour'](micros)}`,
  I: (_, micros) => padded(hour12(micros), 2),
  '-I': (_, micros) => `${hour12(micros)}`,
  M: (_, micros) => padded(clockFields['minute'](micros), 2),
  '-M': (_, micros) => `${clockFields['minute'](micros)}`,
  S: (_, micros) => padded(clockFields['second'](micros), 2),
  '-S': (_, micros) => `${clockFields['second'](micros)}`,
  f: (_, micros) => padded(micros % 1_000_000n, 6),
  g: (_, micros) => padded((micros % 1_000_000n) / 1000n, 3),
  p: (_, micros) => (micros < microsPerDay / 2n ? 'AM' : 'PM'),
};

function hour12(micros: bigint): bigint {
  return ((micros / 3_600_000_000n + 11n) % 12n) + 1n;
}

/** A strftime format as what stands in it and the specifiers between, in turns. */
export function splitFormat(format: string): { literal: string; specifier: string | undefined }[] {
  const parts: { literal: string; specifier: string | undefined }[] = [];
  let literal = '';
  for (let i = 0; i < format.length; i++) {
    if (format[i] !== '%') {
      literal += format[i];
      continue;
    }
    const specifier = format.slice(i + 1).startsWith('-')
      ? format.slice(i + 1, i + 3)
      : format[i + 1];
    i += specifier?.length ?? 1;
    const whole = { x: 'Y-m-d', X: 'H:M:S', c: 'Y-m-d H:M:S' }[specifier];
    if (specifier === '%') {
      literal += '%';
    } else if (whole !== undefined) {
      for (const inner of whole) {
        if (formatters[inner] === undefined) literal += inner;
        else {
          parts.push({ literal, specifier: inner });
          literal = '';
        }
      }
    } else if (formatters[specifier] !== undefined) {
      parts.push({ literal, specifier });
      literal = '';
    } else {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `the format has an unknown specifier: %${specifier ?? ''}`,
      );
    }
  }
  return [...parts, { literal, specifier: undefined }];
}

const strftime: Strict = ([value, format], _type, [argType]) => {
  const micros = instantOf(value, argType);
  const days = floorDivide(micros, microsPerDay);
  const time = micros - days * microsPerDay;
  return splitFormat(format as string)
    .map(({ literal, specifier }) =>
      specifier === undefined ? literal : literal + formatters[specifier](Number(days), time),
    )
    .join('');
};

/** Fields of EXTRACT whose result is a whole number. */
export const wholeFields: readonly string[] = [
  ...Object.keys(dayFields),
  ...Object.keys(clockFields),
];
/** Units of date_trunc and date_diff. */
export const truncationUnits: readonly string[] = [
  ...Object.keys(truncateDay),
  ...Object.keys(unitMicros),
];

const named = (prefix: string, names: readonly string[], make: (name: string) => Strict) =>
  Object.fromEntries(names.map((name) => [`${prefix}_${name}`, make(name)]));

export const timeMeanings: Readonly<Record<string, Strict>> = {
  ...named('extract', wholeFields, extract),
  extract_epoch: epoch,
  extract_julian: julian,
  ...named('date_trunc', truncationUnits, truncate),
  ...named('date_diff', truncationUnits, difference),
  date_add: dateAdd(1),
  date_subtract: dateAdd(-1),
  /** DATE plus a number of days. */
  date_add_days: ([value, days]) => BigInt(checkDate(Number((value as bigint) + (days as bigint)))),
  date_diff_days: ([a, b]) => (a as bigint) - (b as bigint),
  /** DATE plus TIME. */
  date_at_time: ([date, time]) =>
    checkTimestamp((date as bigint) * microsPerDay + (time as bigint)),
  timestamp_diff: subtractInstants,
  age,
  interval_add: combine(1),
  interval_subtract: combine(-1),
  interval_negate: ([value]) => {
    const { months: m, days, micros } = value as Interval;
    return makeInterval(-m, -days, -micros);
  },
  interval_multiply: multiplyInterval,
  interval_scale: ([interval, factor]) => scaleInterval(interval as Interval, factor as number),
  interval_divide: divideInterval,
  make_months: ([count]) => makeInterval(Number(count), 0, 0n),
  make_days: ([count]) => makeInterval(0, Number(count), 0n),
  make_micros: ([count]) => makeInterval(0, 0, count as bigint),
  last_day: ([value], _type, [argType]) => {
    const { year, month } = civilFromDays(daysOf(value, argType));
    return BigInt(daysFromCivil(year, month, daysInMonth(year, month)));
  },
  make_date: makeDate,
  make_time: ([hour, minute, second]) =>
    timeOfFields(hour as bigint, minute as bigint, second as number, `${hour}:${minute}:${second}`),
  make_timestamp: makeTimestamp,
  monthname: ([value], _type, [argType]) => months[civilFromDays(daysOf(value, argType)).month - 1],
  dayname: ([value], _type, [argType]) => weekdays[dayFields['dow'](daysOf(value, argType))],
  strftime,
};
