import { QuernError, sqlState } from '../../base/error.ts';
import { type Expr, type Func, f64, i32, i64 } from '../../wasm/index.ts';
import type { Query, Scope } from '../query.ts';
import { fitsI64, multiplyRange } from '../range.ts';
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

export function equal128(a: Halves, b: Halves): Expr {
  return i64.eqz(i64.or(i64.xor(a.lo, b.lo), i64.xor(a.hi, b.hi)));
}

/** 1 where a < b, or a > b. The halves must be cheap to evaluate twice. */
export function compare128(order: 'lt' | 'gt', a: Halves, b: Halves): Expr {
  const [x, y] = order === 'lt' ? [a, b] : [b, a];
  return i32.or(i64.ltS(x.hi, y.hi), i32.and(i64.eq(x.hi, y.hi), i64.ltU(x.lo, y.lo)));
}

/** The product of two signed 64-bit integers: schoolbook on 32-bit digits. */
function multiplyFunction(query: Query): Func {
  return query.helper('multiply_i64_to_i128', (name) =>
    query.module.func(name, { params: { a: 'i64', b: 'i64' }, results: ['i64', 'i64'] }, (f) => {
      const { a, b } = f.param;
      const mask = i64.const(0xffffffffn);
      const aLow = f.let(i64.and(a, mask), 'a_low');
      const bLow = f.let(i64.and(b, mask), 'b_low');
      const aHigh = f.let(i64.shrU(a, 32n), 'a_high');
      const bHigh = f.let(i64.shrU(b, 32n), 'b_high');
      const low = f.let(i64.mul(aLow, bLow), 'low');
      const cross = f.let(i64.add(i64.mul(aHigh, bLow), i64.shrU(low, 32n)), 'cross');
      const other = f.let(i64.add(i64.mul(aLow, bHigh), i64.and(cross, mask)), 'other');
      const lo = i64.or(i64.shl(other, 32n), i64.and(low, mask));
      const carry = i64.add(i64.shrU(cross, 32n), i64.shrU(other, 32n));
      const unsigned = f.let(i64.add(i64.mul(aHigh, bHigh), carry), 'unsigned');
      // Unsigned to signed: a negative factor stands for itself plus 2^64.
      const fixA = i64.and(i64.shrS(a, 63n), b);
      const fixB = i64.and(i64.shrS(b, 63n), a);
      f.return(lo, i64.sub(i64.sub(unsigned, fixA), fixB));
    }),
  );
}

/** The product of two whole numbers; more than 128 bits are an error. */
export function multiply128(
  scope: Scope,
  a: IntValue | WideValue,
  b: IntValue | WideValue,
  isNull: Expr | undefined,
  overflow: number,
): Halves {
  const { f, query } = scope;
  const multiply = multiplyFunction(query);
  const lo = f.local('i64', 'lo');
  const hi = f.local('i64', 'hi');
  if (a.form === 'int' && b.form === 'int') {
    f.setMulti([lo, hi], multiply.callMulti(a.x, b.x));
    return { lo, hi };
  }
  const [wide, other] = a.form === 'wide' ? [a, b] : [b as WideValue, a];
  if (other.form === 'wide') return multiplyWide(scope, a, b, isNull, overflow);
  // (hi * 2^64 + lo) * x = hi * x * 2^64 + lo * x, lo unsigned.
  f.setMulti([lo, hi], multiply.callMulti(wide.x, other.x));
  // The signed product took a low half above 2^63 for itself minus 2^64.
  const fix = i64.and(i64.shrS(wide.x, 63n), other.x);
  f.set(hi, i64.add(i64.add(hi, fix), i64.mul(wide.y, other.x)));
  const product = multiplyRange(wide.range, other.range);
  if (!(product.min >= -(2n ** 127n) && product.max < 2n ** 127n)) {
    // The exact high part must equal what 64 bits of it say.
    const upper = f.local('i64', 'upper');
    const sign = f.local('i64', 'sign');
    f.setMulti([upper, sign], multiply.callMulti(wide.y, other.x));
    failIf(scope, i64.ne(sign, i64.shrS(upper, 63n)), isNull, overflow);
  }
  return { lo, hi };
}

function multiplyWide(
  scope: Scope,
  a: IntValue | WideValue,
  b: IntValue | WideValue,
  isNull: Expr | undefined,
  overflow: number,
): Halves {
  const { f } = scope;
  // Only a factor that fits in 64 bits can give a product that fits in 128 bits, or else both are
  // small enough by value: take whichever is an i64 at run time.
  const x = halves(a);
  const y = halves(b);
  const xFits = i64.eq(x.hi, i64.shrS(x.lo, 63n));
  const yFits = i64.eq(y.hi, i64.shrS(y.lo, 63n));
  failIf(scope, i32.eqz(i32.or(xFits, yFits)), isNull, overflow);
  const small = f.let(i64.select(yFits, y.lo, x.lo), 'small');
  const wideLo = f.let(i64.select(yFits, x.lo, y.lo), 'wide_lo');
  const wideHi = f.let(i64.select(yFits, x.hi, y.hi), 'wide_hi');
  const i64Bounds = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
  return multiply128(
    scope,
    { form: 'wide', x: wideLo, y: wideHi, range: fitsI64(a.range) ? b.range : a.range, isNull },
    { form: 'int', x: small, range: i64Bounds, isNull },
    isNull,
    overflow,
  );
}

export function divide128(_scope: Scope, _a: Halves, _b: Halves, _modulo: boolean): Halves {
  throw new QuernError(
    sqlState.featureNotSupported,
    'division of numbers beyond 64 bits is not supported yet',
  );
}

/** A whole number as a double: exact halves, one rounding. */
export function toDouble(value: IntValue | WideValue): Expr {
  if (value.form === 'int') return f64.convertI64S(value.x);
  const high = f64.mul(f64.convertI64S(value.y), 18446744073709551616);
  return f64.add(high, f64.convertI64U(value.x));
}
