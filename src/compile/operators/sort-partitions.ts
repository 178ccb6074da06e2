/**
 * Sorting where the rows do not fit in memory: they are kept as they come, with a sample of them
 * beside; the sample tells how to distribute them over partitions by their order, which are then
 * sorted one after the other. Rows that are equal keep the order of the input.
 */
import { assert } from '../../base/assert.ts';
import { type Column, columnRef, type SortKey } from '../../plan/expression.ts';
import type { Limit, Plan, Sort } from '../../plan/plan.ts';
import { type Expr, type Func, i32, i64, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { emitSort, type Less } from '../kernels/sort.ts';
import type { CallStep, RangeSplit } from '../program.ts';
import type { Consume, Query, Scope } from '../query.ts';
import { RowLayout, type StoredField } from '../row.ts';
import type { Value } from '../value.ts';
import { keeps } from './keep.ts';
import { defineStored, produceRange, storeRow } from './materialize.ts';
import { PartitionBuffers, produceLoop } from './partitions.ts';
import { produce } from './produce.ts';
import { runningLimit } from './row-limit.ts';
import { beforeFunction } from './row-order.ts';

/** Of a row, beside itself: its address, twice while they are sorted. */
const bytesPerRow = 8;
/** A guess, before values are known. */
const roughFieldBytes = 16;

/** Whether the rows that are to be put in order stay in memory. */
export function keepsOrdered(plan: Plan, query: Query): boolean {
  return keeps(query, plan, bytesPerRow + roughFieldBytes * plan.columns.length);
}

export function produceSortedPartitions(
  plan: Sort | Limit,
  columns: readonly Column[],
  query: Query,
  consume: Consume,
): void {
  new SortCompiler(plan, columns, query).produce(consume);
}

class SortCompiler {
  readonly #input: Plan;
  readonly #keys: readonly SortKey[];
  readonly #limit: Limit | undefined;
  readonly #columns: readonly Column[];
  readonly #query: Query;
  readonly #layout = new RowLayout();
  readonly #fields = new Map<number, StoredField>();
  #keyFields: StoredField[] = [];
  /** Buffers of all rows, and of the sample. */
  #all = -1;
  #sample = -1;
  /**
   * Frame offsets of the addresses of the sorted sample and of the splitters, then their numbers.
   */
  readonly #samples: number;
  readonly #splitters: number;
  readonly #numbers: number;

  constructor(plan: Sort | Limit, columns: readonly Column[], query: Query) {
    this.#limit = plan.kind === 'limit' ? plan : undefined;
    const below = plan.kind === 'limit' ? plan.input : plan;
    this.#keys = below.kind === 'sort' ? below.keys : [];
    this.#input = below.kind === 'sort' ? below.input : below;
    this.#columns = columns;
    this.#query = query;
    this.#samples = query.frameSlot(8, 8);
    this.#splitters = query.frameSlot(8, 8);
    this.#numbers = query.frameSlot(8, 8);
  }

  produce(consume: Consume): void {
    const query = this.#query;
    produce(this.#input, query, (scope) => this.#append(scope));
    const buffers = new PartitionBuffers(query, 'sort', this.#layout);
    const before =
      this.#keys.length === 0 ? undefined : beforeFunction(query, this.#keys, this.#keyFields);
    const less: Less = (_, a, b) => (before as Func).call(a, b);
    const sort = before && emitSort(query.module, query.unique('sort_rows'), less);
    const splitters = before && sort && this.#prepareSplitters(before, sort);
    const rest = this.#limit && runningLimit(this.#limit, query);
    const done = rest === undefined ? undefined : query.frameSlot(4, 4);
    const pointers = query.frameSlot(8, 8);
    const ordered = query.frameSlot(8, 8);
    const build = (outgoing: Consume) => {
      query.steps.push({ kind: 'gather', buffer: buffers.window, slot: pointers, pointers: true });
      query.callStep(query.unique('sort'), (f) => {
        const { frame } = f.param;
        const count = f.let(i32.load(frame, pointers + 4), 'count');
        const address = f.let(i32.load(frame, pointers), 'rows');
        if (sort !== undefined) {
          const room = f.let(query.allocate.call(i32.shl(i32.add(count, 1), 2)), 'temporary');
          f.call(sort, address, count, room);
          f.call(query.release, room);
        }
        rest?.cut(f, frame, address, count, done as number);
        f.do(i32.store(frame, address, ordered));
        f.do(i32.store(frame, count, ordered + 4));
      });
      produceRange(query, 'ordered', ordered + 4, 65536, (scope, index) => {
        const { f, pipeline } = scope;
        const array = pipeline.hoist(() => i32.load(pipeline.frame, ordered), 'pointers');
        const row = f.let(i32.load(i32.add(array, i32.shl(index, 2))), 'row');
        defineStored(scope, this.#columns, this.#fields, row);
        outgoing(scope);
      });
    };
    produceLoop(query, 'sort_partitions', consume, build, () => ({
      inputs: [
        {
          first: buffers.first,
          window: buffers.window,
          whole: true,
          extraBytes: bytesPerRow,
          distribute: buffers.distribute(
            (scope, row) => (before === undefined ? i32.const(0) : this.#place(scope, row, before)),
            () => {},
          ),
        },
      ],
      split: { kind: 'range', all: this.#all, ...(splitters === undefined ? {} : { splitters }) },
      ...(done === undefined ? {} : { done }),
      buffers: [],
      areas: [{ of: 'frame', offset: pointers, bytes: 8 }],
    }));
  }

  /** Stores a row, and one of many in the sample as well. */
  #append(scope: Scope): void {
    const { f, pipeline, query } = scope;
    const stored = this.#columns.map((column): [StoredField, Value] => {
      const value = compileExpression(columnRef(column), scope);
      const field = this.#layout.add(value);
      this.#fields.set(column.id, field);
      return [field, value];
    });
    this.#keyFields = this.#keys.map(({ expression }) => {
      const known =
        expression.kind === 'column' ? this.#fields.get(expression.column.id) : undefined;
      if (known !== undefined) return known;
      const value = compileExpression(expression, scope);
      const field = this.#layout.add(value);
      stored.push([field, value]);
      return field;
    });
    this.#all = query.streamedBuffer('unordered', this.#layout);
    storeRow(scope, this.#all, this.#layout, stored);
    if (this.#keys.length === 0) return;
    this.#sample = query.buffer('sample', this.#layout.rowBytes);
    const every = query.options.spill?.sampleEvery ?? 1;
    const counter = query.localSlot(4, 4);
    const count = f.let(i32.load(pipeline.local, counter), 'count');
    f.do(i32.store(pipeline.local, i32.add(count, 1), counter));
    f.if(i32.eqz(i32.and(count, every - 1)), () => {
      storeRow(scope.child(), this.#sample, this.#layout, stored);
    });
  }

  /** Sorts the sample, and makes the function that chooses splitters from a part of it. */
  #prepareSplitters(before: Func, sort: Func): NonNullable<RangeSplit['splitters']> {
    const query = this.#query;
    const most = Math.max((query.options.spill?.partitions ?? 4) / 2 - 1, 1);
    const low = query.frameSlot(4, 4);
    const high = query.frameSlot(4, 4);
    query.steps.push({
      kind: 'gather',
      buffer: this.#sample,
      slot: this.#samples,
      pointers: true,
    });
    query.callStep(query.unique('sort_sample'), (f) => {
      const { frame } = f.param;
      const count = f.let(i32.load(frame, this.#samples + 4), 'count');
      const room = f.let(query.allocate.call(i32.shl(i32.add(count, 1), 2)), 'temporary');
      f.call(sort, i32.load(frame, this.#samples), count, room);
      f.call(query.release, room);
      f.do(i32.store(frame, query.allocate.call(4 * most), this.#splitters));
      f.do(i32.store(frame, query.allocate.call(4 * most), this.#numbers));
      f.do(i32.store(frame, count, high));
    });
    const choose = this.#chooseStep(before, most, low, high);
    return { choose, low, high, count: this.#splitters + 4, numbers: this.#numbers };
  }

  /** Takes samples at equal distances that differ from each other. */
  #chooseStep(before: Func, most: number, low: number, high: number): CallStep {
    const query = this.#query;
    const outer = query.steps;
    query.steps = [];
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
        f.if(i32.if(last, before.call(last, row), 1), () => {
          f.do(i32.store(at(splitters, chosen), row));
          f.do(i32.store(at(numbers, chosen), number));
          f.set(chosen, i32.add(chosen, 1));
          f.set(last, row);
        });
      });
      f.do(i32.store(frame, chosen, this.#splitters + 4));
    });
    const [step] = query.steps;
    query.steps = outer;
    assert(step.kind === 'call', 'splitters are chosen by a call');
    return step;
  }

  /** The partition of a row: 2i + 1 if it equals splitter i. */
  #place(scope: Scope, row: Local, before: Func): Expr {
    const { f, pipeline } = scope;
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
