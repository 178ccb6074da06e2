import { assert } from '../../base/assert.ts';
import type { Column } from '../../plan/expression.ts';
import { i32 } from '../../wasm/index.ts';
import { decode } from '../expressions/strings.ts';
import type { Scope } from '../query.ts';
import { fitsI64 } from '../range.ts';
import { halves, typeRange, type Value } from '../value.ts';

/** A value in the form that any value of the column's type can have. */
export function generalValue(value: Value, column: Column, scope: Scope): Value {
  const isNull = value.isNull ?? i32.const(0);
  if (value.form === 'code' || value.form === 'string') {
    return { ...decode(value, scope), isNull };
  }
  if (value.form !== 'int' && value.form !== 'wide') return { ...value, isNull };
  const range = typeRange(column.type);
  if (fitsI64(range)) {
    assert(value.form === 'int', 'a value lies within its type');
    return { ...value, range, isNull };
  }
  const { lo, hi } = halves(value);
  return { form: 'wide', x: lo, y: hi, range, isNull };
}
