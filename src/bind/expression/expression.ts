import { sqlState } from '../../base/error.ts';
import {
  type ConstantExpression,
  type ConstantValue,
  call,
  constant,
  type Expression,
  trueConstant,
} from '../../plan/expression.ts';
import type {
  Case,
  ColumnReference,
  Extract,
  InList,
  Like,
  Parameter,
  Expression as Syntax,
  Unary,
} from '../../sql/ast/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import { isComparison } from '../../sql/operators.ts';
import {
  bigintType,
  blobType,
  booleanType,
  intervalType,
  nullType,
  typeName,
  varcharType,
} from '../../value/type.ts';
import { parseBlob } from '../../value/value.ts';
import { BindError, notSupported } from '../error.ts';
import { bindFullMatch } from '../functions/regex.ts';
import { bindExtractOf } from '../functions/time.ts';
import { findColumn, findQualified, type Scope, unknownColumn } from '../scope.ts';
import { castTo, explicitCast, unifyAll } from '../types/cast.ts';
import { resolveType } from '../types/type-name.ts';
import {
  bindArithmetic,
  bindBits,
  bindShift,
  type Comparison,
  compare,
  negate,
  noOperator,
} from './arithmetic.ts';
import type { Place } from './binder.ts';
import { bindCall } from './call.ts';
import { bindInterval, bindNumber, bindTypedLiteral } from './literal.ts';
import { bindExists, bindInSubquery, bindQuantified, bindScalarSubquery } from './subquery.ts';

const comparisonNames: Readonly<Record<string, Comparison>> = {
  '=': 'eq',
  '<>': 'ne',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
};

export function comparisonOf(operator: string): Comparison | undefined {
  return comparisonNames[operator];
}

/** The meaning of an expression at its place; errors are BindErrors. */
export function bindExpression(place: Place, node: Syntax): Expression {
  switch (node.kind) {
    case 'nullLiteral':
      return constant(null, nullType);
    case 'booleanLiteral':
      return constant(node.value, booleanType);
    case 'numberLiteral':
      return bindNumber(node);
    case 'stringLiteral':
      return constant(node.value, varcharType);
    case 'blobLiteral':
      return constant(parseBlob(`\\x${node.digits}`), blobType);
    case 'typedLiteral':
      return bindTypedLiteral(node);
    case 'intervalLiteral':
      return bindInterval(place, node);
    case 'parameter':
      return bindParameter(place, node);
    case 'columnReference':
      return bindColumn(place, node);
    case 'unary':
      return bindUnary(place, node);
    case 'binary':
      return bindBinary(place, node.operator, node.left, node.right, node.span);
    case 'logical': {
      const name = node.operator === 'AND' ? 'and' : 'or';
      return call(
        name,
        node.operands.map((operand) => bindCondition(place, operand)),
        booleanType,
      );
    }
    case 'not':
      return not(bindCondition(place, node.operand));
    case 'isNull': {
      const name = node.negated ? 'is_not_null' : 'is_null';
      return call(name, [bindExpression(place, node.operand)], booleanType, false);
    }
    case 'isBoolean':
      return bindIsBoolean(place, node.operand, node.value, node.negated);
    case 'isDistinct': {
      const name = node.negated ? 'is_not_distinct_from' : 'is_distinct_from';
      const left = bindExpression(place, node.left);
      return compare(place.context, name, left, bindExpression(place, node.right), node.span);
    }
    case 'call':
      return bindCall(place, node);
    case 'cast': {
      const type = resolveType(node.type);
      const input = bindExpression(place, node.operand);
      return explicitCast(place.context, input, type, node.span, node.try);
    }
    case 'extract':
      return bindExtract(place, node);
    case 'case':
      return bindCase(place, node);
    default:
      return bindRest(place, node);
  }
}

type Basic =
  | 'nullLiteral'
  | 'booleanLiteral'
  | 'numberLiteral'
  | 'stringLiteral'
  | 'blobLiteral'
  | 'typedLiteral'
  | 'intervalLiteral'
  | 'parameter'
  | 'columnReference'
  | 'unary'
  | 'binary'
  | 'logical'
  | 'not'
  | 'isNull'
  | 'isBoolean'
  | 'isDistinct'
  | 'call'
  | 'cast'
  | 'extract'
  | 'case';

function bindRest(place: Place, node: Exclude<Syntax, { kind: Basic }>): Expression {
  switch (node.kind) {
    case 'between': {
      const { context } = place;
      const operand = bindExpression(place, node.operand);
      let low = bindExpression(place, node.low);
      let high = bindExpression(place, node.high);
      if (node.symmetric) [low, high] = sortBounds(place, low, high, node.span);
      const parts = [
        compare(context, 'ge', operand, low, node.span),
        compare(context, 'le', operand, high, node.span),
      ];
      return negateIf(node.negated, call('and', parts, booleanType));
    }
    case 'inList':
      return bindInList(place, node);
    case 'like':
      return bindLike(place, node);
    case 'inSubquery':
      return bindInSubquery(place, node);
    case 'scalarSubquery':
      return bindScalarSubquery(place, node);
    case 'exists':
      return bindExists(place, node);
    case 'quantified':
      return bindQuantified(place, node);
    case 'star':
      throw new BindError(sqlState.syntaxError, '"*" is not allowed here', node.span);
    case 'defaultValue':
      throw new BindError(
        sqlState.syntaxError,
        'DEFAULT is only allowed in VALUES of an INSERT and in SET of an UPDATE',
        node.span,
      );
    case 'collate':
      return notSupported('COLLATE', node.span);
    case 'atTimeZone':
      return notSupported('AT TIME ZONE', node.span);
    case 'row':
      return notSupported('a row as a value', node.span);
    case 'lambda':
      return notSupported('a lambda', node.span);
    default:
      return notSupported('a nested value (list, struct, map)', node.span);
  }
}

function sortBounds(
  place: Place,
  a: Expression,
  b: Expression,
  span: Span,
): [Expression, Expression] {
  const bounds = unifyAll(place.context, [a, b], () => span);
  const { type } = bounds[0];
  return [call('least', bounds, type), call('greatest', bounds, type)];
}

export function not(condition: Expression): Expression {
  return call('not', [condition], booleanType);
}

export function negateIf(negated: boolean, condition: Expression): Expression {
  return negated ? not(condition) : condition;
}

/** An expression that must be a BOOLEAN. */
export function bindCondition(place: Place, node: Syntax): Expression {
  const condition = bindExpression(place, node);
  const { kind } = condition.type;
  if (kind === 'boolean') return condition;
  const open = kind === 'null' || (kind === 'varchar' && condition.kind === 'constant');
  if (open) return castTo(place.context, condition, booleanType, node.span);
  throw new BindError(
    sqlState.datatypeMismatch,
    `a condition must be BOOLEAN, this is ${typeName(condition.type)}`,
    node.span,
    'compare it with something',
  );
}

function bindParameter(place: Place, node: Parameter): Expression {
  const { context } = place;
  let index = node.index === undefined ? -1 : node.index - 1;
  if (node.name !== undefined) {
    const name = node.name.toLowerCase();
    index = context.parameterNames.indexOf(name);
    if (index < 0) index = context.parameterNames.push(name) - 1;
  }
  context.parameterSpans[index] ??= node.span;
  while (context.parameterTypes.length <= index) context.parameterTypes.push(nullType);
  return { kind: 'parameter', index, type: context.parameterTypes[index], nullable: true };
}

function bindColumn(place: Place, node: ColumnReference): Expression {
  const { parts } = node;
  if (parts.length > 3) notSupported('a field of a struct', node.span);
  // The schema in front of a table's name says nothing new: there is only one.
  const name = parts[parts.length - 1];
  const table = parts.length > 1 ? parts[parts.length - 2] : undefined;
  const value =
    table === undefined
      ? findUnqualified(place, place.scope, node)
      : findQualified(place.scope, table, name).value;
  if (value.kind === 'column') place.spans.set(value.column.id, node.span);
  return value;
}

/** Columns of the scope, then aliases of its select list, then the same in the scopes around it. */
function findUnqualified(place: Place, scope: Scope, node: ColumnReference): Expression {
  const name = node.parts[0];
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const found = findColumn(at, name.name, node.span);
    if (found !== undefined) return found.value;
    const alias = at === place.scope ? at.aliases.get(name.name.toLowerCase()) : undefined;
    if (alias !== undefined && !place.expanding.includes(name.name.toLowerCase())) {
      const expanding = [...place.expanding, name.name.toLowerCase()];
      return bindExpression({ ...place, expanding }, alias);
    }
  }
  return unknownColumn(scope, name);
}

function bindUnary(place: Place, node: Unary): Expression {
  const { operator, operand } = node;
  if (operator === '~') {
    return bindBits(place.context, 'bit_not', [bindExpression(place, operand)], node.span);
  }
  if (operator !== '-' && operator !== '+') notSupported(`the operator ${operator}`, node.span);
  if (operator === '-' && operand.kind === 'numberLiteral') return bindNumber(operand, true);
  const value = bindExpression(place, operand);
  const { kind } = value.type;
  const open = kind === 'null' || (kind === 'varchar' && value.kind === 'constant');
  const zero = constant(0n, bigintType);
  if (open) return bindArithmetic(place.context, operator, zero, value, node.span);
  if (kind === 'interval' && operator === '-') {
    if (value.kind !== 'constant') return call('interval_negate', [value], intervalType);
    return constant(negateInterval(value.value), intervalType);
  }
  // The check that the operand is a number is that of the binary operator.
  bindArithmetic(place.context, operator, zero, value, node.span);
  return operator === '-' ? negate(value) : value;
}

function negateInterval(value: ConstantValue): ConstantValue {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return { months: -value.months, days: -value.days, micros: -value.micros };
}

function bindBinary(
  place: Place,
  operator: string,
  left: Syntax,
  right: Syntax,
  span: Span,
): Expression {
  if (isComparison(operator)) {
    const name = comparisonNames[operator];
    if (left.kind === 'row' || right.kind === 'row') {
      return bindRowComparison(place, name, left, right, span);
    }
    const a = bindExpression(place, left);
    return compare(place.context, name, a, bindExpression(place, right), span);
  }
  const a = bindExpression(place, left);
  const b = bindExpression(place, right);
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '//':
    case '%':
    case '^':
      return bindArithmetic(place.context, operator, a, b, span);
    case '&':
      return bindBits(place.context, 'bit_and', [a, b], span);
    case '|':
      return bindBits(place.context, 'bit_or', [a, b], span);
    case '<<':
    case '>>':
      return bindShift(place.context, operator, [a, b], span);
    case '^@':
      return textCall(place, 'starts_with', [a, b], span);
    case '||': {
      const text = (value: Expression): Expression =>
        castTo(place.context, value, varcharType, span);
      if (a.type.kind === 'blob' || b.type.kind === 'blob') noOperator('||', a.type, b.type, span);
      return call('concat', [text(a), text(b)], varcharType);
    }
    case '~~':
    case '!~~':
    case '~~*':
    case '!~~*': {
      const name = operator.endsWith('*') ? 'ilike' : 'like';
      return negateIf(operator.startsWith('!'), textCall(place, name, [a, b], span));
    }
    case '~':
    case '!~':
    case '~*':
    case '!~*': {
      const spans = [left.span, right.span];
      const matches = bindFullMatch(place.context, [a, b], span, spans, operator.endsWith('*'));
      return negateIf(operator.startsWith('!'), matches);
    }
    default:
      return notSupported(`the operator ${operator}`, span);
  }
}

/** (a, b) = (c, d) is a = c AND b = d; (a, b) < (c, d) is a < c OR a = c AND b < d. */
function bindRowComparison(
  place: Place,
  name: Comparison,
  left: Syntax,
  right: Syntax,
  span: Span,
): Expression {
  if (left.kind !== 'row' || right.kind !== 'row') {
    notSupported('the comparison of a row with a value', span, 'compare the columns one by one');
  }
  if (left.items.length !== right.items.length) {
    throw new BindError(sqlState.syntaxError, 'the rows have different lengths', span);
  }
  const compare = (operator: string, i: number): Expression =>
    bindBinary(place, operator, left.items[i], right.items[i], right.items[i].span);
  const last = left.items.length - 1;
  if (name === 'eq' || name === 'ne') {
    const parts = left.items.map((_, i) => compare('=', i));
    return negateIf(name === 'ne', last === 0 ? parts[0] : call('and', parts, booleanType));
  }
  const strict = name === 'lt' || name === 'le' ? '<' : '>';
  let result = compare(name === 'le' || name === 'ge' ? `${strict}=` : strict, last);
  for (let i = last - 1; i >= 0; i--) {
    const rest = call('and', [compare('=', i), result], booleanType);
    result = call('or', [compare(strict, i), rest], booleanType);
  }
  return result;
}

function bindInList(place: Place, node: InList): Expression {
  const { operand, items, negated } = node;
  if (operand.kind === 'row') {
    const options = items.map((item) => bindRowComparison(place, 'eq', operand, item, item.span));
    const any = options.length === 1 ? options[0] : call('or', options, booleanType);
    return negateIf(negated, any);
  }
  const parts = [operand, ...items].map((item) => bindExpression(place, item));
  const [input, ...list] = unifyAll(place.context, parts, (i) => [operand, ...items][i].span);
  const nullable = parts.some((part) => part.nullable);
  return negateIf(negated, { kind: 'inList', input, list, type: booleanType, nullable });
}

function bindLike(place: Place, node: Like): Expression {
  if (node.operator === 'GLOB') notSupported(node.operator, node.span, 'use LIKE');
  const args = [node.operand, node.pattern].map((part) => bindExpression(place, part));
  if (node.operator === 'SIMILAR TO') {
    if (node.escape !== undefined) notSupported('SIMILAR TO with ESCAPE', node.escape.span);
    const spans = [node.operand.span, node.pattern.span];
    return negateIf(node.negated, bindFullMatch(place.context, args, node.span, spans));
  }
  const name = node.operator === 'LIKE' ? 'like' : 'ilike';
  const escapeWith = node.escape && bindEscape(place, node.escape);
  if (escapeWith?.value === null) return constant(null, booleanType);
  if (escapeWith !== undefined) args.push(escapeWith);
  return negateIf(node.negated, textCall(place, name, args, node.span));
}

/** A constant of at most one character, or NULL. */
function bindEscape(place: Place, syntax: Syntax): ConstantExpression {
  const bound = bindExpression(place, syntax);
  if (bound.kind !== 'constant') notSupported('an escape that is no literal', syntax.span);
  if (typeof bound.value === 'string' && Array.from(bound.value).length > 1) {
    const message = 'the escape of LIKE must be empty or one character';
    throw new BindError('22025', message, syntax.span);
  }
  return bound;
}

function textCall(place: Place, name: string, args: Expression[], span: Span): Expression {
  for (const arg of args) {
    const { kind } = arg.type;
    if (kind !== 'varchar' && kind !== 'null') {
      noOperator(name.toUpperCase(), args[0].type, args[1].type, span);
    }
  }
  return call(
    name,
    args.map((arg) => castTo(place.context, arg, varcharType, span)),
    booleanType,
  );
}

function bindIsBoolean(
  place: Place,
  operand: Syntax,
  value: boolean | undefined,
  negated: boolean,
): Expression {
  const condition = bindCondition(place, operand);
  if (value === undefined) {
    return call(negated ? 'is_not_null' : 'is_null', [condition], booleanType, false);
  }
  const name = negated ? 'is_distinct_from' : 'is_not_distinct_from';
  const wanted = value ? trueConstant : constant(false, booleanType);
  return call(name, [condition, wanted], booleanType, false);
}

function bindExtract(place: Place, node: Extract): Expression {
  const value = bindExpression(place, node.operand);
  return bindExtractOf(place.context, node.field, value, node.span);
}

function bindCase(place: Place, node: Case): Expression {
  const { context } = place;
  const operand = node.operand && bindExpression(place, node.operand);
  const whens = node.branches.map(({ when }) => {
    if (operand === undefined) return bindCondition(place, when);
    return compare(context, 'eq', operand, bindExpression(place, when), when.span);
  });
  const syntax = node.branches.map(({ result }) => result);
  if (node.otherwise !== undefined) syntax.push(node.otherwise);
  const results = syntax.map((result) => bindExpression(place, result));
  if (node.otherwise === undefined) results.push(constant(null, nullType));
  const unified = unifyAll(context, results, (i) => syntax[i]?.span ?? node.span);
  const otherwise = unified[unified.length - 1];
  const branches = whens.map((when, i) => {
    const then = unified[i];
    return { when, then };
  });
  const nullable = unified.some((result) => result.nullable);
  return { kind: 'case', branches, otherwise, type: otherwise.type, nullable };
}
