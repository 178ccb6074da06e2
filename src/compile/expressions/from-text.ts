import { powerOfTen } from '../../value/decimal.ts';
import { isFloat, isInteger } from '../../value/type.ts';
import { type Expr, type Func, f32, f64, i32, i64 } from '../../wasm/index.ts';
import {
  emitBooleanFromText,
  emitDoubleFromText,
  emitNumberFromText,
  exactPowers,
} from '../kernels/number-from-text.ts';
import { powerTable } from '../kernels/powers-of-ten.ts';
import {
  emitDateFromText,
  emitTimeFromText,
  emitTimestampFromText,
} from '../kernels/time-from-text.ts';
import { fitsI64, rangeOf } from '../range.ts';
import { present, type StringValue, typeRange, type Value } from '../value.ts';
import type { Cast } from './cast.ts';
import { scaleOf } from './rescale.ts';

/** The value that a text stands for in the type of a cast; undefined if that has none here. */
export function readText(text: StringValue, cast: Cast): Value | undefined {
  const { scope, to } = cast;
  const { f } = scope;
  const { module } = scope.query;
  const { isNull } = text;
  // A NULL's address is anything: of a text without bytes nothing is read.
  const y = isNull === undefined ? text.y : f.let(i32.select(isNull, 0, text.y), 'length');
  if (to.kind === 'boolean') {
    const x = f.let(emitBooleanFromText(module).call(text.x, y), 'boolean');
    cast.failIf(i32.eq(x, 2));
    return { form: 'bool', x: present(i32.eq(x, 1), isNull), isNull };
  }
  if (isFloat(to)) return readDouble(text, y, cast);
  if (isInteger(to) || to.kind === 'decimal') return readNumber(text, y, cast);
  const reader = { date: emitDateFromText, time: emitTimeFromText }[to.kind as 'date' | 'time'];
  const isTimestamp = to.kind === 'timestamp' || to.kind === 'timestamptz';
  if (reader === undefined && !isTimestamp) return undefined;
  const func = isTimestamp
    ? emitTimestampFromText(module)
    : (reader as typeof emitDateFromText)(module);
  return readMoment(func, text, y, cast);
}

function readMoment(func: Func, text: StringValue, y: Expr, cast: Cast): Value {
  const { f } = cast.scope;
  const x = f.local('i64', 'moment');
  const wrong = f.local('i32', 'wrong');
  f.setMulti([x, wrong], func.callMulti(text.x, y));
  cast.failIf(wrong);
  const range = typeRange(cast.to);
  if (cast.to.kind === 'timestamp' || cast.to.kind === 'timestamptz') {
    // An offset may lead out of range.
    const below = i64.ltS(x, i64.const(range.min));
    cast.failIf(i32.or(below, i64.gtS(x, i64.const(range.max))));
  }
  return { form: 'int', x, range, isNull: text.isNull };
}

function readNumber(text: StringValue, y: Expr, cast: Cast): Value {
  const { scope, to } = cast;
  const { f, query } = scope;
  const scale = scaleOf(to);
  const [lo, hi] = [f.local('i64', 'number'), f.local('i64', 'number_hi')];
  const status = f.local('i32', 'status');
  const power = scale <= 18 ? powerOfTen(scale) : 0n;
  const read = emitNumberFromText(query.module).callMulti(text.x, y, scale, i64.const(power));
  f.setMulti([lo, hi, status], read);
  cast.failIf(i32.ne(status, 0));
  const { isNull } = text;
  if (fitsI64(typeRange(to))) cast.failIf(i64.ne(hi, i64.shrS(lo, 63n)));
  if (fitsI64(typeRange(to))) {
    return cast.limit({ form: 'int', x: lo, range: rangeOf(-(2n ** 63n), 2n ** 63n - 1n), isNull });
  }
  const all = rangeOf(-(2n ** 127n), 2n ** 127n - 1n);
  return cast.limit({ form: 'wide', x: lo, y: hi, range: all, isNull });
}

function readDouble(text: StringValue, y: Expr, cast: Cast): Value {
  const { scope, to } = cast;
  const { f, query, pipeline } = scope;
  const x = f.local('f64', 'double');
  const wrong = f.local('i32', 'wrong');
  const powers = i32.add(pipeline.frame, query.constantBytes(exactPowers()));
  const func = emitDoubleFromText(query.module, query.parseDouble());
  const table = i32.add(pipeline.frame, query.constantBytes(powerTable()));
  f.setMulti([x, wrong], func.callMulti(text.x, y, powers, table));
  cast.failIf(wrong);
  const { isNull } = text;
  if (to.kind === 'double') return { form: 'float', x, isNull };
  const single = f.let(f64.promoteF32(f32.demoteF64(x)), 'single');
  const infinite = (value: Expr) => f64.eq(f64.abs(value), Number.POSITIVE_INFINITY);
  cast.failIf(i32.and(infinite(single), i32.eqz(infinite(x))));
  return { form: 'float', x: single, isNull };
}
