import { type AggregateCall, constant, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';

/**
 * What only counts the rows of a table has the answer in the place of the scan: a table knows how
 * many it has, and a Parquet file says so in its footer.
 */
export function countRows(plan: Plan): Plan {
  const inner = mapInputs(plan, countRows);
  if (inner.kind !== 'aggregate' || inner.groups.length > 0) return inner;
  if (inner.groupingSets !== undefined || !inner.aggregates.every(countsAll)) return inner;
  const count = rowCount(inner.input);
  if (count === undefined) return inner;
  const row = inner.aggregates.map(({ type }): Expression => constant(BigInt(count), type));
  return { kind: 'values', rows: [row], columns: inner.columns };
}

function countsAll({ name, args, distinct, filter }: AggregateCall): boolean {
  if (name !== 'count' || filter !== undefined) return false;
  if (args.length === 0) return true;
  return !distinct && args.every((arg) => arg.kind === 'column' && !arg.nullable);
}

/** How many rows a plan gives, if it is all of a table. */
function rowCount(plan: Plan): number | undefined {
  if (plan.kind === 'project') return rowCount(plan.input);
  return plan.kind === 'scan' && plan.filters.length === 0 ? plan.table.rowCount : undefined;
}
