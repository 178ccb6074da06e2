/** Upper bounds of the buckets, in seconds: from a page in the cache to a disk in trouble. */
export const latencyBounds: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** How long something took, counted in buckets. */
export class Histogram {
  /** One more than there are bounds: the last one is for what is beyond. */
  readonly counts = new Float64Array(latencyBounds.length + 1);
  /** Seconds. */
  sum = 0;

  /** `times` observations of the same. */
  observe(seconds: number, times = 1): void {
    let bucket = 0;
    while (bucket < latencyBounds.length && seconds > latencyBounds[bucket]) bucket++;
    this.counts[bucket] += times;
    this.sum += seconds * times;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
