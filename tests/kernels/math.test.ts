import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitExponential } from '../../src/compile/kernels/exponential.ts';
import { emitLogarithm } from '../../src/compile/kernels/logarithm.ts';
import { exponentialTable, logarithmTable } from '../../src/compile/kernels/math-tables.ts';
import { emitPower } from '../../src/compile/kernels/power.ts';
import { f64 } from '../../src/wasm/index.ts';
import { exp, fixed, ln, product, quotient, ulps } from './exact-real.ts';
import { harness } from './harness.ts';

/** What the kernel answers where it leaves the answer to another function. */
const rareAnswer = -12345;

const { memory, call } = harness((m) => {
  const params = { x: 'f64', y: 'f64' } as const;
  const rare = m.func('rare', { params, results: ['f64'] }, (f) => f.return(f64.const(rareAnswer)));
  return {
    exp: emitExponential(m),
    ln: emitLogarithm(m, 'e'),
    log2: emitLogarithm(m, 2),
    log10: emitLogarithm(m, 10),
    power: emitPower(m, rare),
  };
});

const logarithms = 1024;
const exponentials = 32768;
memory.set(logarithmTable(), logarithms);
memory.set(exponentialTable(), exponentials);

const ours = {
  exp: (x: number): number => call.exp(x, exponentials),
  ln: (x: number): number => call.ln(x, logarithms),
  log2: (x: number): number => call.log2(x, logarithms),
  log10: (x: number): number => call.log10(x, logarithms),
  power: (x: number, y: number): number => call.power(x, y, logarithms, exponentials),
};

const seed = 41;
const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const least = 5e-324;

/** A positive double of any size between two powers of two. */
function ofSize(random: Random, from: number, to: number): number {
  return (
    (1 + random.int(0, 2 ** 26) / 2 ** 26 + random.int(0, 2 ** 26) / 2 ** 52) *
    2 ** random.int(from, to)
  );
}

function assertNear(found: number, exact: Parameters<typeof ulps>[1], bound: number, what: string) {
  const error = ulps(found, exact);
  assert.ok(error < bound, `${what} is ${found}, ${error} units off, seed ${seed}`);
}

test('e to a power is right to 0.52 units in the last place', () => {
  const random = new Random(seed);
  const hard = [
    0, -0, 1, -1, 1e-300, -1e-17, 709.782712893384, -708.3964185322641, -745.13, -744.44, 0.0027,
    708.5,
  ];
  const cases = Array.from({ length: 3000 }, (_, i) => {
    const sign = random.chance(0.5) ? 1 : -1;
    return sign * (i % 3 === 0 ? ofSize(random, -30, 0) : (random.int(0, 2 ** 31) / 2 ** 31) * 708);
  });
  // Results that are subnormal have no more than half a unit to be wrong by.
  for (const x of [...hard, ...cases]) assertNear(ours.exp(x), exp(fixed(x)), 0.52, `exp(${x})`);
});

test('logarithms are right to 0.53 units in the last place', () => {
  const random = new Random(seed + 1);
  const hard = [
    1,
    2,
    0.5,
    1 + 2 ** -52,
    1 - 2 ** -53,
    1.0078125,
    0.99609375,
    0.6875,
    1.375,
    1.3749999999999998,
  ];
  const ends = [least, 2 ** -1022, 2 ** -1022 - least, Number.MAX_VALUE, 1000, 0.001];
  const cases = Array.from({ length: 3000 }, (_, i) => {
    if (i % 3 === 0) return ofSize(random, -1022, 1022);
    return i % 3 === 1
      ? ofSize(random, -2, 1)
      : 1 + (random.int(0, 2 ** 30) - 2 ** 29) / 2 ** random.int(36, 50);
  });
  for (const x of [...hard, ...ends, ...cases]) {
    const exact = ln(x);
    assertNear(ours.ln(x), exact, 0.53, `ln(${x})`);
    assertNear(ours.log2(x), quotient(exact, ln(2)), 0.53, `log2(${x})`);
    assertNear(ours.log10(x), quotient(exact, ln(10)), 0.53, `log10(${x})`);
  }
});

test('logarithms that are whole numbers are exact', () => {
  for (let n = -1074; n < 1024; n++) assert.equal(ours.log2(2 ** n), n);
  for (let n = 0; n <= 22; n++) assert.equal(ours.log10(10 ** n), n);
  assert.ok(Object.is(ours.ln(1), 0));
});

test('powers are right to 0.55 units in the last place', () => {
  const random = new Random(seed + 2);
  const hard: [number, number][] = [
    [1 + 2 ** -52, 2 ** 52],
    [1 - 2 ** -53, 2 ** 60],
    [1.0078124, 9e4],
    [0.9960937, 1e5],
    [2, 1023],
    [2, -1022],
    [10, 308],
    [10, -307],
    [3, 0.5],
    [1.5, 1e-10],
    [0.1, 3],
    [1.0000001, 7e9],
    [2 ** 1000, 1.02],
    [4, 0.5],
    [1.37499, 2200],
  ];
  const cases = Array.from({ length: 4000 }, (_, i): [number, number] => {
    const x = i % 2 === 0 ? ofSize(random, -1000, 1000) : ofSize(random, -2, 1);
    // The result shall be a double that is not 0 or infinite.
    const most = 700 / Math.abs(Math.log(x) || 1);
    return [x, ((random.int(0, 2 ** 30) - 2 ** 29) / 2 ** 29) * Math.min(most, 1e15)];
  });
  for (const [x, y] of [...hard, ...cases]) {
    assertNear(ours.power(x, y), exp(product(ln(x), y)), 0.55, `${x}^${y}`);
  }
});

test('powers that doubles can hold are exact', () => {
  for (let n = 1; n < 1024; n++) assert.equal(ours.power(2, n), 2 ** n);
  for (let n = 1; n <= 1022; n++) assert.equal(ours.power(2, -n), 2 ** -n);
  for (let n = 1; n <= 22; n++) assert.equal(ours.power(10, n), Number(`1e${n}`));
  for (let n = 1; n <= 33; n++) assert.equal(ours.power(-3, n), Number((-3n) ** BigInt(n)));
  for (const x of [4, 2.25, 1e10, 1e-4 ** 2]) assert.equal(ours.power(x, 0.5), Math.sqrt(x));
  assert.equal(ours.power(-2, 2 ** 53), infinity);
  assert.equal(ours.power(-0.5, 1e6), 0);
  assert.ok(Object.is(ours.power(-0.5, 1e6 + 1), -0));
});

test('results that are too large or too small are infinite or 0', () => {
  assert.equal(ours.exp(709.79), infinity);
  assert.equal(ours.exp(1e300), infinity);
  assert.equal(ours.exp(-745.2), 0);
  assert.equal(ours.exp(-1e300), 0);
  assert.equal(ours.exp(-745.13), least);
  assert.equal(ours.power(10, 309), infinity);
  assert.equal(ours.power(10, -324), 0);
  assert.equal(ours.power(10, -323), 1e-323);
  assert.equal(ours.power(2, -1074), least);
  assert.equal(ours.power(1e308, 9e18), infinity);
});

test('special values are those of IEEE 754', () => {
  assert.deepEqual([infinity, -infinity, nan, 0, -0].map(ours.exp), [infinity, 0, nan, 1, 1]);
  for (const of of [ours.ln, ours.log2, ours.log10]) {
    const found = [infinity, nan, 0, -0, -1, -infinity, -least].map(of);
    assert.deepEqual(found, [infinity, nan, -infinity, -infinity, nan, nan, nan]);
  }
});

test('rare powers are left to another function', () => {
  for (const [x, y] of [
    [0, 2],
    [-0, 3],
    [infinity, 2],
    [-infinity, 2],
    [nan, 2],
    [2, nan],
    [2, infinity],
    [2, 0],
    [2, -0],
    [2, 1e-30],
    [2, 1e30],
    [least, 0.5],
    [-least, 3],
    [-2, 0.5],
    [-2, 1e30],
  ]) {
    assert.equal(ours.power(x, y), rareAnswer, `${x}^${y}`);
  }
});
