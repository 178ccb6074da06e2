import { assert } from '../../base/assert.ts';
import { type Column, columnRef, type Expression, type SortKey } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
} from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { notDistinct } from '../expressions/logic.ts';
import { emitSortByKey, keyScratchBytes, type TiedOrder } from '../kernels/key-sort.ts';
import { entryBytes, loadKey, payloadOffset } from '../kernels/radix-sort.ts';
import type { Less } from '../kernels/sort.ts';
import { emitStringPrefix } from '../kernels/string-prefix.ts';
import type { WordOf } from '../kernels/word-sort.ts';
import { type FreedArea, pageField } from '../program.ts';
import type { Pipeline, Query, Scope } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import type { StringValue, Value } from '../value.ts';
import { KeyBuckets } from './key-buckets.ts';
import { produceRange, storeRow } from './materialize.ts';
import { produce } from './produce.ts';
import type { RowReach } from './row-limit.ts';
import { beforeFunction } from './row-order.ts';
import { planSortKey, type SortKeyPlan } from './sort-key.ts';

/**
 * The rows of a plan, brought together by partition and put in order within each: for window
 * functions, and for aggregates that need all values of a group.
 *
 * Rows stay where they were appended; what is sorted are entries of a key and the row's address
 * (see sort-key.ts). They are first distributed to buckets by the upper bits of the key, of the
 * partition if there is one, so that threads can sort and walk buckets on their own and the rows
 * of one fit in a cache. Everything is stable, and the number of buckets depends on the rows
 * alone: the order is the same for any number of threads.
 */
export class SortedRows {
  /** Frame offset of the address of an array of u32: the addresses of the rows in order. */
  readonly pointers: number;
  /** Frame offset of the number of rows. */
  readonly count: number;
  /** Frame offset of the number of buckets. */
  readonly buckets: number;
  readonly fields: ReadonlyMap<number, StoredField>;
  readonly rowBytes: number;
  readonly key: SortKeyPlan;
  readonly isPartitioned: boolean;
  readonly #query: Query;
  /** Fields of the partition and of the order's keys, where the key alone does not tell. */
  readonly #partitionFields: readonly StoredField[];
  readonly #orderFields: readonly StoredField[];
  readonly #keyBytes: 4 | 8;
  /** Frame offset of the address of the entries, at last in order. */
  readonly #entries: number;
  /** Frame offset of the address of the buckets' first indexes, one more than there are buckets. */
  readonly #starts: number;
  /** Frame offset of the address of the numbers of rows a morsel has of each bucket. */
  readonly #counts: number;
  readonly #split: KeyBuckets;
  readonly #made: Materialized;
  readonly #paged: PagedBuffer | undefined;

  /** `paged`: see {@link readPaged}. */
  constructor(made: Materialized, query: Query, paged?: PagedBuffer) {
    this.#query = query;
    this.#paged = paged;
    this.#made = made;
    this.fields = made.fields;
    this.rowBytes = made.rowBytes;
    this.key = made.key;
    this.isPartitioned = made.isPartitioned;
    this.#partitionFields = made.partitionFields;
    this.#orderFields = made.orderFields;
    this.#keyBytes = keyBytesOf(made.key);
    this.pointers = query.frameSlot(8, 8);
    this.count = this.pointers + 4;
    this.buckets = query.frameSlot(4, 4);
    this.#entries = query.frameSlot(4, 4);
    this.#starts = query.frameSlot(4, 4);
    this.#counts = query.frameSlot(4, 4);
    const { bits, partitionBits } = made.key;
    this.#split = new KeyBuckets(query, this.isPartitioned ? bits - partitionBits : 0);
  }

  /** Adds the steps that sort the rows of the buffer. */
  sort(): void {
    const { buffer, key } = this.#made;
    const slot = this.pointers;
    this.#query.steps.push({ kind: 'gather', buffer, slot, pointers: true });
    if (key.bits === 0) this.#oneBucket();
    else this.#sort(this.#made);
  }

  /** Without anything to sort by, the rows are one bucket in the order of the input. */
  #oneBucket(): void {
    const query = this.#query;
    query.callStep(query.unique('one_bucket'), (f) => {
      const { frame } = f.param;
      f.do(i32.store(frame, 1, this.buckets));
      const starts = f.let(query.allocate.call(8), 'starts');
      f.do(i32.store(starts, i32.load(frame, this.count), 4));
      f.do(i32.store(frame, starts, this.#starts));
    });
  }

  #sort(made: Materialized): void {
    const query = this.#query;
    const size = entryBytes[this.#keyBytes];
    const scattered = query.frameSlot(4, 4);
    const counts = this.#counts;
    const split = this.#split;
    query.callStep(query.unique('plan_buckets'), (f) => {
      const { frame } = f.param;
      const count = f.let(i32.load(frame, this.count), 'count');
      const rows = f.let(i32.load(frame, this.pointers), 'pointers');
      const buckets = split.plan(f, count, (index) => {
        const row = i32.load(i32.add(rows, i32.shl(index, 2)));
        return loadKey(i32.add(row, made.keyAt), this.#keyBytes);
      });
      f.do(i32.store(frame, buckets, this.buckets));
      const room = (bytes: Expr, slot: number) => {
        f.do(i32.store(frame, query.allocate.call(bytes), slot));
      };
      room(i32.add(i32.mul(count, size), 16), this.#entries);
      const morsels = i32.shrU(i32.add(count, morselRows - 1), morselRowsBits);
      room(i32.add(i32.shl(i32.mul(morsels, buckets), 2), 16), counts);
      room(i32.shl(i32.add(buckets, 1), 2), this.#starts);
    });
    const ownCounts = (f: FunctionBuilder, frame: Expr, first: Expr): Local => {
      const morsel = i32.shrU(first, morselRowsBits);
      const bytes = i32.shl(i32.mul(morsel, i32.load(frame, this.buckets)), 2);
      return f.let(i32.add(i32.load(frame, counts), bytes), 'counts');
    };
    produceRange(query, 'sort_keys', this.count, morselRows, (scope, index) => {
      const { f, pipeline } = scope;
      const { frame } = pipeline;
      const hoist = (value: () => Expr, name: string) => pipeline.hoist(value, name);
      const rows = hoist(() => i32.load(frame, this.pointers), 'pointers');
      const entries = hoist(() => i32.load(frame, this.#entries), 'entries');
      const bucketOf = split.in(pipeline);
      const own = hoist(() => ownCounts(f, frame, index), 'own');
      const row = f.let(i32.load(i32.add(rows, i32.shl(index, 2))), 'row');
      const rowKey = f.let(loadKey(i32.add(row, made.keyAt), this.#keyBytes), 'key');
      const entry = f.let(i32.add(entries, i32.mul(index, size)), 'entry');
      if (this.#keyBytes === 4) f.do(i64.store32(entry, rowKey));
      else f.do(i64.store(entry, rowKey));
      f.do(i32.store(entry, row, payloadOffset[this.#keyBytes]));
      const cell = f.let(i32.add(own, i32.shl(bucketOf(rowKey), 2)), 'cell');
      f.do(i32.store(cell, i32.add(i32.load(cell), 1)));
    });
    this.#bucketStarts(counts, scattered);
    produceRange(query, 'scatter', this.count, morselRows, (scope, index) => {
      const { f, pipeline } = scope;
      const { frame } = pipeline;
      const hoist = (value: () => Expr, name: string) => pipeline.hoist(value, name);
      const entries = hoist(() => i32.load(frame, this.#entries), 'entries');
      const target = hoist(() => i32.load(frame, scattered), 'target');
      const bucketOf = split.in(pipeline);
      const own = hoist(() => ownCounts(f, frame, index), 'own');
      const entry = f.let(i32.add(entries, i32.mul(index, size)), 'entry');
      const rowKey = f.let(loadKey(entry, this.#keyBytes), 'key');
      const cell = f.let(i32.add(own, i32.shl(bucketOf(rowKey), 2)), 'cell');
      const place = f.let(i32.load(cell), 'place');
      f.do(i32.store(cell, i32.add(place, 1)));
      const to = f.let(i32.add(target, i32.mul(place, size)), 'to');
      for (let at = 0; at < size; at += 8) f.do(i64.store(to, i64.load(entry, at), at));
    });
    query.callStep(query.unique('scattered'), (f) => {
      const { frame } = f.param;
      f.call(query.release, i32.load(frame, this.#entries));
      f.call(query.release, i32.load(frame, counts));
      f.do(i32.store(frame, 0, counts));
      f.do(i32.store(frame, i32.load(frame, scattered), this.#entries));
    });
    this.#sortBuckets(made);
  }

  /** Where each bucket begins, and in it the entries of each morsel. */
  #bucketStarts(counts: number, scattered: number): void {
    const query = this.#query;
    query.callStep(query.unique('bucket_starts'), (f) => {
      const { frame } = f.param;
      const count = f.let(i32.load(frame, this.count), 'count');
      const buckets = f.let(i32.load(frame, this.buckets), 'buckets');
      const list = f.let(i32.load(frame, counts), 'counts');
      const starts = f.let(i32.load(frame, this.#starts), 'starts');
      const end = f.let(
        i32.shl(i32.mul(i32.shrU(i32.add(count, morselRows - 1), morselRowsBits), buckets), 2),
        'end',
      );
      const total = f.let(i32.const(0), 'total');
      const bucket = f.local('i32', 'bucket');
      const cell = f.local('i32', 'cell');
      const own = f.local('i32', 'own');
      f.for(bucket, 0, buckets, () => {
        f.do(i32.store(i32.add(starts, i32.shl(bucket, 2)), total));
        f.set(cell, i32.shl(bucket, 2));
        f.while(i32.ltU(cell, end), () => {
          f.checkpoint();
          f.set(own, i32.load(i32.add(list, cell)));
          f.do(i32.store(i32.add(list, cell), total));
          f.set(total, i32.add(total, own));
          f.set(cell, i32.add(cell, i32.shl(buckets, 2)));
        });
      });
      f.do(i32.store(i32.add(starts, i32.shl(buckets, 2)), total));
      const bytes = i32.add(i32.mul(count, entryBytes[this.#keyBytes]), 16);
      f.do(i32.store(frame, query.allocate.call(bytes), scattered));
    });
  }

  #sortBuckets(made: Materialized): void {
    const query = this.#query;
    const size = entryBytes[this.#keyBytes];
    const tied = made.key.isExact ? undefined : tiedOrder(made, query);
    const name = query.unique('sort_bucket');
    const sort = emitSortByKey(query.module, name, this.#keyBytes, tied);
    produceRange(query, 'sort_buckets', this.buckets, 1, (scope, bucket) => {
      const { f, pipeline } = scope;
      const { start, end } = this.bucket(f, pipeline.frame, bucket);
      const count = f.let(i32.sub(end, start), 'count');
      const reached = made.reach?.meets(pipeline.frame, start, end) ?? i32.const(1);
      f.if(i32.and(reached, i32.ne(count, 0)), () => {
        const entries = i32.add(i32.load(pipeline.frame, this.#entries), i32.mul(start, size));
        const out = i32.add(i32.load(pipeline.frame, this.pointers), i32.shl(start, 2));
        const bytes = keyScratchBytes(count, this.#keyBytes, tied);
        const scratch = f.let(query.allocate.call(i32.add(bytes, 16)), 'scratch');
        f.call(sort, entries, count, scratch, out);
        f.call(query.release, scratch);
      });
    });
  }

  /** For those who want the rows alone: gives the memory of the keys back. */
  forgetKeys(): void {
    if (this.key.bits === 0) return;
    this.#query.callStep(this.#query.unique('forget_keys'), (f) => {
      f.call(this.#query.release, i32.load(f.param.frame, this.#entries));
    });
  }

  /** Indexes of the first row of a bucket and of the first behind it. */
  bucket(f: FunctionBuilder, frame: Expr, index: Expr): { start: Local; end: Local } {
    const at = f.let(i32.add(i32.load(frame, this.#starts), i32.shl(index, 2)), 'bucket');
    return { start: f.let(i32.load(at), 'start'), end: f.let(i32.load(at, 4), 'end') };
  }

  /** Whether rows may come into memory when they are read, and leave it. */
  get isPaged(): boolean {
    return this.#paged !== undefined;
  }

  /** What is to be freed before other rows are sorted. */
  get areas(): FreedArea[] {
    const area = (offset: number, bytes: number): FreedArea => ({ of: 'frame', offset, bytes });
    const single = [this.#entries, this.#starts, this.#counts, this.#split.cells];
    return [area(this.pointers, 8), ...single.map((offset) => area(offset, 4))];
  }

  /**
   * Has the rows of the paged buffer, which are in order, in place of those that were sorted: as
   * one bucket, whose rows are brought into memory when they are read.
   */
  readPaged(): void {
    assert(this.#paged !== undefined, 'there are such rows');
    const { buffer } = this.#paged;
    const slot = this.pointers;
    this.#query.steps.push({ kind: 'gather', buffer, slot, pointers: false });
    this.#oneBucket();
  }

  /** Access to the rows in order, from now on. */
  walk(pipeline: Pipeline): SortedWalk {
    if (this.#paged !== undefined) return this.#pagedWalk(pipeline, this.#paged);
    const { f, frame } = pipeline;
    const pointers = f.let(i32.load(frame, this.pointers), 'pointers');
    const entries = f.let(i32.load(frame, this.#entries), 'entries');
    return {
      row: (index) => i32.load(i32.add(pointers, i32.shl(index, 2))),
      key: (index) =>
        loadKey(i32.add(entries, i32.mul(index, entryBytes[this.#keyBytes])), this.#keyBytes),
    };
  }

  /** Each place that reads rows has what it has read last in memory. */
  #pagedWalk(pipeline: Pipeline, paged: PagedBuffer): SortedWalk {
    const { f, frame, local } = pipeline;
    const find = this.#findRow(paged);
    const row = (index: Expr) => {
      const site = this.#query.localSlot(pageField.bytes, 8);
      pipeline.before(() => f.do(i32.store(local, 0, site + pageField.count)));
      return find.call(frame, i32.add(local, site), index);
    };
    return { row, key: (index) => loadKey(i32.add(row(index), this.#made.keyAt), this.#keyBytes) };
  }

  /** (frame, site, index) → the address of a row. */
  #findRow({ buffer, rowBytes }: PagedBuffer): Func {
    const query = this.#query;
    const page = query.helper('page', (name) =>
      query.module.importFunc('env', name, ['i32', 'i32', 'i32'], []),
    );
    const params = { frame: 'i32', site: 'i32', index: 'i32' } as const;
    return query.module.func(query.unique('sorted_row'), { params, results: ['i32'] }, (f) => {
      const { frame, site, index } = f.param;
      // Of no partitions, all rows are paged.
      if (this.isPartitioned) {
        const pointers = f.let(i32.load(frame, this.pointers), 'pointers');
        f.if(pointers, () => f.return(i32.load(i32.add(pointers, i32.shl(index, 2)))));
      }
      const offset = f.let(i32.sub(index, i32.load(site, pageField.first)), 'offset');
      f.if(i32.geU(offset, i32.load(site, pageField.count)), () => {
        f.call(page, site, buffer, index);
        f.set(offset, i32.sub(index, i32.load(site, pageField.first)));
      });
      f.return(i32.add(i32.load(site, pageField.address), i32.mul(offset, rowBytes)));
    });
  }

  /** An i32: whether two rows are of one partition; 1 if there are none. */
  samePartition(walk: SortedWalk, a: Expr, b: Expr, scope: Scope): Expr {
    if (!this.isPartitioned) return i32.const(1);
    return this.#same(walk, a, b, 0, this.key.bitsAfter[0], this.#partitionFields, scope);
  }

  /** An i32: whether two rows of one partition agree in the first keys of the order. */
  samePeers(walk: SortedWalk, a: Expr, b: Expr, keys: number, scope: Scope): Expr {
    if (keys === 0) return i32.const(1);
    const after = this.key.bitsAfter[keys];
    return this.#same(walk, a, b, keys, after, this.#orderFields.slice(0, keys), scope);
  }

  #same(
    walk: SortedWalk,
    a: Expr,
    b: Expr,
    keys: number,
    after: number | undefined,
    fields: readonly StoredField[],
    scope: Scope,
  ): Expr {
    const { f } = scope;
    if (this.key.bits === 0) return i32.const(1);
    const isExact = keys === 0 ? this.key.isPartitionExact : after !== undefined;
    if (isExact && after !== undefined) {
      const difference = i64.xor(walk.key(a), walk.key(b));
      if (after >= 64) return i32.const(1);
      return after === 0 ? i64.eqz(difference) : i64.eqz(i64.shrU(difference, BigInt(after)));
    }
    const rowA = f.let(walk.row(a), 'row_a');
    const rowB = f.let(walk.row(b), 'row_b');
    const tests = fields.map((field) =>
      notDistinct(loadField(rowA, field), loadField(rowB, field), scope.child()),
    );
    return tests.reduceRight((rest, test) => i32.if(test, rest, 0));
  }
}

/** A movable buffer whose rows are in order. */
export interface PagedBuffer {
  readonly buffer: number;
  readonly rowBytes: number;
}

/** Access to sorted rows by their index. */
export interface SortedWalk {
  /** The address of the row. */
  row(index: Expr): Expr;
  /** The key of the row, an i64. */
  key(index: Expr): Expr;
}

/** Bytes that sorting takes for each row, at most: its address, and entries twice. */
export function sortBytesPerRow(key: SortKeyPlan): number {
  return 4 + 2 * entryBytes[keyBytesOf(key)] + 4;
}

/** Rows of which one morsel makes entries. */
const morselRowsBits = 16;
const morselRows = 2 ** morselRowsBits;

/** Fields of {@link Materialized} that are known when all columns are. */
type Later = 'buffer' | 'rowBytes' | 'reach';

export interface Materialized {
  readonly buffer: number;
  readonly fields: ReadonlyMap<number, StoredField>;
  readonly rowBytes: number;
  readonly key: SortKeyPlan;
  /** Where the key lies in a row. */
  readonly keyAt: number;
  readonly isPartitioned: boolean;
  readonly partitionFields: readonly StoredField[];
  readonly order: readonly SortKey[];
  readonly orderFields: readonly StoredField[];
  readonly reach?: RowReach | undefined;
}

/** (a, b) → whether row a, which has its key, is before row b. */
export function beforeByKey(row: Omit<Materialized, Later>, query: Query): Func {
  const params = { a: 'i32', b: 'i32' } as const;
  const tied = row.key.isExact ? undefined : lessTied(row, query);
  return query.module.func(query.unique('before_by_key'), { params, results: ['i32'] }, (f) => {
    const { a, b } = f.param;
    const keyOf = (of: Local) => loadKey(i32.add(of, row.keyAt), keyBytesOf(row.key));
    const x = f.let(keyOf(a), 'x');
    const y = f.let(keyOf(b), 'y');
    if (tied === undefined) f.return(i64.ltU(x, y));
    else f.return(i32.if(i64.eq(x, y), tied(f, a, b), i64.ltU(x, y)));
  });
}

/** Rows whose keys are equal are compared by the fields. */
function lessTied(made: Omit<Materialized, Later>, query: Query): Less {
  const partition = made.partitionFields.map(
    (): SortKey => ({ expression: placeholder, descending: false, nullsFirst: false }),
  );
  const before = beforeFunction(
    query,
    [...partition, ...made.order],
    [...made.partitionFields, ...made.orderFields],
  );
  return (_, a, b) => before.call(a, b);
}

/** Rows whose keys are equal are told apart by the fields. */
function tiedOrder(made: Materialized, query: Query): TiedOrder {
  const less = lessTied(made, query);
  const { text } = made.key;
  if (text === undefined) return { less };
  const { descending } = made.order[text.orderIndex];
  const wordOf = wordOfField(made.orderFields[text.orderIndex], query);
  return { less, text: { wordOf, descending, depth: text.depth } };
}

/** Eight bytes of the text in a field; zeros for NULL, whose place the key tells. */
function wordOfField(field: StoredField, query: Query): WordOf {
  const prefix = emitStringPrefix(query.module);
  return (f, row, depth) => {
    const { x, y, isNull } = loadField(row, field) as StringValue;
    const length = f.let(isNull === undefined ? y : i32.select(isNull, 0, y), 'length');
    const rest = i32.select(i32.gtU(length, depth), i32.sub(length, depth), 0);
    return prefix.call(i32.add(x, depth), rest);
  };
}

const placeholder: Expression = {
  kind: 'constant',
  value: null,
  type: { kind: 'null' },
  nullable: true,
};

export interface SortedRowsSpec {
  readonly input: Plan;
  /** Columns to keep. */
  readonly columns: readonly Column[];
  readonly partition: readonly Expression[];
  readonly order: readonly SortKey[];
  /** The rows that are wanted in their order; the others may be left as they are. */
  readonly reach?: RowReach;
}

/** A row that is to be sorted: what is stored in it, and where. */
export interface PlannedRow extends Omit<Materialized, Later> {
  readonly stored: readonly (readonly [StoredField, Value])[];
}

/** Lays out rows for the values in scope; see {@link planSortKey} for `partitionHash`. */
export function planSortedRow(
  spec: SortedRowsSpec,
  scope: Scope,
  layout: RowLayout,
  partitionHash?: (partition: readonly Value[]) => Expr,
): PlannedRow {
  const stored: [StoredField, Value][] = [];
  const fields = new Map<number, StoredField>();
  const store = (value: Value): StoredField => {
    const field = layout.add(value);
    stored.push([field, value]);
    return field;
  };
  const storeExpression = (expression: Expression, value: Value): StoredField => {
    const known = expression.kind === 'column' ? fields.get(expression.column.id) : undefined;
    return known ?? store(value);
  };
  const partition = spec.partition.map((item) => compileExpression(item, scope));
  const order = spec.order.map((key) => {
    return { ...key, value: compileExpression(key.expression, scope) };
  });
  const key = planSortKey(partition, order, scope, partitionHash?.(partition));
  const keyBytes = keyBytesOf(key);
  const keyAt = layout.reserve(key.bits === 0 ? 0 : keyBytes, keyBytes);
  for (const column of spec.columns) {
    fields.set(column.id, store(compileExpression(columnRef(column), scope)));
  }
  const partitionFields = key.isPartitionExact
    ? []
    : spec.partition.map((item, i) => storeExpression(item, partition[i]));
  const orderFields = key.isExact
    ? []
    : spec.order.map((item, i) => storeExpression(item.expression, order[i].value));
  const isPartitioned = partition.length > 0;
  const { order: keys } = spec;
  return { stored, fields, key, keyAt, isPartitioned, partitionFields, order: keys, orderFields };
}

/** Stores the key of a row. */
export function storeSortKey(scope: Scope, row: Local, { key, keyAt }: PlannedRow): void {
  const { f } = scope;
  if (key.bits === 0) return;
  if (keyBytesOf(key) === 4) f.do(i64.store32(row, key.key, keyAt));
  else f.do(i64.store(row, key.key, keyAt));
}

export function keyBytesOf({ bits }: SortKeyPlan): 4 | 8 {
  return bits <= 32 ? 4 : 8;
}

/** Computes `input` and puts its rows in order. */
export function produceSorted(spec: SortedRowsSpec, query: Query): SortedRows {
  let made: Materialized | undefined;
  produce(spec.input, query, (scope) => {
    const layout = new RowLayout();
    const row = planSortedRow(spec, scope, layout);
    const buffer = query.buffer('sorted', layout.rowBytes);
    storeSortKey(scope, storeRow(scope, buffer, layout, row.stored), row);
    made = { ...row, buffer, rowBytes: layout.rowBytes, reach: spec.reach };
  });
  assert(made !== undefined, 'the input was compiled');
  const rows = new SortedRows(made, query);
  rows.sort();
  return rows;
}
