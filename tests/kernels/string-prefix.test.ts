import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitStringPrefix } from '../../src/compile/kernels/string-prefix.ts';
import { harness } from './harness.ts';

const { memory, call } = harness((m) => ({ prefix: emitStringPrefix(m) }));

/** The prefix of some bytes, other bytes standing behind them. */
function prefixOf(bytes: Uint8Array): bigint {
  const at = 1003;
  memory.set(bytes, at);
  memory.fill(0xee, at + bytes.length, at + bytes.length + 16);
  return BigInt.asUintN(64, call.prefix(at, bytes.length));
}

test('prefixes order strings as their first eight bytes do', () => {
  const random = new Random(5);
  const make = () =>
    Uint8Array.from({ length: random.int(0, 12) }, () => random.pick([0, 1, 127, 255]));
  for (let round = 0; round < 3000; round++) {
    const [a, b] = [make(), make()];
    const [x, y] = [prefixOf(a), prefixOf(b)];
    const order = Buffer.compare(a, b);
    if (order < 0) assert.ok(x <= y, `${a} before ${b}`);
    if (order > 0) assert.ok(x >= y, `${a} after ${b}`);
    if (x !== y) assert.equal(x < y, order < 0, `${a} and ${b} are told apart rightly`);
  }
});

test('the bytes behind a short string do not count', () => {
  assert.equal(prefixOf(new Uint8Array(0)), 0n);
  assert.equal(prefixOf(Uint8Array.of(0x61)), 0x6100000000000000n);
  assert.equal(prefixOf(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9])), 0x0102030405060708n);
});
