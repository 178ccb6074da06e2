import { makeEqual } from '../../plan/build.ts';
import type { Expression } from '../../plan/expression.ts';
import { conjuncts } from '../../plan/expression.ts';
import { columnIds } from '../../plan/free-columns.ts';
import { type Estimator, togetherShare } from '../estimate/estimator.ts';
import { EqualKeys } from '../estimate/key-shares.ts';
import { selectivity } from '../estimate/selectivity.ts';
import { impliedBy } from '../rules/factor-or.ts';
import type { EqualClass, JoinGraph } from './graph.ts';

/** The best known way to join a set of nodes. */
export interface JoinTree {
  readonly mask: number;
  readonly rows: number;
  readonly cost: number;
  /** undefined for a single node. */
  readonly left: JoinTree | undefined;
  readonly right: JoinTree | undefined;
}

/**
 * Costs in rows touched, as weights of what was measured in compiled code: putting a row into a
 * hash table costs about twice what looking one up does.
 */
const buildWeight = 2;
const probeWeight = 1;
const outputWeight = 0.5;

/** Works out rows and costs of joins of a graph. */
export class JoinCosts {
  readonly #graph: JoinGraph;
  readonly #estimator: Estimator;
  /** Rows of sets: they do not depend on the order of joins. */
  readonly #rows = new Map<number, number>();
  readonly #keys = new Map<EqualClass, EqualKeys>();

  constructor(graph: JoinGraph, estimator: Estimator) {
    this.#graph = graph;
    this.#estimator = estimator;
  }

  leaf(node: number): JoinTree {
    const mask = 1 << node;
    const { plan, rows: given } = this.#graph.nodes[node];
    const actual = this.#estimator.rows(plan);
    const rows = given ?? actual;
    this.#rows.set(mask, rows);
    return { mask, rows, cost: 0, left: undefined, right: undefined };
  }

  /** The join of two disjoint sets, or undefined if it is not allowed. */
  join(a: JoinTree, b: JoinTree): JoinTree | undefined {
    const special = this.#specialOf(b) ?? this.#specialOf(a);
    if (special !== undefined) return this.#joinSpecial(a, b);
    const mask = a.mask | b.mask;
    let rows = this.#rows.get(mask);
    if (rows === undefined) {
      // Less than a row says nothing of what comes next, which would then seem to cost nothing.
      rows = Math.max(a.rows * b.rows * this.#share(a.mask, b.mask), Math.min(a.rows, b.rows, 1));
      this.#rows.set(mask, rows);
    }
    const [left, right] = a.rows >= b.rows ? [a, b] : [b, a];
    const connected = this.joinConditions(a.mask, b.mask).length > 0;
    const work = connected
      ? right.rows * buildWeight + left.rows * probeWeight
      : right.rows * buildWeight + left.rows * Math.max(right.rows, 1);
    const cost = a.cost + b.cost + work + rows * outputWeight;
    return { mask, rows, cost, left, right };
  }

  #specialOf(tree: JoinTree): JoinTree | undefined {
    if (tree.left !== undefined) return undefined;
    return this.#graph.nodes[bitIndex(tree.mask)].special === undefined ? undefined : tree;
  }

  #joinSpecial(a: JoinTree, b: JoinTree): JoinTree | undefined {
    const right = this.#specialOf(b) ?? a;
    const left = right === b ? a : b;
    if (this.#specialOf(left) !== undefined) return undefined;
    const node = this.#graph.nodes[bitIndex(right.mask)];
    const { type, condition, needs } = node.special!;
    if ((needs & left.mask) !== needs) return undefined;
    const mask = a.mask | b.mask;
    let rows = this.#rows.get(mask);
    if (rows === undefined) {
      const conditions = condition === undefined ? [] : conjuncts(condition);
      rows = this.#specialRows(type, left, right.mask, conditions);
      rows *= this.#lateShare(left.mask, right.mask);
      this.#rows.set(mask, rows);
    }
    const work = right.rows * buildWeight + left.rows * probeWeight;
    const cost = left.cost + right.cost + work + rows * outputWeight;
    return { mask, rows, cost, left, right };
  }

  #specialRows(
    type: string,
    left: JoinTree,
    rightMask: number,
    conditions: readonly Expression[],
  ): number {
    const { nodes } = this.#graph;
    const right = nodes[bitIndex(rightMask)].plan;
    if (type === 'mark' || type === 'single') return left.rows;
    // The nodes that the condition needs stand for the whole left side.
    const needed = nodes.filter((_, i) => left.mask & (1 << i));
    const columns = needed.flatMap((node) => node.plan.columns);
    const side = { kind: 'values', rows: [], columns } as const;
    if (type === 'left') {
      const share = this.#estimator.joinShare(side, right, conditions);
      return Math.max(left.rows, left.rows * this.#estimator.rows(right) * share);
    }
    const share = this.#estimator.matchShare(side, right, conditions);
    return left.rows * (type === 'semi' ? share : Math.max(0.01, 1 - share));
  }

  /** The share of pairs that pass everything that can be tested once both sets are there. */
  #share(a: number, b: number): number {
    const classes = this.#crossing(a, b);
    const rest = this.#lateShare(a, b) * this.#equationShare(a, b);
    if (classes.length === 0) return rest;
    const shares = classes.map((item) => this.#classShare(item, a, b));
    if (shares.length === 1) return shares[0] * rest;
    const fewest = Math.min(this.#combinations(classes, a), this.#combinations(classes, b));
    return togetherShare(shares, fewest) * rest;
  }

  /** Of equations between expressions, which belong to no class of columns. */
  #equationShare(a: number, b: number): number {
    let share = 1;
    for (const { mask, expression, isEquation } of this.#graph.predicates) {
      if (!isEquation || !isNew(mask, a, b) || expression.kind !== 'call') continue;
      share *= this.#estimator.equalShare(expression.args[0], expression.args[1]);
    }
    return share;
  }

  #crossing(a: number, b: number): EqualClass[] {
    return this.#graph.classes.filter((item) => item.mask & a && item.mask & b);
  }

  /** The share of pairs of rows of two sets that agree in a class. */
  #classShare(item: EqualClass, a: number, b: number): number {
    let keys = this.#keys.get(item);
    if (keys === undefined) {
      const { nodes } = this.#graph;
      keys = new EqualKeys(
        item.members.map(({ node, column }) =>
          this.#estimator.keyFigures(nodes[node].plan, column),
        ),
      );
      this.#keys.set(item, keys);
    }
    const [inA, inB] = [membersIn(item, a), membersIn(item, b)];
    return keys.share(inA | inB) / (keys.share(inA) * keys.share(inB));
  }

  /** As {@link Estimator.combinations}, of the keys that a side has in these classes. */
  #combinations(classes: readonly EqualClass[], side: number): number {
    let fewest = Number.NaN;
    for (const [i, node] of this.#graph.nodes.entries()) {
      if (!(side & (1 << i))) continue;
      const keys = classes.flatMap((item) =>
        item.members.filter((member) => member.node === i).map((member) => member.column),
      );
      if (keys.length < classes.length) continue;
      const count = this.#estimator.combinations(node.plan, keys);
      if (!(count >= fewest)) fewest = count;
    }
    return fewest;
  }

  /** The share of rows that pass the predicates that can be tested only now. */
  #lateShare(a: number, b: number): number {
    const { figures } = this.#estimator;
    let share = 1;
    for (const predicate of this.latePredicates(a, b)) {
      share *= selectivity([predicate], figures);
      // What an OR implies for one node alone has been tested there.
      for (const node of this.#graph.nodes) {
        const implied = impliedBy(predicate, columnIds(node.plan));
        if (implied !== undefined) share /= selectivity([implied], figures);
      }
    }
    return Math.min(1, share);
  }

  /** Equations that join the two sets: one for each class of equal columns. */
  joinConditions(a: number, b: number): Expression[] {
    const conditions = this.#crossing(a, b).map((item) => {
      const inside = (side: number): Expression =>
        item.members.find(({ node }) => side & (1 << node))!.column;
      return makeEqual(inside(a), inside(b));
    });
    for (const predicate of this.#graph.predicates) {
      const { mask, expression, isEquation } = predicate;
      if (isEquation && isNew(mask, a, b)) conditions.push(expression);
    }
    return conditions;
  }

  /** Other predicates that can be tested on the two sets together, but on neither alone. */
  latePredicates(a: number, b: number): Expression[] {
    return this.#graph.predicates
      .filter(
        ({ mask, isEquation }) => !isEquation && (isNew(mask, a, b) || this.#isOfOuter(mask, b)),
      )
      .map(({ expression }) => expression);
  }

  /** A predicate on what a special join adds, its mark or NULLs, has to wait for that join. */
  #isOfOuter(mask: number, b: number): boolean {
    if (mask !== b || (b & (b - 1)) !== 0) return false;
    return this.#graph.nodes[bitIndex(b)].special !== undefined;
  }
}

/**
 * Which members of a class are of the nodes in `mask`, the first of each; a bit for each member.
 */
function membersIn({ members }: EqualClass, mask: number): number {
  let bits = 0;
  let seen = 0;
  members.forEach(({ node }, i) => {
    if (!(mask & (1 << node)) || seen & (1 << node)) return;
    seen |= 1 << node;
    bits |= 1 << i;
  });
  return bits;
}

function isNew(mask: number, a: number, b: number): boolean {
  return (mask & ~(a | b)) === 0 && (mask & ~a) !== 0 && (mask & ~b) !== 0;
}

/** The position of the only bit of a mask. */
export function bitIndex(mask: number): number {
  return 31 - Math.clz32(mask);
}
