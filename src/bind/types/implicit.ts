import type { Expression } from '../../plan/expression.ts';
import {
  integerKinds,
  isFloat,
  isInteger,
  isNumeric,
  type SqlType,
  sameType,
} from '../../value/type.ts';
import { isOpen } from './common.ts';

const timeKinds = ['date', 'timestamp', 'timestamptz'];

/**
 * How far an argument is from a parameter's type when it is converted without being asked: 0 for
 * the same type, undefined when only CAST converts. Literals of open type fit everything, text
 * best.
 */
export function implicitCost(expression: Expression, to: SqlType): number | undefined {
  const from = expression.type;
  if (sameType(from, to)) return 0;
  if (isOpen(expression)) return to.kind === 'varchar' ? 1 : 2;
  if (isInteger(from)) return integerCost(from, to);
  if (from.kind === 'decimal') {
    if (to.kind === 'double') return 6;
    return to.kind === 'real' ? 7 : undefined;
  }
  if (from.kind === 'real') return to.kind === 'double' ? 1 : undefined;
  const fromTime = timeKinds.indexOf(from.kind);
  const toTime = timeKinds.indexOf(to.kind);
  return fromTime >= 0 && toTime > fromTime ? toTime - fromTime : undefined;
}

function integerCost(from: SqlType, to: SqlType): number | undefined {
  if (!isNumeric(to)) return undefined;
  if (isFloat(to)) return to.kind === 'double' ? 8 : 9;
  if (to.kind === 'decimal') return 5;
  const rank = (type: SqlType): number => (integerKinds as readonly string[]).indexOf(type.kind);
  const steps = rank(to) - rank(from);
  return steps > 0 ? steps : undefined;
}

/**
 * Whether a value may be put into a column of that type without CAST: numbers into all numbers (out
 * of range is an error then), everything into text, times into times, literals wherever they fit.
 */
export function canAssign(expression: Expression, to: SqlType): boolean {
  const from = expression.type;
  if (implicitCost(expression, to) !== undefined || to.kind === 'varchar') return true;
  if (isNumeric(from) && isNumeric(to)) return true;
  return timeKinds.includes(from.kind) && timeKinds.includes(to.kind);
}

/** Whether CAST knows how to make a value of `to` from one of `from`. */
export function canCast(from: SqlType, to: SqlType): boolean {
  if (sameType(from, to) || from.kind === 'null') return true;
  if (from.kind === 'varchar' || to.kind === 'varchar') return true;
  if (isNumeric(from)) return isNumeric(to) || to.kind === 'boolean';
  if (from.kind === 'boolean') return isNumeric(to);
  if (to.kind === 'time') return from.kind === 'timestamp';
  return timeKinds.includes(from.kind) && timeKinds.includes(to.kind);
}
