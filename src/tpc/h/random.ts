/**
 * The random numbers of dbgen: Park and Miller's minimal standard generator (CACM 31(10), 1988),
 * one stream a column. A column uses a fixed number of draws a row; what a row leaves over is
 * skipped, so that the draws of row n start at n times that number.
 */

export const modulus = 2147483647;
const multiplier = 16807;

/** (a * b) mod (2^31 - 1) for 0 <= a, b < 2^31, exact: no product leaves the safe integers. */
export function multiplyModulo(a: number, b: number): number {
  const high = (a * (b >>> 16)) % modulus;
  return (high * 65536 + a * (b & 0xffff)) % modulus;
}

/** 16807^count mod (2^31 - 1): multiplying a seed by it skips `count` draws. */
export function skipMultiplier(count: number): number {
  let result = 1;
  let square = multiplier;
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiplyModulo(result, square);
    square = multiplyModulo(square, square);
  }
  return result;
}

export function nextSeed(seed: number): number {
  return (seed * multiplier) % modulus;
}

/** What a seed means over low..high. The two roundings to double are part of the definition. */
export function uniform(seed: number, low: number, high: number): number {
  return low + Math.trunc((seed / modulus) * (high - low + 1));
}

/** One stream, walked a draw at a time: the plain form that the fast ones are tested against. */
export class RandomStream {
  readonly drawsPerRow: number;
  #seed: number;
  #used = 0;

  constructor(seed: number, drawsPerRow: number) {
    this.#seed = seed;
    this.drawsPerRow = drawsPerRow;
  }

  /** The next value in low..high, both included. */
  next(low: number, high: number): number {
    this.#seed = nextSeed(this.#seed);
    this.#used++;
    return uniform(this.#seed, low, high);
  }

  /**
   * The next draw over 0..2^31 - 1. In dbgen the size of that range overflows to -2^31, so that the
   * value is negative; addresses are made from its bits.
   */
  nextOverflowing(): number {
    this.#seed = nextSeed(this.#seed);
    this.#used++;
    return Math.trunc((this.#seed / modulus) * -2147483648);
  }

  /** Moves to the first draw of the next row. */
  endRow(): void {
    this.#skip(this.drawsPerRow - this.#used);
    this.#used = 0;
  }

  /** Skips whole rows; only between rows. */
  skipRows(count: number): void {
    this.#skip(this.drawsPerRow * count);
  }

  #skip(draws: number): void {
    this.#seed = multiplyModulo(this.#seed, skipMultiplier(draws));
  }
}

const multiplier64 = 6364136223846793005n;

/**
 * The two streams that draw keys beyond 2^31 use a 64-bit generator from scale factor 30000 on.
 * dbgen skips the unused draws of a row with the 31-bit method nevertheless, on the 64-bit seed:
 * products wrap, remainders keep their sign. So these streams cannot be skipped ahead within a
 * part.
 */
export class RandomStream64 {
  readonly drawsPerRow: number;
  #seed: bigint;
  #used = 0;

  constructor(seed: number, drawsPerRow: number) {
    this.#seed = BigInt(seed);
    this.drawsPerRow = drawsPerRow;
  }

  next(low: number, high: number): number {
    this.#seed = BigInt.asIntN(64, this.#seed * multiplier64 + 1n);
    this.#used++;
    const magnitude = BigInt.asIntN(64, this.#seed < 0n ? -this.#seed : this.#seed);
    return low + Number(magnitude % BigInt(high - low + 1));
  }

  endRow(): void {
    this.#skip(this.drawsPerRow - this.#used);
    this.#used = 0;
  }

  skipRows(count: number): void {
    this.#skip(this.drawsPerRow * count);
  }

  #skip(draws: number): void {
    let square = BigInt(multiplier);
    for (let rest = BigInt(draws); rest > 0n; rest /= 2n) {
      if (rest % 2n === 1n) {
        this.#seed = BigInt.asIntN(64, this.#seed * square) % BigInt(modulus);
      }
      square = (square * square) % BigInt(modulus);
    }
  }
}
