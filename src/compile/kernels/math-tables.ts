/**
 * Tables of the exponential function and the logarithm, computed exactly enough in whole numbers:
 * fractions with {@link fractionBits} binary digits.
 */

const fractionBits = 200n;
const one = 1n << fractionBits;

/** Entries of each table, for a power of two each time as wide an interval. */
export const tableSize = 128;

/** The nearest double. */
export function nearestDouble(fraction: bigint): number {
  // Both steps are exact but for the rounding of the first.
  return Number(fraction) / 2 ** Number(fractionBits);
}

function toFraction(value: number): bigint {
  return BigInt(value * 2 ** 100) << (fractionBits - 100n);
}

/** The value as a double that is a multiple of 2^-`bits`, and what is left. */
export function split(fraction: bigint, bits: bigint): { hi: number; lo: number } {
  const unit = one >> bits;
  const hi = ((fraction + unit / 2n) / unit) * unit;
  return { hi: nearestDouble(hi), lo: nearestDouble(fraction - hi) };
}

/** ln(p / q), by the series of the area tangent. */
export function lnFraction(p: bigint, q: bigint): bigint {
  const t = ((p - q) << fractionBits) / (p + q);
  const square = (t * t) >> fractionBits;
  let power = t;
  let sum = 0n;
  for (let k = 1n; power / k !== 0n; k += 2n) {
    sum += power / k;
    power = (power * square) >> fractionBits;
  }
  return 2n * sum;
}

export const ln2 = lnFraction(2n, 1n);
export const ln10 = lnFraction(10n, 1n);

/** 1 / fraction. */
export function inverse(fraction: bigint): bigint {
  return (one * one) / fraction;
}

function expFraction(x: bigint): bigint {
  let term = one;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    term = ((term * x) >> fractionBits) / k;
  }
  return sum;
}

let expTable: Uint8Array | undefined;

/**
 * For each i, 16 bytes: what 2^(i/128) is more than the double next to it, relative to that; and
 * the bits of that double less i << 45, so that adding k << 45 gives those of 2^(k/128).
 */
export function exponentialTable(): Uint8Array {
  if (expTable !== undefined) return expTable;
  const view = new DataView(new ArrayBuffer(16 * tableSize));
  for (let i = 0; i < tableSize; i++) {
    const exact = expFraction((ln2 * BigInt(i)) / BigInt(tableSize));
    const near = nearestDouble(exact);
    const rest = ((exact - toFraction(near)) << fractionBits) / exact;
    view.setFloat64(16 * i, nearestDouble(rest), true);
    view.setFloat64(16 * i + 8, near, true);
    const bits = view.getBigUint64(16 * i + 8, true);
    view.setBigUint64(16 * i + 8, bits - (BigInt(i) << 45n), true);
  }
  expTable = new Uint8Array(view.buffer);
  return expTable;
}

/** Bits of the least double of the first interval of the table of logarithms, 0.6875. */
export const intervalsFrom = 0x3fe6000000000000n;
/** Of these intervals the ends are 1: there, the logarithm is that of the rest alone. */
const besideOne = [79, 80];
/** Inverses are multiples of 2^-9, so that products with them are exact. */
const inverseUnit = 512;

let logTable: Uint8Array | undefined;

/**
 * For each of the intervals from 0.6875 to 1.375, 32 bytes: a number near the inverse of its
 * middle; minus the logarithm of that, as a multiple of 2^-42, and the rest.
 */
export function logarithmTable(): Uint8Array {
  if (logTable !== undefined) return logTable;
  const view = new DataView(new ArrayBuffer(32 * tableSize));
  const doubleOf = (bits: bigint): number => {
    view.setBigUint64(0, bits, true);
    return view.getFloat64(0, true);
  };
  const middles = Array.from({ length: tableSize }, (_, i) => {
    const start = intervalsFrom + (BigInt(i) << 45n);
    return (doubleOf(start) + doubleOf(start + (1n << 45n))) / 2;
  });
  for (const [i, middle] of middles.entries()) {
    const units = besideOne.includes(i) ? inverseUnit : Math.round(inverseUnit / middle);
    const { hi, lo } = split(lnFraction(BigInt(inverseUnit), BigInt(units)), 42n);
    [units / inverseUnit, hi, lo].forEach((x, j) => {
      view.setFloat64(32 * i + 8 * j, x, true);
    });
  }
  logTable = new Uint8Array(view.buffer);
  return logTable;
}
