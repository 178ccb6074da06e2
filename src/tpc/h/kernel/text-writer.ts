import {
  type Expr,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  v128,
} from '../../../wasm/index.ts';

import { packText } from './image.ts';

/**
 * Writes text at a pointer that moves on. Writes are of whole slots: what lies behind the text is
 * overwritten by the next one, so the buffer needs 64 bytes more than its text.
 */
export class TextWriter {
  readonly f: FunctionBuilder;
  readonly to: Local;

  constructor(f: FunctionBuilder, to: Local) {
    this.f = f;
    this.to = to;
  }

  /** Moves the pointer. */
  advance(bytes: Expr | number): void {
    this.f.set(this.to, i32.add(this.to, bytes));
  }

  /** Up to eight constant characters. */
  text(text: string): void {
    if (text === '') return;
    const { f, to } = this;
    const packed = packText(text);
    if (text.length === 1) f.do(i32.store8(to, Number(packed)));
    else if (text.length === 2) f.do(i32.store16(to, Number(packed)));
    else if (text.length <= 4) f.do(i32.store(to, Number(packed)));
    else f.do(i64.store(to, packed));
    this.advance(text.length);
  }

  /** A slot of `slotBytes` at `slot` + `table`, whose last byte is the length of its text. */
  slot(slot: Local, table: number, slotBytes: number): void {
    const { f, to } = this;
    if (slotBytes === 4) f.do(i32.store(to, i32.load(slot, table)));
    if (slotBytes === 8) f.do(i64.store(to, i64.load(slot, table)));
    for (let at = 0; at + 16 <= slotBytes; at += 16) {
      f.do(v128.store(to, v128.load(slot, table + at), at));
    }
    this.advance(i32.load8U(slot, table + slotBytes - 1));
  }

  /**
   * The eight decimal digits of `value` (i32, below 10^8), one a byte, the first in the lowest
   * byte: three steps split halves into hundreds, tens and ones, all at once in one register.
   */
  digits(value: Expr): Local {
    const { f } = this;
    const whole = f.let(value, 'value');
    const high = f.let(i32.divU(whole, 10_000), 'high');
    const low = i32.sub(whole, i32.mul(high, 10_000));
    const fours = i64.or(i64.extendI32U(high), i64.shl(i64.extendI32U(low), 32));
    const lanes = f.let(fours, 'lanes');
    const hundreds = f.let(
      i64.and(i64.shrU(i64.mul(lanes, 10_486), 20), 0x0000007f_0000007fn),
      'hundreds',
    );
    f.set(lanes, i64.sub(i64.shl(lanes, 16), i64.mul(hundreds, (100 << 16) - 1)));
    const tens = f.let(i64.and(i64.shrU(i64.mul(lanes, 103), 10), 0x000f000f_000f000fn), 'tens');
    f.set(lanes, i64.sub(i64.shl(lanes, 8), i64.mul(tens, (10 << 8) - 1)));
    return lanes;
  }

  /** A number (i32, below 10^8) without leading zeros. */
  number(value: Expr): void {
    const { f, to } = this;
    const digits = this.digits(value);
    const zeros = this.#leadingZeroBits(digits);
    f.do(i64.store(to, i64.shrU(i64.or(digits, zeroes), zeros)));
    this.advance(i32.sub(8, i32.wrapI64(i64.shrU(zeros, 3))));
  }

  /** A number (i64) below `bound`, which may be up to 10^16. */
  longNumber(value: Expr, bound: number): void {
    const { f } = this;
    if (bound <= 1e8) {
      this.number(i32.wrapI64(value));
      return;
    }
    const whole = f.let(value, 'whole');
    f.if(
      i64.ltU(whole, 1e8),
      () => this.number(i32.wrapI64(whole)),
      () => {
        const high = f.let(i64.divU(whole, 1e8), 'high');
        this.number(i32.wrapI64(high));
        this.eightDigits(i32.wrapI64(i64.sub(whole, i64.mul(high, 1e8))));
      },
    );
  }

  /** A number (i64) below `bound`, with leading zeros up to nine digits. */
  nineDigits(value: Expr, bound: number): void {
    const { f, to } = this;
    const whole = f.let(value, 'whole');
    const short = (): void => {
      const number = f.let(i32.wrapI64(whole), 'number');
      const high = f.let(i32.divU(number, 1e8), 'high');
      f.do(i32.store8(to, i32.add(high, 0x30)));
      this.advance(1);
      this.eightDigits(i32.sub(number, i32.mul(high, 1e8)));
    };
    if (bound <= 1e9) short();
    else f.if(i64.ltU(whole, 1e9), short, () => this.longNumber(whole, bound));
  }

  /** Eight digits with leading zeros. */
  eightDigits(value: Expr): void {
    const { f, to } = this;
    f.do(i64.store(to, i64.or(this.digits(value), zeroes)));
    this.advance(8);
  }

  /**
   * An amount in cents (i32, 0 up to 10^8) with its point, and perhaps a separator behind it: the
   * digits, then the last two again behind a point.
   */
  money(cents: Expr, separator: string): void {
    const { f, to } = this;
    const digits = f.let(i64.or(this.digits(cents), zeroes), 'digits');
    // At least three digits: 0.05.
    const zeros = f.let(
      i64.and(i64.ctz(i64.or(i64.xor(digits, zeroes), 1n << 40n)), 0x38),
      'zeros',
    );
    f.do(i64.store(to, i64.shrU(digits, zeros)));
    this.advance(i32.sub(6, i32.wrapI64(i64.shrU(zeros, 3))));
    const fraction = i32.wrapI64(i64.shrU(digits, 40));
    const frame = 0x2e | (separator === '' ? 0 : separator.charCodeAt(0) << 24);
    f.do(i32.store(to, i32.or(i32.and(fraction, 0x00ffff00), frame)));
    this.advance(3 + separator.length);
  }

  /** `27-989-741-2988`: country and area as one number of five digits, then three, then four. */
  phone(countryAndArea: Expr, exchange: Expr, number: Expr): void {
    const { f, to } = this;
    const joined = i32.add(i32.mul(countryAndArea, 1000), exchange);
    const digits = f.let(i64.or(this.digits(joined), zeroes), 'digits');
    const last = i64.or(this.digits(number), zeroes);
    f.do(i32.store16(to, i32.wrapI64(digits)));
    f.do(i32.store8(to, 0x2d, 2));
    f.do(i32.store(to, i32.wrapI64(i64.shrU(digits, 16)), 3));
    f.do(i32.store8(to, 0x2d, 6));
    f.do(i32.store(to, i32.wrapI64(i64.shrU(digits, 40)), 7));
    f.do(i32.store8(to, 0x2d, 10));
    f.do(i32.store(to, i32.wrapI64(i64.shrU(last, 32)), 11));
    this.advance(15);
  }

  /** Copies `length` bytes, at most `max`, from `from`. */
  copy(from: Local, length: Local, max: number): void {
    const { f, to } = this;
    const step = 16;
    const unconditional = Math.min(max, 64);
    for (let at = 0; at < unconditional; at += step) {
      f.do(v128.store(to, v128.load(from, at), at));
    }
    if (max > unconditional) {
      const at = f.local('i32', 'at');
      f.for(
        at,
        unconditional,
        length,
        () => {
          const source = i32.add(from, at);
          const target = i32.add(to, at);
          for (let part = 0; part < 64; part += step) {
            f.do(v128.store(target, v128.load(source, part), part));
          }
        },
        { step: 64 },
      );
    }
    this.advance(length);
  }

  #leadingZeroBits(digits: Local): Local {
    const one = 1n << 56n;
    return this.f.let(i64.and(i64.ctz(i64.or(digits, one)), 0x38), 'zeros');
  }
}

/** Eight times '0'. */
const zeroes = 0x30303030_30303030n;
