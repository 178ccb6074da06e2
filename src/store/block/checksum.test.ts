import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../base/random.ts';
import { checksum, checksumBlocks, checksumResult, identitySeed } from './checksum.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('the low word is XXH32: vectors of the reference implementation', () => {
  const vectors: [string, number, number][] = [
    ['', 0, 0x02cc5d05],
    ['', prime32, 0x36b78ae7],
    ['a', 0, 0x550d7456],
    ['abc', 0, 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0, 0xe2293b2f],
  ];
  for (const [text, seed, expected] of vectors) {
    checksum(bytesOf(text), seed);
    assert.equal(checksumResult[0], expected, JSON.stringify(text));
  }
});
const prime32 = 0x9e3779b1;

test('every single-bit flip and every other identity changes both halves', () => {
  const random = new Random(3);
  const bytes = random.fill(new Uint8Array(4096));
  const seed = identitySeed(7, 42, 1000);
  checksum(bytes, seed);
  const [low, high] = checksumResult;
  for (let i = 0; i < 3000; i++) {
    const bit = random.int(0, 4096 * 8 - 1);
    bytes[bit >>> 3] ^= 1 << (bit & 7);
    checksum(bytes, seed);
    assert.ok(checksumResult[0] !== low && checksumResult[1] !== high, `bit ${bit}`);
    bytes[bit >>> 3] ^= 1 << (bit & 7);
  }
  const identities = [
    [7, 43, 1000],
    [7, 42, 1001],
    [8, 42, 1000],
    [7, 42 + 2 ** 32, 1000],
    [7, 42, 1000 + 2 ** 40],
  ];
  for (const [salt, id, birth] of identities) {
    checksum(bytes, identitySeed(salt, id, birth));
    assert.ok(checksumResult[0] !== low && checksumResult[1] !== high, `${salt} ${id} ${birth}`);
  }
});

test('bytes that do not begin on a word give the same result', () => {
  const bytes = new Random(4).fill(new Uint8Array(1003));
  const shifted = new Uint8Array(1006);
  shifted.set(bytes, 3);
  checksum(bytes, 9);
  const expected = [...checksumResult];
  checksum(shifted.subarray(3), 9);
  assert.deepEqual([...checksumResult], expected);
});

test('bytes at an odd place, in a Node Buffer too, have the checksum of their copy', () => {
  const random = new Random(4);
  const buffer = Buffer.from(Array.from({ length: 130 }, () => random.u32() & 255));
  for (const from of [0, 1, 2, 3]) {
    checksum(new Uint8Array(buffer.subarray(from, from + 100)), 9);
    const [low, high] = checksumResult;
    checksum(buffer.subarray(from, from + 100), 9);
    assert.deepEqual([...checksumResult], [low, high]);
  }
});

test('blocks together have the checksums they have one by one', () => {
  const random = new Random(5);
  for (const count of [1, 3, 4, 7, 16, 17, 40]) {
    const shift = random.pick([0, 1, 4]);
    const bytes = random.fill(new Uint8Array(count * 4096 + shift)).subarray(shift);
    const seeds = Int32Array.from({ length: count }, () => random.u32());
    const together = new Uint32Array(2 * count);
    checksumBlocks(bytes, seeds, together);
    const single = Array.from(seeds, (seed, i) => {
      checksum(bytes.subarray(i * 4096, (i + 1) * 4096), seed);
      return [...checksumResult];
    });
    assert.deepEqual([...together], single.flat(), `${count} blocks`);
  }
});
