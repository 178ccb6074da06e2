/**
 * Some rows of a table, picked at random when it was loaded. A sample stands for most common values
 * and histograms, and for what they cannot tell: how the columns of a table go together.
 */
import type { Field } from '../value/batch.ts';
import type { ColumnLayout, RowGroup } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { StoredColumn } from './table.ts';

export interface TableSample {
  /** Rows of the table when the sample was taken. */
  readonly tableRows: number;
  readonly rowCount: number;
  /** Undefined for what has no order: intervals and UUIDs. */
  readonly columns: readonly (SampledColumn | undefined)[];
}

/**
 * The values of a column in the rows of the sample. The rows are in no order, so that any number of
 * the first ones is a sample as well. What a NULL's value is means nothing.
 */
export type SampledColumn = SampledNumbers | SampledCodes | SampledTexts;

/** Value `base + data[i]`, to the precision of a double; as in statistics, but for the type. */
export interface SampledNumbers {
  readonly kind: 'numbers';
  readonly data: Uint8Array | Uint16Array | Uint32Array | Float64Array;
  readonly base: number;
  /** 1 = NULL, a byte a row. */
  readonly nulls: Uint8Array | undefined;
}

/** Texts of a dictionary, in ascending byte order. */
export interface SampledCodes {
  readonly kind: 'codes';
  readonly data: Uint8Array | Uint16Array | Uint32Array;
  readonly values: readonly string[];
  readonly nulls: Uint8Array | undefined;
}

/**
 * Of the first rows only, as many as there are lengths. The text of row i is UTF-8 in `bytes`,
 * starts[i] on, lengths[i] bytes.
 */
export interface SampledTexts {
  readonly kind: 'texts';
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  readonly bytes: Uint8Array;
  readonly nulls: Uint8Array | undefined;
}

/**
 * Rows of the sample of a larger table. What 1 % of all rows have is met 164 times, give or take
 * 13.
 */
const sampleRows = 16384;
/** Texts that are in no dictionary are kept of the first rows only, and no longer part of them. */
const textRows = 8192;
const textBytesMax = 256;

/** Which rows are sampled: ascending rows, and the places in the sample they go to. */
interface Picked {
  readonly rows: Float64Array;
  readonly places: Uint32Array;
}

/**
 * Takes a sample: of each of as many runs of equal length one row, so that it is spread evenly
 * however the table is ordered, but no period of the data is met.
 */
export function takeSample(
  memory: LinearMemory,
  schema: readonly Field[],
  columns: readonly StoredColumn[],
  rowGroups: readonly RowGroup[],
  tableRows: number,
): TableSample {
  const picked = pickRows(tableRows, saltOf(schema));
  const sampled = columns.map(({ layout }, ordinal) =>
    sampleColumn(memory, schema[ordinal], layout, rowGroups, ordinal, picked),
  );
  return { tableRows, rowCount: picked.rows.length, columns: sampled };
}

/** Tables that are ordered alike must not be sampled alike: joins of samples would be too large. */
function saltOf(schema: readonly Field[]): number {
  let salt = schema.length;
  for (const { name } of schema) {
    for (let i = 0; i < name.length; i++) salt = Math.imul(salt ^ name.charCodeAt(i), 0x01000193);
  }
  return salt;
}

function pickRows(tableRows: number, salt: number): Picked {
  const count = Math.min(tableRows, sampleRows);
  const rows = new Float64Array(count);
  const places = new Uint32Array(count);
  const stride = coprimeStride(count);
  let place = 0;
  for (let i = 0; i < count; i++) {
    const first = Math.floor((i * tableRows) / count);
    const length = Math.floor(((i + 1) * tableRows) / count) - first;
    rows[i] = first + (scramble(i + salt) % length);
    places[i] = place;
    place += stride;
    if (place >= count) place -= count;
  }
  return { rows, places };
}

/** About the golden section of `count`, without a common divisor: steps that never bunch. */
function coprimeStride(count: number): number {
  let stride = Math.max(1, Math.floor(count * 0.6180339887));
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  while (divisor(stride, count) > 1) stride++;
  return stride;
}

/** The finalizer of MurmurHash3. */
function scramble(value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

function sampleColumn(
  memory: LinearMemory,
  field: Field,
  layout: ColumnLayout,
  rowGroups: readonly RowGroup[],
  ordinal: number,
  picked: Picked,
): SampledColumn | undefined {
  const count = picked.rows.length;
  const { kind } = field.type;
  if (kind === 'interval' || kind === 'uuid') return undefined;
  if (layout.kind === 'string') return sampleTexts(memory, rowGroups, ordinal, picked);
  const data = dataOf(layout, count);
  const nulls = gather(memory, layout, rowGroups, ordinal, picked, data);
  if (layout.kind === 'dictionary') {
    const codes = data as SampledCodes['data'];
    return { kind: 'codes', data: codes, values: layout.dictionary.values, nulls };
  }
  const base = layout.kind === 'int' ? Number(layout.base) : 0;
  return { kind: 'numbers', data, base, nulls };
}

function dataOf(
  layout: Exclude<ColumnLayout, { kind: 'string' }>,
  count: number,
): SampledNumbers['data'] {
  if (layout.kind === 'float' || layout.kind === 'wide' || layout.width === 8) {
    return new Float64Array(count);
  }
  if (layout.width === 1) return new Uint8Array(count);
  return layout.width === 2 ? new Uint16Array(count) : new Uint32Array(count);
}

/** Copies the values of the picked rows to their places; gives the NULLs if there are any. */
function gather(
  memory: LinearMemory,
  layout: ColumnLayout,
  rowGroups: readonly RowGroup[],
  ordinal: number,
  { rows, places }: Picked,
  to: SampledNumbers['data'],
): Uint8Array | undefined {
  let nulls: Uint8Array | undefined;
  let i = 0;
  for (const { firstRow, rowCount, segments } of rowGroups) {
    const end = lowerBound(rows, firstRow + rowCount, i);
    if (end === i) continue;
    // Addresses before views: asking for them may bring the segment in, and so replace the views.
    const { data, nulls: mask } = segments[ordinal];
    const read = reader(memory, layout, data);
    if (read.kind === 'array')
      copyRows(read.array, read.first - firstRow, rows, places, i, end, to);
    else for (let at = i; at < end; at++) to[places[at]] = read.value(rows[at] - firstRow);
    if (mask !== 0) {
      nulls ??= new Uint8Array(rows.length);
      for (let at = i; at < end; at++) nulls[places[at]] = memory.u8[mask + rows[at] - firstRow];
    }
    i = end;
  }
  return nulls;
}

type Stored = SampledNumbers['data'] | Float32Array;

type Reader =
  | { kind: 'array'; array: Stored; first: number }
  | { kind: 'value'; value: (row: number) => number };

function reader(memory: LinearMemory, layout: ColumnLayout, data: number): Reader {
  const array = (view: Stored, width: number): Reader => {
    return { kind: 'array', array: view, first: data / width };
  };
  if (layout.kind === 'float') {
    return layout.width === 4 ? array(memory.f32, 4) : array(memory.f64, 8);
  }
  const { i64 } = memory;
  if (layout.kind === 'wide') {
    const value = (row: number) =>
      Number(i64[data / 8 + 2 * row + 1]) * 2 ** 64 +
      Number(BigInt.asUintN(64, i64[data / 8 + 2 * row]));
    return { kind: 'value', value };
  }
  if (layout.kind === 'string') return array(memory.u32, 4);
  if (layout.width === 1) return array(memory.u8, 1);
  if (layout.width === 2) return array(memory.u16, 2);
  if (layout.width === 4) return array(memory.u32, 4);
  return { kind: 'value', value: (row) => Number(i64[data / 8 + row]) };
}

/** The loop by itself, so that it is compiled for each kind of array apart. */
function copyRows(
  from: Stored,
  first: number,
  rows: Float64Array,
  places: Uint32Array,
  start: number,
  end: number,
  to: SampledNumbers['data'],
): void {
  for (let at = start; at < end; at++) to[places[at]] = from[first + rows[at]];
}

/** The first place from `from` on whose row is `row` or later. */
function lowerBound(rows: Float64Array, row: number, from: number): number {
  let [low, high] = [from, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle] < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sampleTexts(
  memory: LinearMemory,
  rowGroups: readonly RowGroup[],
  ordinal: number,
  picked: Picked,
): SampledTexts {
  const { rows, places } = picked;
  const count = Math.min(textRows, rows.length);
  const starts = new Uint32Array(count);
  const lengths = new Uint32Array(count);
  let bytes = new Uint8Array(32 * count);
  let length = 0;
  let nulls: Uint8Array | undefined;
  let i = 0;
  for (const { firstRow, rowCount, segments } of rowGroups) {
    const end = lowerBound(rows, firstRow + rowCount, i);
    if (end === i) continue;
    const { data, heap, nulls: mask } = segments[ordinal];
    const { u8, u32 } = memory;
    if (mask !== 0) nulls ??= new Uint8Array(count);
    for (; i < end; i++) {
      if (places[i] >= count) continue;
      const row = rows[i] - firstRow;
      const from = heap + u32[data / 4 + row];
      const size = Math.min(textBytesMax, heap + u32[data / 4 + row + 1] - from);
      if (length + size > bytes.length) bytes = grown(bytes, 2 * bytes.length + size);
      for (let k = 0; k < size; k++) bytes[length + k] = u8[from + k];
      starts[places[i]] = length;
      lengths[places[i]] = size;
      length += size;
      if (mask !== 0) nulls![places[i]] = u8[mask + row];
    }
  }
  return { kind: 'texts', starts, lengths, bytes: bytes.slice(0, length), nulls };
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}
