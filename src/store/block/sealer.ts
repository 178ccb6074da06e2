import { blockSize } from '../layout.ts';
import { checksum, checksumBlocks, checksumResult, identitySeed } from './checksum.ts';

/**
 * Vouches for bytes: produces the 64 bits a pointer carries, and checks bytes against them. The
 * identity (id and birth) goes in, so a block that sits where another one should, or an older one
 * that a lost write left behind, fails even when its bytes are intact.
 */
export interface Sealer {
  /** Bytes to store for `plain` (possibly `plain` itself); their check is left in `low`, `high`. */
  seal(plain: Uint8Array, id: number, birth: number): Uint8Array;
  /** The check of the last {@link seal}. */
  low: number;
  high: number;
  /** True if `stored` is what was sealed; then `stored` holds the plain bytes. */
  open(stored: Uint8Array, id: number, birth: number, low: number, high: number): boolean;
  /**
   * Seals whole blocks with consecutive ids, the first one `id`. Their checks go to `checks`, two
   * words each, low word first; the result is what is to be stored, possibly `plain` itself.
   */
  sealBlocks(plain: Uint8Array, id: number, birth: number, checks: Uint32Array): Uint8Array;
  /**
   * Opens whole blocks, one behind the other in `stored`, in place. Returns the index of the first
   * that is not what its identity vouches for, -1 if all are.
   */
  openBlocks(stored: Uint8Array, identities: BlockIdentities): number;
  /** Encrypting sealers: 16 bytes that only who has the key can give for these bytes. */
  authenticate?(bytes: Uint8Array): Uint8Array;
}

/** Who some blocks are said to be, and their checks. */
export class BlockIdentities {
  /** Blocks that are dealt with at a time. */
  static readonly max = 256;
  count = 0;
  readonly ids = new Float64Array(BlockIdentities.max);
  readonly births = new Float64Array(BlockIdentities.max);
  /** Two words each, low word first. */
  readonly checks = new Uint32Array(2 * BlockIdentities.max);

  get full(): boolean {
    return this.count === BlockIdentities.max;
  }

  add(id: number, birth: number, low: number, high: number): void {
    const at = this.count++;
    this.ids[at] = id;
    this.births[at] = birth;
    this.checks[2 * at] = low;
    this.checks[2 * at + 1] = high;
  }
}

/** Makes the sealer of a store from its random id. */
export type SealerFactory = (storeId: Uint8Array) => Sealer;

/** Checksums only. */
export class ChecksumSealer implements Sealer {
  readonly #salt: number;
  readonly #seeds = new Int32Array(BlockIdentities.max);
  readonly #found = new Uint32Array(2 * BlockIdentities.max);
  low = 0;
  high = 0;

  constructor(salt: number) {
    this.#salt = salt;
  }

  seal(plain: Uint8Array, id: number, birth: number): Uint8Array {
    checksum(plain, identitySeed(this.#salt, id, birth));
    this.low = checksumResult[0];
    this.high = checksumResult[1];
    return plain;
  }

  open(stored: Uint8Array, id: number, birth: number, low: number, high: number): boolean {
    checksum(stored, identitySeed(this.#salt, id, birth));
    return checksumResult[0] === low && checksumResult[1] === high;
  }

  sealBlocks(plain: Uint8Array, id: number, birth: number, checks: Uint32Array): Uint8Array {
    const count = plain.length / blockSize;
    if (count === 1) {
      checksum(plain, identitySeed(this.#salt, id, birth));
      checks[0] = checksumResult[0];
      checks[1] = checksumResult[1];
      return plain;
    }
    const step = BlockIdentities.max;
    for (let from = 0; from < count; from += step) {
      const to = Math.min(count, from + step);
      for (let i = from; i < to; i++) {
        this.#seeds[i - from] = identitySeed(this.#salt, id + i, birth);
      }
      const blocks = plain.subarray(from * blockSize, to * blockSize);
      checksumBlocks(blocks, this.#seeds, checks.subarray(2 * from, 2 * to));
    }
    return plain;
  }

  openBlocks(stored: Uint8Array, { count, ids, births, checks }: BlockIdentities): number {
    for (let i = 0; i < count; i++) {
      this.#seeds[i] = identitySeed(this.#salt, ids[i], births[i]);
    }
    checksumBlocks(stored, this.#seeds, this.#found);
    for (let word = 0; word < 2 * count; word++) {
      if (this.#found[word] !== checks[word]) return word >> 1;
    }
    return -1;
  }
}
