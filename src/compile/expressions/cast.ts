import type { CastExpression } from '../../plan/expression.ts';
import { powerOfTen } from '../../value/decimal.ts';
import { microsPerDay } from '../../value/time.ts';
import { isFloat, isInteger, type SqlType, typeName } from '../../value/type.ts';
import { type Expr, f32, f64, i32, i64 } from '../../wasm/index.ts';
import { emitWideMultiply } from '../kernels/wide.ts';
import { emitWideFromF64 } from '../kernels/wide-float.ts';
import { failure, typeCode } from '../program.ts';
import type { Scope } from '../query.ts';
import { contains, fitsI64, intersectRange, multiplyRange, rangeOf } from '../range.ts';
import {
  halves,
  type IntValue,
  isPair,
  present,
  spill,
  typeRange,
  type Value,
  type WideValue,
} from '../value.ts';
import { asWhole, limit, narrow, outsideOf } from './arithmetic.ts';
import { notSupported } from './build.ts';
import { compileExpression } from './compile.ts';
import { nullOf, wholeConstant } from './constant.ts';
import { clockOf } from './dates.ts';
import { roundHalfAway } from './doubles.ts';
import { readText } from './from-text.ts';
import { floorDivide, roundedRange, roundQuotient, scaleOf } from './rescale.ts';
import { decode } from './strings.ts';
import { castToText } from './to-text.ts';
import { divide128, divideRounded128, multiply128, toDouble } from './wide.ts';

type Whole = IntValue | WideValue;

export function compileCast(expression: CastExpression, scope: Scope): Value {
  const value = compileExpression(expression.input, scope);
  const cast = new Cast(value, expression.input.type, expression.type, scope);
  cast.tries = expression.try;
  return cast.compile();
}

/** The code of one cast. */
export class Cast {
  /** TRY_CAST: what fails is NULL. */
  tries = false;
  readonly scope: Scope;
  readonly to: SqlType;
  readonly #from: SqlType;
  readonly #value: Value;
  #failed: Expr | undefined;

  constructor(value: Value, from: SqlType, to: SqlType, scope: Scope) {
    this.#value = value;
    this.#from = from;
    this.to = to;
    this.scope = scope;
  }

  compile(): Value {
    const result = this.#convert();
    if (this.#failed === undefined) return result;
    const failed = this.#failed;
    const isNull = result.isNull === undefined ? failed : i32.or(result.isNull, failed);
    if (result.form === 'bool') return { ...result, x: present(result.x, failed), isNull };
    return { ...result, isNull };
  }

  /** An error, or NULL, where `condition` holds for a value that is not NULL. */
  failIf(condition: Expr): void {
    const { f } = this.scope;
    const { isNull } = this.#value;
    if (this.tries) {
      const failed = f.let(condition, 'failed');
      this.#failed = this.#failed === undefined ? failed : i32.or(this.#failed, failed);
      return;
    }
    f.if(present(condition, isNull), () => this.#fail());
  }

  /** Leaves the value where the error is made, which tells it. */
  #fail(): void {
    const { f, query, pipeline } = this.scope;
    const value = this.#value.form === 'code' ? decode(this.#value, this.scope) : this.#value;
    const words = valueWords(value);
    const types = [this.#from, this.to].map(typeCode);
    f.call(query.failCast(), pipeline.local, types[0], types[1], words.lo, words.hi);
  }

  #unsupported(): never {
    notSupported(`a cast from ${typeName(this.#from)} to ${typeName(this.to)}`);
  }

  #convert(): Value {
    const value = this.#value;
    const from = this.#from;
    const { to } = this;
    if (from.kind === to.kind && from.kind !== 'decimal') return value;
    if (from.kind === 'null') return nullOf(to);
    if (to.kind === 'varchar') return castToText(value, from, this.scope);
    switch (value.form) {
      case 'bool':
        return this.#boolean(value.x);
      case 'float':
        return this.#float(value.x);
      case 'string':
      case 'code':
        if (from.kind === 'blob') this.#unsupported();
        return readText(decode(value, this.scope), this) ?? this.#unsupported();
      case 'interval':
        return this.#unsupported();
      default:
        return this.#whole(value);
    }
  }

  #boolean(x: Expr): Value {
    const { isNull } = this.#value;
    const range = rangeOf(0n, 1n);
    const whole: IntValue = { form: 'int', x: i64.extendI32U(x), range, isNull };
    if (isFloat(this.to)) return { form: 'float', x: f64.convertI32U(x), isNull };
    return isWhole(this.to) ? this.#rescale(whole, 0) : this.#unsupported();
  }

  #whole(value: Whole): Value {
    const { scope, to } = this;
    const from = this.#from;
    const { isNull } = value;
    if (to.kind === 'boolean') {
      const some = value.form === 'int' ? value.x : i64.or(value.x, value.y);
      return { form: 'bool', x: present(i64.ne(some, 0n), isNull), isNull };
    }
    if (isWhole(to) && isWhole(from)) return this.#rescale(value, scaleOf(from));
    if (isFloat(to) && isWhole(from)) {
      let x = decimalToDouble(value, scaleOf(from), scope);
      if (to.kind === 'real') x = f64.promoteF32(f32.demoteF64(x));
      return { form: 'float', x, isNull };
    }
    if (value.form === 'int') return this.#moment(value);
    return this.#unsupported();
  }

  /** Between dates, times and timestamps. */
  #moment(value: IntValue): Value {
    const { scope, to } = this;
    const from = this.#from;
    const { isNull } = value;
    const isInstant = from.kind === 'timestamp' || from.kind === 'timestamptz';
    if (to.kind === 'timestamp' || to.kind === 'timestamptz') {
      if (isInstant) return value;
      if (from.kind === 'date') return scaleUpBy(value, microsPerDay, to, scope);
    }
    if (isInstant && to.kind === 'date') {
      return { form: 'int', x: floorDivide(value, microsPerDay), range: typeRange(to), isNull };
    }
    if (isInstant && to.kind === 'time') {
      const range = rangeOf(0n, microsPerDay - 1n);
      return { form: 'int', x: clockOf(value, from, scope), range, isNull };
    }
    return this.#unsupported();
  }

  /** Fails what lies outside of the type, unless it provably does not. */
  limit(value: Whole): Value {
    const allowed = typeRange(this.to);
    if (contains(allowed, value.range)) return narrow(value);
    const spilled = spill(this.scope.f, value, 'cast');
    this.failIf(outsideOf(spilled, allowed));
    return narrow({ ...spilled, range: intersectRange(allowed, value.range) });
  }

  #rescale(value: Whole, fromScale: number): Value {
    const toScale = scaleOf(this.to);
    if (toScale === fromScale) return this.limit(value);
    if (toScale > fromScale) return this.#scaleUp(value, powerOfTen(toScale - fromScale));
    const divisor = powerOfTen(fromScale - toScale);
    // What fits in 64 bits is less than half of such a divisor.
    if (value.form === 'int' && divisor >= 2n ** 64n) {
      return { ...value, x: i64.const(0), range: rangeOf(0n, 0n) };
    }
    if (value.form === 'wide' || !fitsI64(rangeOf(-divisor, divisor))) {
      const { lo, hi } = divideRounded128(this.scope, halves(value), divisor);
      const range = roundedRange(value.range, divisor);
      return this.limit({ form: 'wide', x: lo, y: hi, range, isNull: value.isNull });
    }
    return this.limit(roundQuotient(value, divisor, this.scope));
  }

  #scaleUp(value: Whole, factor: bigint): Value {
    const { scope } = this;
    const range = multiplyRange(value.range, rangeOf(factor, factor));
    const { isNull } = value;
    if (value.form === 'int' && fitsI64(range)) {
      const x = i64.mul(value.x, i64.const(factor));
      return this.limit({ form: 'int', x, range, isNull });
    }
    const fits = range.min >= -(2n ** 127n) && range.max < 2n ** 127n;
    const multiplier = wholeConstant(factor) as Whole;
    if (fits) {
      const { lo, hi } = multiply128(scope, value, multiplier, isNull, failure.decimalOverflow);
      return this.limit({ form: 'wide', x: lo, y: hi, range, isNull });
    }
    const { f, query } = scope;
    const [lo, hi] = [f.local('i64', 'scaled'), f.local('i64', 'scaled_hi')];
    const overflows = f.local('i32', 'overflows');
    const [a, b] = [halves(value), halves(multiplier)];
    const product = emitWideMultiply(query.module).callMulti(a.lo, a.hi, b.lo, b.hi);
    f.setMulti([lo, hi, overflows], product);
    this.failIf(overflows);
    return this.limit({ form: 'wide', x: lo, y: hi, range, isNull });
  }

  #float(x: Expr): Value {
    const { scope, to } = this;
    const { isNull } = this.#value;
    if (to.kind === 'double') return { form: 'float', x, isNull };
    if (to.kind === 'real') {
      const single = scope.f.let(f64.promoteF32(f32.demoteF64(x)), 'single');
      const infinite = (y: Expr) => f64.eq(f64.abs(y), Number.POSITIVE_INFINITY);
      this.failIf(i32.and(infinite(single), i32.eqz(infinite(x))));
      return { form: 'float', x: single, isNull };
    }
    if (to.kind === 'boolean') return { form: 'bool', x: present(f64.ne(x, 0), isNull), isNull };
    if (!isWhole(to)) this.#unsupported();
    // As DuckDB has it: integers take the even of two, decimals the one that is farther from 0.
    const whole =
      to.kind === 'decimal'
        ? roundHalfAway(to.scale === 0 ? x : f64.mul(x, 10 ** to.scale), scope)
        : f64.nearest(x);
    return this.#wholeDouble(scope.f.let(whole, 'whole'));
  }

  /** A double without a fraction. */
  #wholeDouble(x: Expr): Value {
    const { scope, to } = this;
    const { isNull } = this.#value;
    const range = typeRange(to);
    if (fitsI64(range)) {
      // Written so that NaN, which fails every comparison, is outside.
      const inside = i32.and(f64.ge(x, Number(range.min)), f64.lt(x, Number(range.max + 1n)));
      this.failIf(i32.eqz(inside));
      return { form: 'int', x: i64.truncSatF64S(x), range, isNull };
    }
    const { f, query } = scope;
    const [lo, hi] = [f.local('i64', 'cast'), f.local('i64', 'cast_hi')];
    const overflows = f.local('i32', 'overflows');
    f.setMulti([lo, hi, overflows], emitWideFromF64(query.module).callMulti(x));
    this.failIf(overflows);
    const all = rangeOf(-(2n ** 127n), 2n ** 127n - 1n);
    return this.limit({ form: 'wide', x: lo, y: hi, range: all, isNull });
  }
}

/** Doubles have all whole numbers up to this one. */
const exactMax = 2n ** 53n;

/** The double nearest to value / 10^scale, or next to it where that takes more than 53 bits. */
function decimalToDouble(value: Whole, scale: number, scope: Scope): Expr {
  if (scale === 0) return toDouble(value, scope);
  const unit = f64.const(10 ** scale);
  // One division of two exact doubles is right; else the whole part and the rest are added.
  if (contains(rangeOf(-exactMax, exactMax), value.range) && scale <= 22) {
    return f64.div(toDouble(value, scope), unit);
  }
  const { isNull, range } = value;
  const divisor = powerOfTen(scale);
  const half = (remainder: boolean): Whole => {
    if (value.form === 'int' && divisor < 2n ** 63n) {
      const operate = remainder ? i64.remS : i64.divS;
      return { form: 'int', x: operate(value.x, i64.const(divisor)), range, isNull };
    }
    const by = halves(wholeConstant(divisor) as Whole);
    const { lo, hi } = divide128(scope, halves(value), by, remainder);
    return { form: 'wide', x: lo, y: hi, range, isNull };
  };
  return f64.add(toDouble(half(false), scope), f64.div(toDouble(half(true), scope), unit));
}

function isWhole(type: SqlType): boolean {
  return isInteger(type) || type.kind === 'decimal';
}

/** Times a factor, in another type; an error where it has no place there. */
export function scaleUpBy(value: Whole, factor: bigint, to: SqlType, scope: Scope): Value {
  const multiplier = asWhole(wholeConstant(factor));
  const range = multiplyRange(value.range, multiplier.range);
  const { isNull } = value;
  if (value.form === 'int' && fitsI64(range)) {
    return limit({ form: 'int', x: i64.mul(value.x, i64.const(factor)), range, isNull }, to, scope);
  }
  const { lo, hi } = multiply128(scope, value, multiplier, isNull, failure.decimalOverflow);
  return limit({ form: 'wide', x: lo, y: hi, range, isNull }, to, scope);
}

/** The bits of a value in two words, as the runtime reads them back for an error. */
function valueWords(value: Value): { lo: Expr; hi: Expr } {
  const zero = i64.const(0);
  switch (value.form) {
    case 'int':
      return { lo: value.x, hi: i64.shrS(value.x, 63n) };
    case 'float':
      return { lo: i64.reinterpretF64(value.x), hi: zero };
    case 'bool':
    case 'code':
      return { lo: i64.extendI32U(value.x), hi: zero };
    default:
      return isPair(value) && value.form === 'string'
        ? { lo: i64.extendI32U(value.x), hi: i64.extendI32U(value.y) }
        : { lo: value.x, hi: value.y };
  }
}
