/** From rows in linear memory to column batches that own their data. */
import { assert } from '../base/assert.ts';
import type { ResultColumn, RowField } from '../compile/program.ts';
import { dictionaryVector } from '../table/read.ts';
import type { ColumnBatch, ColumnVector, FixedVector } from '../value/batch.ts';
import type { EngineMemory } from './memory.ts';

/** Decodes the rows at these addresses. */
export function decodeRows(
  memory: EngineMemory,
  columns: readonly ResultColumn[],
  addresses: Uint32Array,
): ColumnBatch {
  const vectors = columns.map(({ field }) => {
    const vector = decodeField(memory, field, addresses);
    const validity = decodeNulls(memory, field, addresses);
    return validity === undefined ? vector : { ...vector, validity };
  });
  return { rowCount: addresses.length, columns: vectors };
}

function decodeField(memory: EngineMemory, field: RowField, rows: Uint32Array): ColumnVector {
  assert(field.offset % Math.min(field.width, 4) === 0, 'fields of rows are aligned');
  switch (field.form) {
    case 'int':
      if (field.width === 8) return words(memory.i32, field, rows, 2);
      return narrow(memory, field, rows);
    case 'wide':
      return { ...words(memory.i32, field, rows, 4), wide: true };
    case 'float':
      return field.width === 4
        ? { form: 'fixed', data: gather(memory.f32, field, rows, new Float32Array(rows.length)) }
        : { form: 'fixed', data: doubles(memory.i32, field, rows) };
    case 'code': {
      const codes = gather(stored(memory, field), field, rows, unsigned(field.width, rows.length));
      assert(field.dictionary !== undefined, 'codes have a dictionary');
      const dictionary = dictionaryVector(memory, field.dictionary);
      return { form: 'dictionary', codes, dictionary, sorted: true };
    }
    case 'string':
      return strings(memory, field, rows);
  }
}

type Unsigned = Uint8Array | Uint16Array | Uint32Array;

function unsigned(width: number, length: number): Unsigned {
  if (width === 1) return new Uint8Array(length);
  return width === 2 ? new Uint16Array(length) : new Uint32Array(length);
}

function stored(memory: EngineMemory, field: RowField): Unsigned {
  if (field.width === 1) return memory.u8;
  return field.width === 2 ? memory.u16 : memory.u32;
}

function gather<From extends Unsigned | Float32Array, To extends From>(
  from: From,
  field: RowField,
  rows: Uint32Array,
  to: To,
): To {
  const shift = Math.log2(field.width);
  for (let i = 0; i < rows.length; i++) to[i] = from[(rows[i] + field.offset) >>> shift];
  return to;
}

/**
 * Integers of 1, 2 or 4 bytes plus a base, as the narrowest vector that holds all of the form's.
 */
function narrow(memory: EngineMemory, field: RowField, rows: Uint32Array): FixedVector {
  const data = gather(stored(memory, field), field, rows, unsigned(field.width, rows.length));
  if (field.base === 0n) return { form: 'fixed', data };
  const max = field.base + (1n << BigInt(8 * field.width)) - 1n;
  if (field.base >= -0x80000000n && max <= 0x7fffffffn) {
    const base = Number(field.base);
    const values = new Int32Array(data);
    for (let i = 0; i < values.length; i++) values[i] += base;
    return { form: 'fixed', data: values };
  }
  const values = new BigInt64Array(data.length);
  for (let i = 0; i < values.length; i++) values[i] = BigInt(data[i]) + field.base;
  return { form: 'fixed', data: values };
}

/** Values of `count` words each, which need not be aligned to more than one. */
function words(from: Int32Array, field: RowField, rows: Uint32Array, count: 2 | 4): FixedVector {
  const to = new Int32Array(rows.length * count);
  for (let i = 0, at = 0; i < rows.length; i++, at += count) {
    const source = (rows[i] + field.offset) >>> 2;
    to[at] = from[source];
    to[at + 1] = from[source + 1];
    if (count === 4) {
      to[at + 2] = from[source + 2];
      to[at + 3] = from[source + 3];
    }
  }
  return { form: 'fixed', data: new BigInt64Array(to.buffer) };
}

function doubles(from: Int32Array, field: RowField, rows: Uint32Array): Float64Array {
  const { data } = words(from, field, rows, 2);
  return new Float64Array(data.buffer);
}

function strings(memory: EngineMemory, field: RowField, rows: Uint32Array): ColumnVector {
  const bytes = memory.u8;
  const from = memory.u32;
  const offsets = new Uint32Array(rows.length + 1);
  let total = 0;
  for (let i = 0; i < rows.length; i++) {
    const isNull = field.nullAt !== undefined && bytes[rows[i] + field.nullAt] !== 0;
    if (!isNull) total += from[((rows[i] + field.offset) >>> 2) + 1];
    offsets[i + 1] = total;
  }
  const to = new Uint8Array(total);
  for (let i = 0; i < rows.length; i++) {
    const start = offsets[i];
    const length = offsets[i + 1] - start;
    const source = from[(rows[i] + field.offset) >>> 2];
    // A call of `set` costs as much as copying some forty bytes one by one.
    if (length > 40) to.set(bytes.subarray(source, source + length), start);
    else for (let k = 0; k < length; k++) to[start + k] = bytes[source + k];
  }
  return { form: 'string', offsets, bytes: to };
}

function decodeNulls(
  memory: EngineMemory,
  field: RowField,
  rows: Uint32Array,
): Uint8Array | undefined {
  if (field.nullAt === undefined) return undefined;
  const bytes = memory.u8;
  const validity = new Uint8Array((rows.length + 7) >>> 3);
  let nullCount = 0;
  for (let i = 0; i < rows.length; i++) {
    if (bytes[rows[i] + field.nullAt] === 0) validity[i >>> 3] |= 1 << (i & 7);
    else nullCount++;
  }
  return nullCount === 0 ? undefined : validity;
}
