/**
 * Distributing rows over partitions by their order: a sample of them is sorted, and some of it, at
 * equal distances, are the splitters. Partition 2i + 1 has the rows equal to splitter i.
 */
import { assert } from '../../base/assert.ts';
import { type Expr, type Func, i32, i64, type Local } from '../../wasm/index.ts';
import { emitSort, type Less } from '../kernels/sort.ts';
import type { CallStep, FreedArea, RangeSplit } from '../program.ts';
import type { Query, Scope } from '../query.ts';

export class RangeSplitter {
  readonly #query: Query;
  /** (a, b) → whether row a is before row b. */
  readonly #before: Func;
  /** Frame offsets of the sorted sample and of the splitters, each with their number behind. */
  readonly #samples: number;
  readonly #splitters: number;
  /** Frame offset of the address of the splitters' numbers among the samples. */
  readonly #numbers: number;
  /** (rows, count, room): sorts an array of addresses of rows; room is for one address more. */
  readonly sort: Func;
  /** What the splitters need in memory, but for the rows of the sample. */
  readonly areas: readonly FreedArea[];

  constructor(query: Query, before: Func) {
    this.#query = query;
    this.#before = before;
    const less: Less = (_, a, b) => before.call(a, b);
    this.sort = emitSort(query.module, query.unique('sort_rows'), less);
    this.#samples = query.frameSlot(8, 8);
    this.#splitters = query.frameSlot(8, 8);
    this.#numbers = query.frameSlot(8, 8);
    const offsets = [this.#samples, this.#splitters, this.#numbers];
    this.areas = offsets.map((offset) => ({ of: 'frame', offset, bytes: 8 }));
  }

  /** Whether one of so many rows that are looked at is one of the sample. */
  static isSampled({ f, pipeline, query }: Scope): Expr {
    const every = query.options.spill?.sampleEvery ?? 1;
    const counter = query.localSlot(4, 4);
    const count = f.let(i32.load(pipeline.local, counter), 'count');
    f.do(i32.store(pipeline.local, i32.add(count, 1), counter));
    return i32.eqz(i32.and(count, every - 1));
  }

  /** Sorts the sample, and makes the function that chooses splitters from a part of it. */
  prepare(sample: number): NonNullable<RangeSplit['splitters']> {
    const query = this.#query;
    const most = Math.max((query.options.spill?.partitions ?? 4) / 2 - 1, 1);
    const low = query.frameSlot(4, 4);
    const high = query.frameSlot(4, 4);
    query.steps.push({
      kind: 'gather',
      buffer: sample,
      slot: this.#samples,
      pointers: true,
    });
    query.callStep(query.unique('sort_sample'), (f) => {
      const { frame } = f.param;
      const count = f.let(i32.load(frame, this.#samples + 4), 'count');
      const room = f.let(query.allocate.call(i32.shl(i32.add(count, 1), 2)), 'temporary');
      f.call(this.sort, i32.load(frame, this.#samples), count, room);
      f.call(query.release, room);
      f.do(i32.store(frame, query.allocate.call(4 * most), this.#splitters));
      f.do(i32.store(frame, query.allocate.call(4 * most), this.#numbers));
      f.do(i32.store(frame, count, high));
    });
    const choose = this.#chooseStep(most, low, high);
    return { choose, low, high, count: this.#splitters + 4, numbers: this.#numbers };
  }

  /** Takes samples at equal distances that differ from each other. */
  #chooseStep(most: number, low: number, high: number): CallStep {
    const query = this.#query;
    const [step] = query.stepsOf(() => this.#emitChoice(most, low, high));
    assert(step.kind === 'call', 'splitters are chosen by a call');
    return step;
  }

  #emitChoice(most: number, low: number, high: number): void {
    const query = this.#query;
    query.callStep(query.unique('choose_splitters'), (f) => {
      const { frame } = f.param;
      const samples = f.let(i32.load(frame, this.#samples), 'samples');
      const splitters = f.let(i32.load(frame, this.#splitters), 'splitters');
      const numbers = f.let(i32.load(frame, this.#numbers), 'numbers');
      const first = f.let(i32.load(frame, low), 'first');
      const span = f.let(i64.extendI32U(i32.sub(i32.load(frame, high), first)), 'span');
      const chosen = f.let(i32.const(0), 'chosen');
      const last = f.let(i32.const(0), 'last');
      const number = f.local('i32', 'number');
      const row = f.local('i32', 'sample');
      const i = f.local('i32', 'i');
      const at = (array: Expr, index: Expr) => i32.add(array, i32.shl(index, 2));
      f.for(i, 1, most + 1, () => {
        const offset = i64.divU(i64.mul(span, i64.extendI32U(i)), BigInt(most + 1));
        f.set(number, i32.add(first, i32.wrapI64(offset)));
        f.set(row, i32.load(at(samples, number)));
        f.if(i32.if(last, this.#before.call(last, row), 1), () => {
          f.do(i32.store(at(splitters, chosen), row));
          f.do(i32.store(at(numbers, chosen), number));
          f.set(chosen, i32.add(chosen, 1));
          f.set(last, row);
        });
      });
      f.do(i32.store(frame, chosen, this.#splitters + 4));
    });
  }

  /** The partition of a row: 2i + 1 if it equals splitter i. */
  place({ f, pipeline }: Scope, row: Local): Expr {
    const before = this.#before;
    const splitters = pipeline.hoist(() => i32.load(pipeline.frame, this.#splitters), 'splitters');
    const count = pipeline.hoist(() => i32.load(pipeline.frame, this.#splitters + 4), 'splits');
    // The splitters below `low` are not after the row, those from `high` on are.
    const low = f.let(i32.const(0), 'low');
    const high = f.let(count, 'high');
    const middle = f.local('i32', 'middle');
    const at = (index: Expr) => i32.load(i32.add(splitters, i32.shl(index, 2)));
    f.while(i32.ltU(low, high), () => {
      f.set(middle, i32.shrU(i32.add(low, high), 1));
      f.if(
        before.call(row, at(middle)),
        () => f.set(high, middle),
        () => f.set(low, i32.add(middle, 1)),
      );
    });
    const below = i32.eqz(before.call(at(i32.sub(low, 1)), row));
    const equal = i32.if(low, below, 0);
    return f.let(i32.sub(i32.shl(low, 1), equal), 'partition');
  }
}
