import { sameExpression } from '../../plan/equal.ts';
import type { Column, Expression, SortKey } from '../../plan/expression.ts';
import type { Plan, WindowCall } from '../../plan/plan.ts';
import type { BoundWindow } from '../expression/binder.ts';

/** Calls that one order of the rows serves. */
interface Sorted {
  readonly partition: readonly Expression[];
  order: readonly SortKey[];
  readonly calls: WindowCall[];
  readonly columns: Column[];
}

/**
 * The rows of `input` with the columns of window calls: a node for each order of the rows that is
 * needed. Calls share one if they have the same partitions, and the keys of the one order are the
 * first of the other.
 */
export function windowPlan(
  input: Plan,
  windows: readonly BoundWindow[],
  columns: readonly Column[],
): Plan {
  const sorts: Sorted[] = [];
  windows.forEach(({ partition, order, call }, i) => {
    let sort = sorts.find(
      (known) => samePartition(known.partition, partition) && agree(known.order, order),
    );
    if (sort === undefined) {
      sort = { partition, order, calls: [], columns: [] };
      sorts.push(sort);
    }
    if (order.length > sort.order.length) sort.order = order;
    sort.calls.push({ ...call, keys: order.length });
    sort.columns.push(columns[i]);
  });
  return sorts.reduce(
    (plan: Plan, { partition, order, calls, columns: added }): Plan => ({
      kind: 'window',
      input: plan,
      partition,
      order,
      calls,
      columns: [...plan.columns, ...added],
    }),
    input,
  );
}

function samePartition(a: readonly Expression[], b: readonly Expression[]): boolean {
  const within = (list: readonly Expression[], item: Expression): boolean =>
    list.some((other) => sameExpression(other, item));
  return a.every((item) => within(b, item)) && b.every((item) => within(a, item));
}

/** Whether one order begins with the other. */
function agree(a: readonly SortKey[], b: readonly SortKey[]): boolean {
  return a.slice(0, b.length).every((key, i) => {
    const other = b[i];
    return (
      key.descending === other.descending &&
      key.nullsFirst === other.nullsFirst &&
      sameExpression(key.expression, other.expression)
    );
  });
}
