import { type Column, columnRef } from '../plan/expression.ts';
import type { Plan } from '../plan/plan.ts';
import { mapInputs } from '../plan/rewrite.ts';
import { canonicalColumns } from './canonical.ts';
import { OptimizerContext } from './context.ts';
import { Estimator } from './estimate/estimator.ts';
import { reorderJoins } from './joins/reorder.ts';
import { aggregateEarly } from './rules/eager-aggregation.ts';
import { dropEmpty } from './rules/empty.ts';
import { foldConstants } from './rules/fold.ts';
import { hoistTables } from './rules/hoist-tables.ts';
import { inlineCheap, inlineWith } from './rules/inline-with.ts';
import { pruneColumns } from './rules/prune.ts';
import { pushDown } from './rules/pushdown.ts';
import { splitDistinct } from './rules/split-distinct.ts';
import { unnestSubqueries } from './rules/subqueries.ts';

/**
 * Rewrites a bound plan to one that gives the same rows with less work. The result has no subquery
 * expressions and no dependent joins, every node has an estimate, and each column is one object
 * throughout.
 */
export function optimize(plan: Plan): Plan {
  const context = new OptimizerContext(plan);
  let current = foldConstants(inlineWith(plan));
  current = hoistTables(unnestSubqueries(context, current));
  current = pruneColumns(dropEmpty(pushDown(current)));
  const inlined = inlineCheap(context, current, new Estimator());
  if (inlined !== current) current = pruneColumns(dropEmpty(pushDown(inlined)));
  current = aggregateEarly(context, current, new Estimator());
  current = reorderJoins(context, current, new Estimator());
  current = pruneColumns(splitDistinct(context, current));
  return annotate(withNames(canonicalColumns(current), plan.columns), new Estimator());
}

/** The root with the names of the result: one column may be shown under several. */
function withNames(plan: Plan, columns: readonly Column[]): Plan {
  const same =
    plan.columns.length === columns.length &&
    columns.every((column, i) => plan.columns[i].name === column.name);
  if (same) return plan;
  const byId = new Map(plan.columns.map((column) => [column.id, column]));
  const inner = columns.map((column) => byId.get(column.id)!);
  const named = inner.map((column, i) => ({ ...column, name: columns[i].name }));
  return { kind: 'project', input: plan, expressions: inner.map(columnRef), columns: named };
}

/** Writes the estimates into the nodes. */
function annotate(plan: Plan, estimator: Estimator): Plan {
  estimator.rows(plan);
  const visit = (node: Plan): Plan => {
    const estimate = estimator.rows(node);
    return { ...mapInputs(node, visit), estimate };
  };
  return visit(plan);
}
