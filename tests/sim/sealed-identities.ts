import { checksum, checksumResult } from '../../src/store/block/checksum.ts';
import { ChecksumSealer, type Sealer, type SealerFactory } from '../../src/store/block/sealer.ts';
import { blockSize, wordsOf } from '../../src/store/layout.ts';

/**
 * Everything a store has sealed, in this life and the ones before it. An identity, which is the
 * nonce where a store is encrypted, must never be given to two different contents, not even if a
 * crash has wiped one of them out.
 */
export class SealedIdentities {
  readonly #before: SealedIdentities | undefined;
  readonly #contents = new Map<string, { digest: string; event: number }>();

  constructor(before?: SealedIdentities) {
    this.#before = before;
  }

  /** What had been sealed when the device had seen so many events. */
  until(event: number): SealedIdentities {
    const part = new SealedIdentities(this.#before);
    for (const [identity, sealed] of this.#contents) {
      if (sealed.event <= event) part.#contents.set(identity, sealed);
    }
    return part;
  }

  /** A digest of what has this identity. */
  find(identity: string): string | undefined {
    return this.#contents.get(identity)?.digest ?? this.#before?.find(identity);
  }

  #add(store: string, plain: Uint8Array, id: number, birth: number, event: number): void {
    // A store whose making was cut off is made anew, with another id and so another key.
    const identity = `${store} ${id} ${birth}`;
    checksum(plain, 7);
    const digest = `${checksumResult[0]} ${checksumResult[1]}`;
    const known = this.find(identity);
    if (known !== undefined && known !== digest) {
      throw new Error(`block ${id} of transaction ${birth} is sealed with two contents`);
    }
    this.#contents.set(identity, { digest, event });
  }

  /** Sealers that note what they seal; `now` counts the events of the device. */
  factory(now: () => number): SealerFactory {
    return (storeId) => {
      const [a, b, c, d] = wordsOf(storeId);
      const store = [a, b, c, d].join(' ');
      const plain = new ChecksumSealer(a ^ b ^ c ^ d);
      const sealer: Sealer = {
        low: 0,
        high: 0,
        seal: (bytes, id, birth) => {
          this.#add(store, bytes, id, birth, now());
          const stored = plain.seal(bytes, id, birth);
          sealer.low = plain.low;
          sealer.high = plain.high;
          return stored;
        },
        sealBlocks: (bytes, id, birth, checks) => {
          for (let at = 0, i = 0; at < bytes.length; at += blockSize, i++) {
            this.#add(store, bytes.subarray(at, at + blockSize), id + i, birth, now());
          }
          return plain.sealBlocks(bytes, id, birth, checks);
        },
        open: (stored, id, birth, low, high) => plain.open(stored, id, birth, low, high),
        openBlocks: (stored, identities) => plain.openBlocks(stored, identities),
      };
      return sealer;
    };
  }
}
