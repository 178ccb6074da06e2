import { bitIndex, type JoinCosts, type JoinTree } from './cost.ts';
import type { JoinGraph } from './graph.ts';

/** More pairs of sets than this are not looked at: about five milliseconds. */
const pairsMax = 20_000;

/**
 * The cheapest tree of joins without cross products, by dynamic programming over connected sets:
 * DPccp, after Moerkotte and Neumann, "Analysis of Two Existing and One New Dynamic Programming
 * Algorithm for the Generation of Optimal Bushy Join Trees without Cross Products" (VLDB 2006).
 * Undefined if the graph has too many pairs, or no such tree of all nodes in `all`.
 */
export function enumerate(graph: JoinGraph, costs: JoinCosts, all: number): JoinTree | undefined {
  const search = new Search(graph, costs, all);
  return search.run();
}

class Search {
  readonly #graph: JoinGraph;
  readonly #costs: JoinCosts;
  readonly #all: number;
  readonly #best = new Map<number, JoinTree>();
  #pairs = 0;

  constructor(graph: JoinGraph, costs: JoinCosts, all: number) {
    this.#graph = graph;
    this.#costs = costs;
    this.#all = all;
  }

  run(): JoinTree | undefined {
    for (let i = 0; i < this.#graph.nodes.length; i++) {
      if (this.#all & (1 << i)) this.#best.set(1 << i, this.#costs.leaf(i));
    }
    for (let i = this.#graph.nodes.length - 1; i >= 0; i--) {
      if (!(this.#all & (1 << i))) continue;
      this.#complements(1 << i);
      this.#grow(1 << i, upTo(i), (set) => this.#complements(set));
      if (this.#pairs > pairsMax) return undefined;
    }
    return this.#best.get(this.#all);
  }

  /** Calls `emit` for every connected superset of `set` made without the nodes in `excluded`. */
  #grow(set: number, excluded: number, emit: (set: number) => void): void {
    const fringe = this.#neighbours(set) & ~excluded;
    if (fringe === 0 || this.#pairs > pairsMax) return;
    for (let part = fringe & -fringe; part !== 0; part = (part - fringe) & fringe) emit(set | part);
    for (let part = fringe & -fringe; part !== 0; part = (part - fringe) & fringe) {
      this.#grow(set | part, excluded | fringe, emit);
    }
  }

  /** Joins `set` with every connected set beside it. */
  #complements(set: number): void {
    const excluded = upTo(bitIndex(set & -set)) | set;
    const fringe = this.#neighbours(set) & ~excluded;
    for (let rest = fringe; rest !== 0; ) {
      const i = bitIndex(rest);
      rest &= ~(1 << i);
      this.#consider(set, 1 << i);
      this.#grow(1 << i, excluded | (upTo(i) & fringe), (other) => this.#consider(set, other));
    }
  }

  #neighbours(set: number): number {
    let neighbours = 0;
    for (let rest = set; rest !== 0; rest &= rest - 1) {
      neighbours |= this.#graph.neighbours[bitIndex(rest & -rest)];
    }
    return neighbours & ~set & this.#all;
  }

  #consider(a: number, b: number): void {
    if (++this.#pairs > pairsMax) return;
    const left = this.#best.get(a);
    const right = this.#best.get(b);
    if (left === undefined || right === undefined) return;
    const tree = this.#costs.join(left, right);
    if (tree === undefined) return;
    const known = this.#best.get(tree.mask);
    if (known === undefined || tree.cost < known.cost) this.#best.set(tree.mask, tree);
  }
}

/** All nodes up to and including `i`. */
function upTo(i: number): number {
  return i >= 31 ? -1 : (1 << (i + 1)) - 1;
}
