/**
 * SQL types. A type is an immutable value: compare with {@link sameType}, print with
 * {@link typeName}. Which physical width a column of a type is stored at is not part of the type;
 * see `batch.ts` and the table layer.
 */
export type SqlType =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number };

export type SimpleKind =
  /** The type of a bare NULL before it is resolved. */
  | 'null'
  | 'boolean'
  | 'tinyint'
  | 'smallint'
  | 'integer'
  | 'bigint'
  | 'hugeint'
  | 'real'
  | 'double'
  | 'varchar'
  | 'blob'
  /** Days since 1970-01-01, proleptic Gregorian. */
  | 'date'
  /** Microseconds since midnight. */
  | 'time'
  /** Microseconds since 1970-01-01 00:00:00, no time zone. */
  | 'timestamp'
  /** Microseconds since 1970-01-01 00:00:00 UTC. */
  | 'timestamptz'
  /** Months, days and microseconds, kept apart as in PostgreSQL. */
  | 'interval'
  | 'uuid';

function simple(kind: SimpleKind): SqlType {
  return Object.freeze({ kind });
}

export const nullType = simple('null');
export const booleanType = simple('boolean');
export const tinyintType = simple('tinyint');
export const smallintType = simple('smallint');
export const integerType = simple('integer');
export const bigintType = simple('bigint');
export const hugeintType = simple('hugeint');
export const realType = simple('real');
export const doubleType = simple('double');
export const varcharType = simple('varchar');
export const blobType = simple('blob');
export const dateType = simple('date');
export const timeType = simple('time');
export const timestampType = simple('timestamp');
export const timestamptzType = simple('timestamptz');
export const intervalType = simple('interval');
export const uuidType = simple('uuid');

/** The largest number of decimal digits a DECIMAL can have; 38 fit in 128 bits. */
export const decimalPrecisionMax = 38;

/** DECIMAL(precision, scale): 1 <= precision <= 38, 0 <= scale <= precision. */
export function decimalType(precision: number, scale: number): SqlType {
  return Object.freeze({ kind: 'decimal', precision, scale });
}

export function sameType(a: SqlType, b: SqlType): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind !== 'decimal' || b.kind !== 'decimal') return true;
  return a.precision === b.precision && a.scale === b.scale;
}

/** The name a user sees: `INTEGER`, `DECIMAL(15,2)`, `TIMESTAMP WITH TIME ZONE`. */
export function typeName(type: SqlType): string {
  if (type.kind === 'decimal') return `DECIMAL(${type.precision},${type.scale})`;
  if (type.kind === 'timestamptz') return 'TIMESTAMP WITH TIME ZONE';
  if (type.kind === 'null') return '"NULL"';
  return type.kind.toUpperCase();
}

/** Whole numbers, narrowest first; the index orders them by width. */
export const integerKinds = ['tinyint', 'smallint', 'integer', 'bigint', 'hugeint'] as const;

export function isInteger(type: SqlType): boolean {
  return (integerKinds as readonly string[]).includes(type.kind);
}

export function isFloat(type: SqlType): boolean {
  return type.kind === 'real' || type.kind === 'double';
}

export function isNumeric(type: SqlType): boolean {
  return isInteger(type) || isFloat(type) || type.kind === 'decimal';
}
