/**
 * Decimals: integers scaled by 10^scale, up to 38 digits, exact. A value is a bigint here; where
 * all values of a column are safe integers, numbers do, and {@link formatDecimal} takes both.
 * Rounding is half away from zero, as in the SQL standard and PostgreSQL's NUMERIC.
 */
import { QuernError, sqlState } from '../base/error.ts';
import { decimalPrecisionMax } from './type.ts';

const powers: bigint[] = Array.from(
  { length: decimalPrecisionMax + 1 },
  (_, i) => 10n ** BigInt(i),
);

/** 10^exponent for 0 <= exponent <= 38. */
export function powerOfTen(exponent: number): bigint {
  return powers[exponent];
}

/** The integer nearest to dividend / divisor, ties away from zero; divisor > 0. */
export function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const remainder = dividend % divisor;
  const twice = (remainder < 0n ? -remainder : remainder) * 2n;
  if (twice < divisor) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
}

/** Throws unless `value` has at most `precision` digits. */
export function checkDecimal(value: bigint, precision: number, scale: number): bigint {
  const limit = powers[precision];
  if (value < limit && value > -limit) return value;
  throw new QuernError(
    sqlState.numericValueOutOfRange,
    `value ${formatDecimal(value, scale)} does not fit in DECIMAL(${precision},${scale})`,
  );
}

/** Changes the scale of a value, rounding when digits are lost. The result is not range-checked. */
export function rescaleDecimal(value: bigint, fromScale: number, toScale: number): bigint {
  if (toScale >= fromScale) return value * powers[toScale - fromScale];
  return divideRounded(value, powers[fromScale - toScale]);
}

const decimalPattern = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?\s*$/;

/**
 * Reads `-12.345` or `1.2e3` as a value of DECIMAL(precision, scale): digits beyond the scale are
 * rounded away, digits beyond the precision are an error.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint {
  const match = decimalPattern.exec(text);
  if (match === null || (match[2] === '' && (match[3] ?? '') === '')) {
    throw new QuernError(
      sqlState.invalidTextRepresentation,
      `invalid input syntax for type DECIMAL(${precision},${scale}): "${text}"`,
    );
  }
  const fraction = match[3] ?? '';
  let digits = match[2] + fraction;
  // The value is digits * 10^shift in units of the scale.
  let shift = Number(match[4] ?? 0) - fraction.length + scale;
  if (shift < -digits.length) return 0n;
  let roundUp = false;
  if (shift < 0) {
    const kept = digits.length + shift;
    roundUp = digits.charCodeAt(kept) >= 53;
    digits = digits.slice(0, kept);
    shift = 0;
  }
  digits = digits.replace(/^0+/, '');
  if (digits.length + (digits === '' ? 0 : shift) > precision)
    throw outOfRange(text, precision, scale);
  let value = digits.length <= 15 ? BigInt(Number(digits)) : BigInt(digits);
  if (shift > 0 && digits !== '') value *= powers[shift];
  if (roundUp) value += 1n;
  if (value >= powers[precision]) throw outOfRange(text, precision, scale);
  return match[1] === '-' ? -value : value;
}

function outOfRange(text: string, precision: number, scale: number): QuernError {
  return new QuernError(
    sqlState.numericValueOutOfRange,
    `value ${text.trim()} does not fit in DECIMAL(${precision},${scale})`,
  );
}

/** `-12.30` for -1230 at scale 2: always with `scale` digits after the point. */
export function formatDecimal(value: bigint | number, scale: number): string {
  const text = String(value);
  if (scale === 0) return text;
  const negative = text.charCodeAt(0) === 45;
  const digits = (negative ? text.slice(1) : text).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The double nearest to value / 10^scale. */
export function decimalToDouble(value: bigint, scale: number): number {
  const approximate = Number(value);
  // One correctly rounded division of two exact doubles is exact enough; otherwise via the text.
  if (Number.isSafeInteger(approximate) && scale <= 22) return approximate / 10 ** scale;
  return Number(formatDecimal(value, scale));
}
