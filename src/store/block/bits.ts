import { headerWords, payloadSize } from '../layout.ts';
import type { Table } from './table.ts';

/** Bits in one leaf page of a bit table. */
const pageBits = payloadSize * 8;
const pageWords = payloadSize / 4;

/** A growing array of bits, all zero at first. */
export class Bits {
  words = new Uint32Array(1024);

  get(index: number): boolean {
    const word = index >>> 5;
    return word < this.words.length && (this.words[word] & (1 << (index & 31))) !== 0;
  }

  set(index: number): void {
    const word = index >>> 5;
    if (word >= this.words.length) this.#grow(word);
    this.words[word] |= 1 << (index & 31);
  }

  clear(index: number): void {
    const word = index >>> 5;
    if (word < this.words.length) this.words[word] &= ~(1 << (index & 31));
  }

  /** The first index at or after `from` whose bit is zero. */
  firstZero(from: number): number {
    let word = from >>> 5;
    if (word >= this.words.length) return from;
    let zeros = ~this.words[word] & (-1 << (from & 31));
    while (zeros === 0) {
      word++;
      if (word >= this.words.length) return word * 32;
      zeros = ~this.words[word];
    }
    return word * 32 + (31 - Math.clz32(zeros & -zeros));
  }

  #grow(word: number): void {
    const grown = new Uint32Array(Math.max(this.words.length * 2, word + 1));
    grown.set(this.words);
    this.words = grown;
  }
}

function population(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Bits that a table keeps: all in memory (32 KiB for each GiB of store), pages in the file. */
export class StoredBits extends Bits {
  readonly table: Table;
  /** How many are set. */
  count = 0;

  constructor(table: Table) {
    super();
    this.table = table;
  }

  /** Reads the first `limit` bits. */
  load(limit: number): void {
    this.words = new Uint32Array(Math.max(1024, Math.ceil(limit / pageBits) * pageWords));
    this.count = 0;
    for (let page = 0; page * pageBits < limit; page++) {
      const words = this.table.leaf(page).words.subarray(headerWords);
      this.words.set(words, page * pageWords);
      for (const word of words) this.count += population(word);
    }
  }

  override set(index: number): void {
    if (this.get(index)) return;
    super.set(index);
    this.count++;
    this.#touch(index);
  }

  override clear(index: number): void {
    if (!this.get(index)) return;
    super.clear(index);
    this.count--;
    this.#touch(index);
  }

  #touch(index: number): void {
    const page = this.table.leaf(Math.floor(index / pageBits));
    if (!page.dirty) this.table.touch(page);
  }

  /** Brings the table's dirty pages up to date; to be called before it is frozen. */
  store(): void {
    for (const { index, words } of this.table.dirtyLeaves) {
      const first = index * pageWords;
      words.fill(0, headerWords);
      words.set(this.words.subarray(first, first + pageWords), headerWords);
    }
  }
}
