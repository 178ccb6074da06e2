import { QuernError } from '../../base/error.ts';
import { sameExpression } from '../../plan/equal.ts';
import { emptyEnvironment, evaluate, isEvaluable } from '../../plan/evaluate.ts';
import {
  type CallExpression,
  call,
  children,
  conjunction,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { mapExpressions, rewriteExpression, rewritePlan } from '../../plan/rewrite.ts';
import { microsPerDay } from '../../value/time.ts';
import { booleanType, isInteger, type SqlType } from '../../value/type.ts';

/**
 * Rewrites expressions to simpler ones of the same value: constants are folded, comparisons lose
 * casts of their column, ORs give up what all their branches have in common.
 */
export function simplifyPlan(plan: Plan): Plan {
  return rewritePlan(plan, (node) => mapExpressions(node, simplify));
}

export function simplify(expression: Expression): Expression {
  return rewriteExpression(expression, simplifyNode);
}

function simplifyNode(expression: Expression): Expression {
  const folded = foldConstant(expression);
  if (folded !== undefined) return folded;
  if (expression.kind !== 'call') return expression;
  switch (expression.name) {
    case 'and':
      return simplifyAnd(expression);
    case 'or':
      return simplifyOr(expression);
    case 'not':
      return simplifyNot(expression);
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return unwrapCast(expression);
    default:
      return expression;
  }
}

/** An expression over constants as the constant; one that fails is left to fail at run time. */
function foldConstant(expression: Expression): Expression | undefined {
  if (expression.kind !== 'call' && expression.kind !== 'cast' && expression.kind !== 'inList') {
    return undefined;
  }
  if (expression.kind === 'call' && !isEvaluable(expression.name)) return undefined;
  if (!children(expression).every((child) => child.kind === 'constant')) return undefined;
  try {
    return constant(evaluate(expression, emptyEnvironment), expression.type);
  } catch (error) {
    if (error instanceof QuernError) return undefined;
    throw error;
  }
}

const isTrue = (e: Expression): boolean => e.kind === 'constant' && e.value === true;
const isFalse = (e: Expression): boolean => e.kind === 'constant' && e.value === false;

function simplifyAnd(expression: CallExpression): Expression {
  const parts: Expression[] = [];
  for (const part of conjuncts(expression)) {
    if (isFalse(part)) return part;
    if (isTrue(part) || parts.some((other) => sameExpression(other, part))) continue;
    parts.push(part);
  }
  return conjunction(parts) ?? constant(true, booleanType);
}

function disjuncts(expression: Expression): Expression[] {
  if (expression.kind === 'call' && expression.name === 'or') {
    return expression.args.flatMap(disjuncts);
  }
  return [expression];
}

/** (a and b) or (a and c) becomes a and (b or c): what is common may be pushed down or join. */
function simplifyOr(expression: CallExpression): Expression {
  const parts: Expression[] = [];
  for (const part of disjuncts(expression)) {
    if (isTrue(part)) return part;
    if (isFalse(part) || parts.some((other) => sameExpression(other, part))) continue;
    parts.push(part);
  }
  if (parts.length === 0) return constant(false, booleanType);
  if (parts.length === 1) return parts[0];
  const branches = parts.map(conjuncts);
  const common = branches[0].filter((candidate) =>
    branches.every((branch) => branch.some((other) => sameExpression(other, candidate))),
  );
  if (common.length === 0) return call('or', parts, booleanType);
  const rests = branches.map((branch) =>
    conjunction(branch.filter((part) => !common.some((other) => sameExpression(other, part)))),
  );
  // A branch that is nothing but the common part makes the others irrelevant.
  if (rests.some((rest) => rest === undefined)) return conjunction(common) as Expression;
  return conjunction([...common, call('or', rests as Expression[], booleanType)]) as Expression;
}

const negations: Readonly<Record<string, string>> = {
  eq: 'ne',
  ne: 'eq',
  lt: 'ge',
  ge: 'lt',
  gt: 'le',
  le: 'gt',
  is_null: 'is_not_null',
  is_not_null: 'is_null',
  is_distinct_from: 'is_not_distinct_from',
  is_not_distinct_from: 'is_distinct_from',
};

function simplifyNot(expression: CallExpression): Expression {
  const [inner] = expression.args;
  if (inner.kind !== 'call') return expression;
  if (inner.name === 'not') return inner.args[0];
  const opposite = negations[inner.name];
  if (opposite !== undefined) return { ...inner, name: opposite };
  if (inner.name === 'and' || inner.name === 'or') {
    const negated = inner.args.map((arg) => simplify(call('not', [arg], booleanType)));
    return simplifyNode(call(inner.name === 'and' ? 'or' : 'and', negated, booleanType));
  }
  return expression;
}

const flipped: Readonly<Record<string, string>> = {
  eq: 'eq',
  ne: 'ne',
  lt: 'gt',
  le: 'ge',
  gt: 'lt',
  ge: 'le',
};

/** cast(column as wider) < constant becomes column < constant where the constant has that type. */
function unwrapCast(expression: CallExpression): Expression {
  const [left, right] = expression.args;
  if (right.kind === 'cast' && left.kind === 'constant') {
    return unwrapCast({ ...expression, name: flipped[expression.name], args: [right, left] });
  }
  if (left.kind === 'constant' && right.kind === 'column') {
    return { ...expression, name: flipped[expression.name], args: [right, left] };
  }
  if (left.kind !== 'cast' || right.kind !== 'constant' || right.value === null) return expression;
  const { input } = left;
  const from = input.type;
  if (typeof right.value !== 'bigint') return expression;
  if (from.kind === 'date' && left.type.kind === 'timestamp') {
    return dateBound(expression, input, right.value);
  }
  const narrowed = narrowConstant(right.value, right.type, from);
  if (narrowed === undefined) return expression;
  return { ...expression, args: [input, constant(narrowed, from)] };
}

/** The constant in a narrower exact type, if it has it without rounding. */
function narrowConstant(value: bigint, type: SqlType, to: SqlType): bigint | undefined {
  const scale = (t: SqlType): number | undefined =>
    t.kind === 'decimal' ? t.scale : isInteger(t) ? 0 : undefined;
  const fromScale = scale(type);
  const toScale = scale(to);
  if (fromScale === undefined || toScale === undefined || toScale > fromScale) return undefined;
  const factor = 10n ** BigInt(fromScale - toScale);
  if (value % factor !== 0n) return undefined;
  const scaled = value / factor;
  // A constant that the type of the column has no room for stays as it is, for the cast to widen.
  const limit = to.kind === 'decimal' ? 10n ** BigInt(to.precision) : integerLimit(to);
  return scaled < limit && scaled > -limit ? scaled : undefined;
}

function integerLimit(type: SqlType): bigint {
  const bits = { tinyint: 7n, smallint: 15n, integer: 31n, bigint: 63n, hugeint: 127n };
  return 2n ** (bits[type.kind as keyof typeof bits] ?? 0n);
}

/** A date compared with a moment as a date compared with a day. */
function dateBound(expression: CallExpression, input: Expression, micros: bigint): Expression {
  const rest = ((micros % microsPerDay) + microsPerDay) % microsPerDay;
  const day = (micros - rest) / microsPerDay;
  const dateType = input.type;
  const compare = (name: string) =>
    ({ ...expression, name, args: [input, constant(day, dateType)] }) as Expression;
  if (rest === 0n) return compare(expression.name);
  switch (expression.name) {
    case 'lt':
    case 'le':
      return compare('le');
    case 'gt':
    case 'ge':
      return compare('gt');
    default:
      return expression;
  }
}
