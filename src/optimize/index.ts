import type { Plan } from '../plan/plan.ts';
import { mapInputs } from '../plan/rewrite.ts';
import { canonicalColumns } from './canonical.ts';
import { OptimizerContext } from './context.ts';
import { Estimator } from './estimate/estimator.ts';
import { reorderJoins } from './joins/reorder.ts';
import { foldConstants } from './rules/fold.ts';
import { inlineWith } from './rules/inline-with.ts';
import { pruneColumns } from './rules/prune.ts';
import { pushDown } from './rules/pushdown.ts';
import { unnestSubqueries } from './rules/subqueries.ts';

/**
 * Rewrites a bound plan to one that gives the same rows with less work. The result has no subquery
 * expressions and no dependent joins, every node has an estimate, and each column is one object
 * throughout.
 */
export function optimize(plan: Plan): Plan {
  const context = new OptimizerContext(plan);
  let current = foldConstants(inlineWith(plan));
  current = unnestSubqueries(context, current);
  current = pushDown(current);
  current = reorderJoins(current, new Estimator());
  current = pruneColumns(current);
  return annotate(canonicalColumns(current), new Estimator());
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
