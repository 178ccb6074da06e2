/**
 * 10^k for -292 <= k <= 324 to 128 bits: the least whole number that is not below 10^k * 2^-e, for
 * that e which makes it lie in [2^127, 2^128). What Schubfach calls g.
 */
export const powerMin = -292;
const powerMax = 324;

let table: Uint8Array | undefined;

/** 16 bytes for each power, the high half first. */
export function powerTable(): Uint8Array {
  if (table !== undefined) return table;
  table = new Uint8Array((powerMax - powerMin + 1) * 16);
  const view = new DataView(table.buffer);
  for (let k = powerMin; k <= powerMax; k++) {
    const power = normalized(k);
    const at = (k - powerMin) * 16;
    view.setBigUint64(at, power >> 64n, true);
    view.setBigUint64(at + 8, BigInt.asUintN(64, power), true);
  }
  return table;
}

function normalized(k: number): bigint {
  const magnitude = 10n ** BigInt(Math.abs(k));
  const bits = BigInt(magnitude.toString(2).length);
  if (k >= 0) {
    if (bits <= 128n) return magnitude << (128n - bits);
    return ceilDivide(magnitude, 1n << (bits - 128n));
  }
  // A reciprocal lies between 2^-bits and 2^(1 - bits).
  return ceilDivide(1n << (127n + bits), magnitude);
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
