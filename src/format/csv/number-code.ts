/**
 * The code for fields of fixed width: whole numbers, decimals, floating-point numbers, booleans,
 * dates and times. Digits are read eight at a time in a 64-bit word, after D. Lemire, "Quickly
 * parsing eight digits" (2018), here with the number of digits found in the same word.
 */
import { type Expr, f32, f64, i32, i64, type Label, type Local } from '../../wasm/index.ts';
import type { FieldEmitter } from './parser-code.ts';

/** A byte repeated eight times. */
function repeated(byte: number): bigint {
  return BigInt.asIntN(64, 0x0101010101010101n * BigInt(byte));
}

function asciiWord(text: string): bigint {
  let word = 0n;
  for (let i = text.length - 1; i >= 0; i--) word = (word << 8n) | BigInt(text.charCodeAt(i));
  return BigInt.asIntN(64, word);
}

/**
 * Reads the field of `column` at `position`. Behind the fast path it branches to `done`, the
 * delimiter consumed, unless the column is the last; else `position` is at the byte behind it.
 */
export function emitNumber(e: FieldEmitter, column: number, done: Label): void {
  const { f, position } = e;
  const expected = e.expected(column);
  f.block((read) => {
    f.block((slow) => {
      const stop = new NumberCode(e, column, slow).emit();
      f.brIf(slow, i32.ne(i32.load8U(stop), expected));
      if (e.isLast(column)) {
        f.set(position, stop);
        f.br(read);
      } else {
        f.set(position, i32.add(stop, 1));
        f.br(done);
      }
    });
    if (e.dialect.nullText === '') {
      f.if(i32.eq(i32.load8U(position), expected), () => {
        e.setNull(column);
        f.br(read);
      });
    }
    e.emitSlow(column);
  });
}

/** The fast path of one field; it leaves by `slow` for whatever it does not understand. */
class NumberCode {
  readonly e: FieldEmitter;
  readonly column: number;
  readonly slow: Label;
  readonly at: Local;
  readonly stop: Local;
  readonly negative: Local;
  readonly value: Local;
  readonly word: Local;
  /** Position in bits of the first byte of `word` that is no digit, 64 if all are. */
  readonly firstOther: Local;

  constructor(e: FieldEmitter, column: number, slow: Label) {
    this.e = e;
    this.column = column;
    this.slow = slow;
    this.at = e.scratch('i32', 'at');
    this.stop = e.scratch('i32', 'stop');
    this.negative = e.scratch('i32', 'negative');
    this.value = e.scratch('i64', 'value');
    this.word = e.scratch('i64', 'word');
    this.firstOther = e.scratch('i64', 'firstOther');
  }

  /** Stores the value; answers the address of the byte behind it. */
  emit(): Local {
    const type = this.e.columns[this.column].type;
    switch (type.kind) {
      case 'tinyint':
        this.#integer(127n);
        break;
      case 'smallint':
        this.#integer(32767n);
        break;
      case 'integer':
        this.#integer(2147483647n);
        break;
      case 'bigint':
        this.#integer(undefined);
        break;
      case 'decimal':
        this.#decimal(type.precision, type.scale);
        break;
      case 'real':
      case 'double':
        this.#double(type.kind);
        break;
      case 'boolean':
        this.#boolean();
        break;
      case 'date':
        this.#date();
        break;
      case 'time':
        this.e.f.set(this.value, 0);
        this.#clock(this.e.position, 0);
        this.#store(this.value);
        break;
      default:
        this.#timestamp(type.kind === 'timestamptz');
    }
    return this.stop;
  }

  #slowIf(condition: Expr): void {
    this.e.f.brIf(this.slow, condition);
  }

  /** Sets `negative` and `at`, the first byte behind the sign. */
  #sign(): void {
    const { f, position } = this.e;
    f.set(this.negative, i32.eq(i32.load8U(position), 45));
    f.set(this.at, i32.add(position, this.negative));
  }

  /** Finds the digits, up to eight, at `address` + `offset`. */
  #findDigits(address: Local, offset = 0): void {
    const { f } = this.e;
    const { word } = this;
    f.set(word, i64.xor(i64.load(address, offset, 1), repeated(0x30)));
    const others = i64.and(i64.or(word, i64.add(word, repeated(6))), repeated(0xf0));
    f.set(this.firstOther, i64.ctz(others));
  }

  #digitCount(): Expr {
    return i32.wrapI64(i64.shrU(this.firstOther, 3));
  }

  /** The number that the found digits spell; there must be at least one. */
  #digitsValue(): Expr {
    const aligned = i64.shl(this.word, i64.sub(0, i64.and(this.firstOther, 120)));
    const pairs = i64.shrU(i64.mul(aligned, 2561), 8);
    const fours = i64.shrU(i64.mul(i64.and(pairs, 0x00ff00ff00ff00ffn), 6553601), 16);
    return i64.shrU(i64.mul(i64.and(fours, 0x0000ffff0000ffffn), 42949672960001n), 32);
  }

  #power(exponent: Expr): Expr {
    const { base, layout } = this.e;
    return i64.load(i32.add(base, i32.shl(exponent, 3)), layout.powers);
  }

  /** Appends up to eight further digits at `stop` to `value`; `count` receives their number. */
  #appendDigits(count: Local): void {
    const { f } = this.e;
    this.#findDigits(this.stop);
    f.set(count, this.#digitCount());
    f.if(count, () => {
      f.set(this.value, i64.add(i64.mul(this.value, this.#power(count)), this.#digitsValue()));
      f.set(this.stop, i32.add(this.stop, count));
    });
  }

  /**
   * Reads the digits at `at` into `value`: one to eight, or, when `long` is given, up to 16 with
   * the code of `long` behind the eighth.
   */
  #wholeDigits(long?: (count: Local) => void): void {
    const { f } = this.e;
    this.#findDigits(this.at);
    f.set(this.stop, i32.add(this.at, this.#digitCount()));
    this.#slowIf(i32.eq(this.stop, this.at));
    f.set(this.value, this.#digitsValue());
    const full = i64.eq(this.firstOther, 64);
    if (long === undefined) {
      this.#slowIf(full);
      return;
    }
    const count = this.e.scratch('i32', 'count');
    f.if(full, () => {
      this.#appendDigits(count);
      long(count);
    });
  }

  #integer(max: bigint | undefined): void {
    this.#sign();
    if (max === undefined) {
      this.#wholeDigits((count) => {
        this.e.f.if(i32.eq(count, 8), () => {
          this.#appendDigits(count);
          // 18 digits fit in 64 bits whatever they are.
          this.#slowIf(i32.gtU(count, 2));
        });
      });
    } else if (max > 99999999n) {
      this.#wholeDigits(() => this.#slowIf(i64.gtU(this.value, max)));
    } else {
      this.#wholeDigits();
      this.#slowIf(i64.gtU(this.value, max));
    }
    this.#store(this.#signed());
  }

  #signed(): Expr {
    const minus = i64.sub(0, i64.extendI32U(this.negative));
    return i64.sub(i64.xor(this.value, minus), minus);
  }

  #decimal(precision: number, scale: number): void {
    const { f } = this.e;
    const bound = 10n ** BigInt(precision - scale);
    this.#sign();
    this.#wholeDigits((count) => {
      this.#slowIf(i32.eq(count, 8));
      this.#slowIf(i64.geU(this.value, bound));
    });
    if (precision - scale < 8) this.#slowIf(i64.geU(this.value, bound));
    if (scale > 0) {
      f.set(this.value, i64.mul(this.value, 10n ** BigInt(scale)));
      f.if(i32.eq(i32.load8U(this.stop), 46), () => this.#fraction(scale));
    }
    this.#store(this.#signed());
  }

  /** Adds the digits behind the point at `stop` to `value`, which has `scale` places for them. */
  #fraction(scale: number): void {
    const { f } = this.e;
    const count = this.e.scratch('i32', 'count');
    this.#findDigits(this.stop, 1);
    f.set(count, this.#digitCount());
    const most = Math.min(scale, 7);
    this.#slowIf(i32.geU(i32.sub(count, 1), most));
    const power = this.#power(i32.sub(scale, count));
    f.set(this.value, i64.add(this.value, i64.mul(this.#digitsValue(), power)));
    f.set(this.stop, i32.add(i32.add(this.stop, count), 1));
  }

  /** Exact where mantissa and power of ten are exact doubles (W. Clinger, 1990); else slow. */
  #double(kind: 'real' | 'double'): void {
    const { f } = this.e;
    const count = this.e.scratch('i32', 'count');
    const places = this.e.scratch('i32', 'places');
    const result = this.e.scratch('f64', 'result');
    this.#sign();
    f.set(places, 0);
    this.#wholeDigits((found) => this.#slowIf(i32.eq(found, 8)));
    f.if(i32.eq(i32.load8U(this.stop), 46), () => {
      f.set(this.stop, i32.add(this.stop, 1));
      f.set(places, this.stop);
      this.#appendDigits(count);
      f.if(i32.eq(count, 8), () => this.#appendDigits(count));
      f.set(places, i32.sub(this.stop, places));
      this.#slowIf(i32.gtU(i32.sub(this.stop, this.at), 18));
    });
    this.#slowIf(i64.gtU(this.value, 2n ** 53n));
    const magnitude = f64.div(f64.convertI64U(this.value), f64.convertI64U(this.#power(places)));
    f.set(result, magnitude);
    const signed = f64.select(this.negative, f64.neg(result), result);
    const { data } = this.#home();
    if (kind === 'double') f.do(f64.store(this.e.address(8), signed, data));
    else f.do(f32.store(this.e.address(4), f32.demoteF64(signed), data));
  }

  #boolean(): void {
    const { f, position } = this.e;
    const word = i32.load(position, 0, 1);
    f.set(this.value, 0);
    f.if(
      i32.eq(word, Number(asciiWord('true'))),
      () => {
        f.set(this.value, 1);
        f.set(this.stop, i32.add(position, 4));
      },
      () => {
        this.#slowIf(i32.ne(word, Number(asciiWord('fals'))));
        this.#slowIf(i32.ne(i32.load8U(position, 4), 101));
        f.set(this.stop, i32.add(position, 5));
      },
    );
    this.#store(this.value);
  }

  /**
   * Loads eight bytes that must look like `pattern`, with a digit for each 0 in it, and sets `word`
   * so that byte i is the two-digit number that starts there.
   */
  #pairs(address: Local, offset: number, pattern: string): void {
    const { f } = this.e;
    const { word } = this;
    const digits = [...pattern].map((c) => c === '0');
    const bytes = (digit: number, other: number) =>
      digits.reduceRight((sum, isDigit) => (sum << 8n) | BigInt(isDigit ? digit : other), 0n);
    f.set(word, i64.xor(i64.load(address, offset, 1), asciiWord(pattern)));
    const others = i64.or(word, i64.add(word, bytes(6, 0)));
    this.#slowIf(i64.ne(i64.and(others, BigInt.asIntN(64, bytes(0xf0, 0xff))), 0));
    f.set(word, i64.add(i64.mul(word, 10), i64.shrU(word, 8)));
  }

  #pair(byte: number): Expr {
    return i32.and(i32.wrapI64(i64.shrU(this.word, 8 * byte)), 255);
  }

  /** Sets `days` from `YYYY-MM-DD` at `position`. */
  #days(): Local {
    const { f, position } = this.e;
    const year = this.e.scratch('i32', 'year');
    const month = this.e.scratch('i32', 'month');
    const day = this.e.scratch('i32', 'day');
    this.#pairs(position, 0, '0000-00-');
    f.set(year, i32.add(i32.mul(this.#pair(0), 100), this.#pair(2)));
    f.set(month, this.#pair(5));
    f.set(day, i32.xor(i32.load16U(position, 8, 1), 0x3030));
    this.#slowIf(i32.and(i32.or(day, i32.add(day, 0x0606)), 0xf0f0));
    f.set(day, i32.add(i32.mul(i32.and(day, 15), 10), i32.shrU(day, 8)));
    this.#slowIf(i32.or(i32.eqz(year), i32.geU(i32.sub(month, 1), 12)));
    this.#slowIf(i32.eqz(day));
    f.if(i32.gtU(day, 28), () => this.#slowIf(i32.gtU(day, this.#daysInMonth(year, month))));
    return this.#daysFromCivil(year, month, day);
  }

  #daysInMonth(year: Local, month: Local): Expr {
    const byFour = i32.eqz(i32.and(year, 3));
    // A multiple of 4 and of 25 is one of 100; of those, only those of 16 are leap years.
    const leap = i32.and(byFour, i32.or(i32.ne(i32.remU(year, 25), 0), i32.eqz(i32.and(year, 15))));
    const usual = i32.add(30, i32.and(i32.xor(month, i32.shrU(month, 3)), 1));
    return i32.select(i32.eq(month, 2), i32.add(28, leap), usual);
  }

  /** As `daysFromCivil` in date.ts, for years from 1 on. */
  #daysFromCivil(year: Local, month: Local, day: Local): Local {
    const { f } = this.e;
    const early = i32.leU(month, 2);
    f.set(year, i32.sub(year, early));
    const monthFromMarch = i32.sub(i32.add(month, i32.mul(early, 12)), 3);
    const dayOfYear = i32.add(i32.divU(i32.add(i32.mul(monthFromMarch, 153), 2), 5), day);
    const leapDays = i32.add(i32.sub(i32.shrU(year, 2), i32.divU(year, 100)), i32.divU(year, 400));
    f.set(day, i32.add(i32.add(i32.mul(year, 365), leapDays), i32.sub(dayOfYear, 719469)));
    return day;
  }

  #date(): void {
    const { f, position } = this.e;
    const days = this.#days();
    f.do(i32.store(this.e.address(4), days, this.#home().data));
    f.set(this.stop, i32.add(position, 10));
  }

  /**
   * Adds the microseconds of `HH:MM:SS[.ffffff]` at `address` + `offset` to `value` seconds, which
   * becomes microseconds.
   */
  #clock(address: Local, offset: number): void {
    const { f } = this.e;
    this.#pairs(address, offset, '00:00:00');
    this.#slowIf(i32.gtU(this.#pair(0), 23));
    this.#slowIf(i32.gtU(this.#pair(3), 59));
    this.#slowIf(i32.gtU(this.#pair(6), 59));
    const minutes = i32.add(i32.mul(this.#pair(0), 60), this.#pair(3));
    const seconds = i32.add(i32.mul(minutes, 60), this.#pair(6));
    f.set(this.value, i64.mul(i64.add(this.value, i64.extendI32U(seconds)), 1_000_000));
    f.set(this.stop, i32.add(address, offset + 8));
    f.if(i32.eq(i32.load8U(this.stop), 46), () => this.#fraction(6));
  }

  #timestamp(withZone: boolean): void {
    const { f, position } = this.e;
    const days = this.#days();
    f.set(this.value, i64.mul(i64.extendI32S(days), 86400));
    const separator = this.e.scratch('i32', 'count');
    f.set(separator, i32.load8U(position, 10));
    this.#slowIf(i32.and(i32.ne(separator, 32), i32.ne(separator, 84)));
    this.#clock(position, 11);
    if (withZone) {
      // The zone of our own writer and of JavaScript's; others are slow.
      const zulu = i32.eq(i32.load8U(this.stop), 90);
      const zero = i32.eq(i32.load16U(this.stop, 1, 1), 0x3030);
      const plusZero = i32.and(i32.eq(i32.load8U(this.stop), 43), zero);
      f.set(this.stop, i32.add(this.stop, i32.add(zulu, i32.mul(plusZero, 3))));
    }
    this.#store(this.value);
  }

  #home(): { readonly data: number; readonly width: 1 | 2 | 4 | 8 } {
    const home = this.e.layout.homes[this.column];
    return home as { data: number; width: 1 | 2 | 4 | 8; form: 'fixed' };
  }

  #store(value: Expr): void {
    const { f } = this.e;
    const { data, width } = this.#home();
    const address = this.e.address(width);
    if (width === 8) f.do(i64.store(address, value, data));
    else if (width === 4) f.do(i64.store32(address, value, data));
    else if (width === 2) f.do(i64.store16(address, value, data));
    else f.do(i64.store8(address, value, data));
  }
}
