/** Numbers as text, at most 64 bits and doubles. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  f64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { powerMin } from './powers-of-ten.ts';
import { TextWriter } from './text-writer.ts';
import { emitMultiplyUnsigned64 } from './wide.ts';

/** The bytes that {@link emitWholeToText} may write at most, though the text is shorter. */
export const wholeTextBytes = 80;
/** The same of {@link emitDoubleToText}. */
export const doubleTextBytes = 192;

const minus = 0x2d;
const point = 0x2e;
const zeroPair = 0x3030;

/**
 * (value: i64, scale: i32, out) → the address behind value / 10^scale as text at `out`, with all of
 * its `scale` digits behind the point, in [0, 18]. Writes {@link wholeTextBytes} at `out`.
 */
export function emitWholeToText(m: ModuleBuilder): Func {
  const params = { value: 'i64', scale: 'i32', out: 'i32' } as const;
  return once(m, 'whole_to_text', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { value, scale, out } = f.param;
      const negative = f.let(i64.ltS(value, 0), 'negative');
      f.set(value, i64.select(negative, i64.sub(0, value), value));
      // Digits are written from the last to the first, and then moved to where they belong.
      const end = f.let(i32.add(out, 32), 'end');
      const cursor = f.let(end, 'cursor');
      f.while(i64.gtU(value, 0xffffffff), () => {
        const high = f.let(i64.divU(value, 100_000_000), 'high');
        const low = f.let(i32.wrapI64(i64.sub(value, i64.mul(high, 100_000_000))), 'low');
        for (let i = 0; i < 4; i++) writePair(f, cursor, low);
        f.set(value, high);
      });
      const small = f.let(i32.wrapI64(value), 'small');
      f.while(i32.geU(small, 100), () => writePair(f, cursor, small));
      f.if(
        i32.geU(small, 10),
        () => writePair(f, cursor, small),
        () => {
          // No leading zero, but for the number 0 itself.
          f.if(i32.or(small, i32.eq(cursor, end)), () => {
            f.set(cursor, i32.sub(cursor, 1));
            f.do(i32.store8(cursor, i32.add(small, 0x30)));
          });
        },
      );
      f.if(scale, () => {
        f.while(i32.leU(i32.sub(end, cursor), scale), () => {
          f.set(cursor, i32.sub(cursor, 1));
          f.do(i32.store8(cursor, 0x30));
        });
        const fraction = f.let(i32.sub(end, scale), 'fraction');
        const first = f.let(v128.load(fraction, 0, 1), 'first');
        const second = f.let(v128.load(fraction, 16, 1), 'second');
        f.do(v128.store(fraction, first, 1, 1));
        f.do(v128.store(fraction, second, 17, 1));
        f.do(i32.store8(fraction, point));
        f.set(end, i32.add(end, 1));
      });
      f.if(negative, () => {
        f.set(cursor, i32.sub(cursor, 1));
        f.do(i32.store8(cursor, minus));
      });
      const writer = new TextWriter(f, out);
      writer.copy(cursor, i32.sub(end, cursor));
      f.return(out);
    }),
  );
}

/** Writes the last two digits of `number` before the cursor, and takes them off. */
function writePair(f: FunctionBuilder, cursor: Local, number: Local): void {
  const rest = f.let(i32.divU(number, 100), 'rest');
  const pair = f.let(i32.sub(number, i32.mul(rest, 100)), 'pair');
  const tens = f.let(i32.shrU(i32.mul(pair, 205), 11), 'tens');
  const ones = i32.sub(pair, i32.mul(tens, 10));
  f.set(cursor, i32.sub(cursor, 2));
  f.do(i32.store16(cursor, i32.add(i32.add(i32.shl(ones, 8), tens), zeroPair), 0, 1));
  f.set(number, rest);
}

/**
 * (digits: i64, exponent: i32, closer: i32, table) → (digits: i64, exponent: i32): the shortest
 * decimal that lies nearer to digits * 2^exponent than to any other number of the format, and of
 * the shortest the nearest. `closer`: the next number below is only half as far as the one above.
 * `table`: the address of the powers of ten. R. Giulietti, "The Schubfach way to render doubles"
 * (2021).
 */
function emitShortest(m: ModuleBuilder): Func {
  const multiply = emitMultiplyUnsigned64(m);
  const roundToOdd = once(m, 'round_to_odd', (name) => {
    const params = { high: 'i64', low: 'i64', factor: 'i64' } as const;
    return m.func(name, { params, results: ['i64'] }, (f) => {
      const { high, low, factor } = f.param;
      const x0 = f.local('i64', 'x0');
      const x1 = f.local('i64', 'x1');
      const y0 = f.local('i64', 'y0');
      const y1 = f.local('i64', 'y1');
      f.setMulti([x0, x1], multiply.callMulti(low, factor));
      f.setMulti([y0, y1], multiply.callMulti(high, factor));
      f.set(y0, i64.add(y0, x1));
      f.set(y1, i64.add(y1, i64.extendI32U(i64.ltU(y0, x1))));
      f.return(i64.or(y1, i64.extendI32U(i64.gtU(y0, 1))));
    });
  });
  const params = { c: 'i64', q: 'i32', closer: 'i32', table: 'i32' } as const;
  return once(m, 'shortest_decimal', (name) =>
    m.func(name, { params, results: ['i64', 'i32'] }, (f) => {
      const { c, q, closer, table } = f.param;
      const odd = f.let(i64.and(c, 1), 'odd');
      const product = i32.mul(q, 1_262_611);
      const k = f.let(i32.shrS(i32.sub(product, i32.mul(closer, 524_031)), 22), 'k');
      const log2 = i32.shrS(i32.mul(i32.sub(0, k), 1_741_647), 19);
      const h = f.let(i64.extendI32U(i32.add(i32.add(q, log2), 1)), 'h');
      const entry = f.let(i32.add(table, i32.shl(i32.sub(-powerMin, k), 4)), 'entry');
      const high = f.let(i64.load(entry), 'power_high');
      const low = f.let(i64.load(entry, 8), 'power_low');
      const scaled = (x: Expr) => roundToOdd.call(high, low, i64.shl(x, h));
      const four = f.let(i64.shl(c, 2), 'four');
      const least = i64.sub(i64.add(four, i64.extendI32U(closer)), 2);
      const lower = f.let(i64.add(scaled(least), odd), 'lower');
      const value = f.let(scaled(four), 'value');
      const upper = f.let(i64.sub(scaled(i64.add(four, 2)), odd), 'upper');
      const s = f.let(i64.shrU(value, 2), 's');
      f.if(i64.geU(s, 10), () => {
        const tenth = f.let(i64.divU(s, 10), 'tenth');
        const forty = f.let(i64.mul(tenth, 40), 'forty');
        const below = f.let(i64.leU(lower, forty), 'below_fits');
        const above = f.let(i64.leU(i64.add(forty, 40), upper), 'above_fits');
        f.if(i32.ne(below, above), () =>
          f.return(i64.add(tenth, i64.extendI32U(above)), i32.add(k, 1)),
        );
      });
      const floor = f.let(i64.shl(s, 2), 'floor');
      const below = f.let(i64.leU(lower, floor), 'below_fits');
      const above = f.let(i64.leU(i64.add(floor, 4), upper), 'above_fits');
      f.if(i32.ne(below, above), () => f.return(i64.add(s, i64.extendI32U(above)), k));
      const middle = f.let(i64.add(floor, 2), 'middle');
      const tie = i32.and(i64.eq(value, middle), i32.wrapI64(i64.and(s, 1)));
      const up = i32.or(i64.gtU(value, middle), tie);
      f.return(i64.add(s, i64.extendI32U(up)), k);
    }),
  );
}

/**
 * (x: f64, single: i32, table, out) → the address behind the shortest text that reads back as the
 * same double, or 32-bit float if `single`, as DuckDB writes it: with a point or an exponent
 * always, an exponent below 10^-4 and from 10^16 on. Writes {@link doubleTextBytes} at `out`.
 */
export function emitDoubleToText(m: ModuleBuilder): Func {
  const whole = emitWholeToText(m);
  const shortest = emitShortest(m);
  const params = { x: 'f64', single: 'i32', table: 'i32', out: 'i32' } as const;
  return once(m, 'double_to_text', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { x, single, table, out } = f.param;
      const writer = new TextWriter(f, out);
      const returned = (text: string) => () => {
        writer.literal(text);
        f.return(out);
      };
      f.if(f64.ne(x, x), returned('nan'));
      f.if(i64.ltS(i64.reinterpretF64(x), 0), () => {
        writer.byte(minus);
        f.set(x, f64.neg(x));
      });
      f.if(f64.eq(x, Number.POSITIVE_INFINITY), returned('inf'));
      f.if(f64.eq(x, 0), returned('0.0'));
      const digits = f.local('i64', 'digits');
      const exponent = f.local('i32', 'exponent');
      // Small whole numbers are their own digits.
      const isWhole = i32.and(f64.lt(x, 2 ** 24), f64.eq(f64.trunc(x), x));
      f.if(
        isWhole,
        () => {
          f.set(digits, i64.truncF64U(x));
          f.set(exponent, 0);
        },
        () => {
          const { c, q, closer } = takeApart(f, x, single);
          f.setMulti([digits, exponent], shortest.callMulti(c, q, closer, table));
        },
      );
      const tenth = f.local('i64', 'tenth');
      f.loop((again) => {
        f.set(tenth, i64.divU(digits, 10));
        f.if(i64.eq(i64.mul(tenth, 10), digits), () => {
          f.set(digits, tenth);
          f.set(exponent, i32.add(exponent, 1));
          f.br(again);
        });
      });
      const source = f.let(i32.add(out, 64), 'source');
      const count = f.let(i32.sub(whole.call(digits, 0, source), source), 'count');
      writeDecimal(f, writer, { source, count, exponent });
      f.return(out);
    }),
  );
}

/** A positive finite number as c * 2^q; of a 32-bit float, as that format has it. */
function takeApart(f: FunctionBuilder, x: Local, single: Local) {
  const bits = f.let(i64.reinterpretF64(x), 'bits');
  const fraction = f.let(i64.and(bits, 2n ** 52n - 1n), 'fraction');
  const exponent = f.let(i32.wrapI64(i64.shrU(bits, 52)), 'exponent');
  const c = f.local('i64', 'c');
  const q = f.local('i32', 'q');
  const least = f.local('i32', 'least');
  f.if(
    single,
    () => {
      // 24 bits of the mantissa, fewer below 2^-126.
      f.set(q, i32.sub(exponent, 1023 + 23));
      f.set(q, i32.select(i32.ltS(q, -149), -149, q));
      const scale = i64.extendI32U(i32.add(i32.sub(q, exponent), 1075));
      f.set(c, i64.shrU(i64.or(fraction, 2n ** 52n), scale));
      f.set(least, -149);
    },
    () => {
      const subnormal = i32.eqz(exponent);
      f.set(c, i64.select(subnormal, fraction, i64.or(fraction, 2n ** 52n)));
      f.set(q, i32.sub(i32.select(subnormal, 1, exponent), 1075));
      f.set(least, -1074);
    },
  );
  // The next number below a power of two is nearer, but for the least exponent.
  const closer = f.let(i32.and(i64.eqz(fraction), i32.gtS(q, least)), 'closer');
  return { c, q, closer };
}

/** The digits at `source` times 10^exponent. */
function writeDecimal(
  f: FunctionBuilder,
  writer: TextWriter,
  number: { source: Local; count: Local; exponent: Local },
): void {
  const { source, count, exponent } = number;
  // The power of ten of the first digit.
  const power = f.let(i32.sub(i32.add(exponent, count), 1), 'power');
  const zeros = (howMany: Expr) => {
    const left = f.let(howMany, 'zeros');
    f.while(left, () => {
      writer.byte(0x30);
      f.set(left, i32.sub(left, 1));
    });
  };
  f.block((done) => {
    f.if(i32.or(i32.ltS(power, -4), i32.geS(power, 16)), () => {
      writeScientific(f, writer, { source, count, power });
      f.br(done);
    });
    f.if(i32.geS(exponent, 0), () => {
      writer.copy(source, count);
      zeros(exponent);
      writer.literal('.0');
      f.br(done);
    });
    f.if(i32.ltS(power, 0), () => {
      writer.literal('0.');
      zeros(i32.sub(-1, power));
      writer.copy(source, count);
      f.br(done);
    });
    const before = f.let(i32.add(power, 1), 'before');
    writer.copy(source, before);
    writer.byte(point);
    writer.copy(i32.add(source, before), i32.sub(count, before));
  });
}

function writeScientific(
  f: FunctionBuilder,
  writer: TextWriter,
  number: { source: Local; count: Local; power: Local },
): void {
  const { source, count, power } = number;
  writer.copy(source, i32.const(1));
  f.if(i32.gtU(count, 1), () => {
    writer.byte(point);
    writer.copy(i32.add(source, 1), i32.sub(count, 1));
  });
  writer.byte('e'.charCodeAt(0));
  const negative = f.let(i32.ltS(power, 0), 'negative_power');
  writer.byte(i32.select(negative, minus, '+'.charCodeAt(0)));
  const size = f.let(i32.select(negative, i32.sub(0, power), power), 'size');
  f.if(
    i32.geU(size, 100),
    () => writer.digits(size, 3),
    () => writer.pair(size),
  );
}
