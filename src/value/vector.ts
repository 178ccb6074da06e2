/** Reading single values out of column vectors: for edges, tests and slow paths. */
import { assert } from '../base/assert.ts';
import { type ColumnVector, type FixedVector, isValid, type StringVector } from './batch.ts';
import type { SqlType } from './type.ts';
import { uuidFromHugeint, type Value } from './value.ts';

/** Gives the value of a row, or null. */
export type RowReader = (row: number) => Value | null;

/** A reader of the rows of `vector`, whose values have `type`. */
export function rowReader(type: SqlType, vector: ColumnVector): RowReader {
  const read = valueReader(type, vector);
  const validity = vector.validity;
  if (validity === undefined) return read;
  return (row) => (isValid(validity, row) ? read(row) : null);
}

function valueReader(type: SqlType, vector: ColumnVector): (row: number) => Value {
  if (vector.form === 'fixed') return fixedReader(type, vector);
  if (vector.form === 'string') return stringReader(type, vector);
  const entry = stringReader(type, vector.dictionary);
  const codes = vector.codes;
  return (row) => entry(codes[row]);
}

function stringReader(type: SqlType, vector: StringVector): (row: number) => Value {
  const { offsets, bytes } = vector;
  if (type.kind === 'blob') return (row) => bytes.slice(offsets[row], offsets[row + 1]);
  assert(type.kind === 'varchar' || type.kind === 'null', 'a string vector holds VARCHAR or BLOB');
  return (row) => decodeUtf8(bytes, offsets[row], offsets[row + 1]);
}

function fixedReader(type: SqlType, vector: FixedVector): (row: number) => Value {
  if (vector.wide === true) return wideReader(type, vector.data as BigInt64Array);
  const data = vector.data;
  switch (type.kind) {
    case 'boolean':
      return (row) => data[row] !== 0 && data[row] !== 0n;
    case 'bigint':
    case 'hugeint':
    case 'decimal':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return (row) => BigInt(data[row]);
    default:
      return (row) => Number(data[row]);
  }
}

function wideReader(type: SqlType, data: BigInt64Array): (row: number) => Value {
  if (type.kind === 'uuid') return (row) => uuidFromHugeint(readWide(data, row));
  if (type.kind === 'interval') {
    return (row) => ({
      months: Number(BigInt.asIntN(32, data[2 * row])),
      days: Number(BigInt.asIntN(32, data[2 * row] >> 32n)),
      micros: data[2 * row + 1],
    });
  }
  return (row) => readWide(data, row);
}

/** The 128-bit integer of a row that takes two elements. */
export function readWide(data: BigInt64Array, row: number): bigint {
  return (data[2 * row + 1] << 64n) | BigInt.asUintN(64, data[2 * row]);
}

export function writeWide(data: BigInt64Array, row: number, value: bigint): void {
  data[2 * row] = BigInt.asIntN(64, value);
  data[2 * row + 1] = BigInt.asIntN(64, value >> 64n);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** UTF-8 to text; short ASCII, the usual case, without the cost of a call into TextDecoder. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= 24) {
    let text = '';
    let i = start;
    for (; i < end && bytes[i] < 0x80; i++) text += String.fromCharCode(bytes[i]);
    if (i === end) return text;
  }
  const part = bytes.subarray(start, end);
  // Browsers do not let TextDecoder read shared memory.
  const own = part.buffer instanceof ArrayBuffer ? part : part.slice();
  return decoder.decode(own);
}
