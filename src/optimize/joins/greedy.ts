import { assert } from '../../base/assert.ts';
import type { JoinCosts, JoinTree } from './cost.ts';
import type { JoinGraph } from './graph.ts';

/**
 * Joins what gives the fewest rows next, until one tree is left (greedy operator ordering, Fegaras
 * 1998). Cross products come last, the smallest first.
 */
export function greedy(graph: JoinGraph, costs: JoinCosts, start: readonly JoinTree[]): JoinTree {
  const trees = [...start];
  while (trees.length > 1) {
    const next =
      bestPair(trees, (a, b) => isConnected(graph, a, b), costs) ??
      bestPair(trees, () => true, costs);
    assert(next !== undefined, 'any two inner nodes can be crossed');
    trees.splice(trees.indexOf(next.a), 1);
    trees.splice(trees.indexOf(next.b), 1, next.tree);
  }
  return trees[0];
}

interface Pair {
  readonly a: JoinTree;
  readonly b: JoinTree;
  readonly tree: JoinTree;
}

function bestPair(
  trees: readonly JoinTree[],
  allowed: (a: JoinTree, b: JoinTree) => boolean,
  costs: JoinCosts,
): Pair | undefined {
  let best: Pair | undefined;
  for (let i = 0; i < trees.length; i++) {
    for (let j = i + 1; j < trees.length; j++) {
      const [a, b] = [trees[i], trees[j]];
      if (!allowed(a, b)) continue;
      const tree = costs.join(a, b);
      if (tree === undefined) continue;
      if (best === undefined || isBetter(tree, best.tree)) best = { a, b, tree };
    }
  }
  return best;
}

function isBetter(tree: JoinTree, best: JoinTree): boolean {
  return tree.rows < best.rows || (tree.rows === best.rows && tree.cost < best.cost);
}

function isConnected(graph: JoinGraph, a: JoinTree, b: JoinTree): boolean {
  return graph.neighbours.some((mask, i) => a.mask & (1 << i) && mask & b.mask);
}
