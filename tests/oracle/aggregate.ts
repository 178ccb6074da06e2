import { assert } from '../../src/base/assert.ts';
import { castValue } from '../../src/plan/cast.ts';
import { compareValues } from '../../src/plan/compare.ts';
import type { AggregateCall, ConstantValue } from '../../src/plan/expression.ts';
import { doubleType, hugeintType, type SqlType } from '../../src/value/type.ts';

/** A row's values of a call's arguments. */
export type Arguments = readonly ConstantValue[];

/** The meaning of an aggregate over rows that pass its FILTER, in the order of its ORDER BY. */
export function aggregateValue(call: AggregateCall, rows: readonly Arguments[]): ConstantValue {
  const keepsNulls = call.name === 'first' || call.name === 'last';
  const present = keepsNulls ? rows : rows.filter((row) => !row.includes(null));
  if (call.name === 'count') return BigInt(present.length);
  const values = present.map(([value]) => value);
  if (values.length === 0) return null;
  const { type } = call.args[0];
  switch (call.name) {
    case 'min':
      return values.reduce((a, b) => (compareValues(a, b) <= 0 ? a : b));
    case 'max':
      return values.reduce((a, b) => (compareValues(a, b) >= 0 ? a : b));
    case 'sum':
      return sum(values);
    case 'avg':
      return asDouble(sum(values), type) / values.length;
    case 'first':
    case 'any_value':
      return values[0];
    case 'last':
      return values[values.length - 1];
    case 'min_by':
      return present.reduce((a, b) => (compareValues(a[1], b[1]) <= 0 ? a : b))[0];
    case 'max_by':
      return present.reduce((a, b) => (compareValues(a[1], b[1]) >= 0 ? a : b))[0];
    case 'bit_and':
      return (values as bigint[]).reduce((a, b) => a & b);
    case 'bit_or':
      return (values as bigint[]).reduce((a, b) => a | b);
    case 'bit_xor':
      return (values as bigint[]).reduce((a, b) => a ^ b);
    case 'quantile_disc':
      return values[Math.max(Math.ceil(values.length * (present[0][1] as number)), 1) - 1];
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
      return spread(call.name, values, type);
    default:
      return assert(false, `${call.name} has no interpreter`) as never;
  }
}

function sum(values: readonly ConstantValue[]): ConstantValue {
  if (typeof values[0] === 'number') {
    return (values as number[]).reduce((total, value) => total + value, 0);
  }
  return (values as bigint[]).reduce((total, value) => total + value, 0n);
}

function asDouble(value: ConstantValue, type: SqlType): number {
  const exact = type.kind === 'decimal' ? type : hugeintType;
  return typeof value === 'bigint'
    ? (castValue(value, exact, doubleType) as number)
    : (value as number);
}

/** Variance in two passes. */
function spread(name: string, values: readonly ConstantValue[], type: SqlType): number | null {
  const numbers = values.map((value) => asDouble(value, type));
  const mean = numbers.reduce((total, x) => total + x, 0) / numbers.length;
  const squares = numbers.reduce((total, x) => total + (x - mean) ** 2, 0);
  const divisor = name.endsWith('samp') ? numbers.length - 1 : numbers.length;
  if (divisor === 0) return null;
  const variance = squares / divisor;
  return name.startsWith('stddev') ? Math.sqrt(variance) : variance;
}
