import type { ColumnVector, FixedArray, StringVector } from '../../../value/batch.ts';

type ArrayOf<T extends FixedArray> = { new (length: number): T };

/** Grows a typed array to at least `length` elements. */
function grown<T extends FixedArray>(array: T, length: number): T {
  if (length <= array.length) return array;
  const Constructor = array.constructor as ArrayOf<T>;
  const larger = new Constructor(Math.max(length, array.length * 2));
  larger.set(array as never);
  return larger;
}

/** Collects a column from the batches of a kernel, each a view that is good only for a moment. */
export interface ColumnBuilder {
  finish(): ColumnVector;
}

export class FixedBuilder implements ColumnBuilder {
  #data: FixedArray | undefined;
  #rows = 0;
  readonly #expected: number;
  readonly #finish: (data: FixedArray) => ColumnVector;

  /** `expected` rows are made room for at once. */
  constructor(expected: number, finish: (data: FixedArray) => ColumnVector) {
    this.#expected = expected;
    this.#finish = finish;
  }

  append(batch: FixedArray): void {
    const Constructor = batch.constructor as ArrayOf<FixedArray>;
    this.#data ??= new Constructor(this.#expected);
    this.#data = grown(this.#data, this.#rows + batch.length);
    this.#data.set(batch as never, this.#rows);
    this.#rows += batch.length;
  }

  finish(): ColumnVector {
    return this.#finish((this.#data ?? new Uint8Array(0)).subarray(0, this.#rows));
  }
}

export class StringBuilder implements ColumnBuilder {
  #offsets: Uint32Array;
  #bytes: Uint8Array;
  #rows = 0;

  constructor(expected: number, bytesPerRow: number) {
    this.#offsets = new Uint32Array(expected + 1);
    this.#bytes = new Uint8Array(expected * bytesPerRow);
  }

  /** `offsets` has one element more than there are texts, and starts with 0. */
  append(offsets: Uint32Array, bytes: Uint8Array): void {
    const rows = offsets.length - 1;
    const start = this.#offsets[this.#rows]!;
    this.#bytes = grown(this.#bytes, start + bytes.length);
    this.#bytes.set(bytes, start);
    this.#offsets = grown(this.#offsets, this.#rows + rows + 1);
    const target = this.#offsets;
    const shift = this.#rows + 1;
    for (let i = 0; i < rows; i++) target[shift + i] = start + offsets[i + 1]!;
    this.#rows += rows;
  }

  finish(): StringVector {
    const offsets = this.#offsets.subarray(0, this.#rows + 1);
    return { form: 'string', offsets, bytes: this.#bytes.subarray(0, offsets[this.#rows]) };
  }
}
