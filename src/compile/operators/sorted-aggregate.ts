import { assert } from '../../base/assert.ts';
import {
  type AggregateCall,
  type CaseBranch,
  type Column,
  columnRef,
  constant,
  type Expression,
  type SortKey,
} from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import { maxRows } from '../../plan/max-rows.ts';
import type { Aggregate, Plan, Project } from '../../plan/plan.ts';
import { mapAggregate } from '../../plan/rewrite.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { type Expr, i32, type Local, memory } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { notDistinct } from '../expressions/logic.ts';
import { freeGroupTexts, passingTextsFrom } from '../expressions/own-text.ts';
import { emitSort, type Less } from '../kernels/sort.ts';
import { type Consume, expressionKey, freshColumn, freshId, type Query, Scope } from '../query.ts';
import type { StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { AccumulatorSet, isAccumulated } from './accumulator.ts';
import { keepGroupValue, localCells, writeValue, zeroLike } from './cells.ts';
import { collect } from './collected.ts';
import { fresh, referenceTo, unionOf } from './distinct.ts';
import { keeps } from './keep.ts';
import { defineStored, produceRange } from './materialize.ts';
import { produce } from './produce.ts';
import { beforeFunction } from './row-order.ts';
import { produceSorted, type SortedRows, type SortedWalk } from './sorted-rows.ts';
import { produceSortedSpilling, type SortedWalker, type WalkMemory } from './sorted-spill.ts';
import { ScratchMemory, scratch } from './window-walk.ts';

/** Whether the aggregate needs the rows of a group one after the other, in some order. */
export function needsSortedGroups(plan: Aggregate): boolean {
  const isPlain = ({ name, order }: AggregateCall) => isAccumulated(name) && order.length === 0;
  if (!plan.aggregates.every(isPlain)) return true;
  const distinct = plan.aggregates.some((call) => call.distinct);
  return distinct && !plan.aggregates.every(canBeCombined);
}

/** Calls that a grouping by DISTINCT values leaves alone (distinct.ts). */
function canBeCombined({ name, args, distinct }: AggregateCall): boolean {
  if (distinct && args.length !== 1) return false;
  return distinct || ['count', 'sum', 'min', 'max', 'avg'].includes(name);
}

/**
 * Groups whose rows are brought together and sorted (sorted-rows.ts): for aggregates with ORDER BY,
 * those like quantiles that need all values, and DISTINCT where other aggregates stand beside it.
 * A group's rows are walked once for each order that is asked for; the first of them is that of
 * the rows themselves, for others the group is sorted again.
 */
export function produceSortedAggregate(plan: Aggregate, query: Query, consume: Consume): void {
  const prepared = prepare(plan, query);
  const { input, groups, orders } = prepared;
  const isKept = keeps(query, plan.input, roughRowBytes + roughFieldBytes * input.columns.length);
  if (!isKept && orders.length > 1) {
    const apart = ordersApart(plan, orders, query);
    query.requireAll(apart);
    produce(apart, query, consume);
    return;
  }
  query.requireAll(input);
  const partition = groups.map(columnRef);
  const spec = { input, columns: input.columns, partition, order: orders[0].keys };
  if (!isKept) {
    const walker: SortedWalker = (rows, scope, bounds, outgoing) =>
      walkGroups(new GroupWalker(plan, prepared, rows, scope), scope, bounds, outgoing);
    produceSortedSpilling(spec, query, 'ordered_groups', walker, consume);
    return;
  }
  const rows = produceSorted(spec, query);
  if (groups.length === 0) {
    const one = query.frameSlot(4, 4);
    query.callStep(query.unique('one'), (f) => f.do(i32.store(f.param.frame, 1, one)));
    produceRange(query, 'ordered_group', one, 1, (scope) => {
      const { f, pipeline } = scope;
      const walker = new GroupWalker(plan, prepared, rows, scope);
      f.set(walker.end, i32.load(pipeline.frame, rows.count));
      walker.emit(consume);
    });
    return;
  }
  produceRange(query, 'ordered_groups', rows.buckets, 1, (scope, bucket) => {
    const { f, pipeline } = scope;
    const bounds = rows.bucket(f, pipeline.frame, bucket);
    walkGroups(new GroupWalker(plan, prepared, rows, scope), scope, bounds, consume);
  });
}

/** Guesses, before values are known: of a row to sort, and of a field of it. */
const roughRowBytes = 40;
const roughFieldBytes = 12;

/** The loop over the groups among the rows from `start` to before `end`. */
function walkGroups(
  walker: GroupWalker,
  scope: Scope,
  { start, end }: { readonly start: Local; readonly end: Local },
  consume: Consume,
): WalkMemory {
  const { f, pipeline } = scope;
  const { rows } = walker;
  if (rows.isPaged) pipeline.after(() => freeGroupTexts(scope));
  if (!rows.isPartitioned) {
    f.set(walker.end, end);
    walker.emit(consume);
    return walker.memory;
  }
  const access = rows.walk(pipeline);
  f.set(walker.start, start);
  const freePassingTexts = rows.isPaged ? passingTextsFrom(scope) : undefined;
  f.while(i32.ltU(walker.start, end), () => {
    f.set(walker.end, i32.add(walker.start, 1));
    f.block((done) => {
      f.loop((again) => {
        f.brIf(done, i32.geU(walker.end, end));
        const same = rows.samePartition(access, walker.start, walker.end, scope.child());
        f.brIf(done, i32.eqz(same));
        f.set(walker.end, i32.add(walker.end, 1));
        f.checkpoint(1, { onlyResumed: true });
        f.br(again);
      });
    });
    if (rows.isPaged) freeGroupTexts(scope);
    walker.emit(consume);
    freePassingTexts?.();
    f.set(walker.start, walker.end);
    f.checkpoint();
  });
  return walker.memory;
}

/**
 * The same aggregates, those of each order from the rows put in that order alone: where the rows of
 * a group need not fit in memory, they have one order.
 */
function ordersApart(plan: Aggregate, orders: readonly Ordering[], query: Query): Plan {
  const id = freshId();
  const definition = neededInput(plan.input, query);
  const width = plan.groups.length;
  const sides = orders.map(({ indexes }): Project => {
    const rows = referenceTo(definition, id);
    const by = columnSubstitution(definition.columns, rows.columns);
    const groups = plan.groups.map((group) => substitute(group, by));
    const calls = indexes.map((i) =>
      mapAggregate(plan.aggregates[i], (part) => substitute(part, by)),
    );
    const columns = [...groups, ...calls].map((value) => fresh('part', value));
    const input: Aggregate = {
      kind: 'aggregate',
      input: rows,
      groups,
      aggregates: calls,
      groupingSets: undefined,
      columns,
    };
    const values = plan.aggregates.map((call, i) => {
      const own = indexes.indexOf(i);
      return own < 0 ? constant(null, call.type) : columnRef(columns[width + own]);
    });
    const expressions = [...columns.slice(0, width).map(columnRef), ...values];
    return {
      kind: 'project',
      input,
      expressions,
      columns: expressions.map((value) => fresh('part', { ...value, nullable: true })),
    };
  });
  const input = unionOf(sides);
  const refs = input.columns.map(columnRef);
  const body: Aggregate = {
    kind: 'aggregate',
    input,
    groups: refs.slice(0, width),
    aggregates: plan.aggregates.map(({ type }, i) => ({
      name: 'any_value',
      args: [refs[width + i]],
      distinct: false,
      order: [],
      filter: undefined,
      type,
      nullable: true,
    })),
    groupingSets: undefined,
    columns: plan.columns,
  };
  return { kind: 'with', id, name: 'rows', definition, body, columns: body.columns };
}

/** Calls that see the rows of a group in one order. */
interface Ordering {
  readonly keys: readonly SortKey[];
  /** Of rows that agree in this column, only the first counts. */
  readonly distinct: Column | undefined;
  readonly calls: AggregateCall[];
  /** Their indexes among all calls. */
  readonly indexes: number[];
}

interface Prepared {
  readonly input: Project;
  readonly groups: readonly Column[];
  /** At least one. */
  readonly orders: readonly Ordering[];
}

/** Computes what groups and orders need as columns, and sorts the calls by their order. */
function prepare(plan: Aggregate, query: Query): Prepared {
  const columns: Column[] = [];
  const expressions: Expression[] = [];
  const byKey = new Map<string, Column>();
  const add = (expression: Expression, column: Column): Column => {
    if (!columns.some(({ id }) => id === column.id)) {
      columns.push(column);
      expressions.push(expression);
    }
    byKey.set(expressionKey(expression), column);
    return column;
  };
  const asColumn = (expression: Expression): Column => {
    const { type, nullable } = expression;
    // Calls refer to columns by themselves, whatever else has their values.
    if (expression.kind === 'column') return add(expression, expression.column);
    const known = byKey.get(expressionKey(expression));
    if (known !== undefined) return known;
    return add(expression, freshColumn('ordered', type, nullable));
  };
  const groups = plan.groups.map((group, i) => add(group, plan.columns[i]));
  const orders: Ordering[] = [];
  plan.aggregates.forEach((call, i) => {
    const made = normalize(call, asColumn);
    for (const part of [...made.call.args, made.call.filter]) {
      if (part === undefined) continue;
      for (const column of usedColumns(part).values()) asColumn(columnRef(column));
    }
    let order = orders.find((known) => serves(known, made));
    if (order === undefined) {
      order = { keys: made.keys, distinct: made.distinct, calls: [], indexes: [] };
      orders.push(order);
    }
    order.calls.push(made.call);
    order.indexes.push(i);
  });
  // Columns are used in place of what they were computed from, so nothing else is read.
  const input: Project = {
    kind: 'project',
    input: neededInput(plan.input, query),
    expressions,
    columns,
  };
  return { input, groups, orders };
}

function neededInput(input: Plan, query: Query): Plan {
  return query.required.has(input) ? query.neededOf(input) : input;
}

interface Normalized {
  readonly call: AggregateCall;
  readonly keys: readonly SortKey[];
  readonly distinct: Column | undefined;
}

/** The call with columns for its first argument and keys; FILTER becomes NULL where that is it. */
function normalize(call: AggregateCall, asColumn: (e: Expression) => Column): Normalized {
  const [first, ...others] = call.args;
  const isOrdered = call.distinct || call.order.length > 0 || !isAccumulated(call.name);
  if (first === undefined || !isOrdered) return { call, keys: [], distinct: undefined };
  const marks = call.filter !== undefined && (call.distinct || !isAccumulated(call.name));
  const present = marks ? filtered(first, call.filter as Expression) : first;
  const same = (other: Expression) => expressionKey(other) === expressionKey(first);
  const given = call.order.map((key): SortKey => {
    return {
      ...key,
      expression: columnRef(asColumn(same(key.expression) ? present : key.expression)),
    };
  });
  const column = asColumn(present);
  const own = { expression: columnRef(column), descending: false, nullsFirst: false };
  const keys = call.distinct && given.length === 0 ? [own] : given;
  const args = [
    columnRef(column),
    ...others.map((arg) => (arg.kind === 'constant' ? arg : columnRef(asColumn(arg)))),
  ];
  const filter = marks ? undefined : call.filter;
  const rest = { ...call, args, filter, distinct: false, order: [] };
  return { call: rest, keys, distinct: call.distinct ? column : undefined };
}

/** NULL where the condition is not TRUE. */
function filtered(value: Expression, when: Expression): Expression {
  const { type } = value;
  const branch = (then: Expression): CaseBranch => ({ when, then });
  const otherwise = constant(null, type);
  return { kind: 'case', branches: [branch(value)], otherwise, type, nullable: true };
}

function serves(order: Ordering, { keys, distinct }: Normalized): boolean {
  if (order.distinct?.id !== distinct?.id) return false;
  // Calls without an order of their own take any.
  if (keys.length === 0) return distinct === undefined;
  return (
    keys.length === order.keys.length &&
    keys.every((key, i) => {
      const other = order.keys[i];
      return (
        expressionKey(key.expression) === expressionKey(other.expression) &&
        key.descending === other.descending &&
        key.nullsFirst === other.nullsFirst
      );
    })
  );
}

/** The rows of a group, by their index in some order. */
interface GroupRows {
  readonly count: Local;
  /** The address of the row at an index, which is below the count. */
  address(index: Expr): Expr;
}

/** The code for one group: its rows are those from `start` to before `end`. */
class GroupWalker {
  readonly start: Local;
  readonly end: Local;
  readonly #plan: Aggregate;
  readonly #prepared: Prepared;
  readonly rows: SortedRows;
  readonly memory = new ScratchMemory();
  readonly #scope: Scope;
  /** The addresses of all rows, or access to them where they are paged. */
  readonly #pointers: Local | undefined;
  readonly #paged: SortedWalk | undefined;
  readonly #room: ((bytes: Expr) => Local)[];

  constructor(plan: Aggregate, prepared: Prepared, rows: SortedRows, scope: Scope) {
    const { f, pipeline, query } = scope;
    this.#plan = plan;
    this.#prepared = prepared;
    this.rows = rows;
    this.#scope = scope;
    this.start = f.local('i32', 'group_start');
    this.end = f.local('i32', 'group_end');
    if (rows.isPaged) this.#paged = rows.walk(pipeline);
    else {
      this.#pointers = f.let(i32.load(pipeline.frame, rows.pointers), 'pointers');
    }
    const walk = { f, query, local: pipeline.local, memory: this.memory };
    this.#room = prepared.orders.slice(1).map(() => scratch(walk, 'group_rows', 8));
  }

  emit(consume: Consume): void {
    const { groups, orders } = this.#prepared;
    const { f } = this.#scope;
    const result =
      groups.length === 0
        ? new Scope(this.#scope.pipeline)
        : this.#row(f.let(this.#firstRow(), 'row'));
    const values: Value[] = [];
    orders.forEach((order, i) => {
      const rows = this.#ordered(order, i);
      this.#compute(order, rows).forEach((value, k) => {
        values[order.indexes[k]] = value;
      });
    });
    const { columns } = this.#plan;
    values.forEach((value, i) => {
      const column = columns[groups.length + i];
      result.define(column, spill(f, value, column.name));
    });
    consume(result);
  }

  #at(list: Expr, index: Expr): Expr {
    return i32.add(list, i32.shl(index, 2));
  }

  get #addresses(): Local {
    assert(this.#pointers !== undefined, 'the rows are in memory');
    return this.#pointers;
  }

  #firstRow(): Expr {
    if (this.#paged !== undefined) return this.#paged.row(this.start);
    return i32.load(this.#at(this.#addresses, this.start));
  }

  /** The rows of the group in an order; `index`: of the order. */
  #ordered(order: Ordering, index: number): GroupRows {
    const { f } = this.#scope;
    const count = () => f.let(i32.sub(this.end, this.start), 'count');
    const paged = this.#paged;
    if (paged !== undefined) {
      assert(index === 0, 'rows that are paged have one order');
      return { count: count(), address: (at) => paged.row(i32.add(this.start, at)) };
    }
    const own = this.#at(this.#addresses, this.start);
    const list = index === 0 ? own : this.#sortAgain(order, index, own);
    const first = f.let(list, 'first');
    return { count: count(), address: (at) => i32.load(this.#at(first, at)) };
  }

  #row(row: Local): Scope {
    const scope = new Scope(this.#scope.pipeline);
    defineStored(scope, this.#prepared.input.columns, this.rows.fields, row);
    return scope;
  }

  /** A copy of the group's addresses in another order. */
  #sortAgain(order: Ordering, index: number, own: Expr): Expr {
    const { f, query } = this.#scope;
    const count = f.let(i32.sub(this.end, this.start), 'rows');
    const bytes = i32.shl(count, 2);
    const copy = this.#room[index - 1](i32.add(i32.shl(bytes, 1), 16));
    f.do(memory.copy(copy, own, bytes));
    const fields = order.keys.map(({ expression }): StoredField => {
      assert(expression.kind === 'column', 'keys are columns');
      const field = this.rows.fields.get(expression.column.id);
      assert(field !== undefined, 'columns of keys are stored');
      return field;
    });
    const before = beforeFunction(query, order.keys, fields);
    const less: Less = (_, a, b) => before.call(a, b);
    const sort = emitSort(query.module, query.unique('sort_group'), less);
    f.call(sort, copy, count, i32.add(i32.add(copy, bytes), 8));
    return copy;
  }

  /** The values of the calls of one order. */
  #compute(order: Ordering, rows: GroupRows): Value[] {
    const { f } = this.#scope;
    const plain = order.calls.filter(({ name }) => isAccumulated(name));
    const values: Value[] = [];
    const { count } = rows;
    if (plain.length > 0) {
      const accumulated = this.#accumulate(plain, order.distinct, rows);
      plain.forEach((call, i) => {
        values[order.calls.indexOf(call)] = accumulated[i];
      });
    }
    order.calls.forEach((call, i) => {
      if (isAccumulated(call.name)) return;
      values[i] = collect(call, {
        scope: this.#scope,
        count,
        row: (index) => {
          const row = rows.address(index);
          // Without rows, none must be asked for outside of memory.
          const found = this.rows.isPaged ? i32.if(count, row, 0) : i32.select(count, row, 0);
          return this.#row(f.let(found, 'row'));
        },
        distinct: order.distinct,
      });
    });
    return values;
  }

  #accumulate(
    calls: readonly AggregateCall[],
    distinct: Column | undefined,
    { address, count }: GroupRows,
  ): Value[] {
    const { f } = this.#scope;
    const rowsMax = maxRows(this.#plan.input);
    const neverEmpty = this.#plan.groups.length > 0;
    const index = f.let(i32.const(0), 'index');
    const at = (place: Expr) => f.let(address(place), 'row');
    let set: AccumulatorSet | undefined;
    f.if(i32.const(0), () => {
      const model = this.#row(at(index));
      const keep = this.rows.isPaged ? keepGroupValue : writeValue;
      set = new AccumulatorSet(calls, model, rowsMax, neverEmpty, () => i32.const(1), keep);
    });
    assert(set !== undefined, 'the accumulators were made');
    const made: AccumulatorSet = set;
    const cells = localCells(f, made.cellTypes);
    for (const cell of cells) cell.set(zeroLike(cell));
    f.while(i32.ltU(index, count), () => {
      const row = this.#row(at(index));
      if (distinct === undefined) made.update(cells, row);
      else {
        const fresh = f.let(i32.eqz(index), 'fresh');
        f.if(i32.eqz(fresh), () => {
          const before = this.#row(at(i32.sub(index, 1)));
          const value = (scope: Scope) => compileExpression(columnRef(distinct), scope);
          f.set(fresh, i32.eqz(notDistinct(value(row.child()), value(before), before)));
        });
        f.if(fresh, () => made.update(cells, this.#row(at(index))));
      }
      f.set(index, i32.add(index, 1));
      f.checkpoint();
    });
    return made.values(cells, this.#scope).map((value) => spill(f, value, 'aggregate'));
  }
}
