import { assert } from '../../base/assert.ts';
import { type Column, columnRef, type SortKey } from '../../plan/expression.ts';
import type { Limit, Plan, Sort } from '../../plan/plan.ts';
import { i32 } from '../../wasm/index.ts';
import { compileExpression, fold } from '../expressions/compile.ts';
import { emitSort, type Less } from '../kernels/sort.ts';
import { estimatedRows } from '../properties.ts';
import type { Consume, Query } from '../query.ts';
import { RowLayout, type StoredField } from '../row.ts';
import type { Value } from '../value.ts';
import { materializeFirst } from './first-rows.ts';
import { defineStored, produceRange, storeRow, wanted } from './materialize.ts';
import { produce } from './produce.ts';
import { cut, rowReach } from './row-limit.ts';
import { beforeFunction } from './row-order.ts';
import { keepsOrdered, produceSortedPartitions } from './sort-partitions.ts';
import { produceSorted } from './sorted-rows.ts';

/** Rows of a plan, materialised, with an array of their addresses in their final order. */
export interface OrderedRows {
  /** Frame slot of the array's address; the number of rows follows it. */
  readonly pointers: number;
  readonly rowBytes: number;
  readonly fields: ReadonlyMap<number, StoredField>;
}

/** ORDER BY, LIMIT and OFFSET somewhere inside a plan: the rows in order feed the next pipeline. */
export function produceOrdered(plan: Sort | Limit, query: Query, consume: Consume): void {
  const columns = wanted(plan.columns, query.required.get(plan));
  if (!keepsOrderedRows(plan, query)) {
    produceSortedPartitions(plan, columns, query, consume);
    return;
  }
  const rows = materializeOrdered(plan, columns, query);
  produceRange(query, 'ordered', rows.pointers + 4, 65536, (scope, index) => {
    const { f, pipeline } = scope;
    const array = pipeline.hoist(() => i32.load(pipeline.frame, rows.pointers), 'pointers');
    const row = f.let(i32.load(i32.add(array, i32.shl(index, 2))), 'row');
    defineStored(scope, columns, rows.fields, row);
    consume(scope);
  });
}

/** Whether the rows that are put in order stay in memory: all of them, or the first. */
export function keepsOrderedRows(plan: Sort | Limit, query: Query): boolean {
  const { input } = plan;
  if (plan.kind === 'sort') return keepsOrdered(input, query);
  if (input.kind !== 'sort') return keepsOrdered(input, query);
  return firstRows(plan) !== undefined || keepsOrdered(input.input, query);
}

/** Materialises `columns` of the plan's rows, then orders and cuts them as sort and limit say. */
export function materializeOrdered(
  plan: Plan,
  columns: readonly Column[],
  query: Query,
): OrderedRows {
  const limit = plan.kind === 'limit' ? plan : undefined;
  const below = limit === undefined ? plan : limit.input;
  const sort = below.kind === 'sort' ? below : undefined;
  const input = sort === undefined ? below : sort.input;
  const keys = sort === undefined ? [] : sort.keys;
  const first = limit && keys.length > 0 ? firstRows(limit) : undefined;
  if (limit !== undefined && first !== undefined) {
    const rows = materializeFirst(input, columns, keys, first, query);
    if (query.options.countRows) query.counters.push({ plan, slot: rows.pointers + 4 });
    cut(limit, rows.pointers, query);
    return rows;
  }
  if (keys.length > 0 && estimatedRows(input) > comparedMax) {
    const reach = limit && rowReach(limit, query);
    const spec = { input, columns, partition: [], order: keys, ...(reach && { reach }) };
    const rows = produceSorted(spec, query);
    rows.forgetKeys();
    if (query.options.countRows) query.counters.push({ plan, slot: rows.count });
    if (limit !== undefined) cut(limit, rows.pointers, query);
    return rows;
  }
  const rows = materializeCompared(input, columns, keys, query);
  if (query.options.countRows) query.counters.push({ plan, slot: rows.pointers + 4 });
  if (limit !== undefined) cut(limit, rows.pointers, query);
  return rows;
}

/** Materialises rows and sorts their addresses by comparing rows, if there are keys. */
function materializeCompared(
  input: Plan,
  columns: readonly Column[],
  keys: readonly SortKey[],
  query: Query,
): OrderedRows {
  const layout = new RowLayout();
  const fields = new Map<number, StoredField>();
  let keyFields: StoredField[] = [];
  let buffer = -1;
  produce(input, query, (scope) => {
    const values = columns.map((column) => compileExpression(columnRef(column), scope));
    const stored: [StoredField, Value][] = values.map((value, i) => {
      const field = layout.add(value);
      fields.set(columns[i].id, field);
      return [field, value];
    });
    keyFields = keys.map(({ expression }) => {
      const known = expression.kind === 'column' ? fields.get(expression.column.id) : undefined;
      if (known !== undefined) return known;
      const value = compileExpression(expression, scope);
      const field = layout.add(value);
      stored.push([field, value]);
      return field;
    });
    buffer = query.buffer('ordered', layout.rowBytes);
    storeRow(scope, buffer, layout, stored);
  });
  assert(buffer >= 0, 'the input was compiled');
  const pointers = query.frameSlot(8, 8);
  query.steps.push({ kind: 'gather', buffer, slot: pointers, pointers: true });
  if (keys.length > 0) {
    const before = beforeFunction(query, keys, keyFields);
    // Stable: rows with equal keys keep the order of the input, whatever ran in parallel.
    const less: Less = (_, a, b) => before.call(a, b);
    const sortPointers = emitSort(query.module, query.unique('sort_rows'), less);
    query.callStep(query.unique('sort'), (f) => {
      const { frame } = f.param;
      const count = f.let(i32.load(frame, pointers + 4), 'count');
      const temporary = f.let(query.allocate.call(i32.shl(i32.add(count, 1), 2)), 'temporary');
      f.call(sortPointers, i32.load(frame, pointers), count, temporary);
      f.call(query.release, temporary);
    });
  }
  return { pointers, rowBytes: layout.rowBytes, fields };
}

/** More rows than this are sorted as a whole. */
const firstRowsMax = 8192;

/** Up to so many rows are compared with each other: that takes less code than to sort by keys. */
const comparedMax = 10_000;

/**
 * How many rows from the start of the order LIMIT and OFFSET can reach, if that is known and few.
 */
function firstRows(limit: Limit): number | undefined {
  const constantOf = (expression: Limit['limit']): bigint | undefined => {
    const value = expression && fold(expression)?.value;
    return typeof value === 'bigint' ? value : undefined;
  };
  const most = constantOf(limit.limit);
  const skipped = limit.offset === undefined ? 0n : constantOf(limit.offset);
  if (most === undefined || skipped === undefined || most < 0n || skipped < 0n) return undefined;
  return most + skipped <= firstRowsMax ? Number(most + skipped) : undefined;
}
