import { assert } from '../../base/assert.ts';
import { type Column, conjunction, type Expression } from '../../plan/expression.ts';
import { columnIds, isCovered, usedColumns } from '../../plan/free-columns.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { cardinality } from '../estimate/cardinality.ts';
import { filtered } from '../rules/unnest.ts';
import type { JoinGraph, Reducer } from './graph.ts';

/** Up to so many relations all orders are tried; beyond, the next best join is taken each time. */
const exhaustiveMax = 11;

/** A plan for some of the relations. */
interface Candidate {
  readonly plan: Plan;
  readonly columns: ReadonlySet<number>;
  readonly rows: number;
  readonly cost: number;
  /** Bits of the relations it joins. */
  readonly relations: number;
  /** Reducers applied so far, as bits. */
  readonly reducers: number;
}

/**
 * The order of joins: dynamic programming over connected subsets of relations (Moerkotte and
 * Neumann, VLDB 2006, enumerate them as well but visit only connected pairs; here a subset
 * without a plan is skipped), greedy operator ordering (Fegaras, 1998) for many relations. Cross products
 * only where the graph leaves no other way.
 */
export function orderJoins(graph: JoinGraph): Plan {
  const orderer = new Orderer(graph);
  const best = orderer.order();
  return filtered(orderer.finish(best), []);
}

/** Costs in units of about a sequential row access. */
const buildCost = 2.5;
const probeCost = 1;
const outputCost = 0.5;

class Orderer {
  readonly #graph: JoinGraph;

  constructor(graph: JoinGraph) {
    this.#graph = graph;
  }

  order(): Candidate {
    const leaves = this.#graph.relations.map(({ plan }, i) => this.#leaf(plan, i));
    assert(leaves.length > 0, 'a region of joins has a relation');
    if (leaves.length > exhaustiveMax) return this.#greedy(leaves);
    return this.#exhaustive(leaves) ?? this.#greedy(leaves);
  }

  #leaf(plan: Plan, index: number): Candidate {
    const leaf: Candidate = {
      plan,
      columns: columnIds(plan),
      rows: cardinality(plan).rows,
      cost: scanCost(plan),
      relations: 1 << index,
      reducers: 0,
    };
    return this.#reduce(leaf);
  }

  /** Applies the reducers that can be, where that is worth it at this place. */
  #reduce(candidate: Candidate): Candidate {
    let current = candidate;
    this.#graph.reducers.forEach((reducer, i) => {
      if ((current.reducers & (1 << i)) !== 0) return;
      if (![...reducer.needs].every((id) => current.columns.has(id))) return;
      const all = current.relations === 2 ** this.#graph.relations.length - 1;
      const reduced = this.#withReducer(current, reducer, i);
      if (all || isWorthwhile(current, reduced, reducer)) current = reduced;
    });
    return current;
  }

  #withReducer(candidate: Candidate, reducer: Reducer, index: number): Candidate {
    const { plan } = candidate;
    const join: Join = {
      kind: 'join',
      type: reducer.type,
      left: plan,
      right: reducer.right,
      condition: conjunction(reducer.condition),
      mark: undefined,
      dependent: false,
      columns: plan.columns,
    };
    const right = cardinality(reducer.right).rows;
    const rows = cardinality(join).rows;
    const cost =
      candidate.cost + right * buildCost + candidate.rows * probeCost + scanCost(reducer.right);
    return { ...candidate, plan: join, rows, cost, reducers: candidate.reducers | (1 << index) };
  }

  #exhaustive(leaves: readonly Candidate[]): Candidate | undefined {
    const best: (Candidate | undefined)[] = new Array(1 << leaves.length);
    for (const leaf of leaves) best[leaf.relations] = leaf;
    for (let set = 1; set < best.length; set++) {
      if ((set & (set - 1)) === 0) continue;
      // Each way to split the set in two; the lower half has the lowest bit.
      const lowest = set & -set;
      for (let part = (set - 1) & set; part > 0; part = (part - 1) & set) {
        if ((part & lowest) === 0) continue;
        const left = best[part];
        const right = best[set ^ part];
        if (left === undefined || right === undefined) continue;
        const joined = this.#join(left, right, false);
        const known = best[set];
        if (joined && (known === undefined || joined.cost < known.cost)) best[set] = joined;
      }
    }
    return best[best.length - 1];
  }

  #greedy(leaves: readonly Candidate[]): Candidate {
    let parts = [...leaves];
    while (parts.length > 1) {
      let choice: { a: Candidate; b: Candidate; joined: Candidate } | undefined;
      for (const cross of [false, true]) {
        for (let i = 0; i < parts.length; i++) {
          for (let j = i + 1; j < parts.length; j++) {
            const joined = this.#join(parts[i], parts[j], cross);
            if (joined === undefined) continue;
            if (choice === undefined || joined.rows < choice.joined.rows) {
              choice = { a: parts[i], b: parts[j], joined };
            }
          }
        }
        if (choice !== undefined) break;
      }
      assert(choice !== undefined, 'any two relations can be crossed');
      const { a, b, joined } = choice;
      parts = [...parts.filter((part) => part !== a && part !== b), joined];
    }
    return parts[0];
  }

  #join(left: Candidate, right: Candidate, cross: boolean): Candidate | undefined {
    const condition: Expression[] = [];
    const columns = new Set([...left.columns, ...right.columns]);
    for (const predicate of this.#graph.predicates) {
      const applies =
        isCovered(predicate, columns) &&
        !isCovered(predicate, left.columns) &&
        !isCovered(predicate, right.columns) &&
        usedColumns(predicate).size > 0;
      if (applies) condition.push(predicate);
    }
    if (condition.length === 0 && !cross) return undefined;
    const hasEquality = condition.some((part) => part.kind === 'call' && part.name === 'eq');
    const [small, large] = left.rows <= right.rows ? [left, right] : [right, left];
    const join: Join = {
      kind: 'join',
      type: 'inner',
      // The larger side streams by, the smaller is built.
      left: large.plan,
      right: small.plan,
      condition: conjunction(withoutImplied(condition)),
      mark: undefined,
      dependent: false,
      columns: [...large.plan.columns, ...small.plan.columns],
    };
    const rows = cardinality(join).rows;
    const pairs = hasEquality ? 0 : large.rows * small.rows;
    const work = small.rows * buildCost + large.rows * probeCost + rows * outputCost + pairs;
    return this.#reduce({
      plan: join,
      columns,
      rows,
      cost: left.cost + right.cost + work,
      relations: left.relations | right.relations,
      reducers: left.reducers | right.reducers,
    });
  }

  /** Applies what is left: reducers put off, predicates of no columns. */
  finish(candidate: Candidate): Plan {
    let current = candidate;
    this.#graph.reducers.forEach((reducer, i) => {
      if ((current.reducers & (1 << i)) === 0) current = this.#withReducer(current, reducer, i);
    });
    const constant = this.#graph.predicates.filter((p) => usedColumns(p).size === 0);
    return filtered(current.plan, constant);
  }
}

/** Equalities that follow from others of the same join, through a third column, are not repeated. */
function withoutImplied(condition: readonly Expression[]): Expression[] {
  const kept: Expression[] = [];
  const classOf = new Map<Column, Set<Column>>();
  for (const part of condition) {
    if (part.kind === 'call' && part.name === 'eq') {
      const [a, b] = part.args;
      if (a.kind === 'column' && b.kind === 'column') {
        const first = classOf.get(a.column) ?? new Set([a.column]);
        const second = classOf.get(b.column) ?? new Set([b.column]);
        if (first === second) continue;
        for (const column of second) first.add(column);
        for (const column of first) classOf.set(column, first);
      }
    }
    kept.push(part);
  }
  return kept;
}

/** Building a small set that removes many rows pays early; others wait until fewer rows are left. */
function isWorthwhile(before: Candidate, after: Candidate, reducer: Reducer): boolean {
  const right = cardinality(reducer.right).rows;
  return after.rows < before.rows * 0.5 || right < before.rows * 0.1;
}

function scanCost(plan: Plan): number {
  return plan.kind === 'scan' ? plan.table.rowCount * 0.3 : 0;
}
