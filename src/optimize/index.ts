import type { Plan } from '../plan/plan.ts';
import { mapInputs } from '../plan/rewrite.ts';
import { cardinality } from './estimate/cardinality.ts';
import { inlineWith } from './rules/inline-with.ts';
import { internColumns } from './rules/intern.ts';
import { prune } from './rules/prune.ts';
import { pushDown } from './rules/pushdown.ts';
import { simplifyPlan } from './rules/simplify.ts';
import { onlyColumns, unnest } from './rules/unnest.ts';

/**
 * A bound plan as an equal one that is cheap to run: no subqueries, predicates at the scans, joins
 * in a good order, no unused columns, and an estimate of its rows at each node.
 */
export function optimize(plan: Plan): Plan {
  const inlined = inlineWith(internColumns(plan));
  const unnested = unnest(simplifyPlan(inlined));
  const pushed = pushDown(simplifyPlan(unnested));
  // The columns of the root as they were bound have the names of the result.
  const pruned = onlyColumns(prune(pushed), plan.columns);
  return withEstimates(pruned);
}

function withEstimates(plan: Plan): Plan {
  const inner = mapInputs(plan, withEstimates);
  return { ...inner, estimate: Math.round(cardinality(inner).rows) };
}
