import { makeFilter, makeJoin } from '../../plan/build.ts';
import { sameAggregate, sameExpression, sameExpressions } from '../../plan/equal.ts';
import { type Column, columnRef, conjuncts, type Expression } from '../../plan/expression.ts';
import { columnIds, isCovered } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan, Project, Scan } from '../../plan/plan.ts';
import { mapAggregate } from '../../plan/rewrite.ts';
import { type Substitution, substitute } from '../../plan/substitute.ts';

/** A plan that gives the rows of two others, with the columns of both. */
export interface Merged {
  readonly plan: Plan;
  /** What the columns of the second plan are in the merged one. */
  readonly by: Substitution;
}

/**
 * Merges two plans that give the same rows in the same way: which columns they read, compute and
 * pass on may differ. The merged one keeps the columns of the first. Undefined if the rows may
 * differ.
 */
export function mergePlans(first: Plan, second: Plan): Merged | undefined {
  if (second.kind === 'project') return mergeSecondProject(first, second);
  if (first.kind === 'project') return mergeFirstProject(first, second);
  switch (first.kind) {
    case 'scan':
      return second.kind === 'scan' ? mergeScans(first, second) : undefined;
    case 'filter': {
      if (second.kind !== 'filter') return undefined;
      const input = mergePlans(first.input, second.input);
      if (input === undefined) return undefined;
      const own = conjuncts(first.predicate);
      if (!sameConditions(own, conjuncts(second.predicate), input.by)) return undefined;
      return { plan: makeFilter(input.plan, own), by: input.by };
    }
    case 'join':
      return second.kind === 'join' ? mergeJoins(first, second) : undefined;
    case 'aggregate':
      return second.kind === 'aggregate' ? mergeAggregates(first, second) : undefined;
    case 'withReference': {
      if (second.kind !== 'withReference' || first.id !== second.id) return undefined;
      const by = new Map(second.columns.map(({ id }, i) => [id, columnRef(first.columns[i])]));
      return { plan: first, by };
    }
    default:
      return undefined;
  }
}

function sameConditions(
  first: readonly Expression[],
  second: readonly Expression[],
  by: Substitution,
): boolean {
  if (first.length !== second.length) return false;
  const open = [...first];
  for (const condition of second) {
    const translated = substitute(condition, by);
    const at = open.findIndex((item) => sameExpression(item, translated));
    if (at < 0) return false;
    open.splice(at, 1);
  }
  return true;
}

function mergeScans(first: Scan, second: Scan): Merged | undefined {
  if (first.table !== second.table) return undefined;
  const columns = [...first.columns];
  const ordinals = [...first.ordinals];
  const by = new Map<number, Expression>();
  second.columns.forEach((column, i) => {
    let at = ordinals.indexOf(second.ordinals[i]);
    if (at < 0) {
      // No other place of the merged plan makes this column: the second plan is not used any more.
      at = ordinals.push(second.ordinals[i]) - 1;
      columns.push(column);
    }
    by.set(column.id, columnRef(columns[at]));
  });
  if (!sameConditions(first.filters, second.filters, by)) return undefined;
  return { plan: { ...first, columns, ordinals }, by };
}

/** What the second plan computes is computed on the merged rows, unless the first did so too. */
function mergeSecondProject(first: Plan, second: Project): Merged | undefined {
  const inner = mergePlans(first, second.input);
  if (inner === undefined) return undefined;
  const by = new Map<number, Expression>();
  const { plan } = inner;
  const known = plan.kind === 'project' ? plan : undefined;
  const columns: Column[] = [...plan.columns];
  const expressions: Expression[] = known ? [...known.expressions] : columns.map(columnRef);
  second.expressions.forEach((expression, i) => {
    const translated = substitute(expression, inner.by);
    let column: Column;
    if (translated.kind === 'column') {
      column = translated.column;
    } else {
      const at = expressions.findIndex((item) => sameExpression(item, translated));
      column = at < 0 ? second.columns[i] : columns[at];
      if (at < 0) {
        columns.push(column);
        expressions.push(translated);
      }
    }
    by.set(second.columns[i].id, columnRef(column));
  });
  if (columns.length === plan.columns.length) return { plan, by };
  if (known !== undefined) {
    const below = columnIds(known.input);
    const added = expressions.slice(plan.columns.length);
    if (added.every((item) => isCovered(item, below))) {
      return { plan: { ...known, expressions, columns }, by };
    }
    expressions.splice(0, plan.columns.length, ...plan.columns.map(columnRef));
  }
  return { plan: { kind: 'project', input: plan, expressions, columns }, by };
}

/** The projection passes on what else the merged rows have. */
function mergeFirstProject(first: Project, second: Plan): Merged | undefined {
  const inner = mergePlans(first.input, second);
  if (inner === undefined) return undefined;
  const known = new Set(first.columns.map(({ id }) => id));
  const added = inner.plan.columns.filter(({ id }) => !known.has(id));
  const expressions = [...first.expressions, ...added.map(columnRef)];
  const columns = [...first.columns, ...added];
  return { plan: { ...first, input: inner.plan, expressions, columns }, by: inner.by };
}

function mergeJoins(first: Join, second: Join): Merged | undefined {
  if (first.type !== second.type) return undefined;
  if (first.mark?.nullable !== second.mark?.nullable) return undefined;
  const left = mergePlans(first.left, second.left);
  const right = left && mergePlans(first.right, second.right);
  if (left === undefined || right === undefined) return undefined;
  const by = new Map([...left.by, ...right.by]);
  const [own, other] = [first, second].map(({ condition }) =>
    condition === undefined ? [] : conjuncts(condition),
  );
  if (!sameConditions(own, other, by)) return undefined;
  if (first.mark && second.mark) by.set(second.mark.id, columnRef(first.mark));
  const join = makeJoin(first.type, left.plan, right.plan, first.condition, first.mark);
  const { estimate } = first;
  return { plan: estimate === undefined ? join : { ...join, estimate }, by };
}

function mergeAggregates(first: Aggregate, second: Aggregate): Merged | undefined {
  if (first.groupingSets !== undefined || second.groupingSets !== undefined) return undefined;
  const input = mergePlans(first.input, second.input);
  if (input === undefined) return undefined;
  const translate = (expression: Expression): Expression => substitute(expression, input.by);
  if (!sameExpressions(first.groups, second.groups.map(translate))) return undefined;
  const by = new Map<number, Expression>();
  first.groups.forEach((_, i) => by.set(second.columns[i].id, columnRef(first.columns[i])));
  const aggregates = [...first.aggregates];
  const columns = [...first.columns];
  second.aggregates.forEach((call, i) => {
    const translated = mapAggregate(call, translate);
    const column = second.columns[second.groups.length + i];
    let at = aggregates.findIndex((item) => sameAggregate(item, translated));
    if (at < 0) {
      at = aggregates.push(translated) - 1;
      columns.push(column);
    }
    by.set(column.id, columnRef(columns[first.groups.length + at]));
  });
  // Distinct arguments are cheaper apart (`split-distinct.ts`).
  const hasMore = aggregates.length > Math.max(first.aggregates.length, second.aggregates.length);
  if (hasMore && aggregates.some(({ distinct }) => distinct)) return undefined;
  return { plan: { ...first, input: input.plan, aggregates, columns }, by };
}
