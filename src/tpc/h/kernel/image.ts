import { assert } from '../../../base/assert.ts';

/**
 * The constant tables of a kernel: bytes at fixed addresses, laid out while the kernel is built and
 * put into its memory once.
 */
export class Image {
  readonly base: number;
  readonly #limit: number;
  readonly #shared = new Map<string, number>();
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** Tables take addresses from `base` up to `limit`. */
  constructor(base: number, limit: number) {
    this.base = base;
    this.#limit = limit;
  }

  /** The bytes to put at address `base`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Places bytes at a multiple of 16; returns their address. */
  place(bytes: Uint8Array): number {
    const start = (this.#length + 15) & ~15;
    this.#length = start + bytes.length;
    assert(this.base + this.#length <= this.#limit, 'the tables of a kernel fit into their place');
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, start);
    return this.base + start;
  }

  /** Places a table that several functions use, once. */
  shared(name: string, place: () => number): number {
    const address = this.#shared.get(name) ?? place();
    this.#shared.set(name, address);
    return address;
  }

  /**
   * Places texts in slots of `slotBytes`; the last byte of a slot is the length of its text, so
   * that a whole slot is copied at once and the next write starts behind the text.
   */
  placeTexts(texts: readonly string[], slotBytes: number): number {
    const bytes = new Uint8Array(texts.length * slotBytes);
    texts.forEach((text, index) => {
      assert(text.length < slotBytes, `a slot holds its text and its length: ${text}`);
      putText(bytes, index * slotBytes, text);
      bytes[(index + 1) * slotBytes - 1] = text.length;
    });
    return this.place(bytes);
  }
}

/** Writes ASCII. */
export function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** Eight bytes of ASCII as an i64, the first one lowest. */
export function packText(text: string): bigint {
  let packed = 0n;
  for (let i = text.length - 1; i >= 0; i--) packed = (packed << 8n) | BigInt(text.charCodeAt(i));
  return packed;
}
