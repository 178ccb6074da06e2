import { QuernError, sqlState } from '../../base/error.ts';
import {
  type Column,
  call,
  columnRef,
  conjunction,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import { freeColumns, isFreeOf, usedColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan } from '../../plan/plan.ts';
import { substitute } from '../../plan/substitute.ts';
import { bigintType, booleanType } from '../../value/type.ts';
import { freshColumn } from '../fresh.ts';

/** A plan freed of its outer references. */
export interface Decorrelated {
  readonly plan: Plan;
  /** What the join with the outer side must now check; refers to columns of both. */
  readonly conditions: readonly Expression[];
  /**
   * Columns that can only be computed above that join, because they need the outer side, or
   * because they have a value even where the inner side has no row: the count of nothing is 0.
   */
  readonly post: ReadonlyMap<number, Expression>;
}

const nothing: ReadonlyMap<number, Expression> = new Map();

/**
 * Takes the references to columns in `outer` out of `plan`: predicates that have them move up to
 * the join; an aggregate on their way is grouped by the inner side of the equalities.
 *
 * @throws QuernError 0A000 for the forms of correlation that this does not reach yet.
 */
export function decorrelate(plan: Plan, outer: ReadonlySet<number>): Decorrelated {
  const correlated = [...freeColumns(plan).keys()].some((id) => outer.has(id));
  if (!correlated) return { plan, conditions: [], post: nothing };
  switch (plan.kind) {
    case 'filter': {
      const inner = decorrelate(plan.input, outer);
      const kept: Expression[] = [];
      const conditions = [...inner.conditions];
      for (const part of conjuncts(plan.predicate)) {
        if (!isFreeOf(part, inner.post)) throw unsupported('a condition on an aggregate');
        (isFreeOf(part, outer) ? kept : conditions).push(part);
      }
      const predicate = conjunction(kept);
      const { columns } = inner.plan;
      const filter: Plan =
        predicate === undefined
          ? inner.plan
          : { kind: 'filter', input: inner.plan, predicate, columns };
      return { plan: filter, conditions, post: inner.post };
    }
    case 'project':
      return project(plan, outer);
    case 'sort': {
      const inner = decorrelate(plan.input, outer);
      if (!plan.keys.every((key) => isFreeOf(key.expression, outer))) return inner;
      return { ...inner, plan: { ...plan, input: inner.plan, columns: inner.plan.columns } };
    }
    case 'aggregate':
      return aggregate(plan, outer);
    case 'join':
      return join(plan, outer);
    case 'limit':
      throw unsupported('LIMIT in a subquery');
    default:
      throw unsupported(plan.kind === 'setOperation' ? 'a set operation' : plan.kind);
  }
}

function unsupported(what: string): QuernError {
  return new QuernError(
    sqlState.featureNotSupported,
    `${what} that depends on a column of the query around it is not supported yet`,
  );
}

/** Columns of `plan` that the expressions need. */
function neededOf(plan: Plan, expressions: Iterable<Expression>): Column[] {
  const ids = new Set<number>();
  for (const expression of expressions) {
    for (const id of usedColumns(expression).keys()) ids.add(id);
  }
  return plan.columns.filter((column) => ids.has(column.id));
}

function project(
  plan: Extract<Plan, { kind: 'project' }>,
  outer: ReadonlySet<number>,
): Decorrelated {
  const inner = decorrelate(plan.input, outer);
  const post = new Map(inner.post);
  const columns: Column[] = [];
  const expressions: Expression[] = [];
  plan.columns.forEach((column, i) => {
    const expression = plan.expressions[i];
    if (isFreeOf(expression, outer) && isFreeOf(expression, inner.post)) {
      columns.push(column);
      expressions.push(expression);
    } else {
      post.set(column.id, substitute(expression, inner.post));
    }
  });
  for (const column of neededOf(inner.plan, [...inner.conditions, ...post.values()])) {
    if (columns.includes(column)) continue;
    columns.push(column);
    expressions.push(columnRef(column));
  }
  const made: Plan = { kind: 'project', input: inner.plan, expressions, columns };
  return { plan: made, conditions: inner.conditions, post };
}

function aggregate(plan: Aggregate, outer: ReadonlySet<number>): Decorrelated {
  const inner = decorrelate(plan.input, outer);
  if (inner.post.size > 0 || plan.groupingSets !== undefined) throw unsupported('an aggregate');
  for (const item of plan.aggregates) {
    const parts = [...item.args, ...(item.filter === undefined ? [] : [item.filter])];
    if (!parts.every((part) => isFreeOf(part, outer))) throw unsupported('an aggregate');
  }
  if (!plan.groups.every((group) => isFreeOf(group, outer))) throw unsupported('a GROUP BY');
  const groups: Expression[] = [...plan.groups];
  const groupColumns = plan.columns.slice(0, plan.groups.length);
  const conditions: Expression[] = [];
  for (const condition of inner.conditions) {
    const sides = equalitySides(condition, outer);
    if (sides === undefined) {
      throw unsupported('an aggregate over a comparison other than equality');
    }
    const key = freshColumn('key', sides.inner.type, sides.inner.nullable);
    groups.push(sides.inner);
    groupColumns.push(key);
    conditions.push(call('eq', [columnRef(key), sides.outer], booleanType));
  }
  const results = plan.columns.slice(plan.groups.length);
  const post = new Map<number, Expression>();
  if (plan.groups.length === 0) {
    plan.aggregates.forEach((item, i) => {
      if (item.name !== 'count') return;
      const counted = { ...columnRef(results[i]), nullable: true };
      const zero = constant(0n, bigintType);
      post.set(results[i].id, call('coalesce', [counted, zero], results[i].type, false));
    });
  }
  const made: Aggregate = {
    ...plan,
    input: inner.plan,
    groups,
    columns: [...groupColumns, ...results],
  };
  return { plan: made, conditions, post };
}

/** An equality with one side of inner columns alone and the other of outer ones alone. */
function equalitySides(
  condition: Expression,
  outer: ReadonlySet<number>,
): { inner: Expression; outer: Expression } | undefined {
  if (condition.kind !== 'call' || condition.name !== 'eq') return undefined;
  const [a, b] = condition.args;
  const onlyOuter = (e: Expression): boolean => {
    const used = [...usedColumns(e).keys()];
    return used.length > 0 && used.every((id) => outer.has(id));
  };
  if (isFreeOf(a, outer) && onlyOuter(b)) return { inner: a, outer: b };
  if (isFreeOf(b, outer) && onlyOuter(a)) return { inner: b, outer: a };
  return undefined;
}

function join(plan: Join, outer: ReadonlySet<number>): Decorrelated {
  const left = decorrelate(plan.left, outer);
  const right = decorrelate(plan.right, outer);
  if (left.post.size + right.post.size > 0) throw unsupported('an aggregate below a join');
  const inner = plan.type === 'inner';
  const own = plan.condition === undefined ? [] : conjuncts(plan.condition);
  const correlated = own.filter((part) => !isFreeOf(part, outer));
  if (!inner && (right.conditions.length > 0 || correlated.length > 0)) {
    throw unsupported('the inner side of an outer, semi or anti join');
  }
  const condition = conjunction(own.filter((part) => isFreeOf(part, outer)));
  const rightShown = plan.columns.some((column) => plan.right.columns.includes(column));
  const columns = [
    ...left.plan.columns,
    ...(rightShown || inner ? right.plan.columns : []),
    ...(plan.mark === undefined ? [] : [plan.mark]),
  ];
  return {
    plan: { ...plan, left: left.plan, right: right.plan, condition, columns },
    conditions: [...left.conditions, ...right.conditions, ...correlated],
    post: nothing,
  };
}
