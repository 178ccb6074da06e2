import { assert } from '../../base/assert.ts';
import { type Column, columnOf } from '../../plan/expression.ts';
import { maxRows } from '../../plan/max-rows.ts';
import type { Aggregate } from '../../plan/plan.ts';
import { clusteringScan } from '../../plan/row-order.ts';
import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { type FreedArea, morselsPerRowGroupMax, partsPerMorselMax } from '../program.ts';
import { determinedBy, estimatedRows } from '../properties.ts';
import { type Consume, type Query, Scope, scopeOutside } from '../query.ts';
import type { Range } from '../range.ts';
import { RowLayout } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { AccumulatorSet } from './accumulator.ts';
import {
  type Cell,
  cellOffsets,
  groupTexts,
  type KeepValue,
  localCells,
  memoryCells,
} from './cells.ts';
import { rewriteDistinct } from './distinct.ts';
import { DirectGroups, type DirectKey } from './group-direct.ts';
import { HashedGroups } from './group-hashed.ts';
import { OrderedGroups } from './group-ordered.ts';
import { expandGroupingSets } from './grouping-sets.ts';
import type { Groups } from './groups.ts';
import { hashValues } from './hash.ts';
import { keeps } from './keep.ts';
import { produceRange, produceRows, wanted } from './materialize.ts';
import { PartialGroups } from './partial-groups.ts';
import { PartitionedRows, producePartitions, rowHeader, StoredColumns } from './partitions.ts';
import { produce } from './produce.ts';
import { Published } from './published.ts';
import { needsSortedGroups, produceSortedAggregate } from './sorted-aggregate.ts';

/**
 * Grouping and aggregation. How groups are found is decided when the values of their keys are
 * known:
 *
 * - no keys: accumulators in locals, added to the worker's at the end of each morsel;
 * - direct: the keys are codes or integers of few possible values: an array of accumulators for
 *   each worker, indexed by the keys;
 * - ordered: the rows come in the order of the key: accumulators in locals until it changes;
 * - hashed: a hash table for each worker over rows of keys and accumulators.
 *
 * Aggregates that need the rows of a group in order have them sorted (sorted-aggregate.ts).
 *
 * Afterwards the workers' states are merged, and the groups are the source of the next pipeline.
 */
export function produceAggregate(aggregate: Aggregate, query: Query, consume: Consume): void {
  if (aggregate.groupingSets !== undefined) {
    const sets = expandGroupingSets(aggregate, query);
    query.requireAll(sets);
    produce(sets, query, consume);
    return;
  }
  if (needsSortedGroups(aggregate)) {
    produceSortedAggregate(aggregate, query, consume);
    return;
  }
  const plain = rewriteDistinct(aggregate, query);
  if (plain !== undefined) {
    query.requireAll(plain);
    produce(plain, query, consume);
    return;
  }
  if (aggregate.groups.length === 0) new UngroupedAggregate(aggregate, query).produce(consume);
  else new GroupedAggregate(aggregate, query).produce(consume);
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
      const scope = scopeOutside(query, f);
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

/** Guesses, before values are known: of a group, and of a field of its row. */
const roughGroupBytes = 64;
const roughFieldBytes = 12;
const roughSlotBytes = 32;
/** More slots than this only where groups are expected to fill them. */
const directSlotsFree = 4096;
const directSlotsMax = 2 ** 22;

class GroupedAggregate {
  readonly #plan: Aggregate;
  readonly #query: Query;
  /** Groups that identify a group; the others follow from these. */
  readonly #keys: readonly number[];
  #set: AccumulatorSet | undefined;
  #groups: Groups | undefined;

  constructor(plan: Aggregate, query: Query) {
    this.#plan = plan;
    this.#query = query;
    this.#keys = identifyingGroups(plan);
  }

  produce(consume: Consume): void {
    const query = this.#query;
    const { input, aggregates } = this.#plan;
    const stored = new StoredColumns(wanted(input.columns, query.required.get(input)));
    let rows: PartitionedRows | undefined;
    let partial: PartialGroups | undefined;
    produce(input, query, (scope) => {
      const values = this.#plan.groups.map((group) => compileExpression(group, scope));
      const { spill } = query.options;
      if (spill === undefined || this.#keepsGroups(values)) {
        this.#update(scope, values);
        return;
      }
      const set = new AccumulatorSet(aggregates, scope, maxRows(input), true);
      if (set.isPortable) {
        this.#set = set;
        partial = new PartialGroups(query, set, values, this.#keys, spill.groupBytes);
        partial.update(scope, values);
        return;
      }
      const keys = this.#keys.map((i) => values[i]);
      const hash = hashValues(keys, scope);
      const layout = new RowLayout(rowHeader);
      const fields = stored.store(scope, layout);
      rows = new PartitionedRows(query, 'group_rows', layout);
      rows.append(scope, hash, fields);
    });
    if (partial !== undefined) this.#producePartial(partial, consume);
    else if (rows !== undefined) this.#producePartitions(rows, stored, consume);
    else this.#produceGroups(consume);
  }

  /** `keep`: see {@link AccumulatorSet}. */
  #update(scope: Scope, values: readonly Value[], keep?: KeepValue): void {
    const { input, aggregates } = this.#plan;
    const set = new AccumulatorSet(aggregates, scope, maxRows(input), true, undefined, keep);
    this.#set = set;
    this.#groups = this.#choose(set, values, scope);
    this.#groups.update(scope, values);
  }

  #produceGroups(consume: Consume): void {
    this.#groups?.produce((scope, keys, cells) => this.#emit(scope, keys, cells, consume));
  }

  /** Groups the rows of one partition after the other. */
  #producePartitions(rows: PartitionedRows, stored: StoredColumns, consume: Consume): void {
    // The texts of a partition's groups go with them.
    const texts = groupTexts(this.#query.unique('groups_of_partition'));
    const group = (scope: Scope, row: Local) => {
      stored.define(scope, row);
      const values = this.#plan.groups.map((item) => compileExpression(item, scope));
      this.#update(scope, values, texts.keep);
    };
    this.#loop(rows, consume, group, [texts.toFree(this.#query)]);
  }

  /** Merges the groups of one partition after the other. */
  #producePartial(partial: PartialGroups, consume: Consume): void {
    const query = this.#query;
    query.steps.push({ kind: 'free', buffers: [], areas: partial.areas });
    this.#loop(partial.rows, consume, (scope, row) => {
      const { groups, hash, cells } = partial.load(scope.f, row);
      assert(this.#set !== undefined, 'the input was compiled');
      const merged = new HashedGroups(query, this.#set, groups, this.#keys, false);
      merged.merge(scope, groups, hash, cells);
      this.#groups = merged;
    });
  }

  /** `freed`: what else is not needed after each partition. */
  #loop(
    rows: PartitionedRows,
    consume: Consume,
    group: (scope: Scope, row: Local) => void,
    freed: readonly FreedArea[] = [],
  ): void {
    producePartitions(this.#query, consume, {
      name: 'group_partitions',
      build: (outgoing) => {
        produceRows(this.#query, 'group', rows.window, rows.layout.rowBytes, group);
        this.#produceGroups(outgoing);
      },
      finish: () => {
        const groups = this.#groups;
        assert(groups instanceof HashedGroups, 'partitions are grouped by hashing');
        const inputs = [{ rows, whole: false, extraBytes: groups.bytesPerRow }];
        const { buffers, areas } = groups.state;
        return { inputs, canSplit: true, buffers, areas: [...areas, ...freed] };
      },
    });
  }

  /** Whether the groups stay in memory all at once. */
  #keepsGroups(values: readonly Value[]): boolean {
    if (this.#directKeys(values) !== undefined) return true;
    const fields = values.length + 2 * this.#plan.aggregates.length;
    return keeps(this.#query, this.#plan, roughGroupBytes + roughFieldBytes * fields);
  }

  #choose(set: AccumulatorSet, values: readonly Value[], scope: Scope): Groups {
    const query = this.#query;
    const direct = this.#directKeys(values);
    const { isScan } = scope.pipeline;
    if (direct !== undefined) return new DirectGroups(query, set, direct);
    const [first, ...others] = this.#keys;
    const column = columnOf(this.#plan.groups[first]);
    // Rows that were distributed over partitions are in another order.
    const scan = column && isScan ? clusteringScan(this.#plan.input, column) : undefined;
    if (scan !== undefined && others.length === 0) {
      const morsels = scan.table.data.rowGroups.length * morselsPerRowGroupMax;
      return new OrderedGroups(query, set, values, first, morsels * partsPerMorselMax);
    }
    return new HashedGroups(query, set, values, this.#keys, scan !== undefined);
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
    const { spill, threads } = this.#query.options;
    if (spill !== undefined && slots * roughSlotBytes * threads > spill.keepBytes) return undefined;
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
