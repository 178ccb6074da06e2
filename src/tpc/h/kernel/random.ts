import { type Expr, type FunctionBuilder, f64, i32, i64, type Local } from '../../../wasm/index.ts';
import type { StreamConstant } from '../constants.ts';
import { modulus, skipMultiplier } from '../random.ts';

/**
 * Random streams in WebAssembly. A seed is an i64 local in 1..2^31 - 2 while a function runs, and a
 * slot of eight bytes in the arena between calls.
 */

/** Ranges up to this size have an exact integer form; see {@link Stream.below}. */
const integerRangeMax = 2 ** 21;

/**
 * seed ← seed · factor mod 2^31 - 1. A number is congruent to the sum of its low 31 bits and the
 * rest; twice that, and it is below 2^31. It cannot be the modulus itself, which is 0, as neither
 * factor is.
 */
export function multiplySeed(f: FunctionBuilder, seed: Local, factor: Expr | number): void {
  const product = f.let(i64.mul(seed, factor), 'product');
  f.set(product, i64.add(i64.and(product, modulus), i64.shrU(product, 31)));
  f.set(seed, i64.add(i64.and(product, modulus), i64.shrU(product, 31)));
}

/**
 * floor(seed · range / (2^31 - 1)), an i32. For x = seed · range and M = 2^31 - 1 that is
 * (x + (x >> 31) + 1) >> 31: with x = qM + r = q·2^31 + (r - q), x >> 31 is q or q - 1, so the sum
 * is q·2^31 + r + 1 or q·2^31 + r, and r + 1 <= M.
 */
export function scaleSeed(f: FunctionBuilder, seed: Local, range: Expr | number): Expr {
  const scaled = f.let(i64.mul(seed, range), 'scaled');
  const sum = i64.add(i64.add(scaled, i64.shrU(scaled, 31)), 1);
  return i32.wrapI64(i64.shrU(sum, 31));
}

/** A stream of 31-bit seeds. */
export class Stream {
  readonly constant: StreamConstant;
  readonly seed: Local;
  readonly #f: FunctionBuilder;
  readonly #arena: Local;
  readonly #slot: number;

  /** Loads the seed from the slot at `slot` bytes into the arena. */
  constructor(f: FunctionBuilder, arena: Local, slot: number, constant: StreamConstant) {
    this.constant = constant;
    this.#f = f;
    this.#arena = arena;
    this.#slot = slot;
    this.seed = f.let(i64.load(arena, slot), 'seed');
  }

  /** Puts the seed back. */
  save(): void {
    this.#f.do(i64.store(this.#arena, this.seed, this.#slot));
  }

  draw(): void {
    multiplySeed(this.#f, this.seed, 16807);
  }

  /** Skips a number of draws known now. */
  skip(draws: number): void {
    if (draws > 0) multiplySeed(this.#f, this.seed, skipMultiplier(draws));
  }

  /** Skips as many draws as the skip table, see {@link skipTable}, was placed for. */
  skipBy(factor: Expr): void {
    multiplySeed(this.#f, this.seed, factor);
  }

  /**
   * trunc(seed / (2^31 - 1) · range) of the current seed, as an i32. The doubles of dbgen, rounded
   * twice, are within range · 2^-52 of the exact quotient, which is at least 1 / (2^31 - 1) from
   * any whole number as that is prime: up to a range of 2^21 both truncate alike. Beyond, dbgen's
   * own operations are used.
   */
  below(range: number): Expr {
    if (range > integerRangeMax) return i32.wrapI64(this.belowLong(range));
    return scaleSeed(this.#f, this.seed, range);
  }

  /** The same as an i64, for ranges of any size. */
  belowLong(range: number): Expr {
    if (range <= integerRangeMax) return i64.extendI32U(this.below(range));
    const fraction = f64.div(f64.convertI64S(this.seed), modulus);
    return i64.truncF64S(f64.mul(fraction, range));
  }

  /** A draw of 0..range - 1. */
  next(range: number): Expr {
    this.draw();
    return this.below(range);
  }

  /** A draw of 0..range - 1 for a range (i64, at most 2^21) that is known only when it runs. */
  nextVariable(range: Expr): Expr {
    this.draw();
    return scaleSeed(this.#f, this.seed, range);
  }

  /** A draw over dbgen's overflowing range; see `RandomStream.nextOverflowing`. */
  nextOverflowing(): Expr {
    this.draw();
    const fraction = f64.div(f64.convertI64S(this.seed), modulus);
    return i32.wrapI64(i64.truncF64S(f64.mul(fraction, -2147483648)));
  }
}

/**
 * The 64-bit stream of scale factors from 30000 on. It has no skip-ahead worth the name: unused
 * draws are skipped the 31-bit way, with products that wrap and remainders that keep their sign.
 */
export class LongStream {
  readonly seed: Local;
  readonly #f: FunctionBuilder;
  readonly #arena: Local;
  readonly #slot: number;

  constructor(f: FunctionBuilder, arena: Local, slot: number) {
    this.#f = f;
    this.#arena = arena;
    this.#slot = slot;
    this.seed = f.let(i64.load(arena, slot), 'seed64');
  }

  save(): void {
    this.#f.do(i64.store(this.#arena, this.seed, this.#slot));
  }

  /** A draw of 0..range - 1. */
  nextLong(range: number): Expr {
    this.draw();
    const { seed } = this;
    const magnitude = i64.select(i64.ltS(seed, 0), i64.sub(0n, seed), seed);
    return i64.remU(magnitude, range);
  }

  draw(): void {
    this.#f.set(this.seed, i64.add(i64.mul(this.seed, 6364136223846793005n), 1));
  }

  /** Skips `count` (an i32, 0..7) draws. */
  skipCount(count: Local): void {
    for (let bit = 0; bit < 3; bit++) {
      this.#f.if(i32.and(count, 1 << bit), () => {
        const product = i64.mul(this.seed, skipMultiplier(1 << bit));
        this.#f.set(this.seed, i64.remS(product, modulus));
      });
    }
  }
}

/** Factors that skip 0, step, 2·step, … draws, as i64. */
export function skipTable(count: number, step: number): Uint8Array {
  const factors = Array.from({ length: count }, (_, i) => BigInt(skipMultiplier(i * step)));
  return new Uint8Array(BigInt64Array.from(factors).buffer);
}
