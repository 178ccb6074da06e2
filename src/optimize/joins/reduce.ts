import { makeEqual, makeJoin, makeSelection } from '../../plan/build.ts';
import { columnRef, conjuncts, type Expression } from '../../plan/expression.ts';
import type { Aggregate, Plan } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';
import type { OptimizerContext } from '../context.ts';
import { type Estimator, equalPair } from '../estimate/estimator.ts';
import { refreshPlan } from '../rules/refresh.ts';
import type { EqualClass, GraphNode, JoinGraph } from './graph.ts';

/** A reduction must leave at most this share of the rows to be worth reading a table twice. */
const shareMax = 0.3;

/**
 * Groups that an aggregate makes only to lose them in a join need not be made: when one of its
 * groups must equal a column of a filtered table of the same graph, the rows without such a value
 * are left out below the aggregate, by a semi join with a copy of that table. (Sideways information
 * passing; it is what magic sets do for views.)
 */
export function reduceAggregates(
  context: OptimizerContext,
  graph: JoinGraph,
  estimator: Estimator,
): JoinGraph {
  const nodes = graph.nodes.map((node, i): GraphNode => {
    const aggregate = aggregateOf(node.plan);
    if (node.special !== undefined || aggregate === undefined) return node;
    const rows = estimator.rows(node.plan);
    const reduction = bestReduction(graph, estimator, i, aggregate);
    if (reduction === undefined) return node;
    const plan = replaceAggregate(node.plan, reduce(context, aggregate, reduction));
    // What the copy filters out is not there for the join with the original either.
    return { ...node, plan, rows };
  });
  return { ...graph, nodes };
}

/** The aggregate below projections and filters. */
function aggregateOf(plan: Plan): Aggregate | undefined {
  if (plan.kind === 'project' || plan.kind === 'filter') return aggregateOf(plan.input);
  return plan.kind === 'aggregate' && plan.groupingSets === undefined ? plan : undefined;
}

function replaceAggregate(plan: Plan, by: Plan): Plan {
  return plan.kind === 'aggregate' ? by : mapInputs(plan, (input) => replaceAggregate(input, by));
}

interface Reduction {
  /** What the groups are made by. */
  readonly key: Expression;
  readonly source: Source;
  /** Share of the aggregate's rows that stay. */
  readonly share: number;
}

/** A filtered table, and the column that the key must be found in. */
interface Source {
  readonly plan: Plan;
  readonly column: Expression;
}

function bestReduction(
  graph: JoinGraph,
  estimator: Estimator,
  node: number,
  aggregate: Aggregate,
): Reduction | undefined {
  let best: Reduction | undefined;
  for (const item of graph.classes) {
    const key = groupKey(item, node, aggregate);
    if (key === undefined) continue;
    for (const source of sources(graph, item, node)) {
      if (estimator.rows(source.plan) > estimator.rows(aggregate.input)) continue;
      const condition = makeEqual(key, source.column);
      const share = estimator.matchShare(aggregate.input, source.plan, [condition]);
      if (share <= Math.min(shareMax, best?.share ?? 1)) best = { key, source, share };
    }
  }
  return best;
}

/** The group of the aggregate that is a member of the class. */
function groupKey(item: EqualClass, node: number, aggregate: Aggregate): Expression | undefined {
  for (const { node: owner, column } of item.members) {
    if (owner !== node || column.kind !== 'column') continue;
    const at = aggregate.columns.findIndex(({ id }) => id === column.column.id);
    const group = at < 0 ? undefined : aggregate.groups[at];
    if (group?.kind === 'column') return group;
  }
  return undefined;
}

/** Filtered tables with a column that equals those of the class in every result row. */
function* sources(graph: JoinGraph, item: EqualClass, node: number): Generator<Source> {
  for (const { node: owner, column } of item.members) {
    const { plan, special } = graph.nodes[owner];
    if (owner !== node && special === undefined && isFilteredScan(plan)) yield { plan, column };
  }
  const members = new Set(
    item.members.flatMap(({ column }) => (column.kind === 'column' ? [column.column.id] : [])),
  );
  for (const { plan, special } of graph.nodes) {
    if (special?.type !== 'semi' || special.condition === undefined) continue;
    if (!isFilteredScan(plan)) continue;
    const own = new Set(plan.columns.map(({ id }) => id));
    for (const condition of conjuncts(special.condition)) {
      const pair = equalPair(condition, members, own);
      if (pair !== undefined) yield { plan, column: pair.right };
    }
  }
}

function isFilteredScan(plan: Plan): boolean {
  if (plan.kind === 'project') return isFilteredScan(plan.input);
  return plan.kind === 'scan' && plan.filters.length > 0;
}

function reduce(context: OptimizerContext, aggregate: Aggregate, reduction: Reduction): Aggregate {
  const { key, source } = reduction;
  if (source.column.kind !== 'column') return aggregate;
  const { column } = source.column;
  const copy = refreshPlan(context, makeSelection(source.plan, [column]), new Set());
  const condition = makeEqual(key, columnRef(copy.columns[0]));
  return { ...aggregate, input: makeJoin('semi', aggregate.input, copy, condition) };
}
