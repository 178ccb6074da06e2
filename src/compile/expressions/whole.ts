import { assert } from '../../base/assert.ts';
import { bitWidth } from '../../plan/functions/numbers.ts';
import { powerOfTen } from '../../value/decimal.ts';
import { type Expr, i32, i64 } from '../../wasm/index.ts';
import { emitGcd } from '../kernels/gcd.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { fitsI64, type Range, rangeOf, unionRange } from '../range.ts';
import {
  eitherNull,
  expectInt,
  halves,
  type IntValue,
  nullOfAny,
  spill,
  typeRange,
  type WideValue,
} from '../value.ts';
import { asWhole, failIf, limit, narrow } from './arithmetic.ts';
import type { Build } from './build.ts';
import { scaleUpBy } from './cast.ts';
import { fold } from './compile.ts';
import { roundDouble, signOfDouble } from './doubles.ts';
import { floorDivide, roundedRange, roundQuotient, scaleOf } from './rescale.ts';
import { add128, divide128, divideRounded128, subtract128 } from './wide.ts';

type Whole = IntValue | WideValue;

/** round, floor, ceil and trunc of any number. */
export const rounding: Build = (args, expression, scope) => {
  const [value] = args;
  if (value.form === 'float') return roundDouble(args, expression, scope);
  const [{ type: from }, digits] = expression.args;
  const keep = digits === undefined ? 0 : Number(fold(digits)?.value);
  const cut = scaleOf(from) - keep;
  const whole = asWhole(value);
  assert(cut > 0 && Number.isInteger(keep), 'the binder leaves what does not round');
  if (cut > 38) return { ...whole, form: 'int', x: i64.const(0), range: rangeOf(0n, 0n) };
  const divided = divideBy(expression.name, whole, powerOfTen(cut), scope);
  // Digits before the point become zeros.
  if (keep >= 0) return limit(divided, expression.type, scope);
  return scaleUpBy(divided, powerOfTen(-keep), expression.type, scope);
};

function divideBy(name: string, value: Whole, divisor: bigint, scope: Scope): Whole {
  if (value.form === 'int' && fitsI64(rangeOf(-divisor, divisor))) {
    return divideInt(name, value, divisor, scope);
  }
  const { isNull } = value;
  const range = roundedRange(value.range, divisor);
  const wide = (parts: { lo: Expr; hi: Expr }): Whole =>
    narrow({ form: 'wide', x: parts.lo, y: parts.hi, range, isNull });
  if (name === 'round') return wide(divideRounded128(scope, halves(value), divisor));
  const by = { lo: i64.const(BigInt.asIntN(64, divisor)), hi: i64.const(divisor >> 64n) };
  const quotient = divide128(scope, halves(value), by, false);
  if (name === 'trunc') return wide(quotient);
  const rest = divide128(scope, halves(value), by, true);
  const some = i64.ne(i64.or(rest.lo, rest.hi), 0n);
  const below = i64.ltS(rest.hi, 0n);
  const one = (condition: Expr) => ({ lo: i64.extendI32U(condition), hi: i64.const(0) });
  if (name === 'floor') return wide(subtract128(scope, quotient, one(below)));
  return wide(add128(scope, quotient, one(i32.and(some, i32.eqz(below)))));
}

function divideInt(name: string, value: IntValue, divisor: bigint, scope: Scope): IntValue {
  const range = roundedRange(value.range, divisor);
  if (name === 'round') return roundQuotient(value, divisor, scope);
  if (name === 'trunc') return { ...value, x: i64.divS(value.x, i64.const(divisor)), range };
  if (name === 'floor') return { ...value, x: floorDivide(value, divisor), range };
  const quotient = i64.divS(value.x, i64.const(divisor));
  const rest = i64.remS(value.x, i64.const(divisor));
  return { ...value, x: i64.add(quotient, i64.extendI32U(i64.gtS(rest, 0n))), range };
}

const sign: Build = ([value]) => {
  const range = rangeOf(-1n, 1n);
  const { isNull } = value;
  if (value.form === 'float') return { form: 'int', x: signOfDouble(value.x), range, isNull };
  const whole = asWhole(value);
  const { hi } = halves(whole);
  const some = whole.form === 'int' ? whole.x : i64.or(whole.x, whole.y);
  const x = i64.or(i64.shrS(hi, 63n), i64.extendI32U(i64.ne(some, 0n)));
  return { form: 'int', x, range, isNull };
};

/** Bit by bit, whatever the width: a narrow integer's sign goes on to the left. */
function bitwise(operate: (a: Expr, b: Expr) => Expr): Build {
  return (args, expression) => {
    const [a, b] = args.map(asWhole);
    const range = typeRange(expression.type);
    const isNull = eitherNull(a.isNull, b.isNull);
    if (a.form === 'int' && b.form === 'int') {
      return { form: 'int', x: operate(a.x, b.x), range: signedHull(a.range, b.range), isNull };
    }
    const [x, y] = [halves(a), halves(b)];
    return { form: 'wide', x: operate(x.lo, y.lo), y: operate(x.hi, y.hi), range, isNull };
  };
}

/** What bit operations on two numbers give lies within the bits that both have. */
function signedHull(a: Range, b: Range): Range {
  const { min, max } = unionRange(a, b);
  const most = max > -min - 1n ? max : -min - 1n;
  const bits = most.toString(2).length;
  const all = (1n << BigInt(bits)) - 1n;
  return rangeOf(min < 0n ? -all - 1n : 0n, all);
}

const not: Build = ([value]) => {
  const whole = asWhole(value);
  const range = rangeOf(-whole.range.max - 1n, -whole.range.min - 1n);
  const { isNull } = whole;
  if (whole.form === 'int') return { form: 'int', x: i64.xor(whole.x, -1n), range, isNull };
  return { form: 'wide', x: i64.xor(whole.x, -1n), y: i64.xor(whole.y, -1n), range, isNull };
};

const countBits: Build = ([value], { args: [argument] }) => {
  const whole = asWhole(value);
  const width = bitWidth(argument.type);
  const { isNull } = whole;
  const mask = width < 64 ? i64.const((1n << BigInt(width)) - 1n) : undefined;
  const { lo, hi } = halves(whole);
  const low = i64.popcnt(mask === undefined ? lo : i64.and(lo, mask));
  const x = width === 128 ? i64.add(low, i64.popcnt(hi)) : low;
  return { form: 'int', x, range: rangeOf(0n, BigInt(width)), isNull };
};

const shiftLeft: Build = (args, expression, scope) => {
  const { type } = expression;
  const isNull = nullOfAny(args);
  const [value, count] = args.map(expectInt);
  failIf(scope, i64.ltS(count.x, 0n), isNull, failure.negativeShift);
  failIf(scope, i64.ltS(value.x, 0n), isNull, failure.shiftOfNegative);
  const width = BigInt(bitWidth(type));
  const room = i64.sub(i64.clz(value.x), i64.const(64n - width));
  // The highest bit of the result is its sign.
  const overflows = i32.and(i64.geS(count.x, room), i64.ne(value.x, 0n));
  failIf(scope, overflows, isNull, failure.integerOverflow);
  return { form: 'int', x: i64.shl(value.x, count.x), range: typeRange(type), isNull };
};

const shiftRight: Build = (args, expression) => {
  const isNull = nullOfAny(args);
  const [value, count] = args.map(expectInt);
  const width = i64.const(BigInt(bitWidth(expression.type)));
  const inside = i64.ltU(count.x, width);
  const x = i64.select(inside, i64.shrS(value.x, count.x), 0n);
  return { form: 'int', x, range: unionRange(value.range, rangeOf(-1n, 0n)), isNull };
};

/** What LIMIT and OFFSET take. */
const rowCount: Build = (args, _expression, scope) => {
  const isNull = nullOfAny(args);
  const count = spill(scope.f, expectInt(args[0]), 'count');
  failIf(scope, i64.ltS(count.x, 0n), isNull, failure.negativeCount);
  return { ...count, range: rangeOf(0n, 2n ** 63n - 1n), isNull };
};

const gcd: Build = (args, expression, scope) => {
  const isNull = nullOfAny(args);
  const [a, b] = args.map(expectInt);
  const x = emitGcd(scope.query.module).call(a.x, b.x);
  const { min, max } = unionRange(unionRange(a.range, b.range), rangeOf(0n, 0n));
  const most = max > -min ? max : -min;
  const spilled = spill(scope.f, { form: 'int', x, range: rangeOf(0n, most), isNull }, 'gcd');
  if (most < 2n ** 63n) return limit(spilled, expression.type, scope);
  // 2^63 reads as a negative number.
  failIf(scope, i64.ltS(spilled.x, 0n), isNull, failure.integerOverflow);
  return { ...spilled, range: rangeOf(0n, 2n ** 63n - 1n) };
};

export const wholeFunctions: Readonly<Record<string, Build>> = {
  round: rounding,
  floor: rounding,
  ceil: rounding,
  trunc: rounding,
  sign,
  bit_and: bitwise((a, b) => i64.and(a, b)),
  bit_or: bitwise((a, b) => i64.or(a, b)),
  bit_xor: bitwise((a, b) => i64.xor(a, b)),
  bit_not: not,
  bit_count: countBits,
  shift_left: shiftLeft,
  shift_right: shiftRight,
  gcd,
  row_count: rowCount,
};
