import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { Column } from '../../plan/expression.ts';
import type { Aggregate } from '../../plan/plan.ts';
import { type Expr, type FunctionBuilder, f64, i32, i64, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { notDistinct } from '../expressions/logic.ts';
import { columnOf, determinedBy, estimatedRows, isClustered, maxRows } from '../properties.ts';
import { type Consume, Pipeline, type Query, Scope } from '../query.ts';
import type { Range } from '../range.ts';
import { appendRow, loadField, RowLayout, type StoredField, storeField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { AccumulatorSet, type Cell, cellOffsets, localCells, memoryCells } from './accumulator.ts';
import { rewriteDistinct } from './distinct.ts';
import { hashValues } from './hash.ts';
import { produceRange, produceRows } from './materialize.ts';
import { produce } from './produce.ts';

/**
 * Grouping and aggregation. How groups are found is decided when the values of their keys are
 * known:
 *
 * - no keys: accumulators in locals, added to the worker's at the end of each morsel;
 * - direct: the keys are codes or integers of few possible values: an array of accumulators for
 *   each worker, indexed by the keys;
 * - hashed: a hash table for each worker over rows of keys and accumulators.
 *
 * Afterwards the workers' states are merged, and the groups are the source of the next pipeline.
 */
export function produceAggregate(aggregate: Aggregate, query: Query, consume: Consume): void {
  if (aggregate.groupingSets !== undefined) {
    throw new QuernError(sqlState.featureNotSupported, 'GROUPING SETS are not supported yet');
  }
  const plain = rewriteDistinct(aggregate);
  if (plain !== undefined) {
    // The columns are the same objects: what is above does not notice.
    const required = query.required as Map<unknown, ReadonlySet<number>>;
    required.set(plain.input, new Set(plain.input.columns.map((column) => column.id)));
    produceAggregate(plain, query, consume);
    return;
  }
  if (aggregate.groups.length === 0) new UngroupedAggregate(aggregate, query).produce(consume);
  else new GroupedAggregate(aggregate, query).produce(consume);
}

/** Frame slots through which the workers of a step make their local areas known. */
class Published {
  readonly count: number;
  readonly #list: number;
  readonly #finish: string;

  constructor(query: Query, name: string) {
    this.count = query.frameSlot(4, 4);
    this.#list = query.frameSlot(4 * query.options.threads, 4);
    this.#finish = query.unique(`${name}_finish`);
    const params = { frame: 'i32', local: 'i32' } as const;
    query.module.func(this.#finish, { params, export: true }, (f) => {
      const { frame, local } = f.param;
      const index = query.parallel
        ? i32.atomic.rmwAdd(i32.add(frame, this.count), 1)
        : i32.load(frame, this.count);
      const at = f.let(index, 'index');
      f.do(i32.store(i32.add(frame, i32.shl(at, 2)), local, this.#list));
      if (!query.parallel) f.do(i32.store(frame, i32.add(at, 1), this.count));
    });
  }

  /** Has each worker of the pipeline publish itself when it is done. */
  attach(pipeline: Pipeline): void {
    pipeline.finish = this.#finish;
  }

  /** Code for each worker's local area. */
  each(f: FunctionBuilder, frame: Expr, body: (local: Local) => void): void {
    const i = f.local('i32', 'worker');
    const local = f.local('i32', 'area');
    f.for(i, 0, i32.load(frame, this.count), () => {
      f.set(local, i32.load(i32.add(frame, i32.shl(i, 2)), this.#list));
      body(local);
    });
  }
}

/** A scope for code outside of a pipeline over rows: merging. */
function mergeScope(query: Query, f: FunctionBuilder): Scope {
  return new Scope(new Pipeline(query, f as unknown as Pipeline['f']));
}

class UngroupedAggregate {
  readonly #plan: Aggregate;
  readonly #query: Query;

  constructor(plan: Aggregate, query: Query) {
    this.#plan = plan;
    this.#query = query;
  }

  produce(consume: Consume): void {
    const query = this.#query;
    const { input, aggregates, columns } = this.#plan;
    const published = new Published(query, 'aggregate');
    let set: AccumulatorSet | undefined;
    let slot = 0;
    let offsets: number[] = [];
    let bytes = 0;
    produce(input, query, (scope) => {
      const { f, pipeline } = scope;
      set = new AccumulatorSet(aggregates, scope, maxRows(input), false);
      const types = set.cellTypes;
      ({ offsets, end: bytes } = cellOffsets(types, 0));
      slot = query.localSlot(bytes, 8);
      const cells = localCells(f, types);
      set.update(cells, scope);
      published.attach(pipeline);
      const made = set;
      pipeline.after(() => {
        const own = memoryCells(f, f.let(i32.add(pipeline.local, slot), 'own'), types, offsets);
        made.merge(own, cells, new Scope(pipeline));
      });
    });
    assert(set !== undefined, 'the input was compiled');
    const made: AccumulatorSet = set;
    const total = query.frameSlot(bytes, 8);
    const one = query.frameSlot(4, 4);
    const totalCells = (f: FunctionBuilder, frame: Expr) =>
      memoryCells(f, f.let(i32.add(frame, total), 'total'), made.cellTypes, offsets);
    query.callStep(query.unique('merge_aggregate'), (f) => {
      const { frame } = f.param;
      const scope = mergeScope(query, f);
      const cells = totalCells(f, frame);
      published.each(f, frame, (local) => {
        const own = f.let(i32.add(local, slot), 'own');
        made.merge(cells, memoryCells(f, own, made.cellTypes, offsets), scope.child());
      });
      f.do(i32.store(frame, 1, one));
    });
    produceRange(query, 'aggregate', one, 1, (scope) => {
      const values = made.values(totalCells(scope.f, scope.pipeline.frame), scope);
      values.forEach((value, i) => {
        scope.define(columns[i], spill(scope.f, value, columns[i].name));
      });
      consume(scope);
    });
  }
}

/** A key that has few possible values. */
interface DirectKey {
  readonly value: Value;
  readonly min: bigint;
  /** Number of values, NULL (the last) included. */
  readonly size: number;
  readonly nullable: boolean;
  readonly stride: number;
}

/** More slots than this only where groups are expected to fill them. */
const directSlotsFree = 4096;
const directSlotsMax = 2 ** 22;

class GroupedAggregate {
  readonly #plan: Aggregate;
  readonly #query: Query;
  /** Groups that identify a group; the others follow from these. */
  readonly #keys: readonly number[];
  #set: AccumulatorSet | undefined;
  #direct: DirectArrays | undefined;
  #hashed: HashedGroups | undefined;

  constructor(plan: Aggregate, query: Query) {
    this.#plan = plan;
    this.#query = query;
    this.#keys = identifyingGroups(plan);
  }

  produce(consume: Consume): void {
    const { input, groups, aggregates } = this.#plan;
    produce(input, this.#query, (scope) => {
      const values = groups.map((group) => compileExpression(group, scope));
      const set = new AccumulatorSet(aggregates, scope, maxRows(input), true);
      this.#set = set;
      const direct = this.#directKeys(values);
      if (direct === undefined) {
        const first = columnOf(groups[this.#keys[0]]);
        const clustered = first !== undefined && isClustered(input, first);
        this.#hashed = new HashedGroups(this.#query, set, values, this.#keys, clustered);
        this.#hashed.update(scope, values);
      } else {
        this.#direct = new DirectArrays(this.#query, set, direct);
        this.#direct.update(scope);
      }
    });
    if (this.#direct !== undefined)
      this.#direct.produce((scope, keys, cells) => this.#emit(scope, keys, cells, consume));
    else this.#hashed?.produce((scope, keys, cells) => this.#emit(scope, keys, cells, consume));
  }

  #emit(
    scope: Scope,
    groups: readonly (() => Value)[],
    cells: readonly Cell[],
    consume: Consume,
  ): void {
    const { columns } = this.#plan;
    assert(this.#set !== undefined, 'the input was compiled');
    groups.forEach((group, i) => scope.define(columns[i], group));
    const values = this.#set.values(cells, scope);
    values.forEach((value, i) => {
      const column = columns[groups.length + i];
      scope.define(column, spill(scope.f, value, column.name));
    });
    consume(scope);
  }

  /** The keys as parts of an array index; undefined if they have too many values. */
  #directKeys(values: readonly Value[]): DirectKey[] | undefined {
    if (this.#keys.length !== values.length) return undefined;
    const keys: DirectKey[] = [];
    let slots = 1;
    for (const value of values) {
      const range = keyRange(value);
      if (range === undefined || range.max - range.min > BigInt(directSlotsMax)) return undefined;
      const nullable = value.isNull !== undefined;
      const size = Number(range.max - range.min) + 1 + (nullable ? 1 : 0);
      keys.push({ value, min: range.min, size, nullable, stride: slots });
      slots *= size;
      if (slots > directSlotsMax) return undefined;
    }
    const rows = estimatedRows(this.#plan.input);
    return slots <= directSlotsFree || slots <= rows / 2 ? keys : undefined;
  }
}

function keyRange(value: Value): Range | undefined {
  if (value.form === 'int') return value.range;
  if (value.form === 'bool') return { min: 0n, max: 1n };
  if (value.form === 'code')
    return { min: 0n, max: BigInt(Math.max(value.dictionary.count - 1, 0)) };
  return undefined;
}

/** Indexes of groups from which all others follow. */
function identifyingGroups(plan: Aggregate): number[] {
  const all = plan.groups.map((_, i) => i);
  const columns = plan.groups.map(columnOf);
  const follows = (from: readonly number[]): boolean => {
    const start = new Set<Column>();
    for (const i of from) if (columns[i] !== undefined) start.add(columns[i]);
    const known = determinedBy(plan.input, start);
    return all.every((i) => {
      if (from.includes(i)) return true;
      const column = columns[i];
      return column !== undefined && known.has(column);
    });
  };
  if (all.length < 2) return all;
  for (const i of all) if (columns[i] !== undefined && follows([i])) return [i];
  let keep = all;
  for (const i of [...all].reverse()) {
    const rest = keep.filter((other) => other !== i);
    if (rest.length > 0 && follows(rest)) keep = rest;
  }
  return keep;
}

type Emit = (scope: Scope, groups: readonly (() => Value)[], cells: readonly Cell[]) => void;

/** Accumulators in arrays that the keys index. */
class DirectArrays {
  readonly #query: Query;
  readonly #set: AccumulatorSet;
  readonly #keys: readonly DirectKey[];
  readonly #slots: number;
  readonly #types;
  readonly #offsets: number[];
  readonly #stride: number;
  /** Index of the cell that is not zero for a group that exists. */
  readonly #seen: number;
  readonly #arraySlot: number;
  readonly #published: Published;

  constructor(query: Query, set: AccumulatorSet, keys: readonly DirectKey[]) {
    this.#query = query;
    this.#set = set;
    this.#keys = keys;
    this.#slots = keys.reduce((product, key) => product * key.size, 1);
    const known = set.rowCountCell;
    this.#types = known === undefined ? [...set.cellTypes, 'i32' as const] : set.cellTypes;
    this.#seen = known ?? this.#types.length - 1;
    const { offsets, end } = cellOffsets(this.#types, 0);
    this.#offsets = offsets;
    // A power of two makes the address a shift instead of a product.
    this.#stride = 2 ** Math.ceil(Math.log2(Math.max(end, 8)));
    this.#arraySlot = query.localSlot(4, 4);
    this.#published = new Published(query, 'group');
  }

  #cells(f: FunctionBuilder, base: Expr): Cell[] {
    return memoryCells(f, base, this.#types, this.#offsets);
  }

  update(scope: Scope): void {
    const { f, pipeline } = scope;
    const array = f.local('i32', 'groups');
    pipeline.before(() => {
      f.set(array, i32.load(pipeline.local, this.#arraySlot));
      f.if(i32.eqz(array), () => {
        f.set(array, this.#query.allocate.call(this.#slots * this.#stride));
        f.do(i32.store(pipeline.local, array, this.#arraySlot));
      });
    });
    this.#published.attach(pipeline);
    const index = this.#keys.map((key) => this.#part(key)).reduce((a, b) => i32.add(a, b));
    const base = f.let(i32.add(array, i32.shl(index, Math.log2(this.#stride))), 'group');
    const cells = this.#cells(f, base);
    this.#set.update(cells.slice(0, this.#set.cellTypes.length), scope);
    if (this.#types.length > this.#set.cellTypes.length) cells[this.#seen].set(i32.const(1));
  }

  /** What a key adds to the index. */
  #part(key: DirectKey): Expr {
    const { value, min, size, stride } = key;
    let x = value.x;
    if (value.form === 'int') {
      x = i32.wrapI64(min === 0n ? value.x : i64.sub(value.x, i64.const(min)));
    }
    if (value.isNull !== undefined) x = i32.select(value.isNull, size - 1, x);
    return stride === 1 ? x : i32.mul(x, stride);
  }

  produce(emit: Emit): void {
    const query = this.#query;
    const result = query.frameSlot(4, 4);
    const count = query.frameSlot(4, 4);
    query.callStep(query.unique('merge_groups'), (f) => {
      const { frame } = f.param;
      const into = f.local('i32', 'into');
      const from = f.local('i32', 'from');
      const left = f.local('i32', 'left');
      const scope = mergeScope(query, f);
      this.#published.each(f, frame, (local) => {
        f.set(from, i32.load(local, this.#arraySlot));
        f.if(
          i32.eqz(i32.load(frame, result)),
          () => {
            f.do(i32.store(frame, from, result));
            f.do(i32.store(frame, this.#slots, count));
          },
          () => {
            f.set(into, i32.load(frame, result));
            f.set(left, this.#slots);
            f.while(left, () => {
              this.#mergeSlot(scope.child(), into, from);
              f.set(into, i32.add(into, this.#stride));
              f.set(from, i32.add(from, this.#stride));
              f.set(left, i32.sub(left, 1));
            });
          },
        );
      });
    });
    produceRange(query, 'groups', count, 65536, (scope, index) => {
      const { f, pipeline } = scope;
      const array = pipeline.hoist(() => i32.load(pipeline.frame, result), 'groups');
      const base = f.let(i32.add(array, i32.shl(index, Math.log2(this.#stride))), 'group');
      const cells = this.#cells(f, base);
      f.if(this.#isSeen(cells), () => {
        const inner = scope.child();
        const keys = this.#keys.map((key) => () => this.#keyValue(key, index, inner));
        emit(inner, keys, cells.slice(0, this.#set.cellTypes.length));
      });
    });
  }

  #isSeen(cells: readonly Cell[]): Expr {
    const seen = cells[this.#seen].get();
    return seen.type === 'i64' ? i64.ne(seen, 0n) : seen;
  }

  #mergeSlot(scope: Scope, into: Local, from: Local): void {
    const { f } = scope;
    const own = this.#cells(f, into);
    const other = this.#cells(f, from);
    f.if(this.#isSeen(other), () => {
      const size = this.#set.cellTypes.length;
      this.#set.merge(own.slice(0, size), other.slice(0, size), scope.child());
      if (this.#types.length > size) own[this.#seen].set(i32.const(1));
    });
  }

  #keyValue(key: DirectKey, index: Local, scope: Scope): Value {
    const { f } = scope;
    let part: Expr = key.stride === 1 ? index : i32.divU(index, key.stride);
    if (key.stride * key.size < this.#slots) part = i32.remU(part, key.size);
    const code = f.let(part, 'key');
    const isNull = key.nullable ? f.let(i32.eq(code, key.size - 1), 'key_null') : undefined;
    const { value } = key;
    switch (value.form) {
      case 'int': {
        const x = i64.add(i64.extendI32U(code), i64.const(key.min));
        return spill(f, { form: 'int', x, range: value.range, isNull }, 'key');
      }
      case 'bool': {
        const x = isNull === undefined ? code : i32.and(code, i32.eqz(isNull));
        return spill(f, { form: 'bool', x, isNull }, 'key');
      }
      default:
        assert(value.form === 'code', 'direct keys are integers, booleans or codes');
        return { form: 'code', x: code, dictionary: value.dictionary, isNull };
    }
  }
}

/** Header of a group's row: its hash, and whether it was merged into another. */
const groupHashAt = 0;
const groupDeadAt = 4;
const groupHeader = 8;
/** Slots of a worker's first table. */
const firstSlots = 1024;

/**
 * Groups in rows, found through an open-addressing table of { row: u32, hash: u32 } with linear
 * probing, at most half full.
 */
class HashedGroups {
  readonly #query: Query;
  readonly #set: AccumulatorSet;
  readonly #keyIndexes: readonly number[];
  readonly #layout: RowLayout;
  readonly #fields: readonly StoredField[];
  readonly #offsets: number[];
  readonly #buffer: number;
  /** In the local area: table address, mask, used slots. */
  readonly #tableSlot: number;
  /** Whether rows of one group tend to follow each other. */
  readonly #clustered: boolean;

  constructor(
    query: Query,
    set: AccumulatorSet,
    groups: readonly Value[],
    keyIndexes: readonly number[],
    clustered: boolean,
  ) {
    this.#clustered = clustered;
    this.#query = query;
    this.#set = set;
    this.#keyIndexes = keyIndexes;
    this.#layout = new RowLayout(groupHeader);
    this.#fields = groups.map((group) => this.#layout.add(group));
    const types = set.cellTypes;
    const bytes = cellOffsets(types, 0).end;
    const start = this.#layout.reserve(bytes, 8);
    this.#offsets = cellOffsets(types, start).offsets;
    this.#buffer = query.buffer('groups', this.#layout.rowBytes);
    this.#tableSlot = query.localSlot(16, 8);
  }

  #cells(f: FunctionBuilder, row: Expr): Cell[] {
    return memoryCells(f, row, this.#set.cellTypes, this.#offsets);
  }

  update(scope: Scope, groups: readonly Value[]): void {
    const { f } = scope;
    if (!this.#clustered) {
      this.#set.update(this.#cells(f, this.#lookUp(scope, groups)), scope);
      return;
    }
    // The group of the row before, 0 at the start of a morsel.
    const last = f.local('i32', 'last');
    const same = f.let(i32.const(0), 'same');
    f.if(last, () => f.set(same, this.#sameKeys(scope.child(), last, groups)));
    f.if(i32.eqz(same), () => f.set(last, this.#lookUp(scope.child(), groups)));
    this.#set.update(this.#cells(f, last), scope);
  }

  /** The group's row, made if it is not there. */
  #lookUp(scope: Scope, groups: readonly Value[]): Local {
    const { f, pipeline } = scope;
    const keys = this.#keyIndexes.map((i) => groups[i]);
    const hash = hashValues(keys, scope);
    return this.#find(scope, pipeline.local, this.#tableSlot, hash, groups, () => {
      const made = appendRow(pipeline, f, pipeline.local, this.#buffer, this.#layout.rowBytes);
      f.do(i32.store(made, hash, groupHashAt));
      f.do(i32.store(made, 0, groupDeadAt));
      this.#fields.forEach((field, i) => storeField(f, made, field, groups[i]));
      for (const cell of this.#cells(f, made)) cell.set(zeroLike(cell));
      return made;
    });
  }

  /** A local with the row of the group, made by `make` if it is not there. */
  #find(
    scope: Scope,
    area: Expr,
    slot: number,
    hash: Expr,
    groups: readonly Value[],
    make: () => Expr,
  ): Local {
    const { f } = scope;
    const row = f.local('i32', 'group');
    const grow = this.#growFunction(slot);
    const mask = f.let(i32.load(area, slot + 4), 'mask');
    const used = () => i32.load(area, slot + 8);
    f.if(i32.geU(i32.shl(used(), 1), mask), () => {
      f.call(grow, area);
      f.set(mask, i32.load(area, slot + 4));
    });
    const table = f.let(i32.load(area, slot), 'table');
    const at = f.let(i32.and(hash, mask), 'at');
    const entry = f.local('i32', 'entry');
    f.block((found) => {
      f.loop((next) => {
        f.set(entry, i32.add(table, i32.shl(at, 3)));
        f.set(row, i32.load(entry));
        f.if(i32.eqz(row), () => {
          f.set(row, make());
          f.do(i32.store(entry, row));
          f.do(i32.store(entry, hash, 4));
          f.do(i32.store(area, i32.add(used(), 1), slot + 8));
          f.br(found);
        });
        f.if(i32.eq(i32.load(entry, 4), hash), () => {
          f.brIf(found, this.#sameKeys(scope.child(), row, groups));
        });
        f.set(at, i32.and(i32.add(at, 1), mask));
        f.br(next);
      });
    });
    return row;
  }

  #sameKeys(scope: Scope, row: Local, groups: readonly Value[]): Expr {
    const tests = this.#keyIndexes.map((i) =>
      notDistinct(groups[i], loadField(row, this.#fields[i]), scope),
    );
    return tests.reduceRight((rest, test) => i32.if(test, rest, 0));
  }

  /** Doubles a table (or makes the first): entries know their hash, so rows are not touched. */
  #growFunction(slot: number) {
    const query = this.#query;
    return query.helper(`grow_${slot}`, (name) =>
      query.module.func(name, { params: { area: 'i32' } }, (f) => {
        const { area } = f.param;
        const old = f.let(i32.load(area, slot), 'old');
        const oldMask = f.let(i32.load(area, slot + 4), 'old_mask');
        const doubled = i32.sub(i32.shl(i32.add(oldMask, 1), 1), 1);
        const mask = f.let(i32.select(old, doubled, firstSlots - 1), 'mask');
        const table = f.let(query.allocate.call(i32.shl(i32.add(mask, 1), 3)), 'table');
        f.do(i32.store(area, table, slot));
        f.do(i32.store(area, mask, slot + 4));
        f.if(i32.eqz(old), () => f.return());
        const i = f.local('i32', 'i');
        const entry = f.local('i64', 'entry');
        const at = f.local('i32', 'at');
        const place = () => i32.add(table, i32.shl(at, 3));
        f.for(i, 0, i32.add(oldMask, 1), () => {
          f.set(entry, i64.load(i32.add(old, i32.shl(i, 3))));
          f.if(i64.ne(entry, 0n), () => {
            f.set(at, i32.and(i32.wrapI64(i64.shrU(entry, 32n)), mask));
            f.while(i32.load(place()), () => {
              f.set(at, i32.and(i32.add(at, 1), mask));
            });
            f.do(i64.store(place(), entry));
          });
        });
        f.call(query.release, old);
      }),
    );
  }

  produce(emit: Emit): void {
    const query = this.#query;
    if (query.parallel) this.#mergeWorkers();
    produceRows(query, 'groups', this.#buffer, this.#layout.rowBytes, (scope, row) => {
      const { f } = scope;
      const output = (inner: Scope) => {
        const groups = this.#fields.map((field) => () => spill(f, loadField(row, field), 'key'));
        emit(inner, groups, this.#cells(f, row));
      };
      if (query.parallel) f.if(i32.eqz(i32.load(row, groupDeadAt)), () => output(scope.child()));
      else output(scope);
    });
  }

  /** Merges groups that several workers have; the row that came first in morsel order stays. */
  #mergeWorkers(): void {
    const query = this.#query;
    const pointers = query.frameSlot(8, 8);
    const area = query.frameSlot(16, 8);
    query.steps.push({ kind: 'gather', buffer: this.#buffer, slot: pointers, pointers: true });
    query.callStep(query.unique('merge_groups'), (f) => {
      const { frame } = f.param;
      const scope = mergeScope(query, f);
      const next = f.let(i32.load(frame, pointers), 'next');
      const end = f.let(i32.add(next, i32.shl(i32.load(frame, pointers + 4), 2)), 'end');
      const row = f.local('i32', 'row');
      f.while(i32.ltU(next, end), () => {
        f.set(row, i32.load(next));
        const inner = scope.child();
        const groups = this.#fields.map((field) => loadField(row, field));
        const hash = f.let(i32.load(row, groupHashAt), 'hash');
        const kept = this.#find(inner, frame, area, hash, groups, () => row);
        f.if(i32.ne(kept, row), () => {
          f.do(i32.store(row, 1, groupDeadAt));
          this.#set.merge(this.#cells(f, kept), this.#cells(f, row), inner.child());
        });
        f.set(next, i32.add(next, 4));
      });
    });
  }
}

function zeroLike(cell: Cell): Expr {
  const { type } = cell.get();
  return type === 'i32' ? i32.const(0) : type === 'i64' ? i64.const(0) : f64.const(0);
}
