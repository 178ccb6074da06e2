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
import { intervalsFrom, inverse, ln2, ln10, split, tableSize } from './math-tables.ts';

const infinity = Number.POSITIVE_INFINITY;
const ln2Parts = split(ln2, 42n);
const lowest29 = 2n ** 29n - 1n;

/** A sum of two doubles, `hi` being its rounded value. */
export interface TwoDoubles {
  readonly hi: Local;
  readonly lo: Local;
}

/** The upper 26 bits or so of a double. */
export function upperHalf(f: FunctionBuilder, x: Expr): Local {
  return f.let(f64.reinterpretI64(i64.and(i64.reinterpretF64(x), -(2n ** 27n))), 'upper');
}

export interface LogarithmOptions {
  /** To about 67 bits; else to about 61. */
  readonly isPrecise: boolean;
  /** Is taken from the exponent. */
  readonly less?: Expr;
}

/**
 * ln(x) of a positive normal number, given by its bits. x is 2^k z, and z (1 + r) / c with an
 * inverse of c from a table, so that the multiplication is exact; the logarithm of 1 + r is its
 * Taylor series (P. T. P. Tang, "Table-driven implementation of the logarithm function", ACM TOMS
 * 16, 1990).
 */
export function logarithmParts(
  f: FunctionBuilder,
  bits: Local,
  table: Expr,
  { isPrecise, less }: LogarithmOptions,
): TwoDoubles {
  const from = f.let(i64.sub(bits, intervalsFrom), 'from');
  const index = i32.and(i32.wrapI64(i64.shrU(from, 40n)), (tableSize - 1) << 5);
  const entry = f.let(i32.add(table, index), 'entry');
  const exponent = f64.convertI64S(i64.shrS(from, 52n));
  const k = f.let(less === undefined ? exponent : f64.sub(exponent, less), 'k');
  const zBits = f.let(i64.sub(bits, i64.and(from, -(2n ** 52n))), 'z_bits');
  const inverse = f.let(f64.load(entry), 'inverse');
  // The part of r by the upper bits of z, and that by the lower, are exact.
  const zHigh = f.let(f64.reinterpretI64(i64.and(zBits, ~lowest29)), 'z_high');
  const rHigh = f.let(f64.sub(f64.mul(zHigh, inverse), 1), 'r_high');
  const zLow = f64.sub(f64.reinterpretI64(zBits), zHigh);
  const rLow = f.let(f64.mul(zLow, inverse), 'r_low');
  const r = f.let(f64.add(rHigh, rLow), 'r');
  // k ln 2 + ln c is exact in its upper part.
  const known = f.let(f64.add(f64.mul(k, ln2Parts.hi), f64.load(entry, 8)), 'known');
  const sum = f.let(f64.add(known, r), 'sum');
  const sumRest = f64.add(f64.sub(known, sum), r);
  const knownRest = f64.add(f64.mul(k, ln2Parts.lo), f64.load(entry, 16));
  const square = f.let(f64.mul(r, r), 'square');
  const cube = f64.mul(f64.mul(square, r), series(f, r, square, isPrecise ? 10 : 8));
  const rest = f64.add(sumRest, knownRest);
  if (!isPrecise) {
    const low = f64.add(rest, f64.sub(cube, f64.mul(square, 0.5)));
    return normalized(f, sum, f.let(low, 'low'));
  }
  const rRest = f64.add(f64.sub(rHigh, r), rLow);
  // r^2 / 2, of which that of the upper half of r is exact.
  const rUpper = upperHalf(f, r);
  const half = f.let(f64.mul(f64.mul(rUpper, rUpper), 0.5), 'half');
  const halfRest = f64.mul(f64.mul(f64.sub(r, rUpper), f64.add(rUpper, r)), 0.5);
  const high = f.let(f64.sub(sum, half), 'high');
  const highRest = f64.sub(f64.sub(sum, high), half);
  const low = f64.add(f64.add(rest, highRest), f64.add(f64.sub(rRest, halfRest), cube));
  return normalized(f, high, f.let(low, 'low'));
}

function normalized(f: FunctionBuilder, high: Local, low: Local): TwoDoubles {
  const hi = f.let(f64.add(high, low), 'hi');
  return { hi, lo: f.let(f64.add(f64.sub(high, hi), low), 'lo') };
}

/** 1/3 - r/4 + r²/5 - …, up to the term of 1/`last`, an even number. */
function series(f: FunctionBuilder, r: Local, square: Local, last: 8 | 10): Expr {
  const pair = (n: number) => f64.sub(1 / n, f64.mul(r, 1 / (n + 1)));
  const fourth = f.let(f64.mul(square, square), 'fourth');
  const lower = f64.add(pair(3), f64.mul(square, pair(5)));
  const upper = last === 8 ? pair(7) : f64.add(pair(7), f64.mul(square, pair(9)));
  return f64.add(lower, f64.mul(fourth, upper));
}

export type Base = 'e' | 2 | 10;

/** What the natural logarithm is multiplied by, its upper part with 26 bits. */
const factors = { 2: split(inverse(ln2), 25n), 10: split(inverse(ln10), 27n) } as const;

/**
 * (x: f64, table: i32) → the logarithm of x, with an error below 0.53 units in the last place;
 * minus infinity of 0, NaN of what is below. Logarithms that are whole numbers are exact.
 */
export function emitLogarithm(m: ModuleBuilder, base: Base): Func {
  const params = { x: 'f64', table: 'i32' } as const;
  return once(m, `logarithm_${base}`, (name) =>
    m.func(name, { params, results: ['f64'] }, (f) => {
      const { x, table } = f.param;
      const less = f.local('f64', 'less');
      f.if(i32.eqz(f64.ge(x, 2 ** -1022)), () => {
        f.if(f64.eq(x, 0), () => f.return(f64.const(-infinity)));
        f.if(i32.eqz(f64.gt(x, 0)), () => f.return(f64.const(Number.NaN)));
        f.set(x, f64.mul(x, 2 ** 52));
        f.set(less, 52);
      });
      f.if(f64.eq(x, infinity), () => f.return(x));
      const bits = f.let(i64.reinterpretF64(x), 'bits');
      const { hi, lo } = logarithmParts(f, bits, table, { isPrecise: false, less });
      if (base === 'e') {
        f.return(hi);
        return;
      }
      const factor = factors[base];
      const upper = upperHalf(f, hi);
      const lower = f64.add(f64.sub(hi, upper), lo);
      const product = f64.mul(upper, factor.hi);
      const rest = f64.add(f64.mul(lower, factor.hi), f64.mul(hi, factor.lo));
      f.return(f64.add(product, rest));
    }),
  );
}
