import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import {
  addToWide,
  emitMultiply64,
  emitMultiplyUnsigned64,
  emitWideAdd,
  emitWideMultiply,
  emitWideSubtract,
  wideEqual,
  wideFitsI64,
  wideFromI64,
  wideLess,
  wideLocal,
} from '../../src/compile/kernels/wide.ts';
import {
  emitWideDivide,
  emitWideDivideRounded,
  emitWideDivideUnsigned,
  emitWideRemainder,
  emitWideScaleDown,
  emitWideScaleUp,
} from '../../src/compile/kernels/wide-divide.ts';
import { emitWideFromF64, emitWideToF64 } from '../../src/compile/kernels/wide-float.ts';
import {
  emitWideFromText,
  emitWideToText,
  wideTextBytes,
  wideTextStatus,
} from '../../src/compile/kernels/wide-text.ts';
import { i32, i64 } from '../../src/wasm/index.ts';
import { harness, write } from './harness.ts';

const scales = [0, 1, 2, 5, 18, 19, 20, 37, 38];

const { memory, call } = harness((m) => {
  const compare = m.func(
    'compare',
    { params: { aLo: 'i64', aHi: 'i64', bLo: 'i64', bHi: 'i64' }, results: ['i32'] },
    (f) => {
      const { aLo, aHi, bLo, bHi } = f.param;
      const a = { lo: aLo, hi: aHi };
      const b = { lo: bLo, hi: bHi };
      const bits = i32.or(i32.shl(wideEqual(a, b), 1), i32.shl(wideFitsI64(a), 2));
      f.return(i32.or(wideLess(a, b), bits));
    },
  );
  return {
    add: emitWideAdd(m),
    subtract: emitWideSubtract(m),
    multiply64: emitMultiply64(m),
    multiplyUnsigned64: emitMultiplyUnsigned64(m),
    multiply: emitWideMultiply(m),
    divideUnsigned: emitWideDivideUnsigned(m),
    divide: emitWideDivide(m),
    remainder: emitWideRemainder(m),
    divideRounded: emitWideDivideRounded(m),
    toF64: emitWideToF64(m),
    fromF64: emitWideFromF64(m),
    toText: emitWideToText(m),
    fromText: emitWideFromText(m),
    compare,
    ...Object.fromEntries(scales.map((digits) => [`up${digits}`, emitWideScaleUp(m, digits)])),
    ...Object.fromEntries(scales.map((digits) => [`down${digits}`, emitWideScaleDown(m, digits)])),
  };
});

const min = -(2n ** 127n);
const max = 2n ** 127n - 1n;
const halves = (x: bigint): [bigint, bigint] => [BigInt.asIntN(64, x), BigInt.asIntN(64, x >> 64n)];
const join = ([lo, hi]: readonly bigint[]): bigint => (hi << 64n) | BigInt.asUintN(64, lo);
const fits = (x: bigint) => x >= min && x <= max;
const magnitude = (x: bigint) => (x < 0n ? -x : x);

/** Values of all sizes, and those where carries and signs go wrong. */
function randomWide(random: Random): bigint {
  if (random.chance(0.3)) {
    const edges = [0n, 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n, 2n ** 96n, 2n ** 127n, 10n ** 18n];
    const near = random.pick(edges) + BigInt(random.int(-2, 2));
    return BigInt.asIntN(128, random.chance(0.5) ? near : -near);
  }
  const bits = BigInt.asIntN(128, (random.u64() << 64n) | random.u64());
  // Long runs of ones and zeros find what evenly random bits do not.
  const mask = random.chance(0.3) ? random.pick([0xffffffffn, 0xffffffff00000000n]) : -1n;
  return BigInt.asIntN(128, bits & ((mask << 64n) | mask)) >> BigInt(random.int(0, 127));
}

test('arithmetic agrees with bigints', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 11);
  const random = new Random(seed);
  for (let round = 0; round < 20_000; round++) {
    const a = randomWide(random);
    const b = randomWide(random);
    const what = `of ${a} and ${b}, round ${round} of seed ${seed}`;
    const args = [...halves(a), ...halves(b)];
    for (const [name, exact] of [
      ['add', a + b],
      ['subtract', a - b],
      ['multiply', a * b],
    ] as const) {
      const [lo, hi, overflow] = call[name](...args) as [bigint, bigint, number];
      assert.equal(overflow, fits(exact) ? 0 : 1, `overflow of ${name} ${what}`);
      if (overflow === 0) assert.equal(join([lo, hi]), exact, `${name} ${what}`);
    }
    const [a64, b64] = [halves(a)[0], halves(b)[0]];
    assert.equal(join(call.multiply64(a64, b64)), a64 * b64, `multiply64 ${what}`);
    const product = BigInt.asUintN(128, join(call.multiplyUnsigned64(a64, b64)));
    const expected = BigInt.asUintN(64, a64) * BigInt.asUintN(64, b64);
    assert.equal(product, expected, `multiplyUnsigned64 ${what}`);
    const fitsI64 = BigInt.asIntN(64, a) === a ? 4 : 0;
    const compared = (a < b ? 1 : 0) | (a === b ? 2 : 0) | fitsI64;
    assert.equal(call.compare(...args), compared, `compare ${what}`);
  }
});

test('a running sum of 64-bit integers carries into the high half', () => {
  const { memory, call } = harness((m) => ({
    sum: m.func('sum', { params: { base: 'i32', count: 'i32' }, results: ['i64', 'i64'] }, (f) => {
      const sum = wideLocal(f, 'sum');
      const i = f.local('i32', 'i');
      f.for(i, 0, f.param.count, () => {
        addToWide(f, sum, wideFromI64(i64.load(i32.add(f.param.base, i32.shl(i, 3)))));
      });
      f.return(sum.lo, sum.hi);
    }),
  }));
  const random = new Random(16);
  const values = BigInt64Array.from({ length: 1000 }, () => randomWide(random));
  memory.set(new Uint8Array(values.buffer), 64);
  const total = values.reduce((sum, value) => sum + value, 0n);
  assert.equal(join(call.sum(64, values.length)), total);
});

/** The nearest integer to a / b, halves away from zero. */
function divideRounded(a: bigint, b: bigint): bigint {
  const quotient = (2n * magnitude(a) + magnitude(b)) / (2n * magnitude(b));
  return a < 0n !== b < 0n ? -quotient : quotient;
}

test('division agrees with bigints', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 12);
  const random = new Random(seed);
  for (let round = 0; round < 20_000; round++) {
    const a = randomWide(random);
    const b = randomWide(random);
    if (b === 0n) continue;
    const what = `of ${a} and ${b}, round ${round} of seed ${seed}`;
    const args = [...halves(a), ...halves(b)];
    const wrapped = (x: bigint) => BigInt.asIntN(128, x);
    assert.equal(join(call.divide(...args)), wrapped(a / b), `divide ${what}`);
    assert.equal(join(call.remainder(...args)), a % b, `remainder ${what}`);
    assert.equal(
      join(call.divideRounded(...args)),
      wrapped(divideRounded(a, b)),
      `rounded ${what}`,
    );
    const [ua, ub] = [BigInt.asUintN(128, a), BigInt.asUintN(128, b)];
    const answer = call.divideUnsigned(...args) as bigint[];
    assert.equal(join(answer.slice(0, 2)), wrapped(ua / ub), `divideUnsigned ${what}`);
    assert.equal(join(answer.slice(2)), wrapped(ua % ub), `its remainder ${what}`);
  }
  for (const name of ['divide', 'remainder', 'divideUnsigned'] as const) {
    assert.throws(() => call[name](1n, 1n, 0n, 0n), WebAssembly.RuntimeError);
  }
});

test('decimals are rescaled', () => {
  const random = new Random(13);
  for (let round = 0; round < 3000; round++) {
    const a = randomWide(random);
    for (const digits of scales) {
      const factor = 10n ** BigInt(digits);
      const [lo, hi, overflow] = call[`up${digits}` as 'add'](...halves(a)) as [
        bigint,
        bigint,
        number,
      ];
      assert.equal(overflow, fits(a * factor) ? 0 : 1, `${a} up ${digits}`);
      if (overflow === 0) assert.equal(join([lo, hi]), a * factor);
      const down = join(call[`down${digits}` as 'add'](...halves(a)));
      assert.equal(down, divideRounded(a, factor), `${a} down ${digits}`);
    }
  }
});

test('doubles: rounded to the nearest, cut off towards zero', () => {
  const random = new Random(14);
  for (let round = 0; round < 20_000; round++) {
    let a = randomWide(random);
    // Halfway between two doubles, and just beside.
    if (random.chance(0.3)) {
      a = ((a >> 75n) * 2n + 1n) * 2n ** BigInt(random.int(0, 70)) + BigInt(random.int(-1, 1));
      a = BigInt.asIntN(128, a);
    }
    const x: number = call.toF64(...halves(a));
    assert.equal(x, Number(a), `${a}`);
    const double = random.chance(0.5) ? x : (random.double() - 0.5) * 2 ** random.int(-3, 130);
    const [lo, hi, overflow] = call.fromF64(double) as [bigint, bigint, number];
    const exact = BigInt(Math.trunc(double));
    assert.equal(overflow, fits(exact) ? 0 : 1, `${double}`);
    if (overflow === 0) assert.equal(join([lo, hi]), exact, `${double}`);
  }
  for (const x of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 127, -(2 ** 127) * 1.0000001]) {
    assert.equal((call.fromF64(x) as number[])[2], 1, `${x}`);
  }
});

/** value / 10^scale as text. */
function decimalText(value: bigint, scale: number): string {
  const digits = String(magnitude(value)).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale > 0 ? `.${digits.slice(-scale)}` : '';
  return `${value < 0n ? '-' : ''}${whole}${fraction}`;
}

function parse(text: string, scale: number): bigint | 'invalid' | 'outOfRange' {
  const [lo, hi, status] = call.fromText(3000, write(memory, 3000, text), scale) as [
    bigint,
    bigint,
    number,
  ];
  if (status === wideTextStatus.ok) return join([lo, hi]);
  return status === wideTextStatus.invalid ? 'invalid' : 'outOfRange';
}

test('decimals to text and back', () => {
  const random = new Random(15);
  const decoder = new TextDecoder();
  for (let round = 0; round < 5000; round++) {
    const value = round === 0 ? min : randomWide(random);
    const scale = random.int(0, 38);
    memory.fill(0xee, 1000, 1000 + wideTextBytes + 1);
    const length: number = call.toText(...halves(value), scale, 1000);
    const text = decoder.decode(memory.subarray(1000, 1000 + length));
    assert.equal(text, decimalText(value, scale));
    assert.equal(memory[1000 + wideTextBytes], 0xee, 'stays in its place');
    assert.equal(parse(text, scale), value);
    // To a smaller scale, the value is rounded.
    const smaller = random.int(0, scale);
    const rounded = divideRounded(value, 10n ** BigInt(scale - smaller));
    assert.equal(parse(text, smaller), rounded, `'${text}' to scale ${smaller}`);
  }
});

test('numbers in texts of every form', () => {
  const cases: [text: string, scale: number, value: ReturnType<typeof parse>][] = [
    ['0', 0, 0n],
    ['  -12.345 ', 2, -1235n],
    ['+.5', 0, 1n],
    ['-.5', 0, -1n],
    ['.49', 0, 0n],
    ['7.', 3, 7000n],
    ['1e3', 2, 100_000n],
    ['1.5E-1', 2, 15n],
    ['123e-2', 1, 12n],
    ['125e-2', 1, 13n],
    ['9e-999999999999', 38, 0n],
    ['0e999999999999', 38, 0n],
    ['0.000e10', 5, 0n],
    ['1e999999999999', 0, 'outOfRange'],
    ['5e-1', 0, 1n],
    ['5e-2', 0, 0n],
    [`${'0'.repeat(100)}1`, 0, 1n],
    [`0.${'9'.repeat(100)}`, 3, 1000n],
    [String(max), 0, max],
    [String(min), 0, min],
    [String(max + 1n), 0, 'outOfRange'],
    [String(min - 1n), 0, 'outOfRange'],
    [`${max}.4`, 0, max],
    [`${max}.5`, 0, 'outOfRange'],
    [`${min}.5`, 0, 'outOfRange'],
    ['1'.repeat(60), 0, 'outOfRange'],
    ['', 0, 'invalid'],
    ['-', 0, 'invalid'],
    ['.', 0, 'invalid'],
    ['1x', 0, 'invalid'],
    ['1 2', 0, 'invalid'],
    ['1.2.3', 0, 'invalid'],
    ['e5', 0, 'invalid'],
    ['1e', 0, 'invalid'],
    ['1e+', 0, 'invalid'],
    ['--1', 0, 'invalid'],
    ['1,000', 0, 'invalid'],
  ];
  for (const [text, scale, value] of cases) {
    // What stands behind the text must not matter.
    memory.fill('9'.charCodeAt(0), 3000, 3200);
    assert.equal(parse(text, scale), value, `'${text}' to scale ${scale}`);
  }
});
