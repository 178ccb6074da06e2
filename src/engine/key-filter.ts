/** Bits for each key that a filter is made for: one in fifty unknown keys is let through. */
const bitsPerKey = 8;

/**
 * A Bloom filter (Bloom, 1970) of keys: it knows for sure that a key is not there, and else that it
 * may be. Keys are numbers or texts.
 */
export class KeyFilter {
  readonly #words: Int32Array;
  readonly #mask: number;

  constructor(keys: number) {
    const bits = 2 ** Math.ceil(Math.log2(Math.max(keys, 4) * bitsPerKey));
    this.#words = new Int32Array(bits / 32);
    this.#mask = bits - 1;
  }

  add(key: unknown): void {
    const hash = hashOf(key);
    this.#set(hash);
    this.#set(second(hash));
  }

  mayHave(key: unknown): boolean {
    const hash = hashOf(key);
    return this.#has(hash) && this.#has(second(hash));
  }

  #set(hash: number): void {
    const bit = hash & this.#mask;
    this.#words[bit >>> 5] |= 1 << (bit & 31);
  }

  #has(hash: number): boolean {
    const bit = hash & this.#mask;
    return (this.#words[bit >>> 5] & (1 << (bit & 31))) !== 0;
  }
}

/** Another hash from the same, of its upper half. */
function second(hash: number): number {
  return mix(hash ^ 0x5bd1e995);
}

/** The last step of MurmurHash3 (Appleby, 2011). */
function mix(hash: number): number {
  let x = hash;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

function hashOf(key: unknown): number {
  if (typeof key === 'number' && Number.isSafeInteger(key)) {
    return mix((key | 0) ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e3779b1));
  }
  const text = String(key);
  let hash = text.length;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}
