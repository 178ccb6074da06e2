import { type Column, columnRef } from '../plan/expression.ts';
import { maxRows } from '../plan/max-rows.ts';
import type { Plan } from '../plan/plan.ts';
import { mapInputs } from '../plan/rewrite.ts';
import { uniquePlaces } from '../plan/uniqueness.ts';
import { canonicalColumns } from './canonical.ts';
import { OptimizerContext } from './context.ts';
import { Estimator } from './estimate/estimator.ts';
import { reorderJoins } from './joins/reorder.ts';
import { inlineCheap, shareEqualParts } from './rules/compute-once.ts';
import { countRows } from './rules/count-rows.ts';
import { aggregateEarly } from './rules/eager-aggregation.ts';
import { dropEmpty } from './rules/empty.ts';
import { foldConstants } from './rules/fold.ts';
import { hoistTables } from './rules/hoist-tables.ts';
import { inlineWith } from './rules/inline-with.ts';
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
  current = countRows(pruneColumns(dropEmpty(pushDown(current))));
  const inlined = inlineCheap(context, current, new Estimator());
  if (inlined !== current) current = pruneColumns(dropEmpty(pushDown(inlined)));
  current = aggregateEarly(context, current, new Estimator());
  current = reorderJoins(context, current, new Estimator());
  current = pruneColumns(splitDistinct(context, current));
  const shared = shareEqualParts(context, current, new Estimator());
  if (shared !== current) current = pruneColumns(shared);
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

/**
 * Writes the estimates into the nodes, and into readers of common tables what is certain of them.
 */
function annotate(plan: Plan, estimator: Estimator): Plan {
  estimator.rows(plan);
  const definitions = new Map<number, Plan>();
  const visit = (node: Plan): Plan => {
    const estimate = estimator.rows(node);
    if (node.kind === 'with') {
      const definition = visit(node.definition);
      definitions.set(node.id, definition);
      return { ...node, definition, body: visit(node.body), estimate };
    }
    const definition = node.kind === 'withReference' ? definitions.get(node.id) : undefined;
    if (node.kind === 'withReference' && definition !== undefined) {
      const unique = uniquePlaces(definition).map((place) => node.columns[place].id);
      return { ...node, unique, rowsMax: maxRows(definition), estimate };
    }
    return { ...mapInputs(node, visit), estimate };
  };
  return visit(plan);
}
