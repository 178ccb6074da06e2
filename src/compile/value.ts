import { assert } from '../base/assert.ts';
import type { Dictionary } from '../table/layout.ts';
import { dateMax, dateMin } from '../value/date.ts';
import { powerOfTen } from '../value/decimal.ts';
import { type IntegerKind, integerRange } from '../value/number.ts';
import { timestampMax, timestampMin } from '../value/time.ts';
import type { SqlType } from '../value/type.ts';
import { type Expr, type FunctionBuilder, i32, i64, isPlain } from '../wasm/index.ts';
import { i64Range, type Range, rangeOf } from './range.ts';

/**
 * A SQL value while code is being generated: not the value, but the Wasm expressions that have it.
 *
 * `isNull` (i32, 0 or 1) is absent when the value is never NULL. The other expressions may always
 * be evaluated without a trap; of a NULL they give something unspecified, except that a NULL
 * boolean is 0, so that a boolean is TRUE just where its `x` is 1.
 */
export type Value =
  | IntValue
  | WideValue
  | FloatValue
  | BoolValue
  | CodeValue
  | StringValue
  | IntervalValue;

interface Nullable {
  readonly isNull: Expr | undefined;
}

/** Integers, scaled decimals, dates, times, timestamps: `x` is an i64 within `range`. */
export interface IntValue extends Nullable {
  readonly form: 'int';
  readonly x: Expr;
  readonly range: Range;
}

/** The same beyond 64 bits: `x` the low, `y` the high half. */
export interface WideValue extends Nullable {
  readonly form: 'wide';
  readonly x: Expr;
  readonly y: Expr;
  readonly range: Range;
}

/** REAL and DOUBLE: `x` is an f64; a REAL's has been rounded to 32 bits. */
export interface FloatValue extends Nullable {
  readonly form: 'float';
  readonly x: Expr;
}

/** `x` is an i32, 1 for TRUE. */
export interface BoolValue extends Nullable {
  readonly form: 'bool';
  readonly x: Expr;
}

/** A string as its code (i32) in a sorted dictionary. */
export interface CodeValue extends Nullable {
  readonly form: 'code';
  readonly x: Expr;
  readonly dictionary: Dictionary;
}

/** A string as its address `x` and length in bytes `y`, both i32. */
export interface StringValue extends Nullable {
  readonly form: 'string';
  readonly x: Expr;
  readonly y: Expr;
}

/** As in a column: `x` is an i64 of the months (low) and days (high), `y` the microseconds. */
export interface IntervalValue extends Nullable {
  readonly form: 'interval';
  readonly x: Expr;
  readonly y: Expr;
}

/** Values that take two expressions. */
export type PairValue = WideValue | StringValue | IntervalValue;

export function isPair(value: Value): value is PairValue {
  return value.form === 'wide' || value.form === 'string' || value.form === 'interval';
}

/**
 * The whole range of values a type may have; that of HUGEINT for wide types without a narrower one.
 */
export function typeRange(type: SqlType): Range {
  switch (type.kind) {
    case 'decimal': {
      const limit = powerOfTen(type.precision) - 1n;
      return rangeOf(-limit, limit);
    }
    case 'boolean':
      return rangeOf(0n, 1n);
    case 'date':
      return rangeOf(BigInt(dateMin), BigInt(dateMax));
    case 'time':
      return rangeOf(0n, 86_400_000_000n);
    case 'timestamp':
    case 'timestamptz':
      return rangeOf(timestampMin, timestampMax);
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'hugeint':
    case 'uuid': {
      const [min, max] =
        integerRange[type.kind === 'uuid' ? 'hugeint' : (type.kind as IntegerKind)];
      return rangeOf(min, max);
    }
    default:
      return i64Range;
  }
}

function hold(f: FunctionBuilder, expr: Expr, name: string): Expr {
  return isPlain(expr) ? expr : f.let(expr, name);
}

/** Puts a value into locals, so that it can be used any number of times. */
export function spill<V extends Value>(f: FunctionBuilder, value: V, name: string): V {
  const isNull = value.isNull && hold(f, value.isNull, `${name}_null`);
  const x = hold(f, value.x, name);
  if (isPair(value)) {
    return { ...value, x, y: hold(f, value.y, `${name}_y`), isNull };
  }
  return { ...value, x, isNull };
}

/** A value that is NULL where `isNull`, or was NULL already. */
export function withNull<V extends Value>(value: V, isNull: Expr | undefined): V {
  return { ...value, isNull: eitherNull(value.isNull, isNull) };
}

/** The OR of two NULL flags. */
export function eitherNull(a: Expr | undefined, b: Expr | undefined): Expr | undefined {
  if (a === undefined) return b;
  if (b === undefined || a === b) return a;
  return i32.or(a, b);
}

/** NULL where one of several values is. */
export function nullOfAny(values: readonly Value[]): Expr | undefined {
  return values.reduce<Expr | undefined>(
    (flag, value) => eitherNull(flag, value.isNull),
    undefined,
  );
}

/** Both halves of a whole number. */
export function halves(value: IntValue | WideValue): { lo: Expr; hi: Expr } {
  if (value.form === 'wide') return { lo: value.x, hi: value.y };
  return { lo: value.x, hi: i64.shrS(value.x, i64.const(63)) };
}

/** An i32 that is 1 where `condition` holds for a value that is not NULL. */
export function present(condition: Expr, isNull: Expr | undefined): Expr {
  return isNull === undefined ? condition : i32.and(condition, i32.eqz(isNull));
}

export function expectInt(value: Value): IntValue {
  assert(value.form === 'int', `expected a 64-bit value, not ${value.form}`);
  return value;
}

export function expectFloat(value: Value): FloatValue {
  assert(value.form === 'float', `expected a floating-point number, not ${value.form}`);
  return value;
}
