import { call, type Expression } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import {
  bigintType,
  dateType,
  doubleType,
  intervalType,
  isInteger,
  isNumeric,
  type SqlType,
  timestampType,
} from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';
import { negate, noOperator } from './arithmetic.ts';

function isInstant(type: SqlType): boolean {
  return type.kind === 'date' || type.kind === 'timestamp' || type.kind === 'timestamptz';
}

function isTemporal(type: SqlType): boolean {
  return isInstant(type) || type.kind === 'time' || type.kind === 'interval';
}

/** Arithmetic on dates, times and intervals; undefined when none is involved. */
export function bindTemporal(
  context: BindContext,
  operator: string,
  left: Expression,
  right: Expression,
  span: Span,
): Expression | undefined {
  if (!isTemporal(left.type) && !isTemporal(right.type)) return undefined;
  const bound =
    operator === '+'
      ? (bindSum(context, left, right, span) ?? bindSum(context, right, left, span))
      : operator === '-'
        ? bindDifference(context, left, right, span)
        : bindMultiple(context, operator, left, right, span);
  return bound ?? noOperator(operator, left.type, right.type, span);
}

function bindSum(
  context: BindContext,
  left: Expression,
  right: Expression,
  span: Span,
): Expression | undefined {
  const { type } = left;
  if (right.type.kind === 'interval') {
    if (type.kind === 'interval') return call('interval_add', [left, right], intervalType);
    if (isOpen(left))
      return bindSum(context, castTo(context, left, intervalType, span), right, span);
    return moved('date_add', left, right);
  }
  if (type.kind !== 'date') return undefined;
  if (isInteger(right.type)) {
    return call('date_add_days', [left, castTo(context, right, bigintType, span)], dateType);
  }
  if (right.type.kind === 'time') return call('date_at_time', [left, right], timestampType);
  return undefined;
}

/** A date or time moved by an interval: a date becomes a timestamp. */
function moved(
  name: 'date_add' | 'date_subtract',
  value: Expression,
  interval: Expression,
): Expression | undefined {
  const { type } = value;
  if (!isInstant(type) && type.kind !== 'time') return undefined;
  return call(name, [value, interval], type.kind === 'date' ? timestampType : type);
}

function bindDifference(
  context: BindContext,
  left: Expression,
  right: Expression,
  span: Span,
): Expression | undefined {
  const { type } = left;
  if (right.type.kind === 'interval') {
    if (type.kind === 'interval') return call('interval_subtract', [left, right], intervalType);
    return moved('date_subtract', left, right);
  }
  if (isOpen(left) && isInstant(right.type)) {
    return bindDifference(context, castTo(context, left, right.type, span), right, span);
  }
  if (!isInstant(type)) return undefined;
  if (isOpen(right)) {
    return bindDifference(context, left, castTo(context, right, type, span), span);
  }
  if (type.kind === 'date' && isInteger(right.type)) {
    const days = negate(castTo(context, right, bigintType, span));
    return call('date_add_days', [left, days], dateType);
  }
  if (!isInstant(right.type)) return undefined;
  if (type.kind === 'date' && right.type.kind === 'date') {
    return call('date_diff_days', [left, right], bigintType);
  }
  return call('timestamp_diff', [left, right], intervalType);
}

/** An interval times a number, or divided by one. */
function bindMultiple(
  context: BindContext,
  operator: string,
  left: Expression,
  right: Expression,
  span: Span,
): Expression | undefined {
  if (operator === '*' && right.type.kind === 'interval' && left.type.kind !== 'interval') {
    return bindMultiple(context, operator, right, left, span);
  }
  const number = isNumeric(right.type) || isOpen(right);
  if (left.type.kind !== 'interval' || !number || (operator !== '*' && operator !== '/')) return;
  if (operator === '*' && isInteger(right.type)) {
    const factor = castTo(context, right, bigintType, span);
    return call('interval_multiply', [left, factor], intervalType);
  }
  const name = operator === '*' ? 'interval_scale' : 'interval_divide';
  return call(name, [left, castTo(context, right, doubleType, span)], intervalType);
}
