import {
  type Expr,
  type Func,
  type FunctionBuilder,
  f64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

const fractionBits = 52n;
const hidden = 1n << fractionBits;
/** Bits above a mantissa. */
const room = i64.const(64n - fractionBits - 1n);

/** Below, the nearest whole quotient takes no more than 24 bits. */
const quotientMax = 2 ** 23;
/** Below, no product overflows. */
const halvableMax = 2 ** 1000;

/**
 * The rest of a / b where the quotient is small. Its product with each half of b is exact, and so
 * are the differences: the first is below b, and all are multiples of the last place of b.
 */
function nearRest(f: FunctionBuilder, a: Local, b: Local, quotient: Local): Expr {
  const whole = f.let(f64.nearest(quotient), 'whole');
  const upper = f.let(f64.reinterpretI64(i64.and(i64.reinterpretF64(b), -(2n ** 27n))), 'upper');
  const first = f64.sub(a, f64.mul(whole, upper));
  const rest = f.let(f64.sub(first, f64.mul(whole, f64.sub(b, upper))), 'rest');
  return f64.select(f64.lt(rest, 0), f64.add(rest, b), rest);
}

/**
 * (x, y) → the rest of x / y with the sign of x, exact: the mantissas are divided as integers,
 * with as many bits at a time as a word has room for.
 */
export function emitFmod(m: ModuleBuilder): Func {
  const params = { x: 'f64', y: 'f64' } as const;
  return once(m, 'fmod', (name) =>
    m.func(name, { params, results: ['f64'] }, (f) => {
      const { x, y } = f.param;
      const a = f.let(f64.abs(x), 'a');
      const b = f.let(f64.abs(y), 'b');
      const quotient = f.let(f64.div(a, b), 'quotient');
      f.if(i32.and(f64.lt(quotient, quotientMax), f64.lt(f64.max(a, b), halvableMax)), () => {
        f.return(f64.copysign(nearRest(f, a, b, quotient), x));
      });
      const infinite = Number.POSITIVE_INFINITY;
      f.if(i32.eqz(i32.and(f64.lt(a, infinite), f64.gt(b, 0))), () => f.return(Number.NaN));
      f.if(f64.ne(b, b), () => f.return(Number.NaN));
      f.if(f64.lt(a, b), () => f.return(x));
      // Below 2^53 whole numbers divide exactly.
      const near = f64.lt(quotient, 2 ** 31);
      const whole = i32.and(f64.eq(f64.trunc(a), a), f64.eq(f64.trunc(b), b));
      f.if(i32.and(i32.and(whole, near), f64.lt(a, 2 ** 53)), () => {
        const rest = i64.remS(i64.truncF64S(a), i64.truncF64S(b));
        f.return(f64.copysign(f64.convertI64S(rest), x));
      });
      const exponentOf = (bits: ReturnType<typeof i64.and>) => i64.shrU(bits, fractionBits);
      const aBits = f.let(i64.reinterpretF64(a), 'a_bits');
      const bBits = f.let(i64.reinterpretF64(b), 'b_bits');
      const aExponent = f.let(exponentOf(aBits), 'a_exponent');
      const bExponent = f.let(exponentOf(bBits), 'b_exponent');
      const mantissa = (bits: typeof aBits, exponent: typeof aExponent) => {
        f.set(bits, i64.and(bits, hidden - 1n));
        f.if(
          i64.eqz(exponent),
          () => f.set(exponent, i64.const(1)),
          () => f.set(bits, i64.or(bits, hidden)),
        );
      };
      mantissa(aBits, aExponent);
      mantissa(bBits, bExponent);
      const apart = f.let(i64.sub(aExponent, bExponent), 'apart');
      f.set(aBits, i64.remU(aBits, bBits));
      f.while(i64.gtS(apart, 0n), () => {
        const step = f.let(i64.select(i64.gtS(apart, room), room, apart), 'step');
        f.set(aBits, i64.remU(i64.shl(aBits, step), bBits));
        f.set(apart, i64.sub(apart, step));
      });
      f.set(aExponent, bExponent);
      f.if(i64.eqz(aBits), () => f.return(f64.copysign(0, x)));
      // The rest in units of the lesser exponent, put together as a product of exact doubles.
      f.while(i32.and(i64.ltU(aBits, hidden), i64.gtS(aExponent, 1n)), () => {
        f.set(aBits, i64.shl(aBits, 1n));
        f.set(aExponent, i64.sub(aExponent, 1n));
      });
      const normal = i64.add(i64.and(aBits, hidden - 1n), i64.shl(aExponent, fractionBits));
      const result = i64.select(i64.ltU(aBits, hidden), aBits, normal);
      f.return(f64.copysign(f64.reinterpretI64(result), x));
    }),
  );
}
