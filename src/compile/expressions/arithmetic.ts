import { assert } from '../../base/assert.ts';
import type { CallExpression } from '../../plan/expression.ts';
import { isFloat, type SqlType } from '../../value/type.ts';
import { type Expr, f32, f64, i32, i64 } from '../../wasm/index.ts';
import { emitFmod } from '../kernels/fmod.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import {
  addRange,
  contains,
  fitsI64,
  intersectRange,
  multiplyRange,
  negateRange,
  type Range,
  rangeOf,
  subtractRange,
  unionRange,
} from '../range.ts';
import {
  eitherNull,
  type FloatValue,
  halves,
  type IntValue,
  spill,
  typeRange,
  type Value,
  type WideValue,
} from '../value.ts';
import { compileExpression } from './compile.ts';
import { add128, compare128, divide128, multiply128, negate128, subtract128 } from './wide.ts';

type Whole = IntValue | WideValue;

export function compileArithmetic(expression: CallExpression, scope: Scope): Value {
  const args = expression.args.map((arg) => compileExpression(arg, scope));
  const [a, b] = args;
  if (isFloat(expression.type)) {
    return floatArithmetic(expression, args as FloatValue[], scope);
  }
  if (expression.name === 'negate' || expression.name === 'abs') {
    return unary(expression, asWhole(a), scope);
  }
  return binary(expression, asWhole(a), asWhole(b), scope);
}

export function asWhole(value: Value): Whole {
  assert(value.form === 'int' || value.form === 'wide', `${value.form} in whole arithmetic`);
  return value;
}

function floatArithmetic(expression: CallExpression, args: FloatValue[], scope: Scope): Value {
  const { f } = scope;
  const [a, b] = args;
  const isNull = eitherNull(a.isNull, b?.isNull);
  let x: Expr;
  switch (expression.name) {
    case 'add':
      x = f64.add(a.x, b.x);
      break;
    case 'subtract':
      x = f64.sub(a.x, b.x);
      break;
    case 'multiply':
      x = f64.mul(a.x, b.x);
      break;
    case 'divide':
      failIf(scope, f64.eq(b.x, 0), isNull, failure.divisionByZero);
      x = f64.div(a.x, b.x);
      break;
    case 'negate':
      x = f64.neg(a.x);
      break;
    case 'abs':
      x = f64.abs(a.x);
      break;
    case 'modulo':
      failIf(scope, f64.eq(b.x, 0), isNull, failure.divisionByZero);
      x = emitFmod(scope.query.module).call(a.x, b.x);
      break;
    default:
      assert(false, `${expression.name} is not arithmetic`);
  }
  if (expression.type.kind === 'real') x = f64.promoteF32(f32.demoteF64(x));
  return spill(f, { form: 'float', x, isNull }, expression.name);
}

/** Raises an error at run time where `condition` holds for a row whose result is not NULL. */
export function failIf(
  scope: Scope,
  condition: Expr,
  isNull: Expr | undefined,
  code: number,
): void {
  const fails = isNull === undefined ? condition : i32.and(condition, i32.eqz(isNull));
  scope.f.if(fails, () => scope.f.call(scope.query.fail, code, 0));
}

function overflowOf(type: SqlType): number {
  return type.kind === 'decimal' ? failure.decimalOverflow : failure.integerOverflow;
}

function unary(expression: CallExpression, value: Whole, scope: Scope): Value {
  const negative = negateRange(value.range);
  const abs = expression.name === 'abs';
  if (abs && value.range.min >= 0n) return value;
  const largest = value.range.max > negative.max ? value.range.max : negative.max;
  let range = abs ? rangeOf(0n, largest) : negative;
  if (value.form === 'int' && fitsI64(range)) {
    const minus = i64.sub(0n, value.x);
    const x = abs ? i64.select(i64.ltS(value.x, 0n), minus, value.x) : minus;
    return limit({ form: 'int', x, range, isNull: value.isNull }, expression.type, scope);
  }
  const parts = halves(value);
  if (value.range.min === -(2n ** 127n)) {
    // The one number whose negative has no place in 128 bits.
    const least = i32.and(i64.eq(parts.hi, -(2n ** 63n)), i64.eqz(parts.lo));
    failIf(scope, least, value.isNull, overflowOf(expression.type));
    range = rangeOf(range.min, 2n ** 127n - 1n);
  }
  const minus = negate128(scope, parts);
  const below = i64.ltS(parts.hi, 0n);
  const wide: WideValue = {
    form: 'wide',
    x: abs ? i64.select(below, minus.lo, parts.lo) : minus.lo,
    y: abs ? i64.select(below, minus.hi, parts.hi) : minus.hi,
    range,
    isNull: value.isNull,
  };
  return limit(wide, expression.type, scope);
}

const wideRange = rangeOf(-(2n ** 127n), 2n ** 127n - 1n);

function binary(expression: CallExpression, a: Whole, b: Whole, scope: Scope): Value {
  const isNull = eitherNull(a.isNull, b.isNull);
  const { type } = expression;
  switch (expression.name) {
    case 'add':
    case 'subtract': {
      const plus = expression.name === 'add';
      const range = plus ? addRange(a.range, b.range) : subtractRange(a.range, b.range);
      if (a.form === 'int' && b.form === 'int' && fitsI64(range)) {
        const x = plus ? i64.add(a.x, b.x) : i64.sub(a.x, b.x);
        return limit({ form: 'int', x, range, isNull }, type, scope);
      }
      const { lo, hi } = (plus ? add128 : subtract128)(scope, halves(a), halves(b));
      if (!contains(wideRange, range)) {
        // It wrapped where the result has another sign than both, of a - b than a and -b.
        const other = plus ? halves(b).hi : i64.xor(halves(b).hi, -1n);
        const turned = i64.and(i64.xor(hi, halves(a).hi), i64.xor(hi, other));
        failIf(scope, i64.ltS(turned, 0n), isNull, overflowOf(type));
      }
      return limit({ form: 'wide', x: lo, y: hi, range, isNull }, type, scope);
    }
    case 'multiply': {
      const range = multiplyRange(a.range, b.range);
      if (a.form === 'int' && b.form === 'int' && fitsI64(range)) {
        return limit({ form: 'int', x: i64.mul(a.x, b.x), range, isNull }, type, scope);
      }
      const { lo, hi } = multiply128(scope, a, b, isNull, overflowOf(type));
      return limit({ form: 'wide', x: lo, y: hi, range, isNull }, type, scope);
    }
    case 'divide':
    case 'modulo':
      return divide(expression, a, b, isNull, scope);
    default:
      assert(false, `${expression.name} is not arithmetic`);
  }
}

function divide(
  expression: CallExpression,
  a: Whole,
  b: Whole,
  isNull: Expr | undefined,
  scope: Scope,
): Value {
  const modulo = expression.name === 'modulo';
  const mayBeZero = b.range.min <= 0n && b.range.max >= 0n;
  if (a.form === 'int' && b.form === 'int') {
    let divisor = b.x;
    if (mayBeZero) failIf(scope, i64.eqz(b.x), isNull, failure.divisionByZero);
    // The bits of a NULL may be zero whatever its range.
    if (isNull !== undefined) divisor = i64.select(i64.eqz(b.x), 1n, b.x);
    // The one quotient that does not fit: the least i64 divided by -1.
    const extreme = a.range.min === -(2n ** 63n) && b.range.min <= -1n && b.range.max >= -1n;
    if (!extreme) {
      const x = modulo ? i64.remS(a.x, divisor) : i64.divS(a.x, divisor);
      const range = modulo
        ? unionRange(rangeOf(0n, 0n), moduloRange(a.range, b.range))
        : quotientRange(a.range);
      return limit({ form: 'int', x, range, isNull }, expression.type, scope);
    }
  }
  if (mayBeZero) {
    const { lo, hi } = halves(b);
    failIf(scope, i64.eqz(i64.or(lo, hi)), isNull, failure.divisionByZero);
  }
  const divisor = halves(b);
  if (isNull !== undefined) divisor.lo = i64.or(divisor.lo, i64.extendI32U(isNull));
  const { lo, hi } = divide128(scope, halves(a), divisor, modulo);
  const range = modulo ? moduloRange(a.range, b.range) : quotientRange(a.range);
  return limit({ form: 'wide', x: lo, y: hi, range, isNull }, expression.type, scope);
}

function quotientRange(a: Range): Range {
  return unionRange(unionRange(a, negateRange(a)), rangeOf(0n, 0n));
}

function moduloRange(a: Range, b: Range): Range {
  const reach = unionRange(b, negateRange(b)).max;
  return intersectRange(quotientRange(a), rangeOf(-reach, reach));
}

/** Checks a result against the range of its type, unless it provably lies within. */
export function limit(value: Whole, type: SqlType, scope: Scope): Value {
  const allowed = typeRange(type);
  if (contains(allowed, value.range)) return narrow(value);
  const spilled = spill(scope.f, value, 'checked');
  failIf(scope, outsideOf(spilled, allowed), spilled.isNull, overflowOf(type));
  return narrow({ ...spilled, range: intersectRange(allowed, value.range) });
}

/** An i32: whether a value, which its range does not rule out, lies outside of what is allowed. */
export function outsideOf(value: Whole, allowed: Range): Expr {
  if (value.form === 'wide') {
    const below = compare128('lt', halves(value), constantHalves(allowed.min));
    return i32.or(below, compare128('gt', halves(value), constantHalves(allowed.max)));
  }
  const { x, range } = value;
  const below = allowed.min > range.min ? i64.ltS(x, i64.const(allowed.min)) : undefined;
  const above = allowed.max < range.max ? i64.gtS(x, i64.const(allowed.max)) : undefined;
  const outside = below && above ? i32.or(below, above) : (below ?? above);
  assert(outside !== undefined, 'a range that is not contained leaves at one end');
  return outside;
}

/** A wide value whose range fits in 64 bits as an int. */
export function narrow(value: Whole): Whole {
  if (value.form === 'wide' && fitsI64(value.range)) {
    return { form: 'int', x: value.x, range: value.range, isNull: value.isNull };
  }
  return value;
}

export function constantHalves(value: bigint): { lo: Expr; hi: Expr } {
  return { lo: i64.const(BigInt.asIntN(64, value)), hi: i64.const(value >> 64n) };
}
