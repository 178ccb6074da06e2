import { assert } from '../../base/assert.ts';
import type { ConstantExpression, ParameterExpression } from '../../plan/expression.ts';
import type { Interval } from '../../value/interval.ts';
import { isFloat, type SqlType, uuidType } from '../../value/type.ts';
import { uuidToHugeint } from '../../value/value.ts';
import { f64, i32, i64 } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { fitsI64, rangeOf } from '../range.ts';
import { loadField, type StoredField } from '../row.ts';
import { typeRange, type Value } from '../value.ts';

const encoder = new TextEncoder();

export function compileConstant(expression: ConstantExpression, scope: Scope): Value {
  const { value, type } = expression;
  if (value === null) return nullOf(type);
  if (typeof value === 'boolean') {
    return { form: 'bool', x: i32.const(value ? 1 : 0), isNull: undefined };
  }
  if (typeof value === 'number') return { form: 'float', x: f64.const(value), isNull: undefined };
  if (typeof value === 'bigint') return wholeConstant(value);
  if (type.kind === 'uuid') return uuidConstant(uuidToHugeint(value as string));
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value;
    const offset = scope.query.constantBytes(bytes);
    const x = i32.add(scope.pipeline.frame, offset);
    return { form: 'string', x, y: i32.const(bytes.length), isNull: undefined };
  }
  return intervalConstant(value);
}

/** Months and days of an interval in one word, as in a column. */
function monthsAndDays({ months, days }: Interval): bigint {
  return (BigInt(days) << 32n) | BigInt.asUintN(32, BigInt(months));
}

function intervalConstant(value: Interval): Value {
  const x = i64.const(monthsAndDays(value));
  return { form: 'interval', x, y: i64.const(value.micros), isNull: undefined };
}

export function wholeConstant(value: bigint): Value {
  const range = rangeOf(value, value);
  if (fitsI64(range)) return { form: 'int', x: i64.const(value), range, isNull: undefined };
  const x = i64.const(BigInt.asIntN(64, value));
  return { form: 'wide', x, y: i64.const(value >> 64n), range, isNull: undefined };
}

/** Two words, however small the number is: nobody reads a UUID from fewer. */
function uuidConstant(value: bigint): Value {
  const [x, y] = [i64.const(BigInt.asIntN(64, value)), i64.const(value >> 64n)];
  return { form: 'wide', x, y, range: typeRange(uuidType), isNull: undefined };
}

/** NULL in the form that values of the type usually have. */
export function nullOf(type: SqlType): Value {
  const isNull = i32.const(1);
  if (type.kind === 'boolean') return { form: 'bool', x: i32.const(0), isNull };
  if (isFloat(type)) return { form: 'float', x: f64.const(0), isNull };
  if (type.kind === 'varchar' || type.kind === 'blob') {
    return { form: 'string', x: i32.const(0), y: i32.const(0), isNull };
  }
  if (type.kind === 'interval') {
    return { form: 'interval', x: i64.const(0), y: i64.const(0), isNull };
  }
  return { form: 'int', x: i64.const(0), range: rangeOf(0n, 0n), isNull };
}

export function compileParameter(expression: ParameterExpression, scope: Scope): Value {
  const { type } = expression;
  const field = scope.query.parameter(expression.index, parameterField(type));
  const stored: StoredField = {
    ...field,
    bytes: 8,
    alignment: 8,
    value: parameterForm(type),
    range: typeRange(type),
  };
  assert(field.form !== 'code', 'parameters have no dictionary');
  return loadField(scope.pipeline.frame, stored);
}

function parameterForm(type: SqlType): Value['form'] {
  if (type.kind === 'boolean') return 'bool';
  if (isFloat(type)) return 'float';
  if (type.kind === 'varchar' || type.kind === 'blob') return 'string';
  if (type.kind === 'interval') return 'interval';
  return fitsI64(typeRange(type)) ? 'int' : 'wide';
}

function parameterField(
  type: SqlType,
): Omit<StoredField, 'offset' | 'nullAt' | 'bytes' | 'alignment' | 'value' | 'range'> {
  const form = parameterForm(type);
  if (form === 'bool') return { form: 'int', width: 1, base: 0n };
  if (form === 'float') return { form: 'float', width: 8, base: 0n };
  if (form === 'string') return { form: 'string', width: 8, base: 0n };
  if (form === 'int') return { form, width: 8, base: 0n };
  return { form: 'wide', width: 16, base: 0n };
}
