/** Building dictionaries of the distinct values of a column, where that pays. */
import type { StringVector } from '../../value/batch.ts';
import { type ColumnPieces, entryOf } from './gather.ts';

export interface Coded<T> {
  readonly entries: T;
  readonly entryCount: number;
  /** One a value, an index into the entries. */
  readonly codes: Uint32Array;
}

const entryCountMax = 65536;
const entryBytesMax = 1024 * 1024;
/** After so many values it must have become clear that values repeat. */
const trialCount = 2048;

/** Used again for every column: zeroing memory is cheaper than collecting it. */
const codeOfValue = new Uint32Array(entryCountMax);
const slots = new Uint32Array(entryCountMax * 2);
const hashes = new Int32Array(entryCountMax);

/** A dictionary of integers that span a small range; undefined if there are too many of them. */
export function codeIntegers(
  values: Float64Array,
  min: number,
  max: number,
): Coded<Float64Array> | undefined {
  const range = max - min + 1;
  if (range > entryCountMax || range > values.length * 4) return undefined;
  const codeOf = codeOfValue.fill(0, 0, range);
  const entries = new Float64Array(range);
  const codes = new Uint32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const slot = values[i] - min;
    let code = codeOf[slot];
    if (code === 0) {
      entries[count] = values[i];
      codeOf[slot] = code = ++count;
    }
    codes[i] = code - 1;
  }
  return { entries: entries.subarray(0, count), entryCount: count, codes };
}

/** A dictionary of texts; undefined if most are distinct. */
export function codeStrings(column: ColumnPieces): Coded<StringVector> | undefined {
  const coder = new StringCoder(column.rowCount - column.nullCount);
  for (const piece of column.pieces) {
    const { strings, codes } = entryOf(piece.vector);
    const { from, to, rows } = piece;
    const length = rows?.length ?? to - from;
    // Each entry of a dictionary is looked up once.
    const known = codes === undefined ? undefined : new Int32Array(strings.offsets.length).fill(-1);
    for (let i = 0; i < length; i++) {
      const source = rows === undefined ? from + i : rows[i];
      const index = codes === undefined ? source : codes[source];
      let code = known === undefined ? -1 : known[index];
      if (code < 0) {
        code = coder.codeOf(strings.bytes, strings.offsets[index], strings.offsets[index + 1]);
        if (code < 0) return undefined;
        if (known !== undefined) known[index] = code;
      }
      coder.push(code);
    }
  }
  return coder.finish();
}

/** A hash table of texts with linear probing. */
class StringCoder {
  readonly #codes: Uint32Array;
  #count = 0;
  /** Entry + 1, 0 when free. */
  readonly #slots = slots.fill(0);
  readonly #hashes = hashes;
  readonly #offsets = new Uint32Array(entryCountMax + 1);
  #bytes = new Uint8Array(16384);
  #entryCount = 0;

  constructor(count: number) {
    this.#codes = new Uint32Array(count);
  }

  push(code: number): void {
    this.#codes[this.#count++] = code;
  }

  /** The code of a text, a new one if need be; -1 when a dictionary does not pay. */
  codeOf(bytes: Uint8Array, from: number, to: number): number {
    let hash = to - from;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    hash ^= hash >>> 15;
    let slot = (Math.imul(hash, 0x2c1b3c6d) >>> 15) & (this.#slots.length - 1);
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & (this.#slots.length - 1)) {
      const entry = this.#slots[slot] - 1;
      if (this.#hashes[entry] === hash && this.#equals(entry, bytes, from, to)) return entry;
    }
    return this.#add(slot, hash, bytes.subarray(from, to));
  }

  #equals(entry: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#offsets[entry];
    if (this.#offsets[entry + 1] - start !== to - from) return false;
    const own = this.#bytes;
    for (let i = from, k = start; i < to; i++, k++) if (bytes[i] !== own[k]) return false;
    return true;
  }

  #add(slot: number, hash: number, text: Uint8Array): number {
    const entry = this.#entryCount;
    const end = this.#offsets[entry] + text.length;
    const distinct = this.#count >= trialCount && entry * 2 > this.#count;
    if (distinct || entry === entryCountMax || end > entryBytesMax) return -1;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(text, this.#offsets[entry]);
    this.#offsets[entry + 1] = end;
    this.#hashes[entry] = hash;
    this.#slots[slot] = ++this.#entryCount;
    return entry;
  }

  finish(): Coded<StringVector> {
    const entryCount = this.#entryCount;
    const offsets = this.#offsets.subarray(0, entryCount + 1);
    const bytes = this.#bytes.subarray(0, offsets[entryCount]);
    return { entries: { form: 'string', offsets, bytes }, entryCount, codes: this.#codes };
  }
}
