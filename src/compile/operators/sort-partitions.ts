/**
 * Sorting where the rows do not fit in memory: they are kept as they come, with a sample of them
 * beside; the sample tells how to distribute them over partitions by their order, which are then
 * sorted one after the other. Rows that are equal keep the order of the input.
 */
import { type Column, columnRef, type SortKey } from '../../plan/expression.ts';
import type { Limit, Plan, Sort } from '../../plan/plan.ts';
import { i32 } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import type { Consume, Query, Scope } from '../query.ts';
import { RowLayout, type StoredField } from '../row.ts';
import type { Value } from '../value.ts';
import { keeps } from './keep.ts';
import { defineStored, produceRange, storeRow } from './materialize.ts';
import { PartitionBuffers, produceLoop } from './partitions.ts';
import { produce } from './produce.ts';
import { RangeSplitter } from './range-split.ts';
import { runningLimit } from './row-limit.ts';
import { beforeFunction } from './row-order.ts';

/** Of a row, beside itself: its address, and its key with the address, twice for a while. */
const bytesPerRow = 36;
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

  constructor(plan: Sort | Limit, columns: readonly Column[], query: Query) {
    this.#limit = plan.kind === 'limit' ? plan : undefined;
    const below = plan.kind === 'limit' ? plan.input : plan;
    this.#keys = below.kind === 'sort' ? below.keys : [];
    this.#input = below.kind === 'sort' ? below.input : below;
    this.#columns = columns;
    this.#query = query;
  }

  produce(consume: Consume): void {
    const query = this.#query;
    produce(this.#input, query, (scope) => this.#append(scope));
    const buffers = new PartitionBuffers(query, 'sort', this.#layout);
    const before =
      this.#keys.length === 0 ? undefined : beforeFunction(query, this.#keys, this.#keyFields);
    const splitter = before && new RangeSplitter(query, before);
    const splitters = splitter?.prepare(this.#sample);
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
        if (splitter !== undefined) {
          const room = f.let(query.allocate.call(i32.shl(i32.add(count, 1), 2)), 'temporary');
          f.call(splitter.sort, address, count, room);
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
            (scope, row) => splitter?.place(scope, row) ?? i32.const(0),
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
    const { query } = scope;
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
    scope.f.if(RangeSplitter.isSampled(scope), () => {
      storeRow(scope.child(), this.#sample, this.#layout, stored);
    });
  }
}
