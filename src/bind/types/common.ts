import { digitsOf } from '../../plan/constant.ts';
import type { Expression } from '../../plan/expression.ts';
import {
  decimalPrecisionMax,
  decimalType,
  doubleType,
  integerKinds,
  isFloat,
  isInteger,
  isNumeric,
  realType,
  type SqlType,
  sameType,
} from '../../value/type.ts';

/** Digits that hold every value of an integer type. */
const integerDigits: Readonly<Record<string, number>> = {
  tinyint: 3,
  smallint: 5,
  integer: 10,
  bigint: 19,
  hugeint: 38,
};

export interface DecimalShape {
  readonly precision: number;
  readonly scale: number;
}

/**
 * The decimal that holds the values of an integer or decimal type; of a constant, just its value.
 */
export function decimalShape(expression: Expression): DecimalShape {
  const { type } = expression;
  if (type.kind === 'decimal') return type;
  if (expression.kind === 'constant' && typeof expression.value === 'bigint') {
    return { precision: digitsOf(expression.value), scale: 0 };
  }
  return { precision: integerDigits[type.kind] ?? 18, scale: 0 };
}

/** The decimal type with that many digits before and after the point, cut to what is possible. */
export function decimalOf(whole: number, scale: number): SqlType {
  const precision = Math.min(decimalPrecisionMax, Math.max(whole + scale, 1));
  return decimalType(precision, Math.min(scale, precision));
}

function isText(type: SqlType): boolean {
  return type.kind === 'varchar';
}

/** A literal whose type is open until it meets another: NULL, a string, a parameter. */
export function isOpen(expression: Expression): boolean {
  if (expression.type.kind === 'null') return true;
  return expression.kind === 'constant' && isText(expression.type);
}

const timeRank: Readonly<Record<string, number>> = { date: 1, timestamp: 2, timestamptz: 3 };

/**
 * The type in which the values of two expressions can be compared or stand in one column, or
 * undefined. Literals of open type take the type of the other side.
 */
export function commonType(a: Expression, b: Expression): SqlType | undefined {
  if (sameType(a.type, b.type)) return a.type;
  if (a.type.kind === 'null') return b.type;
  if (b.type.kind === 'null') return a.type;
  if (isOpen(a)) return b.type;
  if (isOpen(b)) return a.type;
  if (isNumeric(a.type) && isNumeric(b.type)) return commonNumber(a, b);
  const rankA = timeRank[a.type.kind];
  const rankB = timeRank[b.type.kind];
  if (rankA === undefined || rankB === undefined) return undefined;
  return rankA > rankB ? a.type : b.type;
}

function commonNumber(a: Expression, b: Expression): SqlType {
  if (isFloat(a.type) || isFloat(b.type)) {
    const single = a.type.kind === 'real' && b.type.kind === 'real';
    return single ? realType : doubleType;
  }
  if (isInteger(a.type) && isInteger(b.type)) return widerInteger(a.type, b.type);
  const x = decimalShape(a);
  const y = decimalShape(b);
  const scale = Math.max(x.scale, y.scale);
  return decimalOf(Math.max(x.precision - x.scale, y.precision - y.scale), scale);
}

export function widerInteger(a: SqlType, b: SqlType): SqlType {
  const rank = (type: SqlType): number => (integerKinds as readonly string[]).indexOf(type.kind);
  return rank(a) >= rank(b) ? a : b;
}
