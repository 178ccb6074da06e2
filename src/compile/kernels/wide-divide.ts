/** Division of 128-bit integers, and rescaling of decimals by powers of ten. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import {
  addToWide,
  emitMultiplyUnsigned64,
  emitWideMultiply,
  negateWide,
  oneWide,
  setWide,
  subtractFromWide,
  twoWides,
  type Wide,
  wideConst,
  wideLessUnsigned,
  wideLocal,
} from './wide.ts';

/**
 * (high, low, divisor) → (quotient, remainder), unsigned, of high · 2^64 + low; high < divisor. Two
 * digits of 32 bits as in Knuth, The Art of Computer Programming 4.3.1, algorithm D.
 */
function emitDivide128By64(m: ModuleBuilder): Func {
  const params = { high: 'i64', low: 'i64', divisor: 'i64' } as const;
  return once(m, 'divide_128_by_64', (name) =>
    m.func(name, { params, results: ['i64', 'i64'] }, (f) => {
      const { high, low, divisor } = f.param;
      f.if(i64.eqz(high), () => f.return(i64.divU(low, divisor), i64.remU(low, divisor)));
      // With the highest bit of the divisor set, the estimates below are at most 2 too large.
      const shift = f.let(i64.clz(divisor), 'shift');
      f.set(divisor, i64.shl(divisor, shift));
      const carried = i64.select(i64.eqz(shift), 0n, i64.shrU(low, i64.sub(64, shift)));
      f.set(high, i64.or(i64.shl(high, shift), carried));
      f.set(low, i64.shl(low, shift));
      const divisorHigh = f.let(i64.shrU(divisor, 32), 'divisorHigh');
      const divisorLow = f.let(i64.and(divisor, 0xffffffff), 'divisorLow');
      /** One digit of the quotient; `high` becomes the remainder. */
      const digit = (next: Expr): Expr => {
        const estimate = f.let(i64.divU(high, divisorHigh), 'estimate');
        const rest = f.let(i64.sub(high, i64.mul(estimate, divisorHigh)), 'rest');
        const nextDigit = f.let(next, 'nextDigit');
        f.block((exact) => {
          f.loop((again) => {
            const tooLarge = i64.gtU(
              i64.mul(estimate, divisorLow),
              i64.or(i64.shl(rest, 32), nextDigit),
            );
            f.brIf(exact, i32.and(i64.leU(estimate, 0xffffffff), i32.eqz(tooLarge)));
            f.set(estimate, i64.sub(estimate, 1));
            f.set(rest, i64.add(rest, divisorHigh));
            f.brIf(again, i64.leU(rest, 0xffffffff));
          });
        });
        const taken = i64.mul(estimate, divisor);
        f.set(high, i64.sub(i64.or(i64.shl(high, 32), nextDigit), taken));
        return estimate;
      };
      const first = digit(i64.shrU(low, 32));
      const second = digit(i64.and(low, 0xffffffff));
      f.return(i64.or(i64.shl(first, 32), second), i64.shrU(high, shift));
    }),
  );
}

/** (aLo, aHi, bLo, bHi) → (quotient lo, hi, remainder lo, hi), unsigned. Traps if b is 0. */
export function emitWideDivideUnsigned(m: ModuleBuilder): Func {
  const divide = emitDivide128By64(m);
  const multiply = emitMultiplyUnsigned64(m);
  return once(m, 'wide_divide_unsigned', (name) =>
    m.func(name, { params: twoWides, results: ['i64', 'i64', 'i64', 'i64'] }, (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const quotient = f.local('i64', 'quotient');
      const remainder = f.local('i64', 'remainder');
      f.if(i64.eqz(bHi), () => {
        f.if(i64.eqz(aHi), () => {
          f.return(i64.divU(aLo, bLo), 0n, i64.remU(aLo, bLo), 0n);
        });
        const high = f.let(i64.divU(aHi, bLo), 'high');
        const rest = i64.sub(aHi, i64.mul(high, bLo));
        f.setMulti([quotient, remainder], divide.callMulti(rest, aLo, bLo));
        f.return(quotient, high, remainder, 0n);
      });
      // The quotient has one word. It is estimated with the high word of the shifted divisor, which
      // is at most one too large after taking one off (Warren, Hacker's Delight, 9-5).
      const shift = f.let(i64.clz(bHi), 'shift');
      const shifted = i64.or(i64.shl(bHi, shift), i64.shrU(i64.shrU(bLo, 1), i64.sub(63, shift)));
      const half = { lo: i64.or(i64.shrU(aLo, 1), i64.shl(aHi, 63)), hi: i64.shrU(aHi, 1) };
      f.setMulti([quotient, remainder], divide.callMulti(half.hi, half.lo, shifted));
      f.set(quotient, i64.shrU(quotient, i64.sub(63, shift)));
      f.if(i64.ne(quotient, 0), () => f.set(quotient, i64.sub(quotient, 1)));
      const product = wideLocal(f, 'product');
      f.setMulti([product.lo, product.hi], multiply.callMulti(quotient, bLo));
      f.set(product.hi, i64.add(product.hi, i64.mul(quotient, bHi)));
      const rest = { lo: aLo, hi: aHi };
      const b = { lo: bLo, hi: bHi };
      subtractFromWide(f, rest, product);
      f.if(i32.eqz(wideLessUnsigned(rest, b)), () => {
        f.set(quotient, i64.add(quotient, 1));
        subtractFromWide(f, rest, b);
      });
      f.return(quotient, 0n, rest.lo, rest.hi);
    }),
  );
}

/** A signed division; `finish` gets the magnitudes and the sign of the quotient. */
function emitSigned(
  m: ModuleBuilder,
  name: string,
  finish: (
    f: FunctionBuilder,
    quotient: ReturnType<typeof wideLocal>,
    remainder: ReturnType<typeof wideLocal>,
    signs: { readonly quotient: Expr; readonly remainder: Expr },
  ) => void,
): Func {
  const divide = emitWideDivideUnsigned(m);
  return once(m, name, () =>
    m.func(name, { params: twoWides, results: ['i64', 'i64'] }, (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const quotientSign = f.let(i64.ltS(i64.xor(aHi, bHi), 0), 'quotientSign');
      const remainderSign = f.let(i64.ltS(aHi, 0), 'remainderSign');
      f.if(i64.ltS(aHi, 0), () => negateWide(f, { lo: aLo, hi: aHi }));
      f.if(i64.ltS(bHi, 0), () => negateWide(f, { lo: bLo, hi: bHi }));
      const quotient = wideLocal(f, 'quotient');
      const remainder = wideLocal(f, 'remainder');
      f.setMulti(
        [quotient.lo, quotient.hi, remainder.lo, remainder.hi],
        divide.callMulti(aLo, aHi, bLo, bHi),
      );
      finish(f, quotient, remainder, { quotient: quotientSign, remainder: remainderSign });
    }),
  );
}

/** (aLo, aHi, bLo, bHi) → (lo, hi), a / b towards zero. Traps if b is 0; -2^127 / -1 wraps. */
export function emitWideDivide(m: ModuleBuilder): Func {
  return emitSigned(m, 'wide_divide', (f, quotient, _, signs) => {
    f.if(signs.quotient, () => negateWide(f, quotient));
    f.return(quotient.lo, quotient.hi);
  });
}

/** (aLo, aHi, bLo, bHi) → (lo, hi), the rest of a / b, with the sign of a. Traps if b is 0. */
export function emitWideRemainder(m: ModuleBuilder): Func {
  return emitSigned(m, 'wide_remainder', (f, _, remainder, signs) => {
    f.if(signs.remainder, () => negateWide(f, remainder));
    f.return(remainder.lo, remainder.hi);
  });
}

/** (aLo, aHi, bLo, bHi) → (lo, hi), a / b rounded to the nearest, halves away from zero. */
export function emitWideDivideRounded(m: ModuleBuilder): Func {
  const divide = emitWideDivideUnsigned(m);
  return once(m, 'wide_divide_rounded', (name) =>
    m.func(name, { params: twoWides, results: ['i64', 'i64'] }, (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const b: Wide = { lo: bLo, hi: bHi };
      const negative = f.let(i64.ltS(i64.xor(aHi, bHi), 0), 'negative');
      f.if(i64.ltS(aHi, 0), () => negateWide(f, { lo: aLo, hi: aHi }));
      f.if(i64.ltS(bHi, 0), () => negateWide(f, { lo: bLo, hi: bHi }));
      const quotient = wideLocal(f, 'quotient');
      const remainder = wideLocal(f, 'remainder');
      f.setMulti(
        [quotient.lo, quotient.hi, remainder.lo, remainder.hi],
        divide.callMulti(aLo, aHi, bLo, bHi),
      );
      // Twice the remainder may need a bit more than there is; b - remainder does not.
      const other = wideLocal(f, 'other');
      setWide(f, other, b);
      subtractFromWide(f, other, remainder);
      f.if(i32.eqz(wideLessUnsigned(remainder, other)), () =>
        addToWide(f, quotient, wideConst(1n)),
      );
      f.if(negative, () => negateWide(f, quotient));
      f.return(quotient.lo, quotient.hi);
    }),
  );
}

/** (lo, hi) → (lo, hi, overflow: i32), the value · 10^digits, for digits in [0, 38]. */
export function emitWideScaleUp(m: ModuleBuilder, digits: number): Func {
  const multiply = emitWideMultiply(m);
  return once(m, `wide_scale_up_${digits}`, (name) =>
    m.func(name, { params: oneWide, results: ['i64', 'i64', 'i32'] }, (f) => {
      const factor = wideConst(10n ** BigInt(digits));
      f.returnCall(multiply, f.param.lo, f.param.hi, factor.lo, factor.hi);
    }),
  );
}

/**
 * (lo, hi) → (lo, hi), the value / 10^digits, halves rounded away from zero, for digits in [0, 38].
 */
export function emitWideScaleDown(m: ModuleBuilder, digits: number): Func {
  const divide = emitWideDivideRounded(m);
  return once(m, `wide_scale_down_${digits}`, (name) =>
    m.func(name, { params: oneWide, results: ['i64', 'i64'] }, (f) => {
      const divisor = wideConst(10n ** BigInt(digits));
      f.returnCall(divide, f.param.lo, f.param.hi, divisor.lo, divisor.hi);
    }),
  );
}
