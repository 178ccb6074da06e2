/**
 * Elementary functions to about 180 bits, as whole numbers: what kernels of doubles are held
 * against. They have other ways than the kernels: squaring, and Newton's method.
 */

const bits = 320n;
const one = 1n << bits;

/** A positive number: fraction / 2^bits * 2^exponent. */
export interface Real {
  readonly fraction: bigint;
  readonly exponent: bigint;
}

/** The exact value of a finite double: mantissa * 2^exponent. */
function parts(x: number): { mantissa: bigint; exponent: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const word = view.getBigUint64(0);
  const biased = (word >> 52n) & 0x7ffn;
  const low = word & ((1n << 52n) - 1n);
  const mantissa = biased === 0n ? low : low | (1n << 52n);
  return { mantissa: x < 0 ? -mantissa : mantissa, exponent: (biased || 1n) - 1075n };
}

function shifted(x: bigint, by: bigint): bigint {
  return by >= 0n ? x << by : x >> -by;
}

/** The double as a fixed-point number. */
export function fixed(x: number): bigint {
  const { mantissa, exponent } = parts(x);
  return shifted(mantissa, bits + exponent);
}

/** e^x of a small fixed-point number: the series of x / 2^32, squared 32 times. */
function expSmall(x: bigint): bigint {
  const guard = 64n;
  const unit = one << guard;
  const small = (x << guard) >> 32n;
  let sum = unit;
  let term = unit;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = ((term * small) >> (bits + guard)) / k;
    sum += term;
  }
  for (let i = 0; i < 32; i++) sum = (sum * sum) >> (bits + guard);
  return sum >> guard;
}

/** ln of a fixed-point number near 1, by Newton's method on the exponential. */
function lnNear(x: bigint): bigint {
  let y = fixed(Math.log(Number(x >> (bits - 60n)) / 2 ** 60));
  for (let round = 0; round < 3; round++) {
    const e = expSmall(y);
    y += (2n * (x - e) * one) / (x + e);
  }
  return y;
}

const ln2 = 2n * lnNear(isqrt(2n * one * one));

function isqrt(x: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(x.toString(2).length / 2));
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** ln of a positive double, in fixed point. */
export function ln(x: number): bigint {
  const { mantissa, exponent } = parts(x);
  let power = BigInt(mantissa.toString(2).length) - 1n;
  if (3n * (1n << power) < 2n * mantissa) power += 1n;
  return lnNear(shifted(mantissa, bits - power)) + (exponent + power) * ln2;
}

/** e^(v / 2^320). */
export function exp(v: bigint): Real {
  const exponent = v / ln2;
  return { fraction: expSmall(v - exponent * ln2), exponent };
}

export function quotient(a: bigint, b: bigint): bigint {
  return (a * one) / b;
}

export function product(a: bigint, x: number): bigint {
  const { mantissa, exponent } = parts(x);
  return shifted(a * mantissa, exponent);
}

/** How far a double is from an exact value, in units of the last place of the exact one. */
export function ulps(ours: number, exact: bigint | Real): number {
  const real = typeof exact === 'bigint' ? { fraction: exact, exponent: 0n } : exact;
  const size = real.fraction < 0n ? -real.fraction : real.fraction;
  if (size === 0n) return ours === 0 ? 0 : Number.POSITIVE_INFINITY;
  const power = BigInt(size.toString(2).length) - 1n - bits + real.exponent;
  const last = (power < -1022n ? -1022n : power) - 52n;
  const { mantissa, exponent } = parts(ours);
  // Both in units of 2^-40 of the last place.
  const unit = last - 40n;
  const a = shifted(mantissa, exponent - unit);
  const b = shifted(real.fraction, real.exponent - bits - unit);
  return Math.abs(Number(a - b)) / 2 ** 40;
}
