import { type Func, f64, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { returnExponential } from './exponential.ts';
import { once } from './kernel.ts';
import { logarithmParts, upperHalf } from './logarithm.ts';

const exponentMask = 0x7ffn;
/** Biased exponents of 2^-65 and 2^63: beyond them, y times a logarithm is nothing or too much. */
const leastY = 0x3ben;
const mostY = 0x43en;
const signBit = 2n ** 63n;

/**
 * (x: f64, y: f64, logarithms: i32, exponentials: i32) → x to the power of y, with an error below
 * 0.55 units in the last place: e^(y ln x), with a logarithm of twice the precision of a double.
 * `rare` is (x, y) → the power where one of them is 0, infinite, NaN, subnormal or, of y, tiny or
 * huge, and of negative numbers to powers that are not whole.
 */
export function emitPower(m: ModuleBuilder, rare: Func): Func {
  const params = { x: 'f64', y: 'f64', logarithms: 'i32', exponentials: 'i32' } as const;
  return once(m, 'power', (name) =>
    m.func(name, { params, results: ['f64'] }, (f) => {
      const { x, y, logarithms, exponentials } = f.param;
      const bits = f.let(i64.reinterpretF64(x), 'x_bits');
      const sign = f.let(f64.const(1), 'sign');
      const yExponent = i64.and(i64.shrU(i64.reinterpretF64(y), 52n), exponentMask);
      const isPlain = i64.ltU(i64.sub(yExponent, leastY), mostY - leastY);
      const isNormal = () => i64.ltU(i64.sub(i64.shrU(bits, 52n), 1n), exponentMask - 1n);
      f.if(i32.eqz(i32.and(isPlain, isNormal())), () => {
        const ofNegative = i32.and(f64.lt(x, 0), f64.eq(f64.nearest(y), y));
        f.if(i32.eqz(i32.and(isPlain, ofNegative)), () => f.return(rare.call(x, y)));
        f.set(bits, i64.xor(bits, -signBit));
        f.if(i32.eqz(isNormal()), () => f.return(rare.call(x, y)));
        const half = f.let(f64.mul(y, 0.5), 'half_y');
        f.set(sign, f64.select(f64.eq(f64.trunc(half), half), 1, -1));
      });
      const { hi, lo } = logarithmParts(f, bits, logarithms, { isPrecise: true });
      const yHigh = upperHalf(f, y);
      const high = upperHalf(f, hi);
      const product = f.let(f64.mul(yHigh, high), 'product');
      const low = f64.add(f64.sub(hi, high), lo);
      const rest = f64.add(f64.mul(f64.sub(y, yHigh), high), f64.mul(y, low));
      const options = { x: product, rest, table: exponentials, sign };
      returnExponential(f, m, options);
    }),
  );
}
