/** Building column vectors a value at a time: for edges, tests and slow paths. */
import { assert } from '../base/assert.ts';
import type { ColumnBatch, ColumnVector, FixedArray, Schema } from './batch.ts';
import type { Interval } from './interval.ts';
import type { SqlType } from './type.ts';
import { uuidToHugeint, type Value } from './value.ts';
import { writeWide } from './vector.ts';

/** Collects the values of one column; {@link finish} gives the vector and starts afresh. */
export class ColumnBuilder {
  readonly type: SqlType;
  #values: (Value | null)[] = [];
  #nullCount = 0;

  constructor(type: SqlType) {
    this.type = type;
  }

  get length(): number {
    return this.#values.length;
  }

  /** `value` must be of the JavaScript type that `value.ts` names for the column's type. */
  append(value: Value | null): void {
    if (value === null) this.#nullCount++;
    this.#values.push(value);
  }

  /** The vector of all values, or of the first `rowCount` of them; the rest is forgotten. */
  finish(rowCount = this.#values.length): ColumnVector {
    const values = this.#values.slice(0, rowCount);
    const validity = this.#nullCount === 0 ? undefined : validityOf(values);
    this.#values = [];
    this.#nullCount = 0;
    const vector = buildVector(this.type, values);
    return validity === undefined ? vector : { ...vector, validity };
  }
}

/** A batch from rows of values; for tests and small results. */
export function batchFromRows(
  schema: Schema,
  rows: readonly (readonly (Value | null)[])[],
): ColumnBatch {
  const builders = schema.map((field) => new ColumnBuilder(field.type));
  for (const row of rows) {
    assert(row.length === schema.length, 'a row has one value for each field');
    for (let i = 0; i < row.length; i++) builders[i].append(row[i]);
  }
  return { rowCount: rows.length, columns: builders.map((builder) => builder.finish()) };
}

function validityOf(values: readonly (Value | null)[]): Uint8Array {
  const bits = new Uint8Array((values.length + 7) >>> 3);
  for (let i = 0; i < values.length; i++) if (values[i] !== null) bits[i >>> 3] |= 1 << (i & 7);
  return bits;
}

function buildVector(type: SqlType, values: readonly (Value | null)[]): ColumnVector {
  switch (type.kind) {
    case 'null':
    case 'varchar':
    case 'blob':
      return buildStrings(values);
    case 'hugeint':
    case 'interval':
    case 'uuid':
      return buildWide(values);
    case 'decimal':
      return type.precision > 18 ? buildWide(values) : buildFixed(type, values);
    default:
      return buildFixed(type, values);
  }
}

const encoder = new TextEncoder();

function buildStrings(values: readonly (Value | null)[]): ColumnVector {
  const offsets = new Uint32Array(values.length + 1);
  const parts = values.map((value) => {
    if (value === null) return new Uint8Array();
    return typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array);
  });
  let size = 0;
  for (let i = 0; i < parts.length; i++) offsets[i + 1] = size += parts[i].length;
  const bytes = new Uint8Array(size);
  for (let i = 0; i < parts.length; i++) bytes.set(parts[i], offsets[i]);
  return { form: 'string', offsets, bytes };
}

function buildWide(values: readonly (Value | null)[]): ColumnVector {
  const data = new BigInt64Array(values.length * 2);
  values.forEach((value, row) => {
    if (value === null) return;
    if (typeof value === 'bigint') writeWide(data, row, value);
    else if (typeof value === 'string') writeWide(data, row, uuidToHugeint(value));
    else {
      const { months, days, micros } = value as Interval;
      data[2 * row] = (BigInt(days) << 32n) | BigInt.asUintN(32, BigInt(months));
      data[2 * row + 1] = micros;
    }
  });
  return { form: 'fixed', data, wide: true };
}

function buildFixed(type: SqlType, values: readonly (Value | null)[]): ColumnVector {
  const data = fixedArray(type, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value !== null)
      data[i] = data instanceof BigInt64Array ? BigInt(value as bigint) : Number(value);
  }
  return { form: 'fixed', data };
}

/** An array of the full width of a fixed-width type, one element a row. */
export function fixedArray(type: SqlType, length: number): FixedArray {
  switch (type.kind) {
    case 'boolean':
      return new Uint8Array(length);
    case 'tinyint':
      return new Int8Array(length);
    case 'smallint':
      return new Int16Array(length);
    case 'integer':
    case 'date':
      return new Int32Array(length);
    case 'real':
      return new Float32Array(length);
    case 'double':
      return new Float64Array(length);
    default:
      return new BigInt64Array(length);
  }
}
