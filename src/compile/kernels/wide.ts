/**
 * Integers of 128 bits, two's complement, as pairs of i64: the low half (unsigned) and the high
 * half. What is short is inlined into the function under construction, the rest are functions with
 * two results.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

/** A value; both halves are evaluated where they stand, maybe more than once. */
export interface Wide {
  readonly lo: Expr;
  readonly hi: Expr;
}

/** A variable. */
export interface WideLocal extends Wide {
  readonly lo: Local;
  readonly hi: Local;
}

/** Parameters of functions over one and two values. */
export const oneWide = { lo: 'i64', hi: 'i64' } as const;
export const twoWides = { aLo: 'i64', aHi: 'i64', bLo: 'i64', bHi: 'i64' } as const;

/** A constant in [-2^127, 2^127). */
export function wideConst(value: bigint): Wide {
  return {
    lo: i64.const(BigInt.asIntN(64, value)),
    hi: i64.const(BigInt.asIntN(64, value >> 64n)),
  };
}

/** A 64-bit integer with its sign extended. */
export function wideFromI64(value: Expr): Wide {
  return { lo: value, hi: i64.shrS(value, 63) };
}

export function wideLocal(f: FunctionBuilder, name: string): WideLocal {
  return { lo: f.local('i64', `${name}.lo`), hi: f.local('i64', `${name}.hi`) };
}

/** `to = from`; `from` must not read `to`. */
export function setWide(f: FunctionBuilder, to: WideLocal, from: Wide): void {
  f.set(to.lo, from.lo);
  f.set(to.hi, from.hi);
}

/** `to = to + value`, wrapping; `value` must not read `to`. */
export function addToWide(f: FunctionBuilder, to: WideLocal, value: Wide): void {
  const lo = f.let(value.lo, 'addend');
  f.set(to.lo, i64.add(to.lo, lo));
  f.set(to.hi, i64.add(i64.add(to.hi, value.hi), i64.extendI32U(i64.ltU(to.lo, lo))));
}

/** `to = to - value`, wrapping; `value` must not read `to`. */
export function subtractFromWide(f: FunctionBuilder, to: WideLocal, value: Wide): void {
  const lo = f.let(value.lo, 'subtrahend');
  f.set(to.hi, i64.sub(i64.sub(to.hi, value.hi), i64.extendI32U(i64.ltU(to.lo, lo))));
  f.set(to.lo, i64.sub(to.lo, lo));
}

/** `to = -to`, wrapping. */
export function negateWide(f: FunctionBuilder, to: WideLocal): void {
  f.set(to.lo, i64.sub(0, to.lo));
  f.set(to.hi, i64.sub(i64.sub(0, to.hi), i64.extendI32U(i64.ne(to.lo, 0))));
}

/** 1 if a and b are equal, else 0. */
export function wideEqual(a: Wide, b: Wide): Expr {
  return i64.eqz(i64.or(i64.xor(a.lo, b.lo), i64.xor(a.hi, b.hi)));
}

/** 1 if a < b as signed integers, else 0. */
export function wideLess(a: Wide, b: Wide): Expr {
  return i32.select(i64.eq(a.hi, b.hi), i64.ltU(a.lo, b.lo), i64.ltS(a.hi, b.hi));
}

/** 1 if a < b as unsigned integers, else 0. */
export function wideLessUnsigned(a: Wide, b: Wide): Expr {
  return i32.select(i64.eq(a.hi, b.hi), i64.ltU(a.lo, b.lo), i64.ltU(a.hi, b.hi));
}

/** 1 if the value is that of its low half as a signed integer, else 0. */
export function wideFitsI64(value: Wide): Expr {
  return i64.eq(value.hi, i64.shrS(value.lo, 63));
}

/** (aLo, aHi, bLo, bHi) → (lo, hi, overflow: i32), a + b; overflow is 1 if it wrapped, else 0. */
export function emitWideAdd(m: ModuleBuilder): Func {
  return once(m, 'wide_add', (name) =>
    m.func(name, { params: twoWides, results: ['i64', 'i64', 'i32'] }, (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const sum = wideLocal(f, 'sum');
      setWide(f, sum, { lo: aLo, hi: aHi });
      addToWide(f, sum, { lo: bLo, hi: bHi });
      // Wrapped if the operands agree in sign and the sum does not agree with them.
      const wrapped = i64.and(i64.xor(aHi, sum.hi), i64.xor(bHi, sum.hi));
      f.return(sum.lo, sum.hi, i64.ltS(wrapped, 0));
    }),
  );
}

/** (aLo, aHi, bLo, bHi) → (lo, hi, overflow: i32), a - b; overflow is 1 if it wrapped, else 0. */
export function emitWideSubtract(m: ModuleBuilder): Func {
  return once(m, 'wide_subtract', (name) =>
    m.func(name, { params: twoWides, results: ['i64', 'i64', 'i32'] }, (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const difference = wideLocal(f, 'difference');
      setWide(f, difference, { lo: aLo, hi: aHi });
      subtractFromWide(f, difference, { lo: bLo, hi: bHi });
      const wrapped = i64.and(i64.xor(aHi, bHi), i64.xor(aHi, difference.hi));
      f.return(difference.lo, difference.hi, i64.ltS(wrapped, 0));
    }),
  );
}

/** (a: i64, b: i64) → (lo, hi), the unsigned product. */
export function emitMultiplyUnsigned64(m: ModuleBuilder): Func {
  return once(m, 'multiply_u64', (name) =>
    m.func(name, { params: { a: 'i64', b: 'i64' }, results: ['i64', 'i64'] }, (f) => {
      const { a, b } = f.param;
      const low = (x: Expr) => i64.and(x, 0xffffffff);
      const high = (x: Expr) => i64.shrU(x, 32);
      const aLow = f.let(low(a), 'aLow');
      const bLow = f.let(low(b), 'bLow');
      const aHigh = f.let(high(a), 'aHigh');
      const bHigh = f.let(high(b), 'bHigh');
      const lowest = f.let(i64.mul(aLow, bLow), 'lowest');
      const cross = f.let(i64.add(i64.mul(aHigh, bLow), high(lowest)), 'cross');
      const middle = f.let(i64.add(i64.mul(aLow, bHigh), low(cross)), 'middle');
      f.return(
        i64.or(i64.shl(middle, 32), low(lowest)),
        i64.add(i64.mul(aHigh, bHigh), i64.add(high(cross), high(middle))),
      );
    }),
  );
}

/** (a: i64, b: i64) → (lo, hi), the signed product. */
export function emitMultiply64(m: ModuleBuilder): Func {
  const multiplyUnsigned = emitMultiplyUnsigned64(m);
  return once(m, 'multiply_i64', (name) =>
    m.func(name, { params: { a: 'i64', b: 'i64' }, results: ['i64', 'i64'] }, (f) => {
      const { a, b } = f.param;
      const product = wideLocal(f, 'product');
      f.setMulti([product.lo, product.hi], multiplyUnsigned.callMulti(a, b));
      // As unsigned, a negative operand counts 2^64 too much.
      const excess = i64.add(i64.and(i64.shrS(a, 63), b), i64.and(i64.shrS(b, 63), a));
      f.return(product.lo, i64.sub(product.hi, excess));
    }),
  );
}

/**
 * (aLo, aHi, bLo, bHi) → (lo, hi, overflow: i32), a · b; with overflow = 1 the halves mean nothing.
 */
export function emitWideMultiply(m: ModuleBuilder): Func {
  const multiply64 = emitMultiply64(m);
  const multiplyUnsigned = emitMultiplyUnsigned64(m);
  return once(m, 'wide_multiply', (name) =>
    m.func(name, { params: twoWides, results: ['i64', 'i64', 'i32'] }, (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const a = { lo: aLo, hi: aHi };
      const b = { lo: bLo, hi: bHi };
      const product = wideLocal(f, 'product');
      f.if(i32.and(wideFitsI64(a), wideFitsI64(b)), () => {
        f.setMulti([product.lo, product.hi], multiply64.callMulti(aLo, bLo));
        f.return(product.lo, product.hi, 0);
      });
      const negative = f.let(i64.ltS(i64.xor(aHi, bHi), 0), 'negative');
      f.if(i64.ltS(aHi, 0), () => negateWide(f, a));
      f.if(i64.ltS(bHi, 0), () => negateWide(f, b));
      // With both high halves the product would have 2^128.
      f.if(i32.and(i64.ne(aHi, 0), i64.ne(bHi, 0)), () => f.return(0, 0, 1));
      const cross = wideLocal(f, 'cross');
      f.setMulti(
        [cross.lo, cross.hi],
        multiplyUnsigned.callMulti(i64.or(aHi, bHi), i64.select(i64.eqz(aHi), aLo, bLo)),
      );
      f.setMulti([product.lo, product.hi], multiplyUnsigned.callMulti(aLo, bLo));
      f.set(product.hi, i64.add(product.hi, cross.lo));
      const wrapped = i32.or(i64.ne(cross.hi, 0), i64.ltU(product.hi, cross.lo));
      f.if(wrapped, () => f.return(0, 0, 1));
      f.if(negative, () => negateWide(f, product));
      // The sign must come out as it should; only 0 has none.
      const isZero = i64.eqz(i64.or(product.lo, product.hi));
      const signDiffers = i32.ne(i64.ltS(product.hi, 0), negative);
      f.return(product.lo, product.hi, i32.and(signDiffers, i32.eqz(isZero)));
    }),
  );
}
