import { QuernError } from '../../base/error.ts';
import { divideRounded, powerOfTen, rescaleDecimal } from '../../value/decimal.ts';
import type { SqlType } from '../../value/type.ts';
import { checkExact, floorDivide, roundHalfAway, scaleOf } from '../cast.ts';
import { compareValues } from '../compare.ts';
import { divisionByZero, outOfDomain, type Strict } from './meaning.ts';

function comparison(holds: (order: number) => boolean): Strict {
  return ([a, b]) => holds(compareValues(a, b));
}

function single(value: number, type: SqlType): number {
  return type.kind === 'real' ? Math.fround(value) : value;
}

function operator(
  exact: (a: bigint, b: bigint) => bigint,
  floating: (a: number, b: number) => number,
): Strict {
  return ([a, b], type) => {
    if (typeof a === 'number') return single(floating(a, b as number), type);
    return checkExact(exact(a as bigint, b as bigint), type);
  };
}

/** `divide` and `modulo`: the divisor must not be 0. */
function division(
  exact: (a: bigint, b: bigint) => bigint,
  floating: (a: number, b: number) => number,
): Strict {
  const unchecked = operator(exact, floating);
  return (values, type, argTypes) => {
    if (values[1] === 0n || values[1] === 0) throw divisionByZero();
    return unchecked(values, type, argTypes);
  };
}

const wholeOf = { floor: Math.floor, ceil: Math.ceil, trunc: Math.trunc, round: roundHalfAway };

type Rounding = keyof typeof wholeOf;

/** round, floor, ceil and trunc; round and trunc also to a number of digits after the point. */
function rounding(name: Rounding): Strict {
  return ([value, digits], type, [argType]) => {
    if (typeof value === 'number') return single(roundDouble(name, value, digits), type);
    const scale = scaleOf(argType);
    const keep = digits === undefined ? 0 : Number(digits);
    const x = value as bigint;
    if (keep >= scale) return rescaleDecimal(x, scale, scaleOf(type));
    // Nothing is left of a number of up to 39 digits.
    if (scale - keep > 38) return 0n;
    const unit = powerOfTen(scale - keep);
    const whole = divideBy(name, x, unit);
    return checkExact(rescaleDecimal(whole * unit, scale, scaleOf(type)), type);
  };
}

function divideBy(name: Rounding, value: bigint, unit: bigint): bigint {
  if (name === 'round') return divideRounded(value, unit);
  if (name === 'trunc') return value / unit;
  return name === 'floor' ? floorDivide(value, unit) : -floorDivide(-value, unit);
}

function roundDouble(name: Rounding, value: number, digits: unknown): number {
  const round = wholeOf[name];
  if (digits === undefined) return round(value);
  const count = Number(digits);
  // A factor beyond all doubles: nothing to round, or nothing left.
  if (count < 0) {
    const unit = 10 ** -count;
    const rounded = round(value / unit) * unit;
    return Number.isFinite(rounded) ? rounded : 0;
  }
  const unit = 10 ** count;
  const rounded = round(value * unit) / unit;
  return Number.isFinite(rounded) ? rounded : value;
}

/** A function of one double that is defined where `domain` answers no message. */
function real(run: (x: number) => number, domain?: (x: number) => string | undefined): Strict {
  return ([value]) => {
    const message = domain?.(value as number);
    if (message !== undefined) throw outOfDomain(message);
    return run(value as number);
  };
}

function squareRoot(x: number): number {
  if (x < 0) throw new QuernError('2201F', 'cannot take square root of a negative number');
  return Math.sqrt(x);
}

function logarithm(run: (x: number) => number): Strict {
  return ([value]) => {
    if ((value as number) < 0) {
      throw new QuernError('2201E', 'cannot take logarithm of a negative number');
    }
    if (value === 0) throw new QuernError('2201E', 'cannot take logarithm of zero');
    return run(value as number);
  };
}

const unbounded = (x: number): string | undefined =>
  Math.abs(x) === Number.POSITIVE_INFINITY ? 'input is out of range' : undefined;
const unit = (x: number): string | undefined =>
  Math.abs(x) > 1 ? 'input is out of range' : undefined;

const bitsOf: Readonly<Record<string, number>> = {
  tinyint: 8,
  smallint: 16,
  integer: 32,
  bigint: 64,
  hugeint: 128,
};

/** How many bits an integer type has. */
export function bitWidth(type: SqlType): number {
  return bitsOf[type.kind];
}

const shiftLeft: Strict = ([value, count], type) => {
  const x = value as bigint;
  const by = count as bigint;
  if (by < 0n) throw outOfDomain('cannot shift left by a negative number of bits');
  if (x < 0n) throw outOfDomain('cannot shift a negative number left');
  if (x === 0n) return 0n;
  if (by >= BigInt(bitWidth(type))) throw outOfDomain('integer out of range');
  return checkExact(x << by, type);
};

const shiftRight: Strict = ([value, count], type) => {
  const by = count as bigint;
  return by < 0n || by >= BigInt(bitWidth(type)) ? 0n : (value as bigint) >> by;
};

function countBits(value: bigint, type: SqlType): bigint {
  let count = 0n;
  for (let rest = BigInt.asUintN(bitWidth(type), value); rest > 0n; rest >>= 1n) count += rest & 1n;
  return count;
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a;
  let y = b < 0n ? -b : b;
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

const bits = (run: (a: bigint, b: bigint) => bigint): Strict => {
  return ([a, b]) => run(a as bigint, b as bigint);
};

export const numberMeanings: Readonly<Record<string, Strict>> = {
  eq: comparison((order) => order === 0),
  ne: comparison((order) => order !== 0),
  lt: comparison((order) => order < 0),
  le: comparison((order) => order <= 0),
  gt: comparison((order) => order > 0),
  ge: comparison((order) => order >= 0),
  not: ([value]) => !value,
  add: operator(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  subtract: operator(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  multiply: operator(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  divide: division(
    (a, b) => a / b,
    (a, b) => a / b,
  ),
  modulo: division(
    (a, b) => a % b,
    (a, b) => a % b,
  ),
  negate: ([value], type) =>
    typeof value === 'number' ? -value : checkExact(-(value as bigint), type),
  abs: ([value], type) => {
    if (typeof value === 'number') return Math.abs(value);
    const x = value as bigint;
    return checkExact(x < 0n ? -x : x, type);
  },
  sign: ([value]) => {
    const x = value as number | bigint;
    return x > 0 ? 1n : x < 0 ? -1n : 0n;
  },
  round: rounding('round'),
  floor: rounding('floor'),
  ceil: rounding('ceil'),
  trunc: rounding('trunc'),
  sqrt: real(squareRoot),
  cbrt: real(Math.cbrt),
  exp: real(Math.exp),
  ln: logarithm(Math.log),
  log2: logarithm(Math.log2),
  log10: logarithm(Math.log10),
  power: ([x, y]) => power(x as number, y as number),
  sin: real(Math.sin, unbounded),
  cos: real(Math.cos, unbounded),
  tan: real(Math.tan, unbounded),
  asin: real(Math.asin, unit),
  acos: real(Math.acos, unit),
  atan: real(Math.atan),
  atan2: ([y, x]) => Math.atan2(y as number, x as number),
  sinh: real(Math.sinh),
  cosh: real(Math.cosh),
  tanh: real(Math.tanh),
  asinh: real(Math.asinh),
  acosh: real(Math.acosh),
  atanh: real(Math.atanh, unit),
  isnan: ([value]) => Number.isNaN(value),
  isinf: ([value]) => Math.abs(value as number) === Number.POSITIVE_INFINITY,
  isfinite: ([value]) => Number.isFinite(value),
  bit_and: bits((a, b) => a & b),
  bit_or: bits((a, b) => a | b),
  bit_xor: bits((a, b) => a ^ b),
  bit_not: ([value]) => ~(value as bigint),
  bit_count: ([value], _type, [argType]) => countBits(value as bigint, argType),
  shift_left: shiftLeft,
  shift_right: shiftRight,
  row_count: ([count]) => rowCount(count as bigint),
  gcd: ([a, b], type) => checkExact(greatestDivisor(a as bigint, b as bigint), type),
};

function rowCount(count: bigint): bigint {
  if (count >= 0n) return count;
  throw new QuernError('2201W', 'LIMIT and OFFSET must not be negative');
}

/** x^y as IEEE 754 has it; ECMAScript alone makes NaN of 1^NaN and of 1^±Infinity. */
function power(x: number, y: number): number {
  return x === 1 ? 1 : x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY ? 1 : x ** y;
}
