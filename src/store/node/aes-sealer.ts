import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { BlockIdentities, Sealer, SealerFactory } from '../block/sealer.ts';
import { blockSize } from '../layout.ts';

const tagSize = 8;

/**
 * AES-256-GCM for every block, extent, table page and journal record. The key is derived with
 * HKDF-SHA-256 from the caller's and the store's random id. The nonce is the identity of what is
 * sealed, id and birth, 48 bits each, which never repeats within a store; the 64-bit tag takes the
 * place of the checksum in the pointer, so from the superblock (which has a code of its own) down,
 * nothing can be altered, moved or put back unnoticed. Lengths and places are not hidden. Do not go
 * on writing two copies of one store file: they would use the same nonces.
 */
class AesSealer implements Sealer {
  readonly #key: Uint8Array;
  readonly #superblockKey: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  readonly #view = new DataView(this.#nonce.buffer);
  low = 0;
  high = 0;

  constructor(key: Uint8Array, storeId: Uint8Array) {
    const derive = (purpose: string): Uint8Array =>
      new Uint8Array(hkdfSync('sha256', key, storeId, `quern store ${purpose}`, 32));
    this.#key = derive('blocks');
    this.#superblockKey = derive('superblock');
  }

  #setNonce(id: number, birth: number): void {
    assert(id < 2 ** 48 && birth < 2 ** 48, 'an identity fits the nonce');
    this.#view.setUint32(0, id >>> 0, true);
    this.#view.setUint16(4, Math.floor(id / 4294967296), true);
    this.#view.setUint32(6, birth >>> 0, true);
    this.#view.setUint16(10, Math.floor(birth / 4294967296), true);
  }

  seal(plain: Uint8Array, id: number, birth: number): Uint8Array {
    this.#setNonce(id, birth);
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce, {
      authTagLength: tagSize,
    });
    const stored = cipher.update(plain);
    cipher.final();
    const tag = cipher.getAuthTag();
    this.low = tag.readUInt32LE(0);
    this.high = tag.readUInt32LE(4);
    return stored;
  }

  open(stored: Uint8Array, id: number, birth: number, low: number, high: number): boolean {
    this.#setNonce(id, birth);
    const tag = new Uint8Array(tagSize);
    new DataView(tag.buffer).setUint32(0, low, true);
    new DataView(tag.buffer).setUint32(4, high, true);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#nonce, {
      authTagLength: tagSize,
    });
    decipher.setAuthTag(tag);
    const plain = decipher.update(stored);
    try {
      decipher.final();
    } catch {
      return false;
    }
    stored.set(plain);
    return true;
  }

  sealBlocks(plain: Uint8Array, id: number, birth: number, checks: Uint32Array): Uint8Array {
    const stored = new Uint8Array(plain.length);
    for (let i = 0, at = 0; at < plain.length; i++, at += blockSize) {
      stored.set(this.seal(plain.subarray(at, at + blockSize), id + i, birth), at);
      checks[2 * i] = this.low;
      checks[2 * i + 1] = this.high;
    }
    return stored;
  }

  openBlocks(stored: Uint8Array, { count, ids, births, checks }: BlockIdentities): number {
    for (let i = 0; i < count; i++) {
      const block = stored.subarray(i * blockSize, (i + 1) * blockSize);
      if (!this.open(block, ids[i], births[i], checks[2 * i], checks[2 * i + 1])) return i;
    }
    return -1;
  }

  authenticate(bytes: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#superblockKey).update(bytes).digest().subarray(0, 16);
  }
}

/** For the `encryption` option of a store: `key` has 32 random bytes, and is kept by the caller. */
export function aesSealer(key: Uint8Array): SealerFactory {
  if (key.length !== 32) {
    throw new QuernError(sqlState.invalidParameterValue, 'a key has 32 bytes');
  }
  const copy = key.slice();
  return (storeId) => new AesSealer(copy, storeId);
}
