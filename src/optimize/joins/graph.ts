import { makeEqual, makeFilter } from '../../plan/build.ts';
import { type Column, conjuncts, type Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { Join, JoinType, Plan } from '../../plan/plan.ts';
import { sameType } from '../../value/type.ts';
import { isEquationName } from '../estimate/estimator.ts';
import { isSingleRow } from '../rules/subqueries.ts';

/**
 * The inner joins of a part of a plan without their order: what is joined, and the predicates
 * between. Sets of nodes are bit masks.
 *
 * Semi, anti, mark, left and single joins take part too. The right side of each is a node that can
 * only be joined by itself, and only to a set that has all the columns its condition needs: such a
 * join looks at each row of its left side alone, so it may happen before or after other joins.
 */
export interface JoinGraph {
  readonly nodes: readonly GraphNode[];
  /** Sets of columns that are equal in every result row, two or more of different nodes. */
  readonly classes: readonly EqualClass[];
  readonly predicates: readonly GraphPredicate[];
  /** For each node, the nodes it can be joined with without a cross product. */
  readonly neighbours: readonly number[];
}

export interface GraphNode {
  readonly plan: Plan;
  /** Estimated rows to reckon with, where they are not those of the plan. */
  readonly rows: number | undefined;
  /** Set for the right side of a join that is not an inner one. */
  readonly special: SpecialJoin | undefined;
}

export interface SpecialJoin {
  readonly type: JoinType;
  readonly condition: Expression | undefined;
  readonly mark: Column | undefined;
  /** The nodes that the condition refers to, besides this one. */
  readonly needs: number;
}

export interface EqualClass {
  readonly members: readonly ClassMember[];
  readonly mask: number;
}

export interface ClassMember {
  readonly node: number;
  /** A column, or an integer column as BIGINT. */
  readonly column: Expression;
}

export interface GraphPredicate {
  readonly expression: Expression;
  readonly mask: number;
  /** An equation of expressions, one of each of two nodes: something to join by. */
  readonly isEquation: boolean;
}

/** Bit masks hold no more. */
export const nodesMax = 31;

interface Flat {
  readonly nodes: { plan: Plan; join: Join | undefined }[];
  readonly predicates: Expression[];
}

/** Whether a plan starts a group of joins that can be reordered. */
export function startsGraph(plan: Plan): boolean {
  if (plan.kind === 'filter') return startsGraph(plan.input);
  return plan.kind === 'join' && plan.type !== 'right' && plan.type !== 'full';
}

/** Takes a group of joins apart. */
export function buildGraph(plan: Plan): JoinGraph {
  const flat: Flat = { nodes: [], predicates: [] };
  flatten(plan, flat);
  const owner = new Map<number, number>();
  flat.nodes.forEach(({ plan: node, join }, i) => {
    for (const column of node.columns) owner.set(column.id, i);
    if (join?.mark !== undefined) owner.set(join.mark.id, i);
  });
  const maskOf = (expression: Expression): number => {
    let mask = 0;
    for (const id of usedColumns(expression).keys()) {
      const node = owner.get(id);
      if (node !== undefined) mask |= 1 << node;
    }
    return mask;
  };
  let specials = 0;
  flat.nodes.forEach(({ join }, i) => {
    if (join !== undefined) specials |= 1 << i;
  });
  const { classes, rest } = equalClasses(flat.predicates, owner, specials);
  const nodes = flat.nodes.map(({ plan: inner, join }, i): GraphNode => {
    const node = withImplied(inner, i, classes);
    const rows = undefined;
    if (join === undefined) return { plan: node, rows, special: undefined };
    const { type, condition, mark } = join;
    const needs = condition === undefined ? 0 : maskOf(condition) & ~(1 << i);
    return { plan: node, rows, special: { type, condition, mark, needs } };
  });
  const predicates = rest.map((expression): GraphPredicate => {
    const mask = maskOf(expression);
    return { expression, mask, isEquation: isEquation(expression, maskOf) && !(mask & specials) };
  });
  return { nodes, classes, predicates, neighbours: findNeighbours(nodes, classes, predicates) };
}

function flatten(plan: Plan, into: Flat): void {
  if (plan.kind === 'filter' && startsGraph(plan.input)) {
    into.predicates.push(...conjuncts(plan.predicate));
    flatten(plan.input, into);
    return;
  }
  if (plan.kind === 'project' && startsGraph(plan.input) && passesOnly(plan)) {
    flatten(plan.input, into);
    return;
  }
  const tooMany = into.nodes.length >= nodesMax - 1;
  if (plan.kind !== 'join' || plan.type === 'right' || plan.type === 'full' || tooMany) {
    into.nodes.push({ plan, join: undefined });
    return;
  }
  flatten(plan.left, into);
  if (plan.type === 'inner') {
    flatten(plan.right, into);
    if (plan.condition !== undefined) into.predicates.push(...conjuncts(plan.condition));
    return;
  }
  into.nodes.push({ plan: plan.right, join: plan });
}

/** Whether a projection only leaves columns out. */
function passesOnly(plan: Extract<Plan, { kind: 'project' }>): boolean {
  return plan.expressions.every(
    (expression, i) => expression.kind === 'column' && expression.column.id === plan.columns[i].id,
  );
}

function isEquation(expression: Expression, maskOf: (part: Expression) => number): boolean {
  if (expression.kind !== 'call' || !isEquationName(expression.name)) return false;
  const [a, b] = expression.args.map(maskOf);
  return a !== 0 && b !== 0 && (a & b) === 0 && isOne(a) && isOne(b);
}

function isOne(mask: number): boolean {
  return (mask & (mask - 1)) === 0;
}

/** Joins `a = b` and `b = c` to one class of equal columns. */
function equalClasses(
  predicates: readonly Expression[],
  owner: ReadonlyMap<number, number>,
  specials: number,
): { classes: EqualClass[]; rest: Expression[] } {
  const groups: Map<string, Expression>[] = [];
  const rest: Expression[] = [];
  for (const predicate of predicates) {
    const pair = columnPair(predicate);
    const inner = pair?.every((member) => {
      const node = owner.get(keyColumn(member)!.id);
      return node !== undefined && (specials & (1 << node)) === 0;
    });
    if (pair === undefined || !inner) {
      rest.push(predicate);
      continue;
    }
    // A column may be in one class as it is and in another as a wider integer.
    const ids = pair.map((member) => `${keyColumn(member)!.id} ${member.kind}`);
    const touched = groups.filter((group) => ids.some((id) => group.has(id)));
    const merged = touched[0] ?? new Map<string, Expression>();
    if (touched.length === 0) groups.push(merged);
    for (const other of touched.slice(1)) {
      for (const [id, column] of other) merged.set(id, column);
      groups.splice(groups.indexOf(other), 1);
    }
    pair.forEach((column, i) => merged.set(ids[i], column));
  }
  const classes = groups.map((group): EqualClass => {
    const members = [...group.values()].map((column) => {
      return { node: owner.get(keyColumn(column)!.id)!, column };
    });
    return { members, mask: members.reduce((mask, { node }) => mask | (1 << node), 0) };
  });
  return { classes, rest };
}

/** Columns of one node that must be equal because each equals a column of another node. */
function withImplied(plan: Plan, node: number, classes: readonly EqualClass[]): Plan {
  const implied: Expression[] = [];
  for (const { members } of classes) {
    const [first, ...others] = members.filter((member) => member.node === node);
    for (const other of others) implied.push(makeEqual(first.column, other.column));
  }
  if (implied.length === 0 || plan.kind !== 'scan') return makeFilter(plan, implied);
  return { ...plan, filters: [...plan.filters, ...implied] };
}

function columnPair(predicate: Expression): readonly Expression[] | undefined {
  if (predicate.kind !== 'call' || predicate.name !== 'eq') return undefined;
  const [a, b] = predicate.args;
  const isPair = keyColumn(a) !== undefined && keyColumn(b) !== undefined;
  return isPair && sameType(a.type, b.type) ? predicate.args : undefined;
}

/** The column that an expression is, or is as a BIGINT. */
function keyColumn(expression: Expression): Column | undefined {
  if (expression.kind === 'column') return expression.column;
  if (expression.kind !== 'cast' || expression.input.kind !== 'column') return undefined;
  const { input, type } = expression;
  const isWider = type.kind === 'bigint' && narrowerIntegers.has(input.type.kind);
  return isWider ? input.column : undefined;
}

const narrowerIntegers: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'integer']);

function findNeighbours(
  nodes: readonly GraphNode[],
  classes: readonly EqualClass[],
  predicates: readonly GraphPredicate[],
): number[] {
  const neighbours: number[] = new Array(nodes.length).fill(0);
  const connect = (mask: number): void => {
    nodes.forEach((_, i) => {
      if (mask & (1 << i)) neighbours[i] |= mask & ~(1 << i);
    });
  };
  for (const { mask } of classes) connect(mask);
  // A single row costs nothing to join: any predicate will do.
  const isCheap = (mask: number): boolean =>
    nodes.some((node, i) => mask & (1 << i) && !node.special && isSingleRow(node.plan));
  for (const { mask, isEquation: equation } of predicates) {
    if (equation || isCheap(mask)) connect(mask);
  }
  nodes.forEach((node, i) => {
    if (node.special === undefined) return;
    for (let j = 0; j < nodes.length; j++) {
      if (!(node.special.needs & (1 << j))) continue;
      neighbours[i] |= 1 << j;
      neighbours[j] |= 1 << i;
    }
  });
  return neighbours;
}
