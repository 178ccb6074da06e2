import { QuernError, sqlState } from '../base/error.ts';
import { checkDecimal, decimalToDouble, divideRounded, rescaleDecimal } from '../value/decimal.ts';
import { checkInteger, type IntegerKind, integerRange } from '../value/number.ts';
import { microsPerDay } from '../value/time.ts';
import { isFloat, isInteger, type SqlType, typeName } from '../value/type.ts';
import { formatValue } from '../value/value.ts';
import { parseConstant, plainValue } from './constant.ts';
import type { ConstantValue } from './expression.ts';

/** `value` of type `from` as type `to`; NULL stays NULL. */
export function castValue(value: ConstantValue, from: SqlType, to: SqlType): ConstantValue {
  if (value === null) return null;
  if (to.kind === 'varchar') {
    return typeof value === 'string' ? value : formatValue(from, plainValue(from, value));
  }
  if (typeof value === 'string') return castText(value, to);
  if (typeof value === 'boolean') return castNumber(value ? 1n : 0n, from, to);
  if (typeof value === 'number') return castDouble(value, to);
  if (typeof value === 'bigint') return castNumber(value, from, to);
  return value;
}

const numberPattern = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?\s*$/;
/** More digits than any integer type has. */
const digitsMax = 40;

/**
 * A text that stands for a value; whole numbers may be written with a fraction, and are rounded.
 */
function castText(text: string, to: SqlType): ConstantValue {
  const match = isInteger(to) ? numberPattern.exec(text) : null;
  const fraction = match?.[3] ?? '';
  const digits = `${match?.[2] ?? ''}${fraction}`;
  if (match === null || digits === '') return parseConstant(to, text);
  const shift = Number(match[4] ?? 0) - fraction.length;
  const value = BigInt(digits);
  if (value !== 0n && shift > digitsMax) throw noPlace(text.trim(), to);
  const whole =
    shift >= 0
      ? value * 10n ** BigInt(Math.min(shift, digitsMax))
      : -shift > digits.length
        ? 0n
        : divideRounded(value, 10n ** BigInt(-shift));
  return checkInteger(match[1] === '-' ? -whole : whole, to.kind as IntegerKind);
}

export function noPlace(value: string, to: SqlType): QuernError {
  return new QuernError(
    sqlState.numericValueOutOfRange,
    `value ${value} is out of range for type ${typeName(to)}`,
  );
}

function castDouble(value: number, to: SqlType): ConstantValue {
  if (to.kind === 'double') return value;
  if (to.kind === 'real') {
    const single = Math.fround(value);
    if (Number.isFinite(value) && !Number.isFinite(single)) throw noPlace(`${value}`, to);
    return single;
  }
  if (to.kind === 'boolean') return value !== 0;
  if (!Number.isFinite(value)) throw noPlace(`${value}`, to);
  if (to.kind === 'decimal') {
    const scaled = roundHalfAway(value * 10 ** to.scale);
    if (!Number.isFinite(scaled)) throw noPlace(`${value}`, to);
    return checkDecimal(BigInt(scaled), to.precision, to.scale);
  }
  return checkInteger(BigInt(roundHalfEven(value)), to.kind as IntegerKind);
}

/** Doubles become integers as in PostgreSQL and DuckDB: to the nearest, halves to even. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** To the nearest whole number, halves away from zero: how doubles become decimals. */
export function roundHalfAway(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

export function scaleOf(type: SqlType): number {
  return type.kind === 'decimal' ? type.scale : 0;
}

export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

function castNumber(value: bigint, from: SqlType, to: SqlType): ConstantValue {
  const isInstant = from.kind === 'timestamp' || from.kind === 'timestamptz';
  if (from.kind === 'date' && (to.kind === 'timestamp' || to.kind === 'timestamptz')) {
    return value * microsPerDay;
  }
  if (isInstant && to.kind === 'date') return floorDivide(value, microsPerDay);
  if (isInstant && to.kind === 'time') {
    return value - floorDivide(value, microsPerDay) * microsPerDay;
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

/** Fails when a whole number or scaled decimal leaves the range of its type. */
export function checkExact(value: bigint, type: SqlType): bigint {
  if (type.kind === 'decimal') return checkDecimal(value, type.precision, type.scale);
  if (isInteger(type)) return checkInteger(value, type.kind as IntegerKind);
  return value;
}
