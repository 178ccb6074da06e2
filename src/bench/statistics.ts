import { assert } from '../base/assert.ts';

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'the median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median absolute deviation: how far the typical value lies from the median. */
export function medianDeviation(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

/** The mean for ratios; all values must be positive. */
export function geometricMean(values: readonly number[]): number {
  assert(values.length > 0, 'the mean of nothing');
  assert(
    values.every((value) => value > 0),
    'a geometric mean needs positive values',
  );
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export interface Ratio {
  /** How many times longer the other takes: above 1, ours is faster. */
  value: number;
  /** Half the width of the band in which the ratio lies but for noise, as a factor minus one. */
  noise: number;
  verdict: 'faster' | 'slower' | 'no difference';
}

/** Ratios this close to 1 count as no difference however quiet the machine was. */
const noiseFloor = 0.02;

/**
 * Compares two programs whose runs were interleaved: run i of one is held against run i of the
 * other, so that what slows the machine for a while cancels out. The band is the distribution-free
 * confidence interval of the median (the sign test's), which needs no bell curve of noise.
 */
export function compareSamples(ours: readonly number[], other: readonly number[]): Ratio {
  assert(ours.length === other.length, 'compared programs run equally often');
  const pairs = ours.map((time, i) => other[i] / time).sort((a, b) => a - b);
  const value = median(pairs);
  const rank = intervalRank(pairs.length);
  const low = pairs[rank];
  const high = pairs[pairs.length - 1 - rank];
  const noise = Math.max(noiseFloor, value / low - 1, high / value - 1);
  const verdict =
    value > 1 + noise ? 'faster' : value < 1 / (1 + noise) ? 'slower' : 'no difference';
  return { value, noise, verdict };
}

/**
 * How many of the sorted samples to leave out at each end so that the rest still spans the true
 * median with a probability of 90 %; 0 for fewer than 8, which may then reach less.
 */
function intervalRank(count: number): number {
  let tail = 0.5 ** count;
  let term = tail;
  let rank = 0;
  while (true) {
    term *= (count - rank) / (rank + 1);
    tail += term;
    if (tail > 0.05 || rank + 1 >= count / 2) return rank;
    rank++;
  }
}
