import { sqlState } from '../../base/error.ts';
import { parseConstant } from '../../plan/constant.ts';
import { type ConstantExpression, constant, type Expression } from '../../plan/expression.ts';
import type { IntervalLiteral, NumberLiteral, TypedLiteral } from '../../sql/ast/expression.ts';
import { parseDecimal } from '../../value/decimal.ts';
import { parseInterval } from '../../value/interval.ts';
import {
  bigintType,
  decimalPrecisionMax,
  decimalType,
  doubleType,
  hugeintType,
  integerType,
  intervalType,
} from '../../value/type.ts';
import { BindError, locate, notSupported } from '../error.ts';
import { intervalOf } from '../functions/time.ts';
import { explicitCast } from '../types/cast.ts';
import { resolveType } from '../types/type-name.ts';
import type { Place } from './binder.ts';
import { bindExpression } from './expression.ts';

const integerMax = 2n ** 31n - 1n;
const bigintMax = 2n ** 63n - 1n;
const hugeintMax = 2n ** 127n - 1n;

/**
 * The narrowest of INTEGER, BIGINT and HUGEINT for whole numbers; DECIMAL with just the digits that
 * are written for those with a point; DOUBLE for those with an exponent or too many digits.
 */
export function bindNumber(node: NumberLiteral, negative = false): ConstantExpression {
  const text = negative ? `-${node.text}` : node.text;
  if (/^\d+$|^0[xX]/.test(node.text)) {
    const value = negative ? -BigInt(node.text) : BigInt(node.text);
    const size = negative ? -value - 1n : value;
    if (size <= integerMax) return constant(value, integerType);
    if (size <= bigintMax) return constant(value, bigintType);
    if (size <= hugeintMax) return constant(value, hugeintType);
    return constant(Number(value), doubleType);
  }
  if (!/[eE]/.test(text)) {
    const [whole, fraction = ''] = node.text.split('.');
    const precision = Math.max(whole.length + fraction.length, 1);
    if (precision <= decimalPrecisionMax) {
      const type = decimalType(precision, fraction.length);
      return constant(parseDecimal(text, precision, fraction.length), type);
    }
  }
  const value = Number(text);
  if (Number.isFinite(value)) return constant(value, doubleType);
  throw new BindError(
    sqlState.numericValueOutOfRange,
    `the number ${text} is out of range for DOUBLE`,
    node.span,
  );
}

export function bindTypedLiteral(node: TypedLiteral): ConstantExpression {
  const type = resolveType(node.type);
  return constant(
    locate(node.span, () => parseConstant(type, node.value)),
    type,
  );
}

export function bindInterval(place: Place, node: IntervalLiteral): Expression {
  const { value, unit } = node;
  if (node.to !== undefined) notSupported(`INTERVAL … ${unit} TO ${node.to}`, node.span);
  const text = intervalText(node);
  if (text === undefined) {
    const count = bindExpression(place, value);
    if (unit !== undefined) return intervalOf(place.context, count, unit, node.span);
    return explicitCast(place.context, count, intervalType, node.span);
  }
  // A number that already names its units is left alone: INTERVAL '1 year' is whole without one.
  const full = unit === undefined ? text : `${text} ${unit.toLowerCase()}`;
  return constant(
    locate(node.span, () => parseInterval(full)),
    intervalType,
  );
}

function intervalText(node: IntervalLiteral): string | undefined {
  const { value } = node;
  if (value.kind === 'stringLiteral') return value.value;
  if (value.kind === 'numberLiteral') return value.text;
  const negated = value.kind === 'unary' && value.operator === '-' ? value.operand : undefined;
  return negated?.kind === 'numberLiteral' ? `-${negated.text}` : undefined;
}
