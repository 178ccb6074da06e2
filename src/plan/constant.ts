import { QuernError, sqlState } from '../base/error.ts';
import { isFloat, type SqlType, typeName } from '../value/type.ts';
import { formatValue, parseValue, type Value } from '../value/value.ts';
import type { ConstantExpression, ConstantValue } from './expression.ts';

/**
 * Between the two ways to hold a value: {@link ConstantValue}, in which all exact numbers, dates
 * and times are bigints, and {@link Value}, in which small ones are numbers.
 */
export function constantOf(type: SqlType, value: Value): ConstantValue {
  return typeof value === 'number' && !isFloat(type) ? BigInt(value) : value;
}

export function plainValue(type: SqlType, value: Exclude<ConstantValue, null>): Value {
  const narrow =
    type.kind === 'date' ||
    type.kind === 'integer' ||
    type.kind === 'smallint' ||
    type.kind === 'tinyint';
  return narrow && typeof value === 'bigint' ? Number(value) : value;
}

/** Reads a constant of `type` from text; a QuernError says what is wrong with it. */
export function parseConstant(type: SqlType, text: string): ConstantValue {
  if (type.kind === 'null') throw new QuernError(sqlState.datatypeMismatch, 'NULL has no text');
  return constantOf(type, parseValue(type, text));
}

/** A constant as it would be written in SQL. */
export function formatConstant(constant: ConstantExpression): string {
  const { type, value } = constant;
  if (value === null) return 'null';
  const text = formatValue(type, plainValue(type, value));
  switch (type.kind) {
    case 'varchar':
      return `'${text.replaceAll("'", "''")}'`;
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'interval':
    case 'blob':
    case 'uuid':
      return `${typeName(type)} '${text}'`;
    default:
      return text;
  }
}

/** How many decimal digits a whole number has; 0 has one. */
export function digitsOf(value: bigint): number {
  return (value < 0n ? -value : value).toString().length;
}
