import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { CastExpression } from '../../plan/expression.ts';
import { powerOfTen } from '../../value/decimal.ts';
import { microsPerDay } from '../../value/time.ts';
import { isFloat, isInteger, type SqlType, typeName } from '../../value/type.ts';
import { f32, f64, i32, i64 } from '../../wasm/index.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { fitsI64, multiplyRange, type Range, rangeOf } from '../range.ts';
import { halves, type IntValue, spill, typeRange, type Value, type WideValue } from '../value.ts';
import { failIf, limit } from './arithmetic.ts';
import { compileExpression } from './compile.ts';
import { wholeConstant } from './constant.ts';
import { divideRounded128, multiply128, toDouble } from './wide.ts';

export function compileCast(expression: CastExpression, scope: Scope): Value {
  const value = compileExpression(expression.input, scope);
  const from = expression.input.type;
  const to = expression.type;
  if (expression.try) unsupported(from, to, 'TRY_CAST');
  return castValue(value, from, to, scope);
}

function unsupported(from: SqlType, to: SqlType, what = 'a cast'): never {
  throw new QuernError(
    sqlState.featureNotSupported,
    `${what} from ${typeName(from)} to ${typeName(to)} is not supported yet`,
  );
}

const scaleOf = (type: SqlType): number => (type.kind === 'decimal' ? type.scale : 0);

export function castValue(value: Value, from: SqlType, to: SqlType, scope: Scope): Value {
  if (from.kind === to.kind && from.kind !== 'decimal') return value;
  if (from.kind === 'null') return value;
  if (value.form === 'bool') return castBoolean(value, from, to);
  if (value.form === 'float') return castFloat(value.x, value, from, to, scope);
  if (value.form === 'string' || value.form === 'code') {
    if (to.kind === 'varchar') return value;
    unsupported(from, to);
  }
  return castWhole(value, from, to, scope);
}

function castBoolean(value: Extract<Value, { form: 'bool' }>, from: SqlType, to: SqlType): Value {
  if (!isInteger(to)) unsupported(from, to);
  return { form: 'int', x: i64.extendI32U(value.x), range: rangeOf(0n, 1n), isNull: value.isNull };
}

function castWhole(value: IntValue | WideValue, from: SqlType, to: SqlType, scope: Scope): Value {
  if (to.kind === 'boolean') {
    const some = value.form === 'int' ? value.x : i64.or(value.x, value.y);
    const x = i64.ne(some, 0n);
    const { isNull } = value;
    return { form: 'bool', x: isNull ? i32.and(x, i32.eqz(isNull)) : x, isNull };
  }
  if (isFloat(to)) {
    const whole = toDouble(value, scope);
    const scale = scaleOf(from);
    let x = scale === 0 ? whole : f64.div(whole, 10 ** scale);
    if (to.kind === 'real') x = f64.promoteF32(f32.demoteF64(x));
    return { form: 'float', x, isNull: value.isNull };
  }
  if (isWholeType(to) && isWholeType(from)) return rescale(value, scaleOf(from), to, scope);
  if (from.kind === 'date' && (to.kind === 'timestamp' || to.kind === 'timestamptz')) {
    return scaleUp(value, microsPerDay, to, scope);
  }
  if ((from.kind === 'timestamp' || from.kind === 'timestamptz') && to.kind === 'date') {
    assert(value.form === 'int', 'timestamps fit in 64 bits');
    return {
      form: 'int',
      x: floorDivide(value, microsPerDay),
      range: typeRange(to),
      isNull: value.isNull,
    };
  }
  if (to.kind === 'timestamp' && from.kind === 'timestamptz') return value;
  if (to.kind === 'timestamptz' && from.kind === 'timestamp') return value;
  unsupported(from, to);
}

/** The quotient rounded down, for a positive divisor. */
export function floorDivide(value: IntValue, divisor: bigint) {
  if (value.range.min >= 0n) return i64.divU(value.x, i64.const(divisor));
  const adjusted = i64.sub(value.x, i64.and(i64.shrS(value.x, 63n), i64.const(divisor - 1n)));
  return i64.divS(adjusted, i64.const(divisor));
}

function isWholeType(type: SqlType): boolean {
  return isInteger(type) || type.kind === 'decimal';
}

function rescale(value: IntValue | WideValue, fromScale: number, to: SqlType, scope: Scope): Value {
  const toScale = scaleOf(to);
  if (toScale >= fromScale) {
    if (toScale === fromScale) return limit(value, to, scope);
    return scaleUp(value, powerOfTen(toScale - fromScale), to, scope);
  }
  const divisor = powerOfTen(fromScale - toScale);
  // What fits in 64 bits is less than half of such a divisor.
  if (value.form === 'int' && divisor >= 2n ** 64n) {
    const zero = { form: 'int', x: i64.const(0), range: rangeOf(0n, 0n) } as const;
    return { ...zero, isNull: value.isNull };
  }
  if (value.form === 'wide' || divisor >= 2n ** 63n) {
    const { lo, hi } = divideRounded128(scope, halves(value), divisor);
    const range = roundedRange(value.range, divisor);
    return limit({ form: 'wide', x: lo, y: hi, range, isNull: value.isNull }, to, scope);
  }
  return limit(roundedQuotient(value, divisor, scope), to, scope);
}

/** value / divisor to the nearest, halves away from zero. */
function roundedQuotient(value: IntValue, divisor: bigint, scope: Scope): IntValue {
  const { f } = scope;
  const x = f.let(value.x, 'dividend');
  const half = divisor / 2n;
  const quotient = f.let(i64.divS(x, i64.const(divisor)), 'quotient');
  const rest = f.let(i64.remS(x, i64.const(divisor)), 'rest');
  const up = i64.extendI32U(i64.geS(rest, i64.const(half)));
  const down = i64.extendI32U(i64.leS(rest, i64.const(-half)));
  const range = roundedRange(value.range, divisor);
  return { form: 'int', x: i64.sub(i64.add(quotient, up), down), range, isNull: value.isNull };
}

/** Division cuts towards zero: what is below zero may round down, what is above it up. */
function roundedRange({ min, max }: Range, divisor: bigint): Range {
  return rangeOf(min / divisor - (min < 0n ? 1n : 0n), max / divisor + (max > 0n ? 1n : 0n));
}

function scaleUp(value: IntValue | WideValue, factor: bigint, to: SqlType, scope: Scope): Value {
  const multiplier = wholeConstant(factor) as IntValue | WideValue;
  const range = multiplyRange(value.range, multiplier.range);
  const { isNull } = value;
  if (value.form === 'int' && fitsI64(range)) {
    return limit({ form: 'int', x: i64.mul(value.x, i64.const(factor)), range, isNull }, to, scope);
  }
  const { lo, hi } = multiply128(scope, value, multiplier, isNull, failure.decimalOverflow);
  return limit({ form: 'wide', x: lo, y: hi, range, isNull }, to, scope);
}

function castFloat(
  input: Value['x'],
  value: Value,
  from: SqlType,
  to: SqlType,
  scope: Scope,
): Value {
  const { isNull } = value;
  if (to.kind === 'double') return { form: 'float', x: input, isNull };
  if (to.kind === 'real') return { form: 'float', x: f64.promoteF32(f32.demoteF64(input)), isNull };
  if (to.kind === 'boolean') {
    const x = f64.ne(input, 0);
    return { form: 'bool', x: isNull ? i32.and(x, i32.eqz(isNull)) : x, isNull };
  }
  if (!isWholeType(to)) unsupported(from, to);
  const allowed = typeRange(to);
  const scaled = scope.f.let(
    f64.nearest(scaleOf(to) === 0 ? input : f64.mul(input, 10 ** scaleOf(to))),
    'scaled',
  );
  if (!fitsI64(allowed)) unsupported(from, to);
  // Written so that NaN, which fails every comparison, is outside.
  const inside = i32.and(
    f64.ge(scaled, Number(allowed.min)),
    allowed.max === 2n ** 63n - 1n ? f64.lt(scaled, 2 ** 63) : f64.le(scaled, Number(allowed.max)),
  );
  failIf(scope, i32.eqz(inside), isNull, failure.castOutOfRange);
  return spill(
    scope.f,
    { form: 'int', x: i64.truncSatF64S(scaled), range: allowed, isNull },
    'cast',
  );
}
