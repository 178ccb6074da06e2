import { assert } from '../../base/assert.ts';
import { blockSize } from '../layout.ts';
import { type ChecksumKernel, checksumKernel, kernelBlocks } from './checksum-kernel.ts';

/**
 * The store's checksum: 64 bits over any bytes, seeded with who the bytes claim to be.
 *
 * The four lanes are those of XXH32 (Yann Collet, xxHash specification 0.2.0), which plain
 * JavaScript computes at 5 GB/s, twice what XXH64 in WebAssembly reaches once the bytes have been
 * copied in; several blocks at a time go through the vectors of `checksum-kernel.ts`. The low word
 * is XXH32 itself, so the published test vectors apply; the high word finishes the same 128 bits of
 * lane state in another order, with other primes swapped. Four lanes that are each a bijection of
 * every word they see mean that no change of a single word can cancel out before the finish.
 */
const prime1 = 0x9e3779b1;
const prime2 = 0x85ebca77;
const prime3 = 0xc2b2ae3d;
const prime4 = 0x27d4eb2f;
const prime5 = 0x165667b1;

/** The words of one checksum, low word first. Reused by every call: read it at once. */
export const checksumResult = new Uint32Array(2);

function rotate(x: number, n: number): number {
  return (x << n) | (x >>> (32 - n));
}

function round(lane: number, word: number): number {
  const x = (lane + Math.imul(word, prime2)) | 0;
  return Math.imul((x << 13) | (x >>> 19), prime1);
}

function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 15), prime2);
  h = Math.imul(h ^ (h >>> 13), prime3);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Folds the bytes that do not fill a stripe of 16 into one half of the result. */
function finish(h: number, bytes: Uint8Array, from: number): number {
  let i = from;
  for (; i + 4 <= bytes.length; i += 4) {
    const word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    h = Math.imul(rotate((h + Math.imul(word, prime3)) | 0, 17), prime4);
  }
  for (; i < bytes.length; i++) {
    h = Math.imul(rotate((h + Math.imul(bytes[i], prime5)) | 0, 11), prime1);
  }
  return avalanche(h);
}

/** Leaves the checksum of `bytes` in {@link checksumResult}. */
export function checksum(bytes: Uint8Array, seed: number): void {
  // A new array, not `slice`: of a Node Buffer that is a view at the same odd place.
  if ((bytes.byteOffset & 3) !== 0) bytes = new Uint8Array(bytes);
  const stripes = bytes.length >>> 4;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, stripes << 2);
  let a = (seed + prime1 + prime2) | 0;
  let b = (seed + prime2) | 0;
  let c = seed | 0;
  let d = (seed - prime1) | 0;
  for (let i = 0; i < words.length; i += 4) {
    a = round(a, words[i]);
    b = round(b, words[i + 1]);
    c = round(c, words[i + 2]);
    d = round(d, words[i + 3]);
  }
  let low = (seed + prime5) | 0;
  let high = (seed + prime3) | 0;
  if (stripes > 0) {
    low = lowOf(a, b, c, d);
    high = highOf(a, b, c, d);
  }
  checksumResult[0] = finish((low + bytes.length) | 0, bytes, stripes << 4);
  checksumResult[1] = finish((high ^ bytes.length) | 0, bytes, stripes << 4);
}

function lowOf(a: number, b: number, c: number, d: number): number {
  return (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
}

function highOf(a: number, b: number, c: number, d: number): number {
  const high = rotate(a, 18) ^ Math.imul(rotate(b, 12), prime3);
  return (high + (rotate(c, 7) ^ Math.imul(rotate(d, 1), prime5))) | 0;
}

let kernel: ChecksumKernel | undefined;

/**
 * The checksums of whole blocks, one behind the other, by their seeds; to `checks`, low word first.
 */
export function checksumBlocks(bytes: Uint8Array, seeds: Int32Array, checks: Uint32Array): void {
  const count = bytes.length / blockSize;
  let done = 0;
  while (count - done >= 4) {
    kernel ??= checksumKernel(prime1, prime2);
    const step = Math.min(kernelBlocks, (count - done) & ~3);
    const { lanes } = kernel;
    for (let i = 0; i < step; i++) {
      const seed = seeds[done + i];
      lanes[4 * i] = seed + prime1 + prime2;
      lanes[4 * i + 1] = seed + prime2;
      lanes[4 * i + 2] = seed;
      lanes[4 * i + 3] = seed - prime1;
    }
    kernel.blocks.set(bytes.subarray(done * blockSize, (done + step) * blockSize));
    kernel.run(step);
    for (let i = 0; i < step; i++) {
      const a = lanes[4 * i];
      const b = lanes[4 * i + 1];
      const c = lanes[4 * i + 2];
      const d = lanes[4 * i + 3];
      const at = 2 * (done + i);
      checks[at] = avalanche((lowOf(a, b, c, d) + blockSize) | 0);
      checks[at + 1] = avalanche((highOf(a, b, c, d) ^ blockSize) | 0);
    }
    done += step;
  }
  for (; done < count; done++) {
    checksum(bytes.subarray(done * blockSize, (done + 1) * blockSize), seeds[done]);
    checks.set(checksumResult, 2 * done);
  }
}

/** Condenses an identity (two 48-bit numbers and the store's salt) into a seed. */
export function identitySeed(salt: number, id: number, birth: number): number {
  assert(id >= 0 && birth >= 0, 'identities are not negative');
  let h = round(salt, id);
  h = round(h, id / 4294967296);
  h = round(h ^ (h >>> 15), birth);
  h = round(h, birth / 4294967296);
  return (h ^ (h >>> 15)) | 0;
}
