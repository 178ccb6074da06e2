import { assert } from '../../base/assert.ts';
import type { CallExpression } from '../../plan/expression.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import { wideEqual } from '../kernels/wide.ts';
import type { Scope } from '../query.ts';
import { type BoolValue, eitherNull, halves, type Value } from '../value.ts';
import { compileExpression } from './compile.ts';
import { intervalMicros } from './intervals.ts';
import { decode, stringBefore, stringCompare, stringEquals } from './strings.ts';
import { compare128, type Halves } from './wide.ts';

export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export function compileComparison(expression: CallExpression, scope: Scope): BoolValue {
  const a = compileExpression(expression.args[0], scope);
  const b = compileExpression(expression.args[1], scope);
  const isNull = eitherNull(a.isNull, b.isNull);
  const x = compareValues(expression.name as Comparison, a, b, scope);
  if (isNull === undefined) return { form: 'bool', x, isNull };
  const known = scope.f.let(isNull, 'unknown');
  return { form: 'bool', x: i32.and(x, i32.eqz(known)), isNull: known };
}

/** An i32: whether two values that are not NULL compare so. */
export function compareValues(comparison: Comparison, a: Value, b: Value, scope: Scope): Expr {
  if (a.form === 'int' && b.form === 'int') return compareInts(comparison, a.x, b.x);
  if (isWhole(a) && isWhole(b)) return compareHalves(comparison, halves(a), halves(b));
  if (a.form === 'float' && b.form === 'float') return compareFloats(comparison, a.x, b.x);
  if (a.form === 'bool' && b.form === 'bool') return compareSmall(comparison, a.x, b.x);
  if (a.form === 'code' && b.form === 'code' && a.dictionary === b.dictionary) {
    return compareSmall(comparison, a.x, b.x);
  }
  if (a.form === 'interval' && b.form === 'interval') {
    return compareHalves(comparison, intervalMicros(a, scope), intervalMicros(b, scope));
  }
  const x = decode(a, scope);
  const y = decode(b, scope);
  if (comparison === 'eq') return stringEquals(scope, x, y);
  if (comparison === 'ne') return i32.eqz(stringEquals(scope, x, y));
  if (comparison === 'lt') return stringBefore(scope, x, y);
  if (comparison === 'gt') return stringBefore(scope, y, x);
  return compareSmall(comparison, stringCompare(scope, x, y), i32.const(0), true);
}

function isWhole(value: Value): value is Extract<Value, { form: 'int' | 'wide' }> {
  return value.form === 'int' || value.form === 'wide';
}

function compareInts(comparison: Comparison, a: Expr, b: Expr): Expr {
  const build = { eq: i64.eq, ne: i64.ne, lt: i64.ltS, le: i64.leS, gt: i64.gtS, ge: i64.geS };
  return build[comparison](a, b);
}

function compareSmall(comparison: Comparison, a: Expr, b: Expr, signed = false): Expr {
  const build = signed
    ? { eq: i32.eq, ne: i32.ne, lt: i32.ltS, le: i32.leS, gt: i32.gtS, ge: i32.geS }
    : { eq: i32.eq, ne: i32.ne, lt: i32.ltU, le: i32.leU, gt: i32.gtU, ge: i32.geU };
  return build[comparison](a, b);
}

function compareHalves(comparison: Comparison, x: Halves, y: Halves): Expr {
  switch (comparison) {
    case 'eq':
      return wideEqual(x, y);
    case 'ne':
      return i32.eqz(wideEqual(x, y));
    case 'lt':
    case 'gt':
      return compare128(comparison, x, y);
    case 'le':
      return i32.eqz(compare128('gt', x, y));
    case 'ge':
      return i32.eqz(compare128('lt', x, y));
  }
}

/** As in PostgreSQL, NaN equals NaN and is greater than every other number. */
function compareFloats(comparison: Comparison, a: Expr, b: Expr): Expr {
  const nan = (x: Expr) => f64.ne(x, x);
  switch (comparison) {
    case 'eq':
      return i32.or(f64.eq(a, b), i32.and(nan(a), nan(b)));
    case 'ne':
      return i32.eqz(compareFloats('eq', a, b));
    case 'lt':
      return i32.or(f64.lt(a, b), i32.and(nan(b), i32.eqz(nan(a))));
    case 'gt':
      return compareFloats('lt', b, a);
    case 'le':
      return i32.eqz(compareFloats('lt', b, a));
    case 'ge':
      return i32.eqz(compareFloats('lt', a, b));
    default:
      assert(false, `comparison ${comparison}`);
  }
}
