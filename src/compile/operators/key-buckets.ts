import { type Expr, type FunctionBuilder, i32, i64, type Local, memory } from '../../wasm/index.ts';
import type { Pipeline, Query } from '../query.ts';

/** About so many rows a bucket, as a power of two. */
const bucketRowsBits = 14;
const bucketBitsMax = 10;
/** Keys are looked at in so many cells of equal width, between the least and the greatest seen. */
const cellBits = 13;
const cellCount = 2 ** cellBits;
/** So many keys, or up to twice as many, are looked at. */
const sampleBits = 14;

/**
 * How keys of 64 bits are distributed to buckets by their order. A sample tells which part of the
 * numbers is in use, and how densely: the cells of that part are shared out so that buckets get
 * about as many rows each. What lies outside belongs to the cells at the ends.
 */
export class KeyBuckets {
  readonly #query: Query;
  /** Keys that differ in these lowest bits alone stay together. */
  readonly #togetherBits: number;
  /**
   * Frame offset of { key of the first cell: u64, shift: u64, address of buckets by cell: u32 }.
   */
  readonly #slot: number;

  constructor(query: Query, togetherBits: number) {
    this.#query = query;
    this.#togetherBits = togetherBits;
    this.#slot = query.frameSlot(24, 8);
  }

  /** Frame offset of the address of what is allocated. */
  get cells(): number {
    return this.#slot + 16;
  }

  #upper(key: Expr): Expr {
    const bits = this.#togetherBits;
    if (bits === 0) return key;
    return bits < 64 ? i64.shrU(key, BigInt(bits)) : i64.const(0);
  }

  /** Code, in a call step, that plans the buckets of `count` keys; the number of buckets. */
  plan(
    f: FunctionBuilder<{ frame: 'i32'; local: 'i32' }>,
    count: Local,
    keyAt: (index: Local) => Expr,
  ): Local {
    const { frame } = f.param;
    const bits = f.let(i32.sub(32 - bucketRowsBits, i32.clz(count)), 'bits');
    f.if(i32.ltS(bits, 0), () => f.set(bits, 0));
    f.if(i32.gtS(bits, bucketBitsMax), () => f.set(bits, bucketBitsMax));
    const cells = f.let(this.#query.allocate.call(cellCount * 4), 'cells');
    f.do(memory.fill(cells, 0, cellCount * 4));
    f.do(i32.store(frame, cells, this.cells));
    const buckets = f.let(i32.shl(1, bits), 'buckets');
    f.if(bits, () => this.#share(f, { count, cells, buckets }, keyAt));
    return buckets;
  }

  #share(
    f: FunctionBuilder<{ frame: 'i32'; local: 'i32' }>,
    { count, cells, buckets }: Record<'count' | 'cells' | 'buckets', Local>,
    keyAt: (index: Local) => Expr,
  ): void {
    const { frame } = f.param;
    const step = f.let(i32.shrU(count, sampleBits), 'step');
    f.if(i32.eqz(step), () => f.set(step, 1));
    const index = f.local('i32', 'index');
    const key = f.local('i64', 'key');
    const samples = f.let(i32.const(0), 'samples');
    const sampled = { step, unsigned: true };
    const first = f.let(i64.const(-1n), 'first');
    const last = f.let(i64.const(0), 'last');
    const bounds = (): void => {
      f.set(key, this.#upper(keyAt(index)));
      f.set(first, i64.select(i64.ltU(key, first), key, first));
      f.set(last, i64.select(i64.gtU(key, last), key, last));
      f.set(samples, i32.add(samples, 1));
    };
    f.for(index, 0, count, bounds, sampled);
    const shift = f.let(i64.sub(64 - cellBits, i64.clz(i64.sub(last, first))), 'shift');
    f.if(i64.ltS(shift, 0), () => f.set(shift, 0));
    f.do(i64.store(frame, first, this.#slot));
    f.do(i64.store(frame, shift, this.#slot + 8));
    const cell = f.local('i32', 'cell');
    const countCell = (): void => {
      f.set(key, this.#upper(keyAt(index)));
      const place = i32.shl(i32.wrapI64(i64.shrU(i64.sub(key, first), shift)), 2);
      f.set(cell, i32.add(cells, place));
      f.do(i32.store(cell, i32.add(i32.load(cell), 1)));
    };
    f.for(index, 0, count, countCell, sampled);
    // A cell belongs to the bucket in which the rows before it end, were all buckets equal. Behind
    // the last sample, that is still the last bucket.
    f.set(samples, i32.add(samples, 1));
    const before = f.let(i64.const(0), 'before');
    const own = f.local('i64', 'own');
    const toBucket = (): void => {
      f.set(own, i64.load32U(cell));
      const bucket = i64.divU(i64.mul(before, i64.extendI32U(buckets)), i64.extendI32U(samples));
      f.do(i64.store32(cell, bucket));
      f.set(before, i64.add(before, own));
    };
    const end = i32.add(cells, cellCount * 4);
    f.for(cell, cells, end, toBucket, { step: 4, unsigned: true });
  }

  /** The bucket of a key, in the rows of a pipeline. */
  in(pipeline: Pipeline): (key: Expr) => Expr {
    const { f, frame } = pipeline;
    const first = pipeline.hoist(() => i64.load(frame, this.#slot), 'first_key');
    const shift = pipeline.hoist(() => i64.load(frame, this.#slot + 8), 'shift');
    const cells = pipeline.hoist(() => i32.load(frame, this.cells), 'cells');
    return (key) => {
      const upper = f.let(this.#upper(key), 'upper');
      const above = i64.select(i64.gtU(upper, first), i64.sub(upper, first), i64.const(0));
      const cell = f.let(i64.shrU(above, shift), 'cell');
      const most = i64.const(BigInt(cellCount - 1));
      const kept = i32.wrapI64(i64.select(i64.ltU(cell, most), cell, most));
      return i32.load(i32.add(cells, i32.shl(kept, 2)));
    };
  }
}
