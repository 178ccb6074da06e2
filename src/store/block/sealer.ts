import { checksum, checksumResult, identitySeed } from './checksum.ts';

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
  /** Encrypting sealers: 16 bytes that only who has the key can give for these bytes. */
  authenticate?(bytes: Uint8Array): Uint8Array;
}

/** Makes the sealer of a store from its random id. */
export type SealerFactory = (storeId: Uint8Array) => Sealer;

/** Checksums only. */
export class ChecksumSealer implements Sealer {
  readonly #salt: number;
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
}
