import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitFmod } from '../../src/compile/kernels/fmod.ts';
import { emitDoubleFromText, exactPowers } from '../../src/compile/kernels/number-from-text.ts';
import { emitDoubleToText, emitWholeToText } from '../../src/compile/kernels/number-text.ts';
import { powerTable } from '../../src/compile/kernels/powers-of-ten.ts';
import { formatDecimal } from '../../src/value/decimal.ts';
import { formatDouble } from '../../src/value/number.ts';
import { f64 } from '../../src/wasm/index.ts';
import { harness, write } from './harness.ts';

const textAt = 1000;
const outAt = 2000;
const powersAt = 600_000;
const tableAt = 610_000;
/** What stands here for the host's reading of a number, which code asks for when it is unsure. */
const asked = 123.456;

const { memory, call } = harness((m) => {
  const params = { address: 'i32', length: 'i32' } as const;
  const parse = m.func('parse', { params, results: ['f64'] }, (f) => f.return(f64.const(asked)));
  return {
    fromText: emitDoubleFromText(m, parse),
    toText: emitDoubleToText(m),
    wholeToText: emitWholeToText(m),
    fmod: emitFmod(m),
  };
});
memory.set(exactPowers(), powersAt);
memory.set(powerTable(), tableAt);

const decoder = new TextDecoder();

function read(end: number): string {
  return decoder.decode(memory.subarray(outAt, end));
}

const bits = new DataView(new ArrayBuffer(8));

function randomDouble(random: Random, kind: number): number {
  if (kind === 0) {
    bits.setBigUint64(0, random.u64());
    return bits.getFloat64(0);
  }
  const whole = random.int(-1_000_000_000, 1_000_000_000);
  if (kind === 1) return whole / 10 ** random.int(0, 9);
  return (whole / random.int(1, 1_000_000)) * 10 ** random.int(-40, 40);
}

const edges = [0, -0, 1, -1, 0.1, 1e15, 1e16, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, 2 ** 53];
const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

test('doubles are written as their shortest text, and 32-bit floats so that they read back', () => {
  const random = new Random(5);
  const values = Array.from({ length: 30_000 }, (_, i) => randomDouble(random, i % 3));
  for (const x of [...edges, ...special, ...values]) {
    assert.equal(read(call.toText(x, 0, tableAt, outAt)), formatDouble(x));
    const single = Math.fround(x);
    const text = read(call.toText(single, 1, tableAt, outAt));
    if (Number.isFinite(single)) assert.equal(Math.fround(Number(text)), single, text);
    const shorter = text.replace(/\d(?=e|$)/, '').replace(/\.$/, '');
    // One digit fewer, cut or rounded up, is another number.
    if (/\d{3}\.\d{3}/.test(text)) assert.notEqual(Math.fround(Number(shorter)), single, text);
  }
});

test('texts are read as the nearest double, or the host is asked', () => {
  const random = new Random(6);
  let unsure = 0;
  const count = 30_000;
  for (let i = 0; i < count; i++) {
    const x = randomDouble(random, i % 3);
    if (!Number.isFinite(x)) continue;
    const text = i % 2 === 0 ? x.toPrecision(17) : x.toExponential(random.int(0, 18));
    const length = write(memory, textAt, text);
    const [y, wrong] = call.fromText(textAt, length, powersAt, tableAt) as [number, number];
    assert.equal(wrong, 0, text);
    if (y === asked) unsure++;
    else assert.ok(Object.is(y, Number(text)), `${text} is read as ${y}`);
  }
  assert.ok(unsure < count / 10, `${unsure} are left to the host`);
});

test('whole numbers are written with a point at any scale', () => {
  const random = new Random(7);
  for (let i = 0; i < 20_000; i++) {
    const value = BigInt.asIntN(64, random.u64()) >> BigInt(random.int(0, 63));
    const scale = random.int(0, 18);
    assert.equal(read(call.wholeToText(value, scale, outAt)), formatDecimal(value, scale));
  }
  const least = -(2n ** 63n);
  assert.equal(read(call.wholeToText(least, 0, outAt)), String(least));
});

test('the rest of a division of doubles is exact', () => {
  const random = new Random(8);
  const values = [...edges, ...special];
  for (let i = 0; i < 20_000; i++) {
    const x = random.chance(0.1) ? random.pick(values) : randomDouble(random, i % 3);
    const y = random.chance(0.1) ? random.pick(values) : randomDouble(random, (i >> 2) % 3);
    const rest: number = call.fmod(x, y);
    assert.ok(Object.is(rest, x % y), `${x} % ${y} is ${rest}`);
  }
});

test('the rest of a division by a number of like size is exact', () => {
  const random = new Random(31);
  for (let round = 0; round < 100_000; round++) {
    // All mantissas, also of 1 and 2 less the last bit; quotients about whole numbers, and about
    // where the kernel takes another way.
    const mantissa = random.pick([1, 2 - 2 ** -52, 1 + random.int(0, 2 ** 31) / 2 ** 31]);
    const y = (mantissa + random.int(0, 3) * 2 ** -52) * 2 ** random.pick([0, 1, -1060, 990, 1000]);
    const times = random.pick([random.int(0, 3), random.int(0, 2 ** 24), 2 ** 23, 2 ** 23 + 0.5]);
    const x =
      y * (times + random.pick([0, 0.5, random.int(0, 1000) / 1000])) * random.pick([1, -1]);
    const near = x + x * 2 ** -52 * random.int(-2, 2);
    if (!Number.isFinite(near) || y === 0) continue;
    const rest: number = call.fmod(near, y);
    assert.ok(Object.is(rest, near % y), `${near} % ${y} is ${rest}`);
  }
});
