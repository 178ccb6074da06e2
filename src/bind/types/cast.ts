import { sqlState } from '../../base/error.ts';
import { castValue } from '../../plan/cast.ts';
import { cast, constant, type Expression } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import { type SqlType, sameType, typeName } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, locate } from '../error.ts';
import { commonType } from './common.ts';
import { canCast } from './implicit.ts';

/**
 * The expression as a value of `type`. Literals are converted at once, so that a bad one is an
 * error with its place; a parameter of unknown type takes the type.
 */
export function castTo(
  context: BindContext,
  expression: Expression,
  type: SqlType,
  span: Span,
): Expression {
  if (sameType(expression.type, type)) return expression;
  if (expression.kind === 'parameter' && expression.type.kind === 'null') {
    context.parameterTypes[expression.index] = type;
    return { ...expression, type };
  }
  if (expression.kind !== 'constant') return cast(expression, type);
  const value = locate(span, () => castValue(expression.value, expression.type, type));
  return constant(value, type);
}

/** CAST as it was asked for, or TRY_CAST; fails if there is no such conversion. */
export function explicitCast(
  context: BindContext,
  input: Expression,
  type: SqlType,
  span: Span,
  tries = false,
): Expression {
  if (!canCast(input.type, type)) {
    const message = `cannot cast ${typeName(input.type)} to ${typeName(type)}`;
    throw new BindError('42846', message, span);
  }
  const open = input.kind === 'parameter' && input.type.kind === 'null';
  if (!tries || open || sameType(input.type, type)) return castTo(context, input, type, span);
  return { kind: 'cast', input, type, nullable: true, try: true };
}

/** Both expressions in their common type, for a comparison. */
export function unifyPair(
  context: BindContext,
  a: Expression,
  b: Expression,
  span: Span,
): [Expression, Expression] {
  const type = commonType(a, b);
  if (type === undefined) incomparable(a.type, b.type, span);
  return [castTo(context, a, type, span), castTo(context, b, type, span)];
}

function incomparable(a: SqlType, b: SqlType, span: Span): never {
  throw new BindError(
    sqlState.datatypeMismatch,
    `${typeName(a)} and ${typeName(b)} have no type in common`,
    span,
    'convert one of them with CAST',
  );
}

/** The type all expressions can be converted to: for CASE, IN, VALUES, UNION. */
export function unifiedType(
  expressions: readonly Expression[],
  span: (index: number) => Span,
): SqlType {
  let joined = expressions[0];
  for (let i = 1; i < expressions.length; i++) {
    const type = commonType(joined, expressions[i]);
    if (type === undefined) incomparable(joined.type, expressions[i].type, span(i));
    // A constant counts by its digits only as long as it is alone.
    const { nullable } = joined;
    joined = { kind: 'parameter', index: -1, type, nullable };
  }
  return joined.type;
}

export function unifyAll(
  context: BindContext,
  expressions: readonly Expression[],
  span: (index: number) => Span,
): Expression[] {
  const type = unifiedType(expressions, span);
  return expressions.map((expression, i) => castTo(context, expression, type, span(i)));
}
