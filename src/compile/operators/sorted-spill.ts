/**
 * Rows brought together where they do not fit in memory. They are distributed by the hash of their
 * partition, and those of one part are sorted and walked in memory, as always. What is still too
 * large, one huge partition as a rule, or all rows where there are no partitions, is put in order
 * outside of memory; the walk then brings in what it reads, by the number of the row.
 */
import { assert } from '../../base/assert.ts';
import { i32, i64, type Local } from '../../wasm/index.ts';
import type { FreedArea, Step } from '../program.ts';
import type { Consume, Query, Scope } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import type { Value } from '../value.ts';
import { hashValues } from './hash.ts';
import { produceRange, produceRows, storeRow } from './materialize.ts';
import {
  PartitionBuffers,
  PartitionedRows,
  produceLoop,
  producePartitions,
  rowHeader,
} from './partitions.ts';
import { produce } from './produce.ts';
import { RangeSplitter } from './range-split.ts';
import {
  beforeByKey,
  keyBytesOf,
  type PlannedRow,
  planSortedRow,
  SortedRows,
  type SortedRowsSpec,
  sortBytesPerRow,
  storeSortKey,
} from './sorted-rows.ts';

/**
 * Emits code for the rows from `start` to before `end`, which are whole partitions in order, and
 * tells what memory that code takes.
 */
export type SortedWalker = (
  rows: SortedRows,
  scope: Scope,
  bounds: { readonly start: Local; readonly end: Local },
  consume: Consume,
) => WalkMemory;

export interface WalkMemory {
  /** For each row of the largest partition. */
  readonly bytesPerRow: number;
  readonly areas: readonly FreedArea[];
}

/** Rows that one morsel writes in their order. */
const orderedRows = 65536;
/** Bits of a hash that distribution leaves alone come first in the key that rows are sorted by. */
const hashRotation = 8;

/** Brings the rows together and walks them; `name` is that of the step that does. */
export function produceSortedSpilling(
  spec: SortedRowsSpec,
  query: Query,
  name: string,
  walker: SortedWalker,
  consume: Consume,
): void {
  const rows = new SpilledRows(spec, query, name, walker);
  if (spec.partition.length > 0) rows.produceParts(consume);
  else rows.produceWhole(consume);
}

class SpilledRows {
  readonly #spec: SortedRowsSpec;
  readonly #query: Query;
  readonly #name: string;
  readonly #walker: SortedWalker;
  readonly #layout: RowLayout;
  #planned: PlannedRow | undefined;

  constructor(spec: SortedRowsSpec, query: Query, name: string, walker: SortedWalker) {
    this.#spec = spec;
    this.#query = query;
    this.#name = name;
    this.#walker = walker;
    this.#layout = new RowLayout(spec.partition.length > 0 ? rowHeader : 0);
  }

  get #row(): PlannedRow {
    assert(this.#planned !== undefined, 'the input was compiled');
    return this.#planned;
  }

  produceParts(consume: Consume): void {
    const query = this.#query;
    const parts = this.#distribute();
    const needsOrder = this.#row.key.bits > 0;
    const inOrder = needsOrder ? this.#buffer('in_order') : parts.window;
    const sorted = this.#sortedRows(parts.window, inOrder);
    let memory: WalkMemory | undefined;
    let outside: Step[] = [];
    const freed: { buffers: number[]; areas: FreedArea[] } = { buffers: [], areas: [] };
    producePartitions(query, consume, {
      name: `${this.#name}_partitions`,
      build: (outgoing) => {
        sorted.sort();
        const before = query.steps.length;
        memory = this.#walk(sorted, outgoing);
        const walk = query.steps.slice(before);
        outside = query.stepsOf(() => {
          if (needsOrder) {
            const sample = query.buffer('sample', this.#layout.rowBytes);
            this.#takeSample(parts.window, sample);
            freed.areas.push(...this.#putInOrder(parts.window, sample, inOrder));
            freed.buffers.push(sample, inOrder);
          }
          sorted.readPaged();
          query.steps.push(...walk);
          if (!needsOrder) query.steps.push({ kind: 'free', buffers: [inOrder], areas: [] });
        });
      },
      finish: () => {
        assert(memory !== undefined, 'the walk was compiled');
        const areas = [...sorted.areas, ...memory.areas, ...freed.areas];
        outside.push({ kind: 'free', buffers: freed.buffers, areas });
        const extraBytes = sortBytesPerRow(this.#row.key) + memory.bytesPerRow;
        const inputs = [{ rows: parts, whole: true, extraBytes }];
        return { inputs, outside, canSplit: true, buffers: [], areas };
      },
    });
  }

  produceWhole(consume: Consume): void {
    const query = this.#query;
    const { all, sample } = this.#append();
    const needsOrder = this.#row.key.bits > 0;
    const inOrder = needsOrder ? this.#buffer('in_order') : all;
    if (needsOrder) {
      const areas = this.#putInOrder(all, sample, inOrder);
      query.steps.push({ kind: 'free', buffers: [sample], areas });
    }
    const sorted = this.#sortedRows(all, inOrder);
    sorted.readPaged();
    const { areas } = this.#walk(sorted, consume);
    query.steps.push({ kind: 'free', buffers: [inOrder], areas: [...sorted.areas, ...areas] });
  }

  #buffer(name: string): number {
    return this.#query.movableBuffers(name, this.#layout, 1);
  }

  #sortedRows(buffer: number, paged?: number): SortedRows {
    const { rowBytes } = this.#layout;
    const inOrder = paged === undefined ? undefined : { buffer: paged, rowBytes };
    return new SortedRows({ ...this.#row, buffer, rowBytes }, this.#query, inOrder);
  }

  #walk(sorted: SortedRows, consume: Consume): WalkMemory {
    let memory: WalkMemory | undefined;
    produceRange(this.#query, this.#name, sorted.buckets, 1, (scope, bucket) => {
      const bounds = sorted.bucket(scope.f, scope.pipeline.frame, bucket);
      memory = this.#walker(sorted, scope, bounds, consume);
    });
    assert(memory !== undefined, 'the walk was compiled');
    return memory;
  }

  /** Computes the input, and distributes its rows by the hash of their partition. */
  #distribute(): PartitionedRows {
    const query = this.#query;
    let parts: PartitionedRows | undefined;
    produce(this.#spec.input, query, (scope) => {
      let hash: Local | undefined;
      const row = planSortedRow(this.#spec, scope, this.#layout, (partition) => {
        hash = scope.f.let(hashValues(partition, scope), 'partition_hash');
        return i32.rotr(hash, hashRotation);
      });
      assert(hash !== undefined, 'the partition was hashed');
      this.#planned = row;
      parts = new PartitionedRows(query, `${this.#name}_rows`, this.#layout, (...copied) => {
        this.#copyKey(...copied);
      });
      storeSortKey(scope, parts.append(scope, hash, row.stored), row);
    });
    assert(parts !== undefined, 'the input was compiled');
    return parts;
  }

  /** Computes the input, and keeps its rows as they come, with a sample of them beside. */
  #append(): { all: number; sample: number } {
    const query = this.#query;
    const sample = query.buffer('sample', 0);
    let all = -1;
    produce(this.#spec.input, query, (scope) => {
      const row = planSortedRow(this.#spec, scope, this.#layout);
      this.#planned = row;
      all = this.#buffer(`${this.#name}_rows`);
      query.setRowBytes(sample, this.#layout.rowBytes);
      storeSortKey(scope, storeRow(scope, all, this.#layout, row.stored), row);
      if (row.key.bits === 0) return;
      scope.f.if(RangeSplitter.isSampled(scope), () => {
        storeSortKey(scope, storeRow(scope.child(), sample, this.#layout, row.stored), row);
      });
    });
    return { all, sample };
  }

  #takeSample(from: number, sample: number): void {
    const { rowBytes } = this.#layout;
    produceRows(this.#query, 'take_sample', from, rowBytes, (scope, row) => {
      scope.f.if(RangeSplitter.isSampled(scope), () => this.#copy(scope.child(), row, sample));
    });
  }

  /** Adds the steps that move rows to another buffer in their order; what these leave behind. */
  #putInOrder(from: number, sample: number, to: number): readonly FreedArea[] {
    const query = this.#query;
    const splitter = new RangeSplitter(query, beforeByKey(this.#row, query));
    const parts = new PartitionBuffers(query, 'in_order', this.#layout);
    const splitters = splitter.prepare(sample);
    const sorted = this.#sortedRows(parts.window);
    const build = (outgoing: Consume) => {
      sorted.sort();
      produceRange(query, 'put_in_order', sorted.count, orderedRows, (scope, index) => {
        const { f, pipeline } = scope;
        const array = pipeline.hoist(() => i32.load(pipeline.frame, sorted.pointers), 'pointers');
        this.#copy(scope, f.let(i32.load(i32.add(array, i32.shl(index, 2))), 'row'), to);
        outgoing(scope);
      });
    };
    const distribute = parts.distribute(
      (scope, row) => splitter.place(scope, row),
      (scope, row, copy) => this.#copyKey(scope, row, copy),
    );
    const { first, window } = parts;
    const extraBytes = sortBytesPerRow(this.#row.key);
    const input = { first, window, whole: true, extraBytes, distribute };
    // Nobody else takes the rows.
    produceLoop(
      query,
      'order_partitions',
      () => {},
      build,
      () => ({
        inputs: [input],
        split: { kind: 'range', all: from, splitters },
        buffers: [],
        areas: sorted.areas,
      }),
    );
    return splitter.areas;
  }

  #copy(scope: Scope, row: Local, to: number): void {
    const fields = this.#layout.fields.map((field): [StoredField, Value] => [
      field,
      loadField(row, field),
    ]);
    this.#copyKey(scope, row, storeRow(scope, to, this.#layout, fields));
  }

  #copyKey({ f }: Scope, from: Local, to: Local): void {
    const { key, keyAt } = this.#row;
    if (key.bits === 0) return;
    if (keyBytesOf(key) === 4) f.do(i32.store(to, i32.load(from, keyAt), keyAt));
    else f.do(i64.store(to, i64.load(from, keyAt), keyAt));
  }
}
