/** Columns as text: for each column a function that appends the text of a row to a buffer. */
import type { ColumnVector, FixedVector } from '../value/batch.ts';
import type { SqlType } from '../value/type.ts';
import { formatValue, type Value } from '../value/value.ts';
import { rowReader } from '../value/vector.ts';
import type { TextBuffer } from './text-buffer.ts';

/** Appends the text of a row that is not NULL. */
export type PutText = (row: number, out: TextBuffer) => void;

/** Appends a text, given as bytes from `from` to `to`, in the quotes and escapes of the format. */
export type PutString = (out: TextBuffer, bytes: Uint8Array, from: number, to: number) => void;

const encoder = new TextEncoder();

/** Text of the rows of `vector`: strings by `putString`, anything else as it is in plain text. */
export function textColumn(type: SqlType, vector: ColumnVector, putString: PutString): PutText {
  if (vector.form === 'fixed') return fixedColumn(type, vector) ?? formatted(type, vector);
  if (type.kind === 'blob') {
    const read = rowReader(type, vector);
    return (row, out) => {
      const text = encoder.encode(formatValue(type, read(row) as Value));
      putString(out, text, 0, text.length);
    };
  }
  if (vector.form === 'string') {
    const { offsets, bytes } = vector;
    return (row, out) => putString(out, bytes, offsets[row], offsets[row + 1]);
  }
  const { codes, dictionary } = vector;
  const { offsets, bytes } = dictionary;
  return (row, out) => {
    const code = codes[row];
    putString(out, bytes, offsets[code], offsets[code + 1]);
  };
}

function formatted(type: SqlType, vector: ColumnVector): PutText {
  const read = rowReader(type, vector);
  return (row, out) => out.text(formatValue(type, read(row) as Value));
}

/** The frequent types without a detour over values; undefined for the others. */
function fixedColumn(type: SqlType, vector: FixedVector): PutText | undefined {
  switch (type.kind) {
    case 'date': {
      const { data } = vector;
      return (row, out) => out.date(Number(data[row]));
    }
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'hugeint':
      return scaledColumn(type, vector, 0);
    case 'decimal':
      return scaledColumn(type, vector, type.scale);
    default:
      return undefined;
  }
}

function scaledColumn(type: SqlType, vector: FixedVector, scale: number): PutText | undefined {
  if (vector.wide === true || scale > 15) return undefined;
  const { data } = vector;
  const put = (value: number, out: TextBuffer) =>
    scale === 0 ? out.integer(value) : out.scaled(value, scale);
  if (!(data instanceof BigInt64Array)) return (row, out) => put(data[row], out);
  // Halves of 64 bits as doubles: a bigint for each row would cost an allocation.
  const low = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  const high = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  return (row, out) => {
    const value = high[2 * row + 1] * 4294967296 + low[2 * row];
    if (Number.isSafeInteger(value)) put(value, out);
    else out.text(formatValue(type, data[row]));
  };
}
