import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../base/random.ts';
import type { SampledColumn, TableSample } from '../../table/sample.ts';
import { EqualKeys, evenKey, type KeyFigures, keyFigures } from './key-shares.ts';
import type { SampledScan } from './scan-sample.ts';

const sampleRows = 16384;
const tableRows = 1_000_000;

/** The sample of a column whose value `v` has a share of the rows in proportion to `weight(v)`. */
function column(random: Random, values: number, weight: (value: number) => number) {
  const shares = Array.from({ length: values }, (_, value) => weight(value));
  const total = shares.reduce((sum, share) => sum + share, 0);
  for (let value = 0; value < values; value++) shares[value] /= total;
  const cumulated = shares.map((_, i) => 0 * i);
  shares.reduce((sum, share, i) => {
    cumulated[i] = sum + share;
    return sum + share;
  }, 0);
  const data = Uint32Array.from({ length: sampleRows }, () => {
    const at = random.double();
    let [low, high] = [0, values - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  });
  const sampled: SampledColumn = { kind: 'numbers', data, base: 0, nulls: undefined };
  return { shares, sampled };
}

function sampleOf(sampled: SampledColumn): TableSample {
  return { tableRows, rowCount: sampleRows, columns: [sampled] };
}

function figures(sampled: SampledColumn, distinct: number): KeyFigures {
  const options = { distinct, nullShare: 0, isUnique: false };
  return keyFigures(sampleOf(sampled), 0, undefined, options);
}

/** By what factor an estimate is off. */
function off(estimate: number, truth: number): number {
  return Math.max(estimate / truth, truth / estimate);
}

test('joins of skewed keys are estimated by what their frequent values have in common', () => {
  const random = new Random(3);
  for (const exponent of [0, 0.5, 0.9, 1.3]) {
    const values = 20_000;
    const zipf = (value: number) => (value + 1) ** -exponent;
    const sides = [0, 1, 2].map(() => column(random, values, zipf));
    const keys = new EqualKeys(sides.map(({ sampled }) => figures(sampled, values)));
    for (const set of [0b011, 0b101, 0b111]) {
      const used = sides.filter((_, i) => set & (1 << i));
      const truth = sides[0].shares.reduce(
        (sum, _, value) => sum + used.reduce((product, { shares }) => product * shares[value], 1),
        0,
      );
      const factor = off(keys.share(set), truth);
      const limit = exponent === 0.5 ? 4 : 1.5;
      assert.ok(factor < limit, `off by ${factor} for ${exponent}, ${set.toString(2)}`);
    }
  }
});

test('frequent values of one side that the other has not join with nothing', () => {
  const random = new Random(4);
  // Each has half of its rows in ten values, which are others.
  const a = column(random, 10_000, (value) => (value < 10 ? 999 : 1));
  const b = column(random, 10_000, (value) => (value >= 9990 ? 999 : 1));
  const keys = new EqualKeys([figures(a.sampled, 10_000), figures(b.sampled, 10_000)]);
  const truth = a.shares.reduce((sum, share, value) => sum + share * b.shares[value], 0);
  assert.ok(off(keys.share(0b11), truth) < 1.3);
});

test('keys of which little is known are taken to be among those of the side with more', () => {
  const keys = new EqualKeys([evenKey(1000, 0), evenKey(50, 0.5), evenKey(200, 0)]);
  const isNear = (share: number, expected: number) => assert.ok(off(share, expected) < 1.0001);
  assert.equal(keys.share(0b001), 1);
  isNear(keys.share(0b011), 0.5 / 1000);
  isNear(keys.share(0b110), 0.5 / 200);
  isNear(keys.share(0b111), 0.5 / 1000 / 200);
});

test('a predicate on the table of a key counts as it hits the frequent values of others', () => {
  const random = new Random(6);
  const values = 40_000;
  const facts = column(random, values, (value) => 1 / (value + 1));
  // Key i is row i; half of all keys pass, among the frequent ones all.
  const data = Uint32Array.from(random.shuffle([...new Array(values).keys()]).slice(0, sampleRows));
  const passes = (key: number) => key < 100 || key % 2 === 0;
  const hits = Uint32Array.from([...data.keys()].filter((row) => passes(data[row])));
  const sampled: SampledColumn = { kind: 'numbers', data, base: 0, nulls: undefined };
  const sample = { tableRows: values, rowCount: sampleRows, columns: [sampled] };
  const seen: SampledScan = { sample, share: 0.5, hits, looked: sampleRows, isComplete: false };
  const options = { distinct: values, nullShare: 0, isUnique: true };
  const keys = new EqualKeys([
    keyFigures(sample, 0, seen, options),
    figures(facts.sampled, values),
  ]);
  let truth = 0;
  for (let key = 0; key < values; key++) if (passes(key)) truth += facts.shares[key];
  const passing = values / 2 + 50;
  assert.ok(off(keys.share(0b11) * passing, truth) < 1.15);
});
