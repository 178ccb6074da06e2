import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import { checkDate, civilFromDays, daysFromCivil, daysInMonth } from '../value/date.ts';
import {
  checkDecimal,
  decimalToDouble,
  divideRounded,
  powerOfTen,
  rescaleDecimal,
} from '../value/decimal.ts';
import type { Interval } from '../value/interval.ts';
import { checkInteger, type IntegerKind, integerRange } from '../value/number.ts';
import { checkTimestamp, microsPerDay } from '../value/time.ts';
import { isFloat, isInteger, type SqlType } from '../value/type.ts';
import { formatValue } from '../value/value.ts';
import { parseConstant, plainValue } from './constant.ts';
import type { ConstantValue, Expression } from './expression.ts';

/**
 * The meaning of bound scalar expressions, a value at a time, written for clarity. It folds
 * constants, evaluates predicates once for each entry of a dictionary, and is the oracle that
 * compiled code must agree with.
 */
export interface Environment {
  column(id: number): ConstantValue;
  parameter(index: number): ConstantValue;
}

/** For expressions that are free of columns and parameters. */
export const emptyEnvironment: Environment = {
  column: (id) => assertNever(`column ${id}`),
  parameter: (index) => assertNever(`parameter ${index}`),
};

function assertNever(what: string): never {
  assert(false, `${what} has no value in this environment`);
}

/**
 * The value of `expression`.
 *
 * @throws QuernError where SQL has an error: overflow, division by zero, a cast that fails.
 */
export function evaluate(expression: Expression, environment: Environment): ConstantValue {
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'column':
      return environment.column(expression.column.id);
    case 'parameter':
      return environment.parameter(expression.index);
    case 'cast': {
      const input = evaluate(expression.input, environment);
      if (!expression.try) return castValue(input, expression.input.type, expression.type);
      try {
        return castValue(input, expression.input.type, expression.type);
      } catch (error) {
        if (error instanceof QuernError) return null;
        throw error;
      }
    }
    case 'case': {
      for (const branch of expression.branches) {
        if (evaluate(branch.when, environment) === true) return evaluate(branch.then, environment);
      }
      return evaluate(expression.otherwise, environment);
    }
    case 'inList': {
      const value = evaluate(expression.input, environment);
      if (value === null) return null;
      let unknown = false;
      for (const item of expression.list) {
        const other = evaluate(item, environment);
        if (other === null) unknown = true;
        else if (compareValues(value, other) === 0) return true;
      }
      return unknown ? null : false;
    }
    case 'call':
      return evaluateCall(expression.name, expression.args, expression.type, environment);
    case 'subquery':
      assert(false, 'a subquery cannot be evaluated as a scalar expression');
  }
}

function evaluateCall(
  name: string,
  args: readonly Expression[],
  type: SqlType,
  environment: Environment,
): ConstantValue {
  const value = (index: number) => evaluate(args[index], environment);
  switch (name) {
    case 'and': {
      let unknown = false;
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item === false) return false;
        if (item === null) unknown = true;
      }
      return unknown ? null : true;
    }
    case 'or': {
      let unknown = false;
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item === true) return true;
        if (item === null) unknown = true;
      }
      return unknown ? null : false;
    }
    case 'is_null':
      return value(0) === null;
    case 'is_not_null':
      return value(0) !== null;
    case 'is_distinct_from':
    case 'is_not_distinct_from': {
      const a = value(0);
      const b = value(1);
      const same = a === null || b === null ? a === b : compareValues(a, b) === 0;
      return same === (name === 'is_not_distinct_from');
    }
    case 'coalesce':
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item !== null) return item;
      }
      return null;
    case 'greatest':
    case 'least': {
      let best: ConstantValue = null;
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item === null) continue;
        const order = best === null ? 0 : compareValues(item, best);
        if (best === null || (name === 'greatest' ? order > 0 : order < 0)) best = item;
      }
      return best;
    }
  }
  const values: Exclude<ConstantValue, null>[] = [];
  for (let i = 0; i < args.length; i++) {
    const item = value(i);
    if (item === null) return null;
    values.push(item);
  }
  const implementation = strictFunctions.get(name);
  if (implementation === undefined) {
    throw new QuernError(sqlState.featureNotSupported, `function ${name} is not supported yet`);
  }
  return implementation(
    values,
    type,
    args.map((arg) => arg.type),
  );
}

/** Whether {@link evaluate} knows a function of that name. */
export function isEvaluable(name: string): boolean {
  return strictFunctions.has(name) || nullTolerantFunctions.has(name);
}

/** Functions that are not NULL just because an argument is; all others are. */
export const nullTolerantFunctions: ReadonlySet<string> = new Set([
  'and',
  'or',
  'is_null',
  'is_not_null',
  'is_distinct_from',
  'is_not_distinct_from',
  'coalesce',
  'greatest',
  'least',
]);

/** Order of two values of one type: bytes for strings, NaN above all numbers. */
export function compareValues(a: ConstantValue, b: ConstantValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
    if (Number.isNaN(b)) return -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
    return a.length - b.length;
  }
  if (isInterval(a) && isInterval(b)) {
    const order = intervalMicros(a) - intervalMicros(b);
    return order < 0n ? -1 : order > 0n ? 1 : 0;
  }
  assert(a !== null && b !== null, 'NULL has no order');
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of the UTF-8 bytes: of the code points, which is not that of UTF-16 code units. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above all others, but their units lie below 0xE000.
    if (x >= 0xd800) x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
    if (y >= 0xd800) y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    return x - y;
  }
  return a.length - b.length;
}

function isInterval(value: ConstantValue): value is Interval {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** An interval as microseconds, months counted as 30 days: PostgreSQL's order of intervals. */
function intervalMicros(interval: Interval): bigint {
  return BigInt(interval.months * 30 + interval.days) * microsPerDay + interval.micros;
}

type Strict = (
  values: Exclude<ConstantValue, null>[],
  type: SqlType,
  argTypes: SqlType[],
) => ConstantValue;

function comparison(holds: (order: number) => boolean): Strict {
  return ([a, b]) => holds(compareValues(a, b));
}

function numeric(
  exact: (a: bigint, b: bigint) => bigint,
  floating: (a: number, b: number) => number,
): Strict {
  return ([a, b], type) => {
    if (typeof a === 'number') return checkDouble(floating(a, b as number), type);
    return checkExact(exact(a as bigint, b as bigint), type);
  };
}

function checkDouble(value: number, type: SqlType): number {
  return type.kind === 'real' ? Math.fround(value) : value;
}

/** Fails when a whole number or scaled decimal leaves the range of its type. */
export function checkExact(value: bigint, type: SqlType): bigint {
  if (type.kind === 'decimal') return checkDecimal(value, type.precision, type.scale);
  if (isInteger(type)) return checkInteger(value, type.kind as IntegerKind);
  return value;
}

function divisionByZero(): QuernError {
  return new QuernError(sqlState.divisionByZero, 'division by zero');
}

function scaleOf(type: SqlType): number {
  return type.kind === 'decimal' ? type.scale : 0;
}

/** LIKE as a regular expression over code points. */
export function likePattern(pattern: string, escapeWith: string, ignoreCase: boolean): RegExp {
  let source = '';
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    let character = characters[i];
    if (character === escapeWith && escapeWith !== '') {
      if (++i === characters.length) {
        throw new QuernError('22025', 'LIKE pattern must not end with the escape character');
      }
      character = characters[i];
    } else if (character === '%') {
      source += '.*';
      continue;
    } else if (character === '_') {
      source += '.';
      continue;
    }
    source += character.replace(/[\\^$.*+?()[\]{}|/]/u, '\\$&');
  }
  return new RegExp(`^${source}$`, ignoreCase ? 'sui' : 'su');
}

const likeCache = new Map<string, RegExp>();

function like(ignoreCase: boolean): Strict {
  return ([value, pattern, escapeWith]) => {
    const key = `${ignoreCase}${escapeWith ?? ''}\0${pattern}`;
    let expression = likeCache.get(key);
    if (expression === undefined) {
      expression = likePattern(pattern as string, (escapeWith as string) ?? '', ignoreCase);
      if (likeCache.size > 100) likeCache.clear();
      likeCache.set(key, expression);
    }
    return expression.test(value as string);
  };
}

/** SUBSTRING with PostgreSQL's rule: positions from 1, a start before the text eats length. */
function substring(text: string, start: bigint, length: bigint | undefined): string {
  if (length !== undefined && length < 0n) {
    throw new QuernError('22011', 'negative substring length not allowed');
  }
  const characters = Array.from(text);
  const from = Number(start) - 1;
  const to = length === undefined ? characters.length : from + Number(length);
  return characters.slice(Math.max(from, 0), Math.max(to, 0)).join('');
}

const dateFields: Record<string, (days: number) => number> = {
  year: (days) => civilFromDays(days).year,
  month: (days) => civilFromDays(days).month,
  day: (days) => civilFromDays(days).day,
  quarter: (days) => Math.floor((civilFromDays(days).month + 2) / 3),
  dow: (days) => (((days + 4) % 7) + 7) % 7,
  isodow: (days) => ((((days + 3) % 7) + 7) % 7) + 1,
  doy: (days) => days - daysFromCivil(civilFromDays(days).year, 1, 1) + 1,
  epoch: (days) => days * 86400,
};

function daysOf(value: bigint, type: SqlType): number {
  return Number(type.kind === 'date' ? value : floorDivide(value, microsPerDay));
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

function extract(field: string): Strict {
  return ([value], _type, [argType]) => {
    const micros = value as bigint;
    const inDay = micros - floorDivide(micros, microsPerDay) * microsPerDay;
    if (argType.kind !== 'date') {
      if (field === 'hour') return inDay / 3_600_000_000n;
      if (field === 'minute') return (inDay / 60_000_000n) % 60n;
      if (field === 'second') return (inDay / 1_000_000n) % 60n;
    } else if (field === 'hour' || field === 'minute' || field === 'second') return 0n;
    return BigInt(dateFields[field](daysOf(micros, argType)));
  };
}

/**
 * Adds `sign` times an interval to a timestamp: months first (the day clipped), days, then time.
 */
export function addInterval(micros: bigint, interval: Interval, sign: 1 | -1): bigint {
  let days = Number(floorDivide(micros, microsPerDay));
  const time = micros - BigInt(days) * microsPerDay;
  if (interval.months !== 0) {
    const civil = civilFromDays(days);
    const month = civil.year * 12 + civil.month - 1 + sign * interval.months;
    const year = Math.floor(month / 12);
    const inYear = (month % 12) + 1 + (month % 12 < 0 ? 12 : 0);
    days = daysFromCivil(year, inYear, Math.min(civil.day, daysInMonth(year, inYear)));
  }
  days += sign * interval.days;
  return checkTimestamp(BigInt(days) * microsPerDay + time + BigInt(sign) * interval.micros);
}

function dateAdd(sign: 1 | -1): Strict {
  return ([value, interval], type, [argType]) => {
    const micros = argType.kind === 'date' ? (value as bigint) * microsPerDay : (value as bigint);
    const sum = addInterval(micros, interval as Interval, sign);
    return type.kind === 'date' ? floorDivide(sum, microsPerDay) : sum;
  };
}

function rounding(name: string, number: (value: number) => number): Strict {
  return ([value, digits], type, [argType]) => {
    if (typeof value === 'number') {
      if (digits === undefined) return number(value);
      const factor = 10 ** Number(digits);
      return number(value * factor) / factor;
    }
    const scale = scaleOf(argType);
    const keep = name === 'round' && digits !== undefined ? Number(digits) : 0;
    if (keep >= scale) return rescaleDecimal(value as bigint, scale, scaleOf(type));
    const unit = powerOfTen(scale - keep);
    const x = value as bigint;
    const whole =
      name === 'round'
        ? divideRounded(x, unit)
        : name === 'trunc'
          ? x / unit
          : name === 'floor'
            ? floorDivide(x, unit)
            : -floorDivide(-x, unit);
    return keep >= scaleOf(type)
      ? divideRounded(whole, powerOfTen(keep - scaleOf(type)))
      : whole * powerOfTen(scaleOf(type) - keep);
  };
}

const text =
  (run: (value: string) => ConstantValue): Strict =>
  ([value]) =>
    run(value as string);

const strictFunctions: ReadonlyMap<string, Strict> = new Map<string, Strict>([
  ['eq', comparison((order) => order === 0)],
  ['ne', comparison((order) => order !== 0)],
  ['lt', comparison((order) => order < 0)],
  ['le', comparison((order) => order <= 0)],
  ['gt', comparison((order) => order > 0)],
  ['ge', comparison((order) => order >= 0)],
  ['not', ([value]) => !value],
  [
    'add',
    numeric(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ],
  [
    'subtract',
    numeric(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  ],
  [
    'multiply',
    numeric(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ],
  [
    'divide',
    ([a, b], type) => {
      if (typeof a === 'number') {
        if (b === 0) throw divisionByZero();
        return checkDouble(a / (b as number), type);
      }
      if (b === 0n) throw divisionByZero();
      return checkExact((a as bigint) / (b as bigint), type);
    },
  ],
  [
    'modulo',
    ([a, b], type) => {
      if (typeof a === 'number') {
        if (b === 0) throw divisionByZero();
        return a % (b as number);
      }
      if (b === 0n) throw divisionByZero();
      return checkExact((a as bigint) % (b as bigint), type);
    },
  ],
  [
    'negate',
    ([value], type) => (typeof value === 'number' ? -value : checkExact(-(value as bigint), type)),
  ],
  [
    'abs',
    ([value], type) => {
      if (typeof value === 'number') return Math.abs(value);
      const x = value as bigint;
      return checkExact(x < 0n ? -x : x, type);
    },
  ],
  ['round', rounding('round', (x) => Math.sign(x) * Math.round(Math.abs(x)))],
  ['floor', rounding('floor', Math.floor)],
  ['ceil', rounding('ceil', Math.ceil)],
  ['trunc', rounding('trunc', Math.trunc)],
  [
    'sqrt',
    ([value]) => {
      if ((value as number) < 0) {
        throw new QuernError('2201F', 'cannot take square root of a negative number');
      }
      return Math.sqrt(value as number);
    },
  ],
  ['like', like(false)],
  ['ilike', like(true)],
  ['concat', (values) => values.join('')],
  ['length', text((value) => BigInt(Array.from(value).length))],
  ['octet_length', text((value) => BigInt(new TextEncoder().encode(value).length))],
  ['upper', text((value) => value.toUpperCase())],
  ['lower', text((value) => value.toLowerCase())],
  ['trim', text((value) => value.replace(/^ +| +$/g, ''))],
  ['ltrim', text((value) => value.replace(/^ +/, ''))],
  ['rtrim', text((value) => value.replace(/ +$/, ''))],
  [
    'substring',
    ([value, start, length]) =>
      substring(value as string, start as bigint, length as bigint | undefined),
  ],
  ['starts_with', ([value, prefix]) => (value as string).startsWith(prefix as string)],
  ['contains', ([value, part]) => (value as string).includes(part as string)],
  [
    'position',
    ([part, value]) => {
      const at = (value as string).indexOf(part as string);
      return BigInt(at < 0 ? 0 : Array.from((value as string).slice(0, at)).length + 1);
    },
  ],
  [
    'replace',
    ([value, from, to]) =>
      from === '' ? value : (value as string).split(from as string).join(to as string),
  ],
  ...[
    'year',
    'month',
    'day',
    'quarter',
    'dow',
    'isodow',
    'doy',
    'epoch',
    'hour',
    'minute',
    'second',
  ].map((field): [string, Strict] => [`extract_${field}`, extract(field)]),
  ['date_add', dateAdd(1)],
  ['date_subtract', dateAdd(-1)],
  /** DATE plus or minus a number of days. */
  [
    'date_add_days',
    ([value, days]) => BigInt(checkDate(Number((value as bigint) + (days as bigint)))),
  ],
  ['date_diff_days', ([a, b]) => (a as bigint) - (b as bigint)],
]);

/** `value` of type `from` as type `to`; NULL stays NULL. */
export function castValue(value: ConstantValue, from: SqlType, to: SqlType): ConstantValue {
  if (value === null) return null;
  if (to.kind === 'varchar')
    return typeof value === 'string' ? value : formatValue(from, plainValue(from, value));
  if (typeof value === 'string') return parseConstant(to, value);
  if (typeof value === 'boolean') return castNumber(value ? 1n : 0n, from, to);
  if (typeof value === 'number') return castDouble(value, to);
  if (typeof value === 'bigint') return castNumber(value, from, to);
  return value;
}

function castDouble(value: number, to: SqlType): ConstantValue {
  if (to.kind === 'double') return value;
  if (to.kind === 'real') return Math.fround(value);
  if (to.kind === 'boolean') return value !== 0;
  if (!Number.isFinite(value)) {
    throw new QuernError(sqlState.numericValueOutOfRange, `${value} has no place in ${to.kind}`);
  }
  if (to.kind === 'decimal') {
    const scaled = roundHalfEven(value * 10 ** to.scale);
    return checkDecimal(BigInt(scaled), to.precision, to.scale);
  }
  return checkInteger(BigInt(roundHalfEven(value)), to.kind as IntegerKind);
}

/** Doubles become integers as in PostgreSQL: to the nearest, halves to even. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function castNumber(value: bigint, from: SqlType, to: SqlType): ConstantValue {
  if (from.kind === 'date' && (to.kind === 'timestamp' || to.kind === 'timestamptz')) {
    return value * microsPerDay;
  }
  if ((from.kind === 'timestamp' || from.kind === 'timestamptz') && to.kind === 'date') {
    return floorDivide(value, microsPerDay);
  }
  if (to.kind === 'boolean') return value !== 0n;
  if (isFloat(to)) {
    const double = decimalToDouble(value, scaleOf(from));
    return to.kind === 'real' ? Math.fround(double) : double;
  }
  if (to.kind === 'decimal') {
    return checkDecimal(rescaleDecimal(value, scaleOf(from), to.scale), to.precision, to.scale);
  }
  if (to.kind in integerRange) {
    return checkInteger(rescaleDecimal(value, scaleOf(from), 0), to.kind as IntegerKind);
  }
  return value;
}
