/**
 * A column between its batches and its segments. Batches keep their own vectors; what is gathered
 * is where each lies in the row groups and what its values are like. When a load is complete the
 * layout of the whole column is chosen from that, and the pieces are encoded; see `encode.ts`.
 */
import { assert } from '../base/assert.ts';
import type { ColumnVector, DictionaryVector, FixedVector, StringVector } from '../value/batch.ts';
import { isValid } from '../value/batch.ts';
import type { SqlType } from '../value/type.ts';
import { rowsPerGroup } from './layout.ts';
import { countNulls, type RunSummary, summarize } from './scan.ts';
import { StringSet } from './string-set.ts';

/** Rows `from` to `to` of a vector; they never cross the border of a row group. */
interface PieceRange {
  readonly from: number;
  readonly to: number;
  /** Row group, from 0 for the one that the first staged row falls into. */
  readonly group: number;
  /** Index of row `from` in its group. */
  readonly at: number;
  readonly nullCount: number;
  readonly validity: Uint8Array | undefined;
}

export interface FixedPiece extends PieceRange {
  readonly kind: 'fixed';
  readonly vector: FixedVector;
  readonly summary: RunSummary;
}

export interface StringPiece extends PieceRange {
  readonly kind: 'string';
  readonly vector: StringVector;
}

/**
 * Codes into the column's {@link StringSet}: directly, or through `numbers` of the batch's own
 * dictionary.
 */
export interface CodePiece extends PieceRange {
  readonly kind: 'code';
  readonly codes: Uint8Array | Uint16Array | Uint32Array;
  readonly numbers: Uint32Array | undefined;
}

export type Piece = FixedPiece | StringPiece | CodePiece;

/** More distinct strings than this are stored plainly. */
export const dictionarySizeMax = 65536;
/** Rows looked at before a column of plain strings is hashed in earnest. */
const sampleRows = 1024;

export class StagedColumn {
  readonly type: SqlType;
  readonly pieces: Piece[] = [];
  /** The distinct strings so far; undefined for other types, or when there are too many. */
  strings: StringSet | undefined;
  rowCount = 0;
  readonly #firstRow: number;
  /**
   * Numbers in `strings` of the entries of each dictionary seen; unused entries are never added.
   */
  readonly #dictionaries = new Map<StringVector, Uint32Array>();

  /** `firstRow`: where in its row group the first staged row will lie. */
  constructor(type: SqlType, firstRow = 0) {
    this.type = type;
    this.#firstRow = firstRow;
    // The bytes of a BLOB are not text, and a dictionary's entries are.
    if (type.kind === 'varchar') this.strings = new StringSet();
  }

  /** Takes the first `rowCount` rows of a vector, which must not change any more. */
  add(vector: ColumnVector, rowCount: number): void {
    let from = 0;
    while (from < rowCount) {
      const row = this.#firstRow + this.rowCount;
      const at = row % rowsPerGroup;
      const to = Math.min(rowCount, from + rowsPerGroup - at);
      const validity = vector.validity;
      const nullCount = validity === undefined ? 0 : countNulls(validity, from, to);
      const group = Math.floor(row / rowsPerGroup);
      this.#addPiece(vector, { from, to, group, at, nullCount, validity });
      this.rowCount += to - from;
      from = to;
    }
  }

  #addPiece(vector: ColumnVector, range: PieceRange): void {
    if (vector.form === 'fixed') {
      this.pieces.push({
        kind: 'fixed',
        vector,
        ...range,
        summary: this.#summarize(vector, range),
      });
    } else if (vector.form === 'dictionary') {
      this.pieces.push(this.#codesOf(vector, range));
    } else {
      this.pieces.push(this.#hash(vector, range) ?? { kind: 'string', vector, ...range });
    }
  }

  #summarize(vector: FixedVector, range: PieceRange): RunSummary {
    const kind = this.type.kind;
    if (kind === 'interval' || kind === 'uuid') return { ...unordered, nullCount: range.nullCount };
    const validity = range.nullCount > 0 ? range.validity : undefined;
    return summarize(vector.data, vector.wide === true, validity, range.from, range.to);
  }

  #codesOf(vector: DictionaryVector, range: PieceRange): Piece {
    const { dictionary, codes } = vector;
    const entries = dictionary.offsets.length - 1;
    if (this.strings === undefined || this.type.kind !== 'varchar') {
      return { kind: 'string', vector: plainStrings(vector, range), ...afterCopy(range) };
    }
    let numbers = this.#dictionaries.get(dictionary);
    if (numbers === undefined) {
      numbers = new Uint32Array(entries).fill(unseen);
      this.#dictionaries.set(dictionary, numbers);
    }
    const { offsets, bytes } = dictionary;
    for (let i = range.from; i < range.to; i++) {
      const code = codes[i];
      if (numbers[code] !== unseen) continue;
      if (range.nullCount > 0 && !isValid(range.validity, i)) continue;
      numbers[code] = this.strings.add(bytes, offsets[code], offsets[code + 1]);
    }
    const piece: CodePiece = { kind: 'code', codes, numbers, ...range };
    this.#giveUpAbove(dictionarySizeMax);
    return piece;
  }

  /** Codes for plain strings, or undefined when the column is not worth a dictionary. */
  #hash(vector: StringVector, range: PieceRange): CodePiece | undefined {
    const strings = this.strings;
    if (strings === undefined) return undefined;
    const rows = range.to - range.from;
    const { offsets, bytes } = vector;
    const codes = new Uint32Array(rows);
    const before = strings.count;
    for (let i = 0; i < rows; i++) {
      const row = range.from + i;
      if (range.nullCount > 0 && !isValid(range.validity, row)) continue;
      codes[i] = strings.add(bytes, offsets[row], offsets[row + 1]);
      // Mostly new strings in a sample of many rows: there is nothing to gain.
      if (i === sampleRows && 2 * (strings.count - before) > sampleRows) {
        this.strings = undefined;
        this.#abandoned = strings;
        return undefined;
      }
    }
    this.#giveUpAbove(dictionarySizeMax);
    const validity = shifted(range);
    return { kind: 'code', codes, numbers: undefined, ...range, from: 0, to: rows, validity };
  }

  /** The strings that code pieces refer to, whether or not the dictionary was given up. */
  get numbered(): StringSet | undefined {
    return this.strings ?? this.#abandoned;
  }

  #abandoned: StringSet | undefined;

  #giveUpAbove(count: number): void {
    assert(this.strings !== undefined, 'there is a dictionary to give up');
    if (this.strings.count <= count) return;
    this.#abandoned = this.strings;
    this.strings = undefined;
  }
}

const unseen = 0xffffffff;

const unordered: RunSummary = {
  nullCount: 0,
  min: undefined,
  max: undefined,
  order: 'none',
  distinct: undefined,
  first: undefined,
  last: undefined,
};

/** The range with its rows counted from 0, for data that was copied out of its vector. */
function afterCopy(range: PieceRange): PieceRange {
  return { ...range, from: 0, to: range.to - range.from, validity: shifted(range) };
}

/** The validity of the range's rows from bit 0 on. */
function shifted(range: PieceRange): Uint8Array | undefined {
  const { from, to, validity, nullCount } = range;
  if (validity === undefined || nullCount === 0) return undefined;
  if (from === 0) return validity;
  const bits = new Uint8Array((to - from + 7) >>> 3);
  for (let i = from; i < to; i++) {
    if (isValid(validity, i)) bits[(i - from) >>> 3] |= 1 << ((i - from) & 7);
  }
  return bits;
}

/** The strings of a range of dictionary codes, one after the other. */
function plainStrings(vector: DictionaryVector, range: PieceRange): StringVector {
  const { codes, dictionary } = vector;
  const rows = range.to - range.from;
  const offsets = new Uint32Array(rows + 1);
  const valid = (i: number) => range.nullCount === 0 || isValid(range.validity, range.from + i);
  for (let i = 0; i < rows; i++) {
    const code = codes[range.from + i];
    const length = valid(i) ? dictionary.offsets[code + 1] - dictionary.offsets[code] : 0;
    offsets[i + 1] = offsets[i] + length;
  }
  const bytes = new Uint8Array(offsets[rows]);
  for (let i = 0; i < rows; i++) {
    const start = dictionary.offsets[codes[range.from + i]];
    const length = offsets[i + 1] - offsets[i];
    bytes.set(dictionary.bytes.subarray(start, start + length), offsets[i]);
  }
  return { form: 'string', offsets, bytes };
}
