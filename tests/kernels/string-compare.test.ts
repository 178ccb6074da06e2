import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import {
  emitEndsWith,
  emitStartsWith,
  emitStringCompare,
  emitStringEqual,
  emitStringFind,
} from '../../src/compile/kernels/string-compare.ts';
import { emitStringHash } from '../../src/compile/kernels/string-hash.ts';
import { harness } from './harness.ts';

const { memory, call } = harness((m) => ({
  equal: emitStringEqual(m),
  compare: emitStringCompare(m),
  startsWith: emitStartsWith(m),
  endsWith: emitEndsWith(m),
  find: emitStringFind(m),
  hash: emitStringHash(m),
}));

const aAt = 1001;
const bAt = 5003;

/** Places two strings with differing bytes behind them. */
function place(a: Uint8Array, b: Uint8Array): [number, number, number, number] {
  memory.set(a, aAt);
  memory.fill(0x11, aAt + a.length, aAt + a.length + 16);
  memory.set(b, bAt);
  memory.fill(0x22, bAt + b.length, bAt + b.length + 16);
  return [aAt, a.length, bAt, b.length];
}

test('comparisons agree with those of Node on strings that share prefixes', () => {
  const seed = 3;
  const random = new Random(seed);
  for (let round = 0; round < 4000; round++) {
    const letters = random.pick([2, 3, 256]);
    const make = (length: number) =>
      Uint8Array.from({ length }, () => (random.chance(0.9) ? 255 : random.int(0, letters - 1)));
    const a = make(random.int(0, random.chance(0.7) ? 20 : 100));
    const related = random.chance(0.6);
    const b = related
      ? Uint8Array.from([...a.subarray(0, random.int(0, a.length)), ...make(random.int(0, 3))])
      : make(random.int(0, 30));
    if (related && b.length > 0 && random.chance(0.3)) b[random.int(0, b.length - 1)] ^= 128;
    const what = `round ${round} of seed ${seed}: ${a} and ${b}`;
    const args = place(a, b);
    const [x, y] = [Buffer.from(a), Buffer.from(b)];
    assert.equal(call.equal(...args), x.equals(y) ? 1 : 0, what);
    assert.equal(call.compare(...args), Buffer.compare(x, y), what);
    const begins = x.subarray(0, y.length).equals(y);
    assert.equal(call.startsWith(...args), begins ? 1 : 0, what);
    const ends = x.length >= y.length && x.subarray(x.length - y.length).equals(y);
    assert.equal(call.endsWith(...args), ends ? 1 : 0, what);
    const middle = x.subarray(random.int(0, x.length), random.int(0, x.length));
    for (const word of [y, middle]) {
      assert.equal(call.find(...place(a, word)), x.indexOf(word), `find, ${what}`);
    }
  }
});

const hash = (bytes: Uint8Array): bigint => {
  memory.set(bytes, aAt);
  return BigInt.asUintN(64, call.hash(aAt, bytes.length));
};

test('the hash depends on nothing but the bytes of the string', () => {
  const random = new Random(5);
  for (let length = 0; length < 70; length++) {
    const bytes = random.fill(new Uint8Array(length));
    memory.fill(0x11, aAt + length, aAt + length + 16);
    const before = hash(bytes);
    memory.fill(0x22, aAt + length, aAt + length + 16);
    assert.equal(hash(bytes), before);
    memory.set(bytes, bAt);
    assert.equal(BigInt.asUintN(64, call.hash(bAt, length)), before);
  }
});

test('each bit of the string changes each bit of the hash half of the time', () => {
  const random = new Random(6);
  for (const length of [1, 3, 8, 9, 16, 17, 31, 40]) {
    const flips = new Array<number>(64).fill(0);
    const rounds = 60;
    for (let round = 0; round < rounds; round++) {
      const bytes = random.fill(new Uint8Array(length));
      const before = hash(bytes);
      for (let bit = 0; bit < length * 8; bit++) {
        bytes[bit >> 3] ^= 1 << (bit & 7);
        const changed = before ^ hash(bytes);
        bytes[bit >> 3] ^= 1 << (bit & 7);
        for (let i = 0; i < 64; i++) flips[i] += Number((changed >> BigInt(i)) & 1n);
      }
    }
    const total = rounds * length * 8;
    for (const [bit, count] of flips.entries()) {
      const share = count / total;
      // Six standard deviations of a fair coin.
      const tolerance = 3 / Math.sqrt(total);
      assert.ok(Math.abs(share - 0.5) < tolerance, `length ${length}, bit ${bit}: ${share}`);
    }
  }
});

test('similar strings do not collide, in all bits or in the high and low ones', () => {
  const encoder = new TextEncoder();
  const names = Array.from({ length: 20000 }, (_, i) =>
    encoder.encode(`Customer#${String(i).padStart(9, '0')}`),
  );
  const zeros = Array.from({ length: 300 }, (_, i) => new Uint8Array(i));
  const hashes = [...names, ...zeros].map(hash);
  const count = hashes.length;
  assert.equal(new Set(hashes).size, count);
  for (const part of [(h: bigint) => h >> 44n, (h: bigint) => h & 0xfffffn]) {
    // Of n balls in 2^20 boxes, about n²/2^21 share one with an earlier ball.
    const collisions = count - new Set(hashes.map(part)).size;
    const expected = count ** 2 / 2 ** 21;
    assert.ok(Math.abs(collisions - expected) < 6 * Math.sqrt(expected), `${collisions}`);
  }
});
