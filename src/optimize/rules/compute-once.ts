import { columnOf, columnRef } from '../../plan/expression.ts';
import { type Aggregate, inputs, type Plan, type With } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';
import { clusteringScan, probeSide } from '../../plan/row-order.ts';
import { type Substitution, substitute } from '../../plan/substitute.ts';
import type { OptimizerContext } from '../context.ts';
import type { Estimator } from '../estimate/estimator.ts';
import { countReferences, replaceReference } from './inline-with.ts';
import { mergePlans } from './merge-plans.ts';
import { refreshPlan } from './refresh.ts';
import { SharedTable } from './shared-table.ts';

/**
 * Whether to compute what is read in several places once, as a common table, or in every place.
 * Costs are of one row, in the time that a filter of a stored table takes for it: about 1.5 ns.
 * Those of scanning, storing and reading were measured with queries of TPC-H's lineitem, the others
 * are guesses.
 */
const scanWeight = 1;
const probeWeight = 2;
const buildWeight = 4;
const groupWeight = 4;
const storeWeight = 2;
const readWeight = 0.5;
/**
 * Of a group that a hash table finds instead of the order of the rows, which a common table does
 * not keep: measured with partsupp's parts, merging the threads' tables included.
 */
const orderLostWeight = 60;
/** Of each common table: more code to compile, and a pipeline that ends. */
const tableCost = 10_000;

/**
 * Estimates are off, and rows of a common table are no longer sorted or known to be of a table:
 * keeping them has to be so many times cheaper.
 */
const gainMin = 2;

/**
 * Puts common tables where they are read if that is cheaper than to keep their rows: those that are
 * read once by now, and those that are just filtered rows of one stored table.
 */
export function inlineCheap(context: OptimizerContext, plan: Plan, estimator: Estimator): Plan {
  const inner = mapInputs(plan, (input) => inlineCheap(context, input, estimator));
  if (inner.kind !== 'with') return inner;
  const uses = countReferences(inner.body, inner.id);
  if (uses === 0) return inner.body;
  if (uses === 1) return replaceReference(inner.body, inner);
  if (!isFilteredScan(inner.definition)) return inner;
  const isCheap = !paysOff(inner.definition, uses, estimator);
  return isCheap ? replaceReferences(context, inner.body, inner) : inner;
}

function isFilteredScan(plan: Plan): boolean {
  if (plan.kind !== 'project') return plan.kind === 'scan';
  return plan.expressions.every(({ kind }) => kind === 'column') && isFilteredScan(plan.input);
}

/** `besides`: what it costs, other than keeping the rows, that they come from a common table. */
function paysOff(plan: Plan, uses: number, estimator: Estimator, besides = 0): boolean {
  const keeping = tableCost + estimator.rows(plan) * (storeWeight + readWeight * uses);
  return computing(plan, estimator) * (uses - 1) > (keeping + besides) * gainMin;
}

/** What it costs that groups above a part are no longer made in the order of its rows. */
function orderLost(plan: Plan, part: Plan, estimator: Estimator): number {
  let cost = 0;
  for (const input of inputs(plan)) cost += orderLost(input, part, estimator);
  const loses = plan.kind === 'aggregate' && isInOrder(plan) && streamsFrom(plan.input, part);
  return loses ? cost + estimator.rows(plan) * orderLostWeight : cost;
}

function isInOrder({ groups, input }: Aggregate): boolean {
  return groups.some((group) => {
    const column = columnOf(group);
    return column !== undefined && clusteringScan(input, column) !== undefined;
  });
}

/** Whether the rows of a part stream into the plan's output, in their order. */
function streamsFrom(plan: Plan, part: Plan): boolean {
  if (plan === part) return true;
  if (plan.kind === 'filter' || plan.kind === 'project') return streamsFrom(plan.input, part);
  return plan.kind === 'join' && streamsFrom(probeSide(plan), part);
}

/** What it costs to compute a plan. */
function computing(plan: Plan, estimator: Estimator): number {
  let cost = 0;
  for (const input of inputs(plan)) cost += computing(input, estimator);
  switch (plan.kind) {
    case 'scan':
      return plan.table.rowCount * scanWeight * Math.max(1, plan.filters.length);
    case 'join':
      cost += estimator.rows(plan.left) * probeWeight;
      return cost + estimator.rows(plan.right) * buildWeight;
    case 'aggregate':
      return cost + estimator.rows(plan.input) * groupWeight;
    default:
      return cost;
  }
}

function replaceReferences(context: OptimizerContext, plan: Plan, table: With): Plan {
  if (plan.kind === 'withReference' && plan.id === table.id) {
    const copy = refreshPlan(context, table.definition, new Set());
    const expressions = copy.columns.map(columnRef);
    return { kind: 'project', input: copy, expressions, columns: plan.columns };
  }
  return mapInputs(plan, (input) => replaceReferences(context, input, table));
}

/**
 * Computes parts of a plan that give the same rows once, with the columns that any of them has: the
 * joins of a query and of the subquery in its HAVING, say. Larger parts come first.
 */
export function shareEqualParts(
  context: OptimizerContext,
  start: Plan,
  estimator: Estimator,
): Plan {
  let plan = start;
  estimator.rows(plan);
  for (const parts of partsByShape(plan)) {
    const found = parts.filter((part) => contains(plan, part));
    if (found.length < 2) continue;
    const whole = plan;
    const classes = mergeEqual(found).filter(({ merged, members }) => {
      if (members.length < 2) return false;
      const lost = members.map(({ part }) => orderLost(whole, part, estimator));
      const besides = lost.reduce((sum, cost) => sum + cost, 0);
      return paysOff(merged, members.length, estimator, besides);
    });
    for (const equal of classes) plan = share(context, plan, equal);
  }
  return plan;
}

/** Parts that might give the same rows, the largest first. */
function partsByShape(plan: Plan): Plan[][] {
  const shapes = new Map<string, { number: number; size: number; parts: Plan[] }>();
  const visit = (node: Plan): { number: number; size: number } => {
    // What a step of a recursive table reads differs each time.
    const below = node.kind === 'recursive' ? [] : inputs(node).map(visit);
    if (node.kind === 'project') return below[0];
    const size = below.reduce((sum, input) => sum + input.size, 1);
    const text = `${describe(node)}(${below.map(({ number }) => number).join()})`;
    const known = shapes.get(text) ?? { number: shapes.size, size, parts: [] };
    shapes.set(text, known);
    known.parts.push(node);
    return known;
  };
  visit(plan);
  return [...shapes.values()]
    .filter(({ parts }) => parts.length > 1 && isSharable(parts[0]))
    .sort((a, b) => b.size - a.size)
    .map(({ parts }) => parts);
}

function describe(plan: Plan): string {
  if (plan.kind === 'scan') return `scan ${plan.table.name} ${plan.filters.length}`;
  return plan.kind === 'join' ? `${plan.type} join` : plan.kind;
}

function isSharable({ kind }: Plan): boolean {
  return kind === 'scan' || kind === 'filter' || kind === 'join' || kind === 'aggregate';
}

function contains(plan: Plan, part: Plan): boolean {
  return plan === part || inputs(plan).some((input) => contains(input, part));
}

interface EqualParts {
  readonly merged: Plan;
  /** What the columns of each part are in the merged plan. */
  readonly members: readonly { readonly part: Plan; readonly by: Substitution }[];
}

function mergeEqual(parts: readonly Plan[]): EqualParts[] {
  const classes: EqualParts[] = [];
  for (const part of parts) {
    const at = classes.findIndex(({ merged }) => mergePlans(merged, part) !== undefined);
    if (at < 0) {
      classes.push({ merged: part, members: [{ part, by: new Map() }] });
      continue;
    }
    const { plan: merged, by } = mergePlans(classes[at].merged, part)!;
    classes[at] = { merged, members: [...classes[at].members, { part, by }] };
  }
  return classes;
}

/** Defines the table before the first definition that reads it; all tables are at the root. */
function share(context: OptimizerContext, plan: Plan, { merged, members }: EqualParts): Plan {
  const table = new SharedTable(context, merged, 'shared');
  const readers = new Map<Plan, Plan>();
  for (const { part, by } of members) {
    const copy = table.copy();
    const expressions = part.columns.map((column) => {
      return substitute(substitute(columnRef(column), by), copy.by);
    });
    const { columns } = part;
    readers.set(part, { kind: 'project', input: copy.plan, expressions, columns });
  }
  const replace = (node: Plan): Plan => readers.get(node) ?? mapInputs(node, replace);
  const place = (node: Plan): Plan => {
    const reads = (inner: Plan): boolean => members.some(({ part }) => contains(inner, part));
    if (node.kind !== 'with' || reads(node.definition)) return table.define(replace(node));
    return { ...node, body: place(node.body) };
  };
  return place(plan);
}
