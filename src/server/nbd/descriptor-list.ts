import { assert } from '../../base/assert.ts';
import type { StatusCollector } from './block-export.ts';
import { statusDescriptorsMax } from './protocol.ts';

/** Collects the descriptors of one BLOCK_STATUS chunk: pairs of length and flags, 32 bits each. */
export class DescriptorList implements StatusCollector {
  readonly #length: number;
  readonly #limit: number;
  #words = new Uint32Array(64);
  #count = 0;
  #described = 0;
  #full = false;

  /** For a request of `length` bytes (below 2^32) that wants at most `limit` descriptors. */
  constructor(length: number, limit: number) {
    this.#length = length;
    this.#limit = Math.min(limit, statusDescriptorsMax);
  }

  get full(): boolean {
    return this.#full;
  }

  /** Two words a descriptor. */
  get words(): Uint32Array {
    return this.#words.subarray(0, this.#count * 2);
  }

  add(length: number, flags: number): void {
    assert(length > 0, 'a descriptor has a length');
    if (this.#full) return;
    const kept = Math.min(length, this.#length - this.#described);
    const last = this.#count * 2 - 2;
    if (last >= 0 && this.#words[last + 1] === flags) {
      this.#words[last] = this.#words[last] + kept;
    } else if (this.#count === this.#limit) {
      // Only now is it known that the last descriptor ends here.
      this.#full = true;
      return;
    } else {
      this.#append(kept, flags);
    }
    this.#described += kept;
    this.#full = this.#described === this.#length;
  }

  #append(length: number, flags: number): void {
    if (this.#count * 2 === this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#count * 2] = length;
    this.#words[this.#count * 2 + 1] = flags;
    this.#count++;
  }
}
