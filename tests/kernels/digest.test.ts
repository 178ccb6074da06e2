import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitDigest, sha256Table } from '../../src/compile/kernels/digest.ts';
import { type DigestName, digestOf } from '../../src/value/digest.ts';
import { harness } from './harness.ts';

const names: readonly DigestName[] = ['md5', 'sha1', 'sha256'];
const encoder = new TextEncoder();

const textAt = 100_000;
const outAt = 1000;
const scratchAt = 2048;
const tableAt = 4096;

const { memory, call } = harness((m) => ({
  md5: emitDigest(m, 'md5'),
  sha1: emitDigest(m, 'sha1'),
  sha256: emitDigest(m, 'sha256'),
}));
memory.set(sha256Table, tableAt);

function compiled(name: DigestName, bytes: Uint8Array): string {
  memory.fill(0xa5, textAt, textAt + bytes.length + 64);
  memory.set(bytes, textAt);
  const end: number = call[name](textAt, bytes.length, outAt, scratchAt, tableAt);
  return new TextDecoder().decode(memory.subarray(outAt, end));
}

/** From RFC 1321 (MD5) and FIPS 180-4's examples (SHA). */
const vectors: readonly [name: DigestName, text: string, digest: string][] = [
  ['md5', '', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['md5', 'a', '0cc175b9c0f1b6a831c399e269772661'],
  ['md5', 'message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
  ['md5', '1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ['sha1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  [
    'sha1',
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  ],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'sha256',
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
];

test('the published examples', () => {
  for (const [name, text, digest] of vectors) {
    assert.equal(digestOf(name, encoder.encode(text)), digest, `${name} of ${text}`);
    assert.equal(compiled(name, encoder.encode(text)), digest, `compiled ${name} of ${text}`);
  }
});

test('texts of every length around a block, and random bytes', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 1);
  const random = new Random(seed);
  const lengths = [...Array(200).keys(), 1000, 4096, 10_001];
  for (const length of lengths) {
    const bytes = Uint8Array.from({ length }, () => random.int(0, 255));
    for (const name of names) {
      const expected = createHash(name).update(bytes).digest('hex');
      assert.equal(digestOf(name, bytes), expected, `${name} of ${length} bytes, seed ${seed}`);
      assert.equal(compiled(name, bytes), expected, `compiled ${name} of ${length} bytes`);
    }
  }
});
