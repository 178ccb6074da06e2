/** 128-bit decimals to and from text. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  memory,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { negateWide, oneWide, type WideLocal, wideLocal } from './wide.ts';
import { emitWideDivideUnsigned } from './wide-divide.ts';

/**
 * The most bytes that {@link emitWideToText} writes: sign, point, a zero, 39 digits, and padding.
 */
export const wideTextBytes = 64;

const zero = '0'.charCodeAt(0);
const minus = '-'.charCodeAt(0);
const plus = '+'.charCodeAt(0);
const point = '.'.charCodeAt(0);

/** Digits of a word of decimal digits that is divided off at a time. */
const wordDigits = 18;

/**
 * (lo, hi, scale: i32, out) → the length of the decimal value / 10^scale as text at `out`, with all
 * of its `scale` digits behind the point, in [0, 38]. Uses {@link wideTextBytes} at `out`.
 */
export function emitWideToText(m: ModuleBuilder): Func {
  const divide = emitWideDivideUnsigned(m);
  const params = { ...oneWide, scale: 'i32', out: 'i32' } as const;
  return once(m, 'wide_to_text', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { lo, hi, scale, out } = f.param;
      const negative = f.let(i64.ltS(hi, 0), 'negative');
      f.if(negative, () => negateWide(f, { lo, hi }));
      // From the last digit to the first, ending where the text may be longest.
      const end = f.let(i32.add(out, wideTextBytes), 'end');
      const cursor = f.let(end, 'cursor');
      const fraction = f.let(scale, 'fraction');
      const write = (byte: Expr | number): void => {
        f.set(cursor, i32.sub(cursor, 1));
        f.do(i32.store8(cursor, byte));
      };
      const writeDigit = (word: Local): void => {
        const rest = f.let(i64.divU(word, 10), 'rest');
        write(i32.add(i32.wrapI64(i64.sub(word, i64.mul(rest, 10))), zero));
        f.set(word, rest);
        f.set(fraction, i32.sub(fraction, 1));
        f.if(i32.eqz(fraction), () => write(point));
      };
      const word = f.local('i64', 'word');
      const wordHigh = f.local('i64', 'wordHigh');
      const left = f.local('i32', 'left');
      f.while(i64.ne(hi, 0), () => {
        f.setMulti(
          [lo, hi, word, wordHigh],
          divide.callMulti(lo, hi, 10n ** BigInt(wordDigits), 0),
        );
        f.for(left, 0, wordDigits, () => writeDigit(word));
      });
      f.while(i64.ne(lo, 0), () => writeDigit(lo));
      // Zeros up to the point, and one before it.
      f.while(i32.gtS(fraction, 0), () => writeDigit(lo));
      const first = i32.load8U(cursor);
      const bare = i32.if(i32.eq(cursor, end), 1, i32.eq(first, point));
      f.if(bare, () => write(zero));
      f.if(negative, () => write(minus));
      const length = f.let(i32.sub(end, cursor), 'length');
      f.do(memory.copy(out, cursor, length));
      f.return(length);
    }),
  );
}

/** What {@link emitWideFromText} answers besides the value. */
export const wideTextStatus = { ok: 0, invalid: 1, outOfRange: 2 } as const;

/** More than this many places to move the point make any value zero or too large. */
const exponentLimit = 100_000;

/**
 * (address, length, scale: i32) → (lo, hi, status: i32): the number in a text, times 10^scale,
 * rounded half away from zero. The text is an integer or decimal, with an exponent if it has one,
 * and spaces around it. See {@link wideTextStatus}; the halves mean something only with `ok`.
 */
export function emitWideFromText(m: ModuleBuilder): Func {
  const params = { address: 'i32', length: 'i32', scale: 'i32' } as const;
  return once(m, 'wide_from_text', (name) =>
    m.func(name, { params, results: ['i64', 'i64', 'i32'] }, (f) => {
      const { address, length, scale } = f.param;
      const reader = new TextReader(f, address, f.let(i32.add(address, length), 'end'));
      reader.skipSpaces();
      const negative = reader.sign();
      const digitsStart = f.let(address, 'digitsStart');
      const digits = f.let(reader.digits(), 'digits');
      // The place of the first digit: 10^(places - 1).
      const places = f.let(digits, 'places');
      f.if(reader.next(point), () => f.set(digits, i32.add(digits, reader.digits())));
      f.if(i32.eqz(digits), () => f.return(0, 0, wideTextStatus.invalid));
      const digitsEnd = f.let(address, 'digitsEnd');
      reader.exponent(places);
      reader.skipSpaces();
      reader.checkEnd();
      f.set(address, digitsStart);
      const wanted = f.let(i32.add(places, scale), 'wanted');
      const value = accumulate(f, { address, digitsEnd, wanted, negative });
      f.if(negative, () => negateWide(f, value));
      f.return(value.lo, value.hi, wideTextStatus.ok);
    }),
  );
}

/** Reads a text from `cursor` on, which every method moves. */
class TextReader {
  readonly #f: FunctionBuilder;
  readonly #cursor: Local;
  readonly #end: Local;

  constructor(f: FunctionBuilder, cursor: Local, end: Local) {
    this.#f = f;
    this.#cursor = cursor;
    this.#end = end;
  }

  /** The byte at the cursor, 0 at the end. */
  #byte(): Expr {
    return i32.if(i32.ltU(this.#cursor, this.#end), i32.load8U(this.#cursor), 0);
  }

  #advance(): void {
    this.#f.set(this.#cursor, i32.add(this.#cursor, 1));
  }

  /** 1 if the byte at the cursor was `code`, which is then skipped, else 0. */
  next(code: number): Local {
    const f = this.#f;
    const is = f.let(i32.eq(this.#byte(), code), 'is');
    f.set(this.#cursor, i32.add(this.#cursor, is));
    return is;
  }

  skipSpaces(): void {
    this.#f.while(i32.eq(this.#byte(), ' '.charCodeAt(0)), () => this.#advance());
  }

  /** 1 after a minus, else 0. */
  sign(): Local {
    const f = this.#f;
    const negative = this.next(minus);
    f.if(i32.eqz(negative), () => {
      this.next(plus);
    });
    return negative;
  }

  /** Skips digits; how many. */
  digits(): Local {
    const f = this.#f;
    const start = f.let(this.#cursor, 'start');
    f.while(i32.ltU(i32.sub(this.#byte(), zero), 10), () => this.#advance());
    return f.let(i32.sub(this.#cursor, start), 'count');
  }

  /** Adds an exponent, if there is one, to `places`. */
  exponent(places: Local): void {
    const f = this.#f;
    const isE = i32.eq(i32.or(this.#byte(), 0x20), 'e'.charCodeAt(0));
    f.if(isE, () => {
      this.#advance();
      const negative = this.sign();
      const exponent = f.local('i32', 'exponent');
      const digit = f.local('i32', 'digit');
      f.if(i32.geU(i32.sub(this.#byte(), zero), 10), () => this.#invalid());
      f.set(exponent, 0);
      f.while(i32.ltU(f.tee(digit, i32.sub(this.#byte(), zero)), 10), () => {
        const longer = i32.add(i32.mul(exponent, 10), digit);
        f.set(exponent, i32.select(i32.geS(exponent, exponentLimit), exponent, longer));
        this.#advance();
      });
      f.if(negative, () => f.set(exponent, i32.sub(0, exponent)));
      f.set(places, i32.add(places, exponent));
    });
  }

  checkEnd(): void {
    this.#f.if(i32.ne(this.#cursor, this.#end), () => this.#invalid());
  }

  #invalid(): void {
    this.#f.return(0, 0, wideTextStatus.invalid);
  }
}

/**
 * The number that the first `wanted` digits from `address` to `digitsEnd` make, zeros behind them,
 * rounded by the digit that follows. Returns from the function if it is out of range.
 */
function accumulate(
  f: FunctionBuilder,
  text: { address: Local; digitsEnd: Local; wanted: Local; negative: Local },
): WideLocal {
  const { address, digitsEnd, wanted, negative } = text;
  const value = wideLocal(f, 'value');
  const digit = f.local('i32', 'digit');
  const outOfRange = () => f.return(0, 0, wideTextStatus.outOfRange);
  /** The digit at `address`, which moves on; 0 behind the last one. */
  const nextDigit = (): void => {
    f.if(i32.eq(i32.if(i32.ltU(address, digitsEnd), i32.load8U(address), 0), point), () =>
      f.set(address, i32.add(address, 1)),
    );
    const inside = i32.ltU(address, digitsEnd);
    f.set(digit, i32.if(inside, i32.sub(i32.load8U(address), zero), 0));
    f.set(address, i32.add(address, 1));
  };
  const add = (amount: Expr): void => {
    const before = f.let(value.lo, 'before');
    f.set(value.lo, i64.add(value.lo, amount));
    f.set(value.hi, i64.add(value.hi, i64.extendI32U(i64.ltU(value.lo, before))));
  };
  f.block((done) => {
    f.while(i32.gtS(wanted, 0), () => {
      nextDigit();
      // Nothing but zeros: any number of them make no difference.
      const isZero = i64.eqz(i64.or(i64.or(value.lo, value.hi), i64.extendI32U(digit)));
      f.brIf(done, i32.and(isZero, i32.geU(address, digitsEnd)));
      f.if(i64.gtU(value.hi, (2n ** 63n - 1n) / 10n), outOfRange);
      const low = i64.mul(i64.and(value.lo, 0xffffffff), 10);
      const high = f.let(i64.add(i64.mul(i64.shrU(value.lo, 32), 10), i64.shrU(low, 32)), 'high');
      f.set(value.hi, i64.add(i64.mul(value.hi, 10), i64.shrU(high, 32)));
      f.set(value.lo, i64.mul(value.lo, 10));
      add(i64.extendI32U(digit));
      f.set(wanted, i32.sub(wanted, 1));
    });
    f.if(i32.eqz(wanted), () => {
      nextDigit();
      add(i64.extendI32U(i32.geU(digit, 5)));
    });
  });
  // 2^127 has a place only below zero.
  const isMin = i32.and(i64.eq(value.hi, -(2n ** 63n)), i64.eqz(value.lo));
  const tooLarge = i32.and(i64.ltS(value.hi, 0), i32.eqz(i32.and(isMin, negative)));
  f.if(tooLarge, outOfRange);
  return value;
}
