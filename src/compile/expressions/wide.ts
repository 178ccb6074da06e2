import { type Expr, f64, i64 } from '../../wasm/index.ts';
import { emitMultiply64, emitWideMultiply, wideLess } from '../kernels/wide.ts';
import {
  emitWideDivide,
  emitWideDivideRounded,
  emitWideRemainder,
} from '../kernels/wide-divide.ts';
import { emitWideToF64 } from '../kernels/wide-float.ts';
import type { Scope } from '../query.ts';
import { multiplyRange } from '../range.ts';
import { halves, type IntValue, type WideValue } from '../value.ts';
import { failIf } from './arithmetic.ts';

/** 128-bit integers as two halves, two's complement. */
export interface Halves {
  readonly lo: Expr;
  readonly hi: Expr;
}

export function add128(scope: Scope, a: Halves, b: Halves): Halves {
  const { f } = scope;
  const lo = f.let(i64.add(a.lo, b.lo), 'lo');
  const carry = i64.extendI32U(i64.ltU(lo, b.lo));
  return { lo, hi: f.let(i64.add(i64.add(a.hi, b.hi), carry), 'hi') };
}

export function subtract128(scope: Scope, a: Halves, b: Halves): Halves {
  const { f } = scope;
  const borrow = f.let(i64.extendI32U(i64.ltU(a.lo, b.lo)), 'borrow');
  const lo = f.let(i64.sub(a.lo, b.lo), 'lo');
  return { lo, hi: f.let(i64.sub(i64.sub(a.hi, b.hi), borrow), 'hi') };
}

export function negate128(scope: Scope, a: Halves): Halves {
  return subtract128(scope, { lo: i64.const(0), hi: i64.const(0) }, a);
}

/** 1 where a < b, or a > b. The halves must be cheap to evaluate twice. */
export function compare128(order: 'lt' | 'gt', a: Halves, b: Halves): Expr {
  return order === 'lt' ? wideLess(a, b) : wideLess(b, a);
}

/** The product of two whole numbers; one beyond 128 bits is an error. */
export function multiply128(
  scope: Scope,
  a: IntValue | WideValue,
  b: IntValue | WideValue,
  isNull: Expr | undefined,
  overflow: number,
): Halves {
  const { f, query } = scope;
  const lo = f.local('i64', 'lo');
  const hi = f.local('i64', 'hi');
  if (a.form === 'int' && b.form === 'int') {
    f.setMulti([lo, hi], emitMultiply64(query.module).callMulti(a.x, b.x));
    return { lo, hi };
  }
  const x = halves(a);
  const y = halves(b);
  const overflows = f.local('i32', 'overflows');
  f.setMulti([lo, hi, overflows], emitWideMultiply(query.module).callMulti(x.lo, x.hi, y.lo, y.hi));
  const product = multiplyRange(a.range, b.range);
  const fits = product.min >= -(2n ** 127n) && product.max < 2n ** 127n;
  if (!fits) failIf(scope, overflows, isNull, overflow);
  return { lo, hi };
}

/** The quotient truncated, or the remainder with the sign of the dividend. The divisor is not 0. */
export function divide128(scope: Scope, a: Halves, b: Halves, remainder: boolean): Halves {
  const { f, query } = scope;
  const lo = f.local('i64', 'lo');
  const hi = f.local('i64', 'hi');
  const divide = remainder ? emitWideRemainder(query.module) : emitWideDivide(query.module);
  f.setMulti([lo, hi], divide.callMulti(a.lo, a.hi, b.lo, b.hi));
  return { lo, hi };
}

/** The quotient by a positive constant to the nearest, halves away from zero. */
export function divideRounded128(scope: Scope, a: Halves, divisor: bigint): Halves {
  const { f, query } = scope;
  const lo = f.local('i64', 'lo');
  const hi = f.local('i64', 'hi');
  const by = [i64.const(BigInt.asIntN(64, divisor)), i64.const(divisor >> 64n)] as const;
  f.setMulti([lo, hi], emitWideDivideRounded(query.module).callMulti(a.lo, a.hi, ...by));
  return { lo, hi };
}

/** A whole number as the nearest double. */
export function toDouble(value: IntValue | WideValue, scope: Scope): Expr {
  if (value.form === 'int') return f64.convertI64S(value.x);
  return emitWideToF64(scope.query.module).call(value.x, value.y);
}
