/**
 * Decoding segments back to column vectors and values: for results, rewriting columns, and tests.
 */
import { assert } from '../base/assert.ts';
import type { ColumnBatch, ColumnVector, FixedArray, StringVector } from '../value/batch.ts';
import { fixedArray } from '../value/column-builder.ts';
import type { SqlType } from '../value/type.ts';
import type { Value } from '../value/value.ts';
import { rowReader } from '../value/vector.ts';
import type { ColumnLayout, Dictionary, Segment } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { Table } from './table.ts';

/** The rows of the table, a batch for each row group; the batches own their data. */
export function* tableBatches(
  memory: LinearMemory,
  table: Table,
  ordinals: readonly number[] = table.schema.map((_, ordinal) => ordinal),
): Generator<ColumnBatch> {
  for (const { rowCount, segments } of table.rowGroups) {
    const columns = ordinals.map((ordinal) =>
      readSegment(
        memory,
        table.schema[ordinal].type,
        table.columns[ordinal].layout,
        segments[ordinal],
        rowCount,
      ),
    );
    yield { rowCount, columns };
  }
}

/** All rows as arrays of values; for tests and small tables. */
export function tableRows(memory: LinearMemory, table: Table): (Value | null)[][] {
  const rows: (Value | null)[][] = [];
  for (const batch of tableBatches(memory, table)) {
    const readers = batch.columns.map((vector, i) => rowReader(table.schema[i].type, vector));
    for (let row = 0; row < batch.rowCount; row++) rows.push(readers.map((read) => read(row)));
  }
  return rows;
}

/** The first `rowCount` rows of a segment, copied out of linear memory. */
export function readSegment(
  memory: LinearMemory,
  type: SqlType,
  layout: ColumnLayout,
  segment: Segment,
  rowCount: number,
): ColumnVector {
  // Addresses before views: asking a segment for them may bring it in, and so replace the views.
  const { data, heap, nulls } = segment;
  const vector = readValues(memory, type, layout, data, heap, rowCount);
  if (nulls === 0) return vector;
  const mask = memory.u8.subarray(nulls, nulls + rowCount);
  const validity = new Uint8Array((rowCount + 7) >>> 3);
  for (let i = 0; i < rowCount; i++) if (mask[i] === 0) validity[i >>> 3] |= 1 << (i & 7);
  return { ...vector, validity };
}

function readValues(
  memory: LinearMemory,
  type: SqlType,
  layout: ColumnLayout,
  address: number,
  heap: number,
  rowCount: number,
): ColumnVector {
  const { buffer } = memory;
  switch (layout.kind) {
    case 'int':
      return { form: 'fixed', data: readInts(memory, type, layout, address, rowCount) };
    case 'wide':
      return {
        form: 'fixed',
        wide: true,
        data: copy(new BigInt64Array(2 * rowCount), buffer, address),
      };
    case 'float':
      return {
        form: 'fixed',
        data: copy(
          layout.width === 4 ? new Float32Array(rowCount) : new Float64Array(rowCount),
          buffer,
          address,
        ),
      };
    case 'dictionary': {
      const codes = copy(unsignedArray(layout.width, rowCount), buffer, address);
      const dictionary = dictionaryVector(memory, layout.dictionary);
      return { form: 'dictionary', codes, dictionary, sorted: true };
    }
    case 'string': {
      const offsets = copy(new Uint32Array(rowCount + 1), buffer, address);
      const bytes = copy(new Uint8Array(offsets[rowCount]), buffer, heap);
      return { form: 'string', offsets, bytes };
    }
  }
}

/** The entries of a dictionary, copied out of linear memory. */
export function dictionaryVector(memory: LinearMemory, dictionary: Dictionary): StringVector {
  let vector = dictionaryVectors.get(dictionary);
  if (vector === undefined) {
    const { buffer } = memory;
    const offsets = copy(new Uint32Array(dictionary.count + 1), buffer, dictionary.offsets);
    const bytes = copy(new Uint8Array(offsets[dictionary.count]), buffer, dictionary.heap);
    vector = { form: 'string', offsets, bytes };
    dictionaryVectors.set(dictionary, vector);
  }
  return vector;
}

/** One vector for each dictionary, so that whoever reads many batches can know it again. */
const dictionaryVectors = new WeakMap<Dictionary, StringVector>();

function unsignedArray(width: 1 | 2 | 4, length: number): Uint8Array | Uint16Array | Uint32Array {
  if (width === 1) return new Uint8Array(length);
  return width === 2 ? new Uint16Array(length) : new Uint32Array(length);
}

type Copyable =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** Fills `to` from linear memory; `set` is far faster than `slice` on shared memory. */
function copy<T extends Copyable>(to: T, buffer: ArrayBufferLike, address: number): T {
  const from = new Uint8Array(buffer, address, to.byteLength);
  new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(from);
  return to;
}

function readInts(
  memory: LinearMemory,
  type: SqlType,
  layout: Extract<ColumnLayout, { kind: 'int' }>,
  address: number,
  rowCount: number,
): FixedArray {
  if (layout.width === 8) return copy(new BigInt64Array(rowCount), memory.buffer, address);
  const stored = copy(unsignedArray(layout.width, rowCount), memory.buffer, address);
  if (layout.base === 0n && (layout.width < 4 || rowCount === 0)) return stored;
  const values = fixedArray(type, rowCount);
  if (layout.base === 0n && values instanceof BigInt64Array) return stored;
  if (values instanceof BigInt64Array) {
    for (let i = 0; i < rowCount; i++) values[i] = BigInt(stored[i]) + layout.base;
  } else {
    assert(values.BYTES_PER_ELEMENT <= 4, 'integers of this type have 32 bits');
    const base = Number(layout.base);
    for (let i = 0; i < rowCount; i++) values[i] = stored[i] + base;
  }
  return values;
}
