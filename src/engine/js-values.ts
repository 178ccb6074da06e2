/** From column vectors to the JavaScript values a user sees. */
import type {
  ColumnBatch,
  ColumnVector,
  DictionaryVector,
  FixedVector,
  StringVector,
} from '../value/batch.ts';
import { isValid } from '../value/batch.ts';
import { formatDate } from '../value/date.ts';
import { formatDecimal } from '../value/decimal.ts';
import { formatInterval, type Interval } from '../value/interval.ts';
import { formatTime, formatTimestamp, formatTimestamptz } from '../value/time.ts';
import type { SqlType } from '../value/type.ts';
import { decodeUtf8, readWide, rowReader } from '../value/vector.ts';

/**
 * `plain`: numbers where every value of a column is a safe integer or a double, bigint for an
 * integer column that has others, text for a decimal column with values of more than 15 digits,
 * Date for dates and timestamps. `exact`: bigint for all integers, text for decimals, dates, times,
 * intervals.
 */
export type ValueForm = 'plain' | 'exact';

/** All values of a column. */
export function columnValues(
  type: SqlType,
  batches: readonly ColumnBatch[],
  ordinal: number,
  form: ValueForm,
): unknown[] {
  const put = putter(type, batches, ordinal, form);
  const total = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  // Of its full length from the start: an array that grows is copied over and over.
  const values: unknown[] = new Array(total);
  let first = 0;
  for (const { columns, rowCount } of batches) {
    const { validity } = columns[ordinal];
    put(columns[ordinal], rowCount, values, first);
    if (validity !== undefined) {
      for (let i = 0; i < rowCount; i++) if (!isValid(validity, i)) values[first + i] = null;
    }
    first += rowCount;
  }
  return values;
}

/**
 * Decodes all rows of a vector to values[first] and on; what it gives for NULL rows is replaced.
 */
type Put = (vector: ColumnVector, rowCount: number, values: unknown[], first: number) => void;

/** More digits than this a double may not keep. */
const decimalDoubleMax = 999_999_999_999_999;

function putter(
  type: SqlType,
  batches: readonly ColumnBatch[],
  ordinal: number,
  form: ValueForm,
): Put {
  const exact = form === 'exact';
  const within = (max: number) =>
    batches.every(({ columns, rowCount }) => isWithin(columns[ordinal], rowCount, max));
  switch (type.kind) {
    case 'null':
    case 'varchar':
      return putTexts;
    case 'real':
    case 'double':
      return putNumbers;
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'hugeint':
      return exact || !within(Number.MAX_SAFE_INTEGER) ? putBigints : putNumbers;
    case 'decimal': {
      const { scale } = type;
      if (!exact && within(decimalDoubleMax)) return decimalNumbers(scale);
      return (vector, rowCount, values, first) => {
        const read = bigintReader(vector as FixedVector);
        for (let i = 0; i < rowCount; i++) values[first + i] = formatDecimal(read(i), scale);
      };
    }
    default: {
      const convert = converter(type, exact);
      return (vector, rowCount, values, first) => {
        const read = rowReader(type, vector);
        for (let i = 0; i < rowCount; i++) {
          const value = read(i);
          values[first + i] = value === null ? null : convert(value as never);
        }
      };
    }
  }
}

/** For types that are decoded a value at a time. */
function converter(type: SqlType, exact: boolean): (value: never) => unknown {
  switch (type.kind) {
    case 'date':
      return exact ? formatDate : dateOfDays;
    case 'timestamp':
      return exact ? formatTimestamp : dateOfMicros;
    case 'timestamptz':
      return exact ? formatTimestamptz : dateOfMicros;
    case 'time':
      return formatTime;
    case 'interval':
      return exact
        ? formatInterval
        : ({ months, days, micros }: Interval) => ({ months, days, micros });
    default:
      return (value) => value;
  }
}

function dateOfDays(days: number): Date {
  return new Date(days * 86_400_000);
}

function dateOfMicros(micros: bigint): Date {
  const millis = micros / 1000n;
  // Division truncates; time goes down to the millisecond before, also before 1970.
  return new Date(Number(millis * 1000n > micros ? millis - 1n : millis));
}

/** Whether all values of an integer vector are between -max and max. NULL rows count. */
function isWithin(vector: ColumnVector, rowCount: number, max: number): boolean {
  if (vector.form !== 'fixed' || !(vector.data instanceof BigInt64Array)) return true;
  const read = numberReader(vector);
  for (let i = 0; i < rowCount; i++) if (!(Math.abs(read(i)) <= max)) return false;
  return true;
}

function putNumbers(
  vector: ColumnVector,
  rowCount: number,
  values: unknown[],
  first: number,
): void {
  const { data } = vector as FixedVector;
  if (data instanceof BigInt64Array) {
    const read = numberReader(vector as FixedVector);
    for (let i = 0; i < rowCount; i++) values[first + i] = read(i);
  } else {
    for (let i = 0; i < rowCount; i++) values[first + i] = data[i];
  }
}

function putBigints(
  vector: ColumnVector,
  rowCount: number,
  values: unknown[],
  first: number,
): void {
  const read = bigintReader(vector as FixedVector);
  for (let i = 0; i < rowCount; i++) values[first + i] = read(i);
}

function decimalNumbers(scale: number): Put {
  const unit = 10 ** scale;
  return (vector, rowCount, values, first) => {
    const { data } = vector as FixedVector;
    if (data instanceof BigInt64Array) {
      const read = numberReader(vector as FixedVector);
      for (let i = 0; i < rowCount; i++) values[first + i] = read(i) / unit;
    } else {
      for (let i = 0; i < rowCount; i++) values[first + i] = data[i] / unit;
    }
  };
}

/**
 * The rows of a 64-bit or wide vector as doubles, without making bigints: exact up to 2^53, and of
 * magnitude beyond that for all others.
 */
function numberReader({ data, wide }: FixedVector): (row: number) => number {
  const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  if (wide !== true) return (row) => words[2 * row + 1] * 4294967296 + (words[2 * row] >>> 0);
  return (row) => {
    const at = 4 * row;
    const high = words[at + 1];
    // The upper half of a value of 64 bits only repeats its sign.
    if (words[at + 2] !== high >> 31 || words[at + 3] !== high >> 31) return Infinity;
    return high * 4294967296 + (words[at] >>> 0);
  };
}

function bigintReader({ data, wide }: FixedVector): (row: number) => bigint {
  if (wide === true) return (row) => readWide(data as BigInt64Array, row);
  return (row) => BigInt(data[row]);
}

function putTexts(vector: ColumnVector, rowCount: number, values: unknown[], first: number): void {
  if (vector.form === 'fixed') {
    // A column of nothing but NULL has no strings.
    for (let i = 0; i < rowCount; i++) values[first + i] = null;
  } else if (vector.form === 'string') {
    putStrings(vector, rowCount, values, first);
  } else {
    const entries = dictionaryTexts(vector);
    const { codes } = vector;
    for (let i = 0; i < rowCount; i++) values[first + i] = entries[codes[i]];
  }
}

/** Where all text is ASCII it is decoded at once, and the rows are cut out of it. */
function putStrings(
  { offsets, bytes }: StringVector,
  rowCount: number,
  values: unknown[],
  first: number,
): void {
  const end = offsets[rowCount];
  const text = rowCount > 16 ? decodeUtf8(bytes, offsets[0], end) : '';
  if (rowCount > 16 && text.length === end - offsets[0]) {
    const start = offsets[0];
    for (let i = 0; i < rowCount; i++) {
      values[first + i] = text.substring(offsets[i] - start, offsets[i + 1] - start);
    }
  } else {
    for (let i = 0; i < rowCount; i++)
      values[first + i] = decodeUtf8(bytes, offsets[i], offsets[i + 1]);
  }
}

/** Entries of a dictionary are decoded when they are first met. */
const texts = new WeakMap<StringVector, string[]>();

function dictionaryTexts({ dictionary }: DictionaryVector): string[] {
  let entries = texts.get(dictionary);
  if (entries === undefined) {
    const decoded: unknown[] = [];
    putStrings(dictionary, dictionary.offsets.length - 1, decoded, 0);
    entries = decoded as string[];
    texts.set(dictionary, entries);
  }
  return entries;
}
