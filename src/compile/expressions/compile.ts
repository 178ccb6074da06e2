import { assert } from '../../base/assert.ts';
import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import { type Column, children, type Expression } from '../../plan/expression.ts';
import { isEvaluable } from '../../plan/functions/index.ts';
import type { Expr } from '../../wasm/index.ts';
import { expressionKey, type Scope } from '../query.ts';
import { spill, type Value } from '../value.ts';
import { compileArithmetic } from './arithmetic.ts';
import { compileCase, compileCoalesce, compileExtreme } from './case.ts';
import { compileCast } from './cast.ts';
import { compileComparison } from './comparison.ts';
import { compileConstant, compileParameter } from './constant.ts';
import { compileDictionaryPredicate } from './dictionary.ts';
import { compileFunction } from './functions.ts';
import { compileInList, compileLogic } from './logic.ts';
import { compileLookup } from './lookup.ts';
import { needsTemporaryTexts, withTemporaryTexts } from './text-room.ts';

/**
 * Emits the code of `expression` at the present place and answers with its value, which may be used
 * any number of times below that place. Equal expressions are computed once in a scope.
 */
export function compileExpression(expression: Expression, scope: Scope): Value {
  if (expression.kind === 'column') return scope.column(expression.column);
  if (expression.kind === 'constant') return compileConstant(expression, scope);
  if (expression.kind === 'parameter') return compileParameter(expression, scope);
  const key = expressionKey(expression);
  const known = scope.recall(key);
  if (known !== undefined) return known;
  // Expressions nest deeply: where there is no need, no calls come between.
  const value = needsTemporaryTexts(expression, scope)
    ? withTemporaryTexts(scope, (inner) =>
        spill(scope.f, compileFresh(expression, inner), nameOf(expression)),
      )
    : spill(scope.f, compileFresh(expression, scope), nameOf(expression));
  scope.remember(key, value);
  return value;
}

/** An i32 that is 1 where the boolean `expression` is TRUE, 0 where it is FALSE or NULL. */
export function compileCondition(expression: Expression, scope: Scope): Expr {
  const value = compileExpression(expression, scope);
  assert(value.form === 'bool', 'a condition is a boolean');
  return value.x;
}

function nameOf(expression: Expression): string {
  return expression.kind === 'call' ? expression.name : expression.kind;
}

function compileFresh(expression: Expression, scope: Scope): Value {
  const folded = fold(expression);
  if (folded !== undefined) return compileConstant(folded, scope);
  const looked = compileDictionaryPredicate(expression, scope);
  if (looked !== undefined) return looked;
  const found = compileLookup(expression, scope);
  if (found !== undefined) return found;
  switch (expression.kind) {
    case 'call':
      return compileCall(expression.name, expression, scope);
    case 'cast':
      return compileCast(expression, scope);
    case 'case':
      return compileCase(expression, scope);
    case 'inList':
      return compileInList(expression, scope);
    default:
      assert(false, `${expression.kind} is not compiled here`);
  }
}

const arithmetic = new Set(['add', 'subtract', 'multiply', 'divide', 'modulo', 'negate', 'abs']);
const comparisons = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
const logic = new Set([
  'and',
  'or',
  'not',
  'is_null',
  'is_not_null',
  'is_distinct_from',
  'is_not_distinct_from',
]);

function compileCall(
  name: string,
  expression: Extract<Expression, { kind: 'call' }>,
  scope: Scope,
): Value {
  if (arithmetic.has(name)) return compileArithmetic(expression, scope);
  if (comparisons.has(name)) return compileComparison(expression, scope);
  if (logic.has(name)) return compileLogic(expression, scope);
  if (name === 'coalesce') return compileCoalesce(expression, scope);
  if (name === 'greatest' || name === 'least') return compileExtreme(expression, scope);
  return compileFunction(expression, scope);
}

/** The columns an expression reads, each once. Without recursion, as it is asked at any depth. */
export function columnsOf(expression: Expression, found = new Set<Column>()): Set<Column> {
  const open = [expression];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === 'column') found.add(next.column);
    else open.push(...children(next));
  }
  return found;
}

/** Without recursion: this is asked at any depth. */
function isConstant(expression: Expression): boolean {
  const open = [expression];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === 'column' || next.kind === 'parameter') return false;
    if (next.kind === 'call' && !isEvaluable(next.name)) return false;
    if (next.kind !== 'constant') open.push(...children(next));
  }
  return true;
}

/** The constant that an expression without columns and parameters stands for. */
export function fold(
  expression: Expression,
): Extract<Expression, { kind: 'constant' }> | undefined {
  if (expression.kind === 'constant') return expression;
  if (!isConstant(expression)) return undefined;
  const value = evaluate(expression, emptyEnvironment);
  return { kind: 'constant', value, type: expression.type, nullable: value === null };
}
