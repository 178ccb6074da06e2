import { assert } from '../../base/assert.ts';
import {
  type CallExpression,
  children,
  type Expression,
  type InListExpression,
} from '../../plan/expression.ts';
import { type Expr, i32 } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { type BoolValue, eitherNull, type Value } from '../value.ts';
import { compareValues } from './comparison.ts';
import { compileExpression } from './compile.ts';

export function compileLogic(expression: CallExpression, scope: Scope): BoolValue {
  const { args } = expression;
  switch (expression.name) {
    case 'and':
      return args.slice(1).reduce((a, b) => both(a, b, scope), boolean(args[0], scope));
    case 'or':
      return args.slice(1).reduce((a, b) => either(a, b, scope), boolean(args[0], scope));
    case 'not': {
      const { x, isNull } = boolean(args[0], scope);
      if (isNull === undefined) return { form: 'bool', x: i32.eqz(x), isNull };
      return { form: 'bool', x: i32.eqz(i32.or(x, isNull)), isNull };
    }
    case 'is_null':
    case 'is_not_null': {
      const isNull = compileExpression(args[0], scope).isNull ?? i32.const(0);
      const x = expression.name === 'is_null' ? isNull : i32.eqz(isNull);
      return { form: 'bool', x, isNull: undefined };
    }
    case 'is_distinct_from':
    case 'is_not_distinct_from': {
      const same = notDistinct(
        compileExpression(args[0], scope),
        compileExpression(args[1], scope),
        scope,
      );
      const x = expression.name === 'is_distinct_from' ? i32.eqz(same) : same;
      return { form: 'bool', x, isNull: undefined };
    }
    default:
      assert(false, `${expression.name} is not logic`);
  }
}

/** An i32: equal, or both NULL. */
export function notDistinct(a: Value, b: Value, scope: Scope): Expr {
  const equal = compareValues('eq', a, b, scope);
  if (a.isNull === undefined && b.isNull === undefined) return equal;
  const aNull = a.isNull ?? i32.const(0);
  const bNull = b.isNull ?? i32.const(0);
  return i32.select(i32.or(aNull, bNull), i32.and(aNull, bNull), equal);
}

function boolean(expression: Expression, scope: Scope): BoolValue {
  const value = compileExpression(expression, scope);
  assert(value.form === 'bool', 'logic is over booleans');
  return value;
}

/** Whether the second operand is worth a branch, or may fail and so must not run in vain. */
function isCostly(expression: Expression): boolean {
  return size(expression) > 6;
}

function size(expression: Expression): number {
  return children(expression).reduce((sum, child) => sum + size(child), 1);
}

function both(a: BoolValue, right: Expression, scope: Scope): BoolValue {
  if (isCostly(right)) {
    return shortCircuit(a, right, scope, 'and');
  }
  const b = boolean(right, scope);
  const x = i32.and(a.x, b.x);
  if (a.isNull === undefined && b.isNull === undefined)
    return { form: 'bool', x, isNull: undefined };
  return { form: 'bool', x, isNull: i32.and(i32.and(possible(a), possible(b)), i32.eqz(x)) };
}

function either(a: BoolValue, right: Expression, scope: Scope): BoolValue {
  if (isCostly(right)) return shortCircuit(a, right, scope, 'or');
  const b = boolean(right, scope);
  const x = i32.or(a.x, b.x);
  const isNull = eitherNull(a.isNull, b.isNull);
  if (isNull === undefined) return { form: 'bool', x, isNull };
  return { form: 'bool', x, isNull: i32.and(isNull, i32.eqz(x)) };
}

/** TRUE or NULL. */
function possible(value: BoolValue): Expr {
  return value.isNull === undefined ? value.x : i32.or(value.x, value.isNull);
}

/** Evaluates the right operand only where the left does not decide. */
function shortCircuit(
  a: BoolValue,
  right: Expression,
  scope: Scope,
  operation: 'and' | 'or',
): BoolValue {
  const { f } = scope;
  const x = f.let(a.x, operation);
  const isNull = f.let(a.isNull ?? i32.const(0), `${operation}_null`);
  let mayBeNull = a.isNull !== undefined;
  const possibly = mayBeNull ? i32.or(x, isNull) : x;
  f.if(operation === 'or' ? i32.eqz(x) : possibly, () => {
    const b = boolean(right, scope.child());
    mayBeNull ||= b.isNull !== undefined;
    const bx = f.let(b.x, 'right');
    const bNull = f.let(b.isNull ?? i32.const(0), 'right_null');
    if (operation === 'and') {
      // Here a is TRUE (x = 1) or NULL (x = 0): FALSE wins over NULL, NULL over TRUE.
      f.set(isNull, i32.and(i32.or(isNull, bNull), i32.or(bx, bNull)));
      f.set(x, i32.and(x, bx));
    } else {
      f.set(isNull, i32.and(i32.or(isNull, bNull), i32.eqz(bx)));
      f.set(x, bx);
    }
  });
  return { form: 'bool', x, isNull: mayBeNull ? isNull : undefined };
}

export function compileInList(expression: InListExpression, scope: Scope): BoolValue {
  const input = compileExpression(expression.input, scope);
  const tests: Expr[] = [];
  let isNull = input.isNull;
  for (const item of expression.list) {
    const value = compileExpression(item, scope);
    const equal = compareValues('eq', input, value, scope);
    tests.push(value.isNull === undefined ? equal : i32.and(equal, i32.eqz(value.isNull)));
    isNull = eitherNull(isNull, value.isNull);
  }
  const x = anyOf(tests, 0, tests.length);
  if (isNull === undefined) return { form: 'bool', x, isNull };
  const found = scope.f.let(
    input.isNull === undefined ? x : i32.and(x, i32.eqz(input.isNull)),
    'found',
  );
  return { form: 'bool', x: found, isNull: i32.and(isNull, i32.eqz(found)) };
}

/** The OR of the tests from `start` to `end`, as a tree that is not deeper than need be. */
function anyOf(tests: readonly Expr[], start: number, end: number): Expr {
  if (end - start === 0) return i32.const(0);
  if (end - start === 1) return tests[start];
  const middle = (start + end) >> 1;
  return i32.or(anyOf(tests, start, middle), anyOf(tests, middle, end));
}
