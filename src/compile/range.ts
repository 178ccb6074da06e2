/**
 * Interval arithmetic over what is known of integer values. It proves which sums and products fit
 * in 64 bits, so that neither 128-bit arithmetic nor overflow checks are paid for where the data
 * cannot need them.
 */
export interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

export const i64Range: Range = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
export function rangeOf(min: bigint, max: bigint): Range {
  return { min, max };
}

export function fitsI64(range: Range): boolean {
  return range.min >= i64Range.min && range.max <= i64Range.max;
}

export function contains(outer: Range, inner: Range): boolean {
  return outer.min <= inner.min && inner.max <= outer.max;
}

export function addRange(a: Range, b: Range): Range {
  return { min: a.min + b.min, max: a.max + b.max };
}

export function subtractRange(a: Range, b: Range): Range {
  return { min: a.min - b.max, max: a.max - b.min };
}

export function multiplyRange(a: Range, b: Range): Range {
  const products = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
  return hull(products);
}

export function negateRange(a: Range): Range {
  return { min: -a.max, max: -a.min };
}

export function unionRange(a: Range, b: Range): Range {
  return { min: a.min < b.min ? a.min : b.min, max: a.max > b.max ? a.max : b.max };
}

/** The common part; `a` if they have none (then no value exists at all). */
export function intersectRange(a: Range, b: Range): Range {
  const min = a.min > b.min ? a.min : b.min;
  const max = a.max < b.max ? a.max : b.max;
  return min <= max ? { min, max } : a;
}

function hull(values: readonly bigint[]): Range {
  let min = values[0];
  let max = values[0];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}
