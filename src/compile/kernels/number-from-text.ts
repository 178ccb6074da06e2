/** Numbers and booleans from text. */
import { booleanTexts } from '../../value/number.ts';
import { type Expr, type Func, f64, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { powerMin } from './powers-of-ten.ts';
import { TextScanner } from './text-scanner.ts';
import { emitMultiplyUnsigned64 } from './wide.ts';
import { emitWideFromText } from './wide-text.ts';

const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const oneText = { address: 'i32', length: 'i32' } as const;

/**
 * (address, length, scale: i32, power: i64) → (lo, hi, status: i32), as
 * {@link emitWideFromText}; texts of up to 18 digits without an exponent, and no more of them
 * behind the point than `scale`, are read in 64 bits. `power`: 10^scale, 0 if it has more digits.
 */
export function emitNumberFromText(m: ModuleBuilder): Func {
  const wide = emitWideFromText(m);
  const params = { ...oneText, scale: 'i32', power: 'i64' } as const;
  return once(m, 'number_from_text', (name) =>
    m.func(name, { params, results: ['i64', 'i64', 'i32'] }, (f) => {
      const { address, length, scale, power } = f.param;
      const cursor = f.let(address, 'cursor');
      const end = f.let(i32.add(address, length), 'end');
      const value = f.local('i64', 'value');
      const count = f.local('i32', 'count');
      f.block((slow) => {
        const scanner = new TextScanner(f, cursor, end, slow);
        const negative = scanner.takes(minus);
        f.brIf(slow, i64.eqz(power));
        scanner.longNumber(value, count);
        const places = f.let(scale, 'places');
        f.if(scanner.takes(point), () => {
          const before = f.let(count, 'before');
          scanner.longNumber(value, count);
          f.set(places, i32.sub(scale, i32.sub(count, before)));
        });
        f.brIf(slow, i32.or(i32.eqz(count), i32.gtU(i32.add(count, scale), 18)));
        f.brIf(slow, i32.ltS(places, 0));
        scanner.expectEnd();
        f.if(
          i32.eq(places, scale),
          () => f.set(value, i64.mul(value, power)),
          () => {
            f.while(places, () => {
              f.set(value, i64.mul(value, 10));
              f.set(places, i32.sub(places, 1));
            });
          },
        );
        f.set(value, i64.select(negative, i64.sub(0, value), value));
        f.return(value, i64.shrS(value, 63), 0);
      });
      f.return(wide.callMulti(address, length, scale));
    }),
  );
}

const powersExact = 22;

/** What follows a table of the powers of ten that doubles have exactly. */
export function exactPowers(): Uint8Array {
  return new Uint8Array(Float64Array.from({ length: powersExact + 1 }, (_, i) => 10 ** i).buffer);
}

/**
 * (digits: i64, power: i32, table) → (x: f64, unsure: i32): the double nearest to digits times
 * 10^power, digits from 1 on and at most 19 of them; with `unsure`, 128 bits of the power do not
 * decide.
 * `table`: the address of {@link powerTable}. D. Lemire, "Number parsing at a gigabyte per second"
 * (2021), but for a product that is taken whole, and for numbers below the normal ones, which are
 * unsure.
 */
function emitNearestDouble(m: ModuleBuilder): Func {
  const multiply = emitMultiplyUnsigned64(m);
  const params = { digits: 'i64', power: 'i32', table: 'i32' } as const;
  return once(m, 'nearest_double', (name) =>
    m.func(name, { params, results: ['f64', 'i32'] }, (f) => {
      const { digits, power, table } = f.param;
      const inTable = i32.leU(i32.sub(power, powerMin), 308 - powerMin);
      f.if(i32.eqz(inTable), () => f.return(0, 1));
      const shift = f.let(i64.clz(digits), 'shift');
      const w = f.let(i64.shl(digits, shift), 'w');
      const entry = f.let(i32.add(table, i32.shl(i32.sub(power, powerMin), 4)), 'entry');
      const [low, high] = [f.local('i64', 'low'), f.local('i64', 'high')];
      const [rest, carried] = [f.local('i64', 'rest'), f.local('i64', 'carried')];
      f.setMulti([low, high], multiply.callMulti(w, i64.load(entry)));
      f.setMulti([rest, carried], multiply.callMulti(w, i64.load(entry, 8)));
      f.set(low, i64.add(low, carried));
      f.set(high, i64.add(high, i64.extendI32U(i64.ltU(low, carried))));
      // The power is at most 1 too large in its last bit, the product then less than w.
      const top = f.let(i64.shrU(high, 63), 'top');
      const cut = f.let(i64.add(top, 9), 'cut');
      const below = f.let(i64.and(high, i64.sub(i64.shl(1, cut), 1)), 'below');
      // 54 bits: of the mantissa, and one by which it is rounded.
      const mantissa = f.let(i64.shrU(high, cut), 'mantissa');
      const nothing = i32.and(i64.eqz(below), i64.leU(low, 1));
      f.if(nothing, () => f.return(0, 1));
      const exponent = i64.sub(i64.add(log2(power), top), shift);
      f.set(mantissa, i64.shrU(i64.add(mantissa, i64.and(mantissa, 1)), 1));
      const biased = f.let(i64.add(exponent, 1023 + 63), 'biased');
      f.if(i64.eq(mantissa, 2n ** 53n), () => {
        f.set(mantissa, i64.const(2n ** 52n));
        f.set(biased, i64.add(biased, 1));
      });
      f.if(i64.geU(i64.sub(biased, 1), 2046), () => f.return(0, 1));
      const bits = i64.or(i64.and(mantissa, 2n ** 52n - 1n), i64.shl(biased, 52));
      f.return(f64.reinterpretI64(bits), 0);
    }),
  );
}

/** The exponent of two of a power of ten, an i64. */
function log2(power: Expr): Expr {
  return i64.extendI32S(i32.shrS(i32.mul(power, 217_706), 16));
}

/**
 * (address, length, powers, table) → (x: f64, wrong: i32): the double nearest to a decimal, or
 * infinity or NaN by their names. `powers`: the address of {@link exactPowers}; `table`: that of
 * {@link powerTable}. Up to 15 digits or so are read as a whole number times or by a power of ten,
 * which is exact (W. D. Clinger, "How to read floating point numbers accurately", 1990), more by
 * {@link emitNearestDouble}; the little rest is for `parse`, a function (address, length) → f64.
 */
export function emitDoubleFromText(m: ModuleBuilder, parse: Func): Func {
  const nearest = emitNearestDouble(m);
  const params = { ...oneText, powers: 'i32', table: 'i32' } as const;
  return once(m, 'double_from_text', (name) =>
    m.func(name, { params, results: ['f64', 'i32'] }, (f) => {
      const { address, length, powers, table } = f.param;
      const cursor = f.let(address, 'cursor');
      const end = f.let(i32.add(address, length), 'end');
      f.block((wrong) => {
        const scanner = new TextScanner(f, cursor, end, wrong);
        scanner.skipSpaces();
        const start = f.let(cursor, 'start');
        const negative = scanner.takes(minus);
        f.if(i32.eqz(negative), () => {
          scanner.takes(plus);
        });
        const digits = f.local('i64', 'digits');
        const count = f.local('i32', 'count');
        const exponent = f.local('i32', 'exponent');
        scanner.longNumber(digits, count);
        f.if(scanner.takes(point), () => {
          const before = f.let(count, 'before');
          scanner.longNumber(digits, count);
          f.set(exponent, i32.sub(before, count));
        });
        const signed = (x: Expr) => f64.select(negative, f64.neg(x), x);
        f.if(i32.eqz(count), () => {
          const x = f.let(specialDouble(scanner), 'special');
          f.brIf(wrong, i32.eqz(x));
          f.set(cursor, i32.add(cursor, i32.and(x, 0xff)));
          scanner.skipSpaces();
          scanner.expectEnd();
          const infinite = signed(f64.const(Number.POSITIVE_INFINITY));
          f.return(f64.select(i32.eq(x, 0x103), Number.NaN, infinite), 0);
        });
        f.if(i32.eq(i32.or(scanner.byte, 0x20), 'e'.charCodeAt(0)), () => {
          scanner.advance();
          const below = scanner.takes(minus);
          f.if(i32.eqz(below), () => {
            scanner.takes(plus);
          });
          const given = scanner.number(1, 6);
          f.set(exponent, i32.add(exponent, i32.select(below, i32.sub(0, given), given)));
        });
        const behind = f.let(cursor, 'behind');
        scanner.skipSpaces();
        scanner.expectEnd();
        const small = i32.and(i32.leU(count, 18), i64.leU(digits, 2n ** 53n));
        const near = i32.leU(i32.add(exponent, powersExact), 2 * powersExact);
        f.if(i32.and(small, near), () => {
          const whole = f.let(f64.convertI64U(digits), 'whole');
          const size = i32.select(i32.ltS(exponent, 0), i32.sub(0, exponent), exponent);
          const power = f.let(f64.load(i32.add(powers, i32.shl(size, 3))), 'power');
          const x = f64.if(i32.ltS(exponent, 0), f64.div(whole, power), f64.mul(whole, power));
          f.return(signed(x), 0);
        });
        const x = f.local('f64', 'x');
        const unsure = f.local('i32', 'unsure');
        f.set(unsure, 1);
        f.if(i32.and(i32.leU(count, 19), i64.ne(digits, 0)), () => {
          f.setMulti([x, unsure], nearest.callMulti(digits, exponent, table));
          f.set(x, signed(x));
        });
        f.if(unsure, () => f.set(x, parse.call(start, i32.sub(behind, start))));
        // A number that is too large is none.
        f.return(x, f64.eq(f64.abs(x), Number.POSITIVE_INFINITY));
      });
      f.return(0, 1);
    }),
  );
}

/** Of `inf` 3, of `infinity` 8, of `nan` 0x103, in any case; 0 of others. */
function specialDouble(scanner: TextScanner): Expr {
  const { cursor, end } = scanner;
  const lower = i64.or(i64.load(cursor, 0, 1), 0x2020202020202020n);
  const has = (word: string) => {
    const mask = (1n << BigInt(8 * word.length)) - 1n;
    const wanted = wordOf(word);
    const same = i64.eq(i64.and(lower, BigInt.asIntN(64, mask)), BigInt.asIntN(64, wanted));
    return i32.and(same, i32.geU(i32.sub(end, cursor), word.length));
  };
  const infinite = i32.select(has('infinity'), 8, i32.select(has('inf'), 3, 0));
  return i32.select(has('nan'), 0x103, infinite);
}

function wordOf(text: string): bigint {
  let word = 0n;
  for (let i = text.length - 1; i >= 0; i--) word = (word << 8n) | BigInt(text.charCodeAt(i));
  return word;
}

/** (address, length) → 1 for the texts of TRUE, 0 for those of FALSE, 2 for others. */
export function emitBooleanFromText(m: ModuleBuilder): Func {
  return once(m, 'boolean_from_text', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      f.block((wrong) => {
        const scanner = new TextScanner(f, address, end, wrong);
        scanner.skipSpaces();
        const isSpace = (byte: Expr) => i32.or(i32.eq(byte, 0x20), i32.ltU(i32.sub(byte, 9), 5));
        const last = i32.load8U(i32.sub(end, 1));
        f.while(i32.if(i32.ltU(address, end), isSpace(last), 0), () => f.set(end, i32.sub(end, 1)));
        const size = f.let(i32.sub(end, address), 'size');
        f.brIf(wrong, i32.gtU(i32.sub(size, 1), 4));
        // Bytes behind the text are taken off; digits are the same in either case.
        const unused = i64.extendI32U(i32.shl(i32.sub(8, size), 3));
        const word = i64.shrU(i64.shl(i64.load(address, 0, 1), unused), unused);
        const lower = f.let(
          i64.or(word, i64.shrU(i64.shl(0x2020202020202020n, unused), unused)),
          'w',
        );
        for (const [text, value] of booleanTexts) {
          f.if(i64.eq(lower, wordOf(text)), () => f.return(value ? 1 : 0));
        }
      });
      f.return(2);
    }),
  );
}
