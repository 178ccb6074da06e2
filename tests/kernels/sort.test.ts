import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitSortByKey } from '../../src/compile/kernels/key-sort.ts';
import {
  emitRadixSort,
  entryBytes,
  normalizedF64,
  normalizedI64,
  payloadOffset,
  radixScratchBytes,
} from '../../src/compile/kernels/radix-sort.ts';
import { emitSort, type Less, lessBy } from '../../src/compile/kernels/sort.ts';
import { emitTopK } from '../../src/compile/kernels/top-k.ts';
import { i32, type ModuleBuilder } from '../../src/wasm/index.ts';
import { harness } from './harness.ts';

/** Where the number of comparisons is counted. */
const comparisonsAt = 16;

/** Rows are addresses of i32 keys; the comparison counts itself. */
function lessByKey(m: ModuleBuilder): Less {
  const compare = m.func('compare', { params: { a: 'i32', b: 'i32' }, results: ['i32'] }, (f) => {
    f.do(i32.store(comparisonsAt, i32.add(i32.load(comparisonsAt), 1)));
    const a = f.let(i32.load(f.param.a), 'a');
    const b = f.let(i32.load(f.param.b), 'b');
    f.return(i32.sub(i32.gtS(a, b), i32.ltS(a, b)));
  });
  return lessBy(compare);
}

const { memory, call } = harness((m) => {
  const less = lessByKey(m);
  return {
    sort: emitSort(m, 'sort', less),
    offer: emitTopK(m, 'offer', less),
    byKey4: emitSortByKey(m, 'by_key_4', 4, { less }),
    byKey8: emitSortByKey(m, 'by_key_8', 8, { less }),
    radix4: emitRadixSort(m, 4),
    radix8: emitRadixSort(m, 8),
    i64Key: m.func('i64_key', { params: { x: 'i64' }, results: ['i64'] }, (f) =>
      f.return(normalizedI64(f.param.x)),
    ),
    f64Key: m.func('f64_key', { params: { x: 'f64' }, results: ['i64'] }, (f) =>
      f.return(normalizedF64(f, f.param.x)),
    ),
  };
}, 64);

const keysAt = 64;
const rowsAt = 1_000_000;
const scratchAt = 2_000_000;
const outAt = 3_000_000;

const shapes: Record<string, (random: Random, i: number, count: number) => number> = {
  random: (random) => random.u32() | 0,
  'few values': (random) => random.int(0, 3),
  equal: () => 7,
  sorted: (_, i) => i,
  reversed: (_, i, count) => count - i,
  'sorted but for some': (random, i) => (random.chance(0.02) ? random.u32() | 0 : i),
  'organ pipe': (_, i, count) => Math.min(i, count - i),
};

/** Writes keys and answers the addresses of their rows. */
function placeKeys(keys: Int32Array): Uint32Array {
  new Int32Array(memory.buffer, keysAt, keys.length).set(keys);
  return Uint32Array.from(keys, (_, i) => keysAt + i * 4);
}

const view = new DataView(memory.buffer);

test('rows are sorted, and stay in order where keys are equal', () => {
  const seed = 21;
  const random = new Random(seed);
  for (const [shape, make] of Object.entries(shapes)) {
    const counts = [...Array.from({ length: 40 }, (_, i) => i), 255, 256, 257, 1000, 5000];
    for (const count of counts) {
      const keys = Int32Array.from({ length: count }, (_, i) => make(random, i, count));
      const rows = placeKeys(keys);
      const array = new Uint32Array(memory.buffer, rowsAt, count + 1);
      array.set(rows);
      array[count] = 0xdeadbeef;
      view.setUint32(comparisonsAt, 0, true);
      call.sort(rowsAt, count, scratchAt);
      const keyOf = (row: number) => keys[(row - keysAt) / 4];
      // Sorting by address within equal keys is what stability means here.
      const expected = [...rows].sort((a, b) => keyOf(a) - keyOf(b) || a - b);
      assert.deepEqual([...array.subarray(0, count)], expected, `${count} ${shape}, seed ${seed}`);
      assert.equal(array[count], 0xdeadbeef, 'nothing is written behind the array');
      const comparisons = view.getUint32(comparisonsAt, true);
      const simple = ['equal', 'sorted'].includes(shape);
      const limit = simple ? 1.2 * count : count * (Math.log2(count + 1) + 1);
      assert.ok(comparisons <= limit, `${comparisons} comparisons of ${count} ${shape}`);
    }
  }
});

test('a heap keeps the first k', () => {
  const random = new Random(22);
  for (const [shape, make] of Object.entries(shapes)) {
    for (const [count, k] of [
      [0, 1],
      [1, 1],
      [5, 10],
      [1000, 1],
      [1000, 10],
      [2000, 333],
      [100, 100],
    ]) {
      const keys = Int32Array.from({ length: count }, (_, i) => make(random, i, count));
      const rows = placeKeys(keys);
      const gone: number[] = [];
      let kept = 0;
      for (const row of rows) {
        const answer: number = call.offer(rowsAt, kept, k, row);
        if (answer === 0) kept++;
        else gone.push(answer);
      }
      const keyOf = (row: number) => keys[(row - keysAt) / 4];
      const heap = [...new Uint32Array(memory.buffer, rowsAt, kept)];
      const byKey = (a: number, b: number) => a - b;
      assert.deepEqual(
        heap.map(keyOf).sort(byKey),
        [...keys].sort(byKey).slice(0, k),
        `${k} of ${count} ${shape}`,
      );
      // Every row is either there or was handed back, once.
      assert.deepEqual([...heap, ...gone].sort(byKey), [...rows]);
    }
  }
});

test('radix sort orders keys of 32 and 64 bits, stably', () => {
  const seed = 23;
  const random = new Random(seed);
  for (let round = 0; round < 150; round++) {
    const keyBytes = random.pick([4, 8] as const);
    const count = random.int(0, random.pick([5, 300, 3000]));
    // Whole bytes of the keys are the same in many arrays.
    const mask = random.pick([
      0xffn,
      0xff00n,
      0xffff_0000n,
      2n ** 64n - 1n,
      0xff00_0000_00ff_0000n,
      0n,
    ]);
    const common = random.chance(0.3) ? random.u64() & ~mask : 0n;
    const size = entryBytes[keyBytes];
    const entries = Array.from({ length: count }, (_, payload) => {
      const key = BigInt.asUintN(keyBytes * 8, (random.u64() & mask) | common);
      if (keyBytes === 4) view.setUint32(rowsAt + payload * size, Number(key), true);
      else view.setBigUint64(rowsAt + payload * size, key, true);
      view.setUint32(rowsAt + payload * size + payloadOffset[keyBytes], payload, true);
      return { key, payload };
    });
    const behind = scratchAt + count * size + radixScratchBytes(keyBytes);
    memory[behind] = 0xee;
    memory[rowsAt + count * size] = 0xee;
    call[`radix${keyBytes}`](rowsAt, count, scratchAt);
    const sorted = entries.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const got = sorted.map((_, i) => {
      const at = rowsAt + i * size;
      const key = keyBytes === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
      return { key, payload: view.getUint32(at + payloadOffset[keyBytes], true) };
    });
    assert.deepEqual(got, sorted, `round ${round} of seed ${seed}`);
    assert.deepEqual([memory[behind], memory[rowsAt + count * size]], [0xee, 0xee]);
  }
});

test('rows sorted by the beginning of their keys, the rest by comparison', () => {
  const seed = 24;
  const random = new Random(seed);
  for (let round = 0; round < 150; round++) {
    const keyBytes = random.pick([4, 8] as const);
    const count = random.int(0, random.pick([3, 40, 2000]));
    const spread = random.pick([1, 4, 1000, 2 ** 31 - 1]);
    const keys = Int32Array.from({ length: count }, () => random.int(0, spread));
    const rows = placeKeys(keys);
    const drop = random.pick([0, 2, 8]);
    rows.forEach((row, i) => {
      const at = rowsAt + i * entryBytes[keyBytes];
      view.setBigUint64(at, BigInt(keys[i] >> drop), true);
      view.setUint32(at + payloadOffset[keyBytes], row, true);
    });
    call[`byKey${keyBytes}`](rowsAt, count, scratchAt, outAt);
    const keyOf = (row: number) => keys[(row - keysAt) / 4];
    const expected = [...rows].sort((a, b) => keyOf(a) - keyOf(b) || a - b);
    const got = [...new Uint32Array(memory.buffer, outAt, count)];
    assert.deepEqual(got, expected, `round ${round} of seed ${seed}`);
  }
});

test('normalized keys are ordered as their values', () => {
  const integers = [-(2n ** 63n), -5n, -1n, 0n, 1n, 2n ** 63n - 1n];
  const { MAX_VALUE, MIN_VALUE, NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const doubles = [-infinity, -MAX_VALUE, -1.5, -1, -MIN_VALUE, 0, MIN_VALUE, 1, 2, infinity, nan];
  const keys = [
    integers.map((x) => BigInt.asUintN(64, call.i64Key(x))),
    doubles.map((x) => BigInt.asUintN(64, call.f64Key(x))),
  ];
  for (const list of keys) {
    for (let i = 1; i < list.length; i++) assert.ok(list[i - 1] < list[i], `key ${i}`);
  }
  assert.equal(call.f64Key(-0), call.f64Key(0));
});
