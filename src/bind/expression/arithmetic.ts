import { sqlState } from '../../base/error.ts';
import { call, type Expression } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import {
  bigintType,
  booleanType,
  decimalPrecisionMax,
  decimalType,
  doubleType,
  integerType,
  isFloat,
  isInteger,
  isNumeric,
  realType,
  type SqlType,
  typeName,
} from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, notSupported } from '../error.ts';
import { castTo, unifyPair } from '../types/cast.ts';
import { decimalOf, decimalShape, isOpen, widerInteger } from '../types/common.ts';
import { bindTemporal } from './temporal.ts';

export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

/** Both sides in one type, compared. */
export function compare(
  context: BindContext,
  name: Comparison | 'is_distinct_from' | 'is_not_distinct_from',
  a: Expression,
  b: Expression,
  span: Span,
): Expression {
  const args = unifyPair(context, a, b, span);
  return call(name, args, booleanType, name.startsWith('is_') ? false : undefined);
}

const functionNames: Readonly<Record<string, string>> = {
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  '/': 'divide',
  '//': 'divide',
  '%': 'modulo',
};

/** `+ - * / // %` on numbers, and on dates and intervals. */
export function bindArithmetic(
  context: BindContext,
  operator: string,
  left: Expression,
  right: Expression,
  span: Span,
): Expression {
  const temporal = bindTemporal(context, operator, left, right, span);
  if (temporal !== undefined) return temporal;
  const [a, b] = resolveOpen(context, left, right, span);
  if (!isNumeric(a.type) || !isNumeric(b.type)) noOperator(operator, a.type, b.type, span);
  if (operator === '^') {
    const args = [castTo(context, a, doubleType, span), castTo(context, b, doubleType, span)];
    return call('power', args, doubleType);
  }
  const name = functionNames[operator];
  // As in DuckDB, `/` divides to a DOUBLE even whole numbers; `//` is their integer division.
  if (operator === '/' || isFloat(a.type) || isFloat(b.type)) {
    const single = a.type.kind === 'real' && b.type.kind === 'real';
    const type = single ? realType : doubleType;
    return call(name, [castTo(context, a, type, span), castTo(context, b, type, span)], type);
  }
  if (isInteger(a.type) && isInteger(b.type)) {
    const type = widerInteger(a.type, b.type);
    return call(name, [castTo(context, a, type, span), castTo(context, b, type, span)], type);
  }
  return bindDecimal(context, operator, name, a, b, span);
}

/** A literal of open type beside a number is a number of that type. */
function resolveOpen(
  context: BindContext,
  left: Expression,
  right: Expression,
  span: Span,
): [Expression, Expression] {
  if (isOpen(left) && isOpen(right)) {
    return [castTo(context, left, integerType, span), castTo(context, right, integerType, span)];
  }
  if (isOpen(left)) return [castTo(context, left, right.type, span), right];
  if (isOpen(right)) return [left, castTo(context, right, left.type, span)];
  return [left, right];
}

/**
 * Decimal arithmetic with DuckDB's result types: sums have the larger scale and one more digit,
 * products the sum of digits and scales. 38 digits are the most; more are an error when they occur.
 */
function bindDecimal(
  context: BindContext,
  operator: string,
  name: string,
  a: Expression,
  b: Expression,
  span: Span,
): Expression {
  const x = decimalShape(a);
  const y = decimalShape(b);
  if (operator === '*') {
    const scale = x.scale + y.scale;
    if (scale > decimalPrecisionMax) {
      throw new BindError(
        sqlState.numericValueOutOfRange,
        `this product would have ${scale} digits after the point, more than ${decimalPrecisionMax}`,
        span,
        'cast one of the factors to DOUBLE or to a smaller scale',
      );
    }
    const args = [a, b].map((arg, i) => asDecimal(context, arg, [x, y][i], span));
    return call(name, args, decimalOf(x.precision + y.precision - scale, scale));
  }
  // Only whole numbers have a whole quotient, as in DuckDB.
  if (operator === '//') {
    const args = [castTo(context, a, doubleType, span), castTo(context, b, doubleType, span)];
    return call('divide', args, doubleType);
  }
  const scale = Math.max(x.scale, y.scale);
  const carry = operator === '%' ? 0 : 1;
  const whole = Math.max(x.precision - x.scale, y.precision - y.scale);
  const type = decimalOf(whole + carry, scale);
  return call(name, [castTo(context, a, type, span), castTo(context, b, type, span)], type);
}

function asDecimal(
  context: BindContext,
  expression: Expression,
  shape: { precision: number; scale: number },
  span: Span,
): Expression {
  if (expression.type.kind === 'decimal') return expression;
  return castTo(context, expression, decimalType(shape.precision, shape.scale), span);
}

/** & | and xor of two integers, ~ of one. */
export function bindBits(
  context: BindContext,
  name: 'bit_and' | 'bit_or' | 'bit_xor' | 'bit_not',
  operands: readonly Expression[],
  span: Span,
): Expression {
  const [a, b] = asIntegers(context, bitOperators[name], operands, span);
  const type = b === undefined ? a.type : widerInteger(a.type, b.type);
  const args = (b === undefined ? [a] : [a, b]).map((arg) => castTo(context, arg, type, span));
  return call(name, args, type);
}

const bitOperators = { bit_and: '&', bit_or: '|', bit_xor: 'xor', bit_not: '~' } as const;

/** The result has the type of what is shifted. */
export function bindShift(
  context: BindContext,
  operator: '<<' | '>>',
  operands: readonly Expression[],
  span: Span,
): Expression {
  const [value, count] = asIntegers(context, operator, operands, span);
  if (value.type.kind === 'hugeint') notSupported('a shift of a HUGEINT', span);
  const name = operator === '<<' ? 'shift_left' : 'shift_right';
  return call(name, [value, castTo(context, count, bigintType, span)], value.type);
}

function asIntegers(
  context: BindContext,
  operator: string,
  operands: readonly Expression[],
  span: Span,
): readonly Expression[] {
  const bound = operands.map((arg) => (isOpen(arg) ? castTo(context, arg, bigintType, span) : arg));
  const wrong = bound.some((arg) => !isInteger(arg.type));
  if (wrong) noOperator(operator, bound[0].type, bound[bound.length - 1].type, span);
  return bound;
}

/** -x; of a constant at once. */
export function negate(value: Expression): Expression {
  if (value.kind === 'constant' && typeof value.value === 'bigint') {
    return { ...value, value: -value.value };
  }
  if (value.kind === 'constant' && typeof value.value === 'number') {
    return { ...value, value: -value.value };
  }
  return call('negate', [value], value.type);
}

export function noOperator(operator: string, a: SqlType, b: SqlType, span: Span): never {
  throw new BindError(
    sqlState.undefinedFunction,
    `there is no operator ${typeName(a)} ${operator} ${typeName(b)}`,
    span,
    'convert one of the sides with CAST',
  );
}
