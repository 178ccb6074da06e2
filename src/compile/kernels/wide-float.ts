/** 128-bit integers to and from doubles. */
import { type Func, f64, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { negateWide, oneWide, wideLocal } from './wide.ts';

const exponentBias = 1023;
const fractionBits = 52;

/** (lo, hi) → f64: the nearest double, the even one of two. */
export function emitWideToF64(m: ModuleBuilder): Func {
  return once(m, 'wide_to_f64', (name) =>
    m.func(name, { params: oneWide, results: ['f64'] }, (f) => {
      const { lo, hi } = f.param;
      f.if(i64.eq(hi, i64.shrS(lo, 63)), () => f.return(f64.convertI64S(lo)));
      const negative = f.let(i64.ltS(hi, 0), 'negative');
      f.if(negative, () => negateWide(f, { lo, hi }));
      const magnitude = f.local('f64', 'magnitude');
      f.if(
        i64.eqz(hi),
        () => f.set(magnitude, f64.convertI64U(lo)),
        () => {
          // The highest 64 bits, the last of which also stands for all that is cut off: enough for
          // the conversion to round once and right.
          const shift = f.let(i64.clz(hi), 'shift');
          const carried = i64.shrU(i64.shrU(lo, 1), i64.sub(63, shift));
          const sticky = i64.extendI32U(i64.ne(i64.shl(lo, shift), 0));
          const top = i64.or(i64.or(i64.shl(hi, shift), carried), sticky);
          const exponent = i64.sub(exponentBias + 64, shift);
          const scale = f64.reinterpretI64(i64.shl(exponent, fractionBits));
          f.set(magnitude, f64.mul(f64.convertI64U(top), scale));
        },
      );
      f.return(f64.select(negative, f64.neg(magnitude), magnitude));
    }),
  );
}

/**
 * (x: f64) → (lo, hi, overflow: i32): x cut off towards zero; overflow is 1 for NaN and for what
 * does not fit, the halves mean nothing then.
 */
export function emitWideFromF64(m: ModuleBuilder): Func {
  return once(m, 'wide_from_f64', (name) =>
    m.func(name, { params: { x: 'f64' }, results: ['i64', 'i64', 'i32'] }, (f) => {
      const { x } = f.param;
      const result = wideLocal(f, 'result');
      f.if(f64.lt(f64.abs(x), 2 ** 63), () => {
        f.set(result.lo, i64.truncF64S(x));
        f.return(result.lo, i64.shrS(result.lo, 63), 0);
      });
      const fits = i32.and(f64.ge(x, -(2 ** 127)), f64.lt(x, 2 ** 127));
      f.if(i32.eqz(fits), () => f.return(0, 0, 1));
      const bits = f.let(i64.reinterpretF64(x), 'bits');
      const exponent = i64.and(i64.shrU(bits, fractionBits), 0x7ff);
      const fraction = i64.and(bits, 2n ** BigInt(fractionBits) - 1n);
      f.set(result.lo, i64.or(fraction, 2n ** BigInt(fractionBits)));
      // At least 63 - 52, so that the fraction only ever moves left.
      const shift = f.let(i64.sub(exponent, exponentBias + fractionBits), 'shift');
      f.if(
        i64.ltU(shift, 64),
        () => {
          f.set(result.hi, i64.shrU(i64.shrU(result.lo, 1), i64.sub(63, shift)));
          f.set(result.lo, i64.shl(result.lo, shift));
        },
        () => {
          f.set(result.hi, i64.shl(result.lo, i64.sub(shift, 64)));
          f.set(result.lo, 0);
        },
      );
      f.if(f64.lt(x, 0), () => negateWide(f, result));
      f.return(result.lo, result.hi, 0);
    }),
  );
}
