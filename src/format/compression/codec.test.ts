import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../base/random.ts';
import { codecNames, loadCodec } from './codec.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';

/** Bytes from noise to monotony, of any length. */
function sample(random: Random): Uint8Array {
  const bytes = random.fill(new Uint8Array(random.pick([0, 1, 5, 100, 5000, 70_000])));
  const period = random.pick([1, 2, 3, 7, 15, 16, 17, 100, 3000]);
  const noise = random.pick([0, 0.001, 0.05, 1]);
  for (let i = period; i < bytes.length; i++) {
    if (!random.chance(noise)) bytes[i] = bytes[i - period];
  }
  return bytes;
}

test('what is compressed decompresses the same', async () => {
  for (const name of codecNames) {
    const codec = await loadCodec(name);
    const random = new Random(12);
    for (let i = 0; i < 60; i++) {
      const bytes = sample(random);
      const packed = codec.compress(bytes);
      assert.ok(Buffer.compare(codec.decompress(packed, bytes.length), bytes) === 0, name);
      assert.throws(() => codec.decompress(packed, bytes.length + 1), { code: 'XX001' }, name);
    }
  }
});

test('Snappy as its description has it', () => {
  // "Wikipedia" and copies of it, by hand.
  const input = Uint8Array.of(13, 8 << 2, ...Buffer.from('Wikipedia'), 1, 9);
  assert.equal(Buffer.from(snappyDecompress(input, 13)).toString('latin1'), 'WikipediaWiki');
  const run = Uint8Array.of(20, 0, 97, 2 | (18 << 2), 1, 0);
  assert.equal(Buffer.from(snappyDecompress(run, 20)).toString('latin1'), 'a'.repeat(20));
});

test('broken Snappy data are an error, whatever they hold', () => {
  const random = new Random(77);
  let refused = 0;
  for (let i = 0; i < 1000; i++) {
    const bytes = sample(random).subarray(0, 300);
    const packed = snappyCompress(bytes).slice();
    for (let k = random.int(1, 3); k > 0 && packed.length > 0; k--) {
      packed[random.int(0, packed.length - 1)] = random.u32();
    }
    const cut = packed.subarray(
      0,
      random.chance(0.5) ? packed.length : random.int(0, packed.length),
    );
    try {
      assert.equal(snappyDecompress(cut, bytes.length).length, bytes.length);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'XX001');
      refused++;
    }
  }
  assert.ok(refused > 300);
});
