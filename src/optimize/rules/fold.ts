import { QuernError } from '../../base/error.ts';
import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import {
  type CallExpression,
  call,
  children,
  constant,
  type Expression,
  trueConstant,
} from '../../plan/expression.ts';
import { isEvaluable } from '../../plan/functions/index.ts';
import type { Plan } from '../../plan/plan.ts';
import { mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';
import { booleanType, sameType } from '../../value/type.ts';
import { simplifyComparison } from './cast-comparison.ts';
import { mergeComparisons } from './merge-comparisons.ts';

const falseConstant = constant(false, booleanType);

/**
 * Computes what needs no row, and simplifies logic, everywhere in the plan, subqueries included.
 */
export function foldConstants(plan: Plan): Plan {
  const inner = mapInputs(plan, foldConstants);
  return mapExpressions(inner, foldExpression);
}

export function foldExpression(expression: Expression): Expression {
  const folded = mapChildren(expression, foldExpression, foldConstants);
  if (isFoldable(folded)) {
    try {
      const value = evaluate(folded, emptyEnvironment);
      return constant(value, folded.type);
    } catch (error) {
      // An error must not happen before the row that causes it: there may be none.
      if (!(error instanceof QuernError)) throw error;
      return folded;
    }
  }
  if (folded.kind === 'case') return simplifyCase(folded);
  if (folded.kind === 'cast' && sameType(folded.type, folded.input.type)) return folded.input;
  if (folded.kind !== 'call') return folded;
  switch (folded.name) {
    case 'and':
      return simplifyLogic(folded.args, 'and');
    case 'or':
      return simplifyLogic(folded.args, 'or');
    case 'not':
      return simplifyNot(folded, folded.args[0]);
    case 'is_null':
    case 'is_not_null':
      if (folded.args[0].nullable) return folded;
      return folded.name === 'is_null' ? falseConstant : trueConstant;
    case 'is_distinct_from':
    case 'is_not_distinct_from':
      return simplifyDistinct(folded);
    default:
      return simplifyComparison(folded);
  }
}

function isFoldable(expression: Expression): boolean {
  if (expression.kind === 'constant') return false;
  if (expression.kind === 'call' && !isEvaluable(expression.name)) return false;
  const foldableKind =
    expression.kind === 'call' ||
    expression.kind === 'cast' ||
    expression.kind === 'case' ||
    expression.kind === 'inList';
  return foldableKind && children(expression).every((child) => child.kind === 'constant');
}

/** Drops what decides nothing; one TRUE in an OR, or FALSE in an AND, decides all. */
function simplifyLogic(args: readonly Expression[], name: 'and' | 'or'): Expression {
  const neutral = name === 'and';
  const parts: Expression[] = [];
  for (const arg of args) {
    if (arg.kind === 'constant' && arg.value === neutral) continue;
    if (arg.kind === 'constant' && arg.value === !neutral) return arg;
    if (arg.kind === 'call' && arg.name === name) parts.push(...arg.args);
    else parts.push(arg);
  }
  if (parts.length === 0) return neutral ? trueConstant : falseConstant;
  const merged = mergeComparisons(parts, name);
  return merged.length === 1 ? merged[0] : call(name, merged, booleanType);
}

const opposites: Readonly<Record<string, string>> = {
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

/** NOT moves inwards: into comparisons, and through AND and OR by De Morgan's laws. */
function simplifyNot(whole: Expression, condition: Expression): Expression {
  if (condition.kind !== 'call') return whole;
  if (condition.name === 'not') return condition.args[0];
  const opposite = opposites[condition.name];
  if (opposite !== undefined) {
    return call(opposite, condition.args, booleanType, condition.nullable);
  }
  if (condition.name !== 'and' && condition.name !== 'or') return whole;
  const args = condition.args.map((arg) => foldExpression(call('not', [arg], booleanType)));
  return simplifyLogic(args, condition.name === 'and' ? 'or' : 'and');
}

/** Without NULLs it is a plain comparison, and beside NULL a test for it. */
function simplifyDistinct(expression: CallExpression): Expression {
  const negated = expression.name === 'is_distinct_from';
  const { args } = expression;
  if (args.every((arg) => !arg.nullable)) {
    return simplifyComparison(call(negated ? 'ne' : 'eq', args, booleanType, false));
  }
  const at = args.findIndex((arg) => arg.kind === 'constant' && arg.value === null);
  if (at < 0) return expression;
  const test = negated ? 'is_not_null' : 'is_null';
  return foldExpression(call(test, [args[1 - at]], booleanType, false));
}

function simplifyCase(expression: Extract<Expression, { kind: 'case' }>): Expression {
  const branches = [];
  for (const branch of expression.branches) {
    if (branch.when.kind === 'constant') {
      if (branch.when.value !== true) continue;
      if (branches.length === 0) return branch.then;
      return { ...expression, branches, otherwise: branch.then };
    }
    branches.push(branch);
  }
  if (branches.length === 0) return expression.otherwise;
  return branches.length === expression.branches.length ? expression : { ...expression, branches };
}
