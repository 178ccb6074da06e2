/** The distinct strings of a column while it is loaded: a hash table over bytes. */
import type { StringVector } from '../value/batch.ts';

/** Numbers strings in the order of their first appearance. */
export class StringSet {
  #bytes = new Uint8Array(4096);
  #size = 0;
  #offsets: Uint32Array = new Uint32Array(256);
  #hashes: Int32Array = new Int32Array(256);
  #count = 0;
  /** Open addressing with linear probing; number + 1 of the string, 0 for a free slot. */
  #slots: Int32Array = new Int32Array(1024);

  get count(): number {
    return this.#count;
  }

  /** The number of the string bytes[start, end), new or known. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end);
    const slot = this.#slotOf(hash, bytes, start, end);
    const entry = this.#slots[slot];
    if (entry !== 0) return entry - 1;
    this.#slots[slot] = this.#count + 1;
    return this.#append(hash, bytes, start, end);
  }

  /** The number of the string bytes[start, end), if it is known. */
  find(bytes: Uint8Array, start: number, end: number): number | undefined {
    const slot = this.#slotOf(hashBytes(bytes, start, end), bytes, start, end);
    const entry = this.#slots[slot];
    return entry === 0 ? undefined : entry - 1;
  }

  /** The slot that holds the string, or the free one where it belongs. */
  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const entry = this.#slots[slot];
      if (entry === 0) return slot;
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, bytes, start, end)) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** The strings by number. Valid until the next {@link add}. */
  vector(): StringVector {
    return {
      form: 'string',
      offsets: this.#offsets.subarray(0, this.#count + 1),
      bytes: this.#bytes.subarray(0, this.#size),
    };
  }

  #equals(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = this.#offsets[entry];
    if (this.#offsets[entry + 1] - at !== end - start) return false;
    for (let i = start, j = at; i < end; i++, j++) if (bytes[i] !== this.#bytes[j]) return false;
    return true;
  }

  #append(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const number = this.#count++;
    if (number + 2 > this.#offsets.length) {
      this.#offsets = grown(this.#offsets, new Uint32Array(2 * this.#offsets.length));
      this.#hashes = grown(this.#hashes, new Int32Array(2 * this.#hashes.length));
    }
    const size = this.#size + end - start;
    if (size > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, new Uint8Array(Math.max(size, 2 * this.#bytes.length)));
    }
    this.#bytes.set(bytes.subarray(start, end), this.#size);
    this.#size = size;
    this.#offsets[number + 1] = size;
    this.#hashes[number] = hash;
    if (2 * this.#count > this.#slots.length) this.#rehash();
    return number;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      const hash = this.#hashes[entry];
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function grown<T extends Uint8Array | Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** FNV-1a; also hashes samples for distinct counts. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

/** The numbers 0 to count - 1 in the byte order of the strings they stand for. */
export function byteOrder(strings: StringVector, count: number): Uint32Array {
  const { offsets, bytes } = strings;
  // Six bytes fit in a double exactly and decide most comparisons.
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let key = 0;
    for (let at = offsets[i]; at < offsets[i] + 6; at++) {
      key = key * 256 + (at < offsets[i + 1] ? bytes[at] : 0);
    }
    keys[i] = key;
  }
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  return order.sort((a, b) => keys[a] - keys[b] || compareStrings(strings, a, b));
}

function compareStrings({ offsets, bytes }: StringVector, a: number, b: number): number {
  let i = offsets[a];
  let j = offsets[b];
  const endA = offsets[a + 1];
  const endB = offsets[b + 1];
  for (; i < endA && j < endB; i++, j++) if (bytes[i] !== bytes[j]) return bytes[i] - bytes[j];
  return endA - i - (endB - j);
}
