import { makeFilter, makeJoin } from '../../plan/build.ts';
import { conjunction } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';
import type { OptimizerContext } from '../context.ts';
import type { Estimator } from '../estimate/estimator.ts';
import { bitIndex, JoinCosts, type JoinTree } from './cost.ts';
import { enumerate } from './enumerate.ts';
import { buildGraph, type JoinGraph, startsGraph } from './graph.ts';
import { greedy } from './greedy.ts';
import { reduceAggregates } from './reduce.ts';

/**
 * Chooses the order of joins everywhere in the plan, and their sides: what is looked up comes to
 * the right, what streams by to the left.
 */
export function reorderJoins(context: OptimizerContext, plan: Plan, estimator: Estimator): Plan {
  const recur = (input: Plan): Plan => reorderJoins(context, input, estimator);
  if (plan.kind === 'with') {
    const definition = recur(plan.definition);
    // References in the body are estimated by the definition.
    estimator.defineTable(plan.id, definition);
    return { ...plan, definition, body: recur(plan.body) };
  }
  if (plan.kind === 'recursive') {
    const initial = recur(plan.initial);
    estimator.defineTable(plan.id, initial);
    return { ...plan, initial, step: recur(plan.step) };
  }
  if (!startsGraph(plan)) return mapInputs(plan, recur);
  const reduced = reduceAggregates(context, buildGraph(plan), estimator);
  const nodes = reduced.nodes.map((node) => ({ ...node, plan: recur(node.plan) }));
  const graph = { ...reduced, nodes };
  const costs = new JoinCosts(graph, estimator);
  const tree = bestTree(graph, costs);
  return build(withEstimates(graph, estimator), costs, tree);
}

/** So that what was seen in samples need not be looked at again. */
function withEstimates(graph: JoinGraph, estimator: Estimator): JoinGraph {
  const nodes = graph.nodes.map((node) => {
    return { ...node, plan: { ...node.plan, estimate: estimator.rows(node.plan) } };
  });
  return { ...graph, nodes };
}

/** The best tree of each connected part, then of all. */
function bestTree(graph: JoinGraph, costs: JoinCosts): JoinTree {
  const trees = connectedParts(graph).flatMap(
    (part) => enumerate(graph, costs, part) ?? leaves(graph, costs, part),
  );
  return greedy(graph, costs, trees);
}

function leaves(graph: JoinGraph, costs: JoinCosts, mask: number): JoinTree[] {
  const nodes = graph.nodes.map((_, i) => i).filter((i) => mask & (1 << i));
  return nodes.map((i) => costs.leaf(i));
}

function connectedParts(graph: JoinGraph): number[] {
  const parts: number[] = [];
  let seen = 0;
  for (let i = 0; i < graph.nodes.length; i++) {
    if (seen & (1 << i)) continue;
    let part = 1 << i;
    for (let before = 0; before !== part; ) {
      before = part;
      graph.neighbours.forEach((mask, node) => {
        if (part & (1 << node)) part |= mask;
      });
    }
    parts.push(part);
    seen |= part;
  }
  return parts;
}

function build(graph: JoinGraph, costs: JoinCosts, tree: JoinTree): Plan {
  if (tree.left === undefined || tree.right === undefined) {
    return graph.nodes[bitIndex(tree.mask)].plan;
  }
  const left = build(graph, costs, tree.left);
  const right = build(graph, costs, tree.right);
  const [a, b] = [tree.left.mask, tree.right.mask];
  const late = costs.latePredicates(a, b);
  const special = tree.right.left === undefined ? graph.nodes[bitIndex(b)].special : undefined;
  const estimate = tree.rows;
  if (special !== undefined) {
    const join = makeJoin(special.type, left, right, special.condition, special.mark);
    return late.length === 0 ? { ...join, estimate } : { ...makeFilter(join, late), estimate };
  }
  const conditions = [...costs.joinConditions(a, b), ...late];
  return { ...makeJoin('inner', left, right, conjunction(conditions)), estimate };
}
