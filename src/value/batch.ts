import type { SqlType } from './type.ts';

/**
 * Column batches: how rows travel between generators, file formats, the engine and its users. A
 * batch is a set of columns of equal length; a column is a typed array, never an array of objects.
 *
 * Physical forms:
 * - fixed width: one typed array element a row. The array may be *narrower* than the type needs
 *   (an INTEGER or a DECIMAL(15,2) column may come as Int8Array or Uint16Array when its values
 *   fit): readers widen. Decimals are integers scaled by 10^scale, dates are days, timestamps
 *   microseconds, booleans 0 or 1. HUGEINT and decimals beyond 18 digits that do not fit in 64 bits
 *   take two BigInt64Array elements a row, low half (unsigned) first; `wide` marks them.
 *   INTERVAL takes two elements too: (months | days << 32), then microseconds; `wide` as well, as
 *   are UUIDs (see `uuidToHugeint` in value.ts).
 * - strings (VARCHAR and BLOB): UTF-8 or plain bytes back to back; row i spans offsets[i] to
 *   offsets[i + 1].
 * - dictionary: a code a row into a string vector. Its entries are distinct; unless `sorted` is
 *   true their order means nothing.
 *
 * `validity`, when present, has one bit a row, least significant first, 1 = not NULL (as in Arrow).
 * The data of a NULL row is unspecified but always readable.
 */
export type ColumnVector = FixedVector | StringVector | DictionaryVector;

export type FixedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export interface FixedVector {
  readonly form: 'fixed';
  readonly data: FixedArray;
  /** True when each row takes two elements of a BigInt64Array. */
  readonly wide?: boolean;
  readonly validity?: Uint8Array;
}

export interface StringVector {
  readonly form: 'string';
  /** One more than there are rows. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
  readonly validity?: Uint8Array;
}

export interface DictionaryVector {
  readonly form: 'dictionary';
  readonly codes: Uint8Array | Uint16Array | Uint32Array;
  readonly dictionary: StringVector;
  /** True when the entries ascend in byte order, so that codes compare as their strings do. */
  readonly sorted?: boolean;
  readonly validity?: Uint8Array;
}

export interface Field {
  readonly name: string;
  readonly type: SqlType;
  /** False only when no row of the column is or may become NULL. */
  readonly nullable: boolean;
}

export type Schema = readonly Field[];

export interface ColumnBatch {
  readonly rowCount: number;
  /** One vector for each field of the schema that goes with the stream. */
  readonly columns: readonly ColumnVector[];
}

/** A schema and its batches, in order: what a reader gives and a writer takes. */
export interface BatchStream {
  readonly schema: Schema;
  readonly batches: AsyncIterable<ColumnBatch>;
}

/** Whether row `index` is not NULL under a validity bitmap. */
export function isValid(validity: Uint8Array | undefined, index: number): boolean {
  return validity === undefined || ((validity[index >>> 3] >>> (index & 7)) & 1) === 1;
}
