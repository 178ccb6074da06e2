import {
  type Column,
  call,
  children,
  columnRef,
  conjunction,
  conjuncts,
  type Expression,
  type SubqueryExpression,
} from '../../plan/expression.ts';
import { columnIds, freeColumns, hasSubquery } from '../../plan/free-columns.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';
import { substitute } from '../../plan/substitute.ts';
import { booleanType } from '../../value/type.ts';
import { freshColumn } from '../fresh.ts';
import { decorrelate } from './decorrelate.ts';

/**
 * Turns every subquery into a join, after Neumann and Kemper, "Unnesting Arbitrary Queries" (BTW
 * 2015). EXISTS and IN as conjuncts of a filter become semi and anti joins; elsewhere they become
 * mark joins, and scalar subqueries single joins, whose new column stands in the place of the
 * subquery. What the right side of such a join refers to on the left is then taken out of it; see
 * `decorrelate.ts`.
 */
export function unnest(plan: Plan): Plan {
  const inner = mapInputs(plan, unnest);
  let found = false;
  eachExpression(inner, (expression) => {
    found ||= hasSubquery(expression);
  });
  if (!found) return inner;
  if (inner.kind === 'filter') return unnestFilter(inner);
  return unnestOther(inner);
}

type FilterPlan = Extract<Plan, { kind: 'filter' }>;

function unnestFilter(plan: FilterPlan): Plan {
  const rest: Expression[] = [];
  let input = plan.input;
  for (const part of conjuncts(plan.predicate)) {
    if (!hasSubquery(part)) {
      rest.push(part);
      continue;
    }
    const joined = asSemiJoin(part, input);
    if (joined !== undefined) {
      input = joined;
      continue;
    }
    const lifted = new Lift(input);
    rest.push(lifted.expression(part));
    input = lifted.input;
  }
  return onlyColumns(filtered(input, rest), plan.columns);
}

export function filtered(input: Plan, predicates: readonly Expression[]): Plan {
  const predicate = conjunction(predicates);
  if (predicate === undefined) return input;
  return { kind: 'filter', input, predicate, columns: input.columns };
}

/** The plan with just these columns. */
export function onlyColumns(input: Plan, columns: readonly Column[]): Plan {
  const same =
    input.columns.length === columns.length && input.columns.every((c, i) => c === columns[i]);
  if (same) return input;
  return { kind: 'project', input, expressions: columns.map(columnRef), columns };
}

/** A conjunct that keeps rows with, or without, a match. */
function asSemiJoin(part: Expression, input: Plan): Plan | undefined {
  const negated = part.kind === 'call' && part.name === 'not';
  const inner = negated ? part.args[0] : part;
  if (inner.kind !== 'subquery') return undefined;
  if (inner.mode === 'exists') {
    return dependentJoin(negated ? 'anti' : 'semi', input, withoutLimit(inner.plan), () => []).join;
  }
  if (inner.mode !== 'any' || isOneRow(inner.plan)) return undefined;
  if (inner.operands.some(hasSubquery)) return undefined;
  // NOT IN is an anti join only where no NULL can make the answer unknown.
  const certain =
    !inner.nullable &&
    inner.operands.every((operand) => !operand.nullable) &&
    inner.plan.columns.every((column) => !column.nullable);
  if (negated && !certain) return undefined;
  return dependentJoin(negated ? 'anti' : 'semi', input, inner.plan, (columns) =>
    comparisons(inner, columns),
  ).join;
}

/** LIMIT does not matter to EXISTS unless it lets nothing through. */
function withoutLimit(plan: Plan): Plan {
  if (plan.kind === 'sort') return withoutLimit(plan.input);
  if (plan.kind !== 'limit' || plan.offset !== undefined) return plan;
  const { limit } = plan;
  const some = limit === undefined || (limit.kind === 'constant' && (limit.value as bigint) > 0n);
  return some ? withoutLimit(plan.input) : plan;
}

function comparisons(subquery: SubqueryExpression, columns: readonly Expression[]): Expression[] {
  const name = subquery.comparison ?? 'eq';
  return subquery.operands.map((operand, i) => call(name, [operand, columns[i]], booleanType));
}

/** Whether the plan has exactly one row, whatever its input: an aggregate without groups. */
function isOneRow(plan: Plan): boolean {
  if (plan.kind === 'project') return isOneRow(plan.input);
  return plan.kind === 'aggregate' && plan.groups.length === 0 && plan.groupingSets === undefined;
}

/** Subqueries anywhere else: joined to the (first) input, their values referred to by column. */
function unnestOther(plan: Plan): Plan {
  if (plan.kind === 'join') return unnestJoinCondition(plan);
  let lifted: Lift | undefined;
  const changed = mapInputs(plan, (input) => {
    lifted ??= new Lift(input);
    return input;
  });
  if (lifted === undefined) return plan;
  const lift: Lift = lifted;
  const rewritten = mapExpressions(changed, (expression) => lift.expression(expression));
  const joined = mapInputs(rewritten, () => lift.input);
  // Operators that pass their input's columns on must not pass on the added ones.
  const passes = joined.kind === 'sort' || joined.kind === 'window' || joined.kind === 'limit';
  if (!passes) return joined;
  const extra = lift.input.columns.filter((column) => !plan.columns.includes(column));
  const wide = { ...joined, columns: [...joined.columns, ...extra] } as Plan;
  return onlyColumns(wide, plan.columns);
}

function unnestJoinCondition(join: Join): Plan {
  const condition = join.condition as Expression;
  if (join.type === 'inner') {
    const cross: Join = { ...join, condition: undefined };
    return unnestFilter({
      kind: 'filter',
      input: cross,
      predicate: condition,
      columns: join.columns,
    });
  }
  // A subquery of an outer join's condition is evaluated for the side its columns come from.
  const rightIds = columnIds(join.right);
  const ofRight = [...freeColumnsOf(condition)].every((id) => rightIds.has(id));
  const lift = new Lift(ofRight ? join.right : join.left);
  const lifted = lift.expression(condition);
  const sides = ofRight ? { right: lift.input } : { left: lift.input };
  const wide: Join = { ...join, ...sides, condition: lifted };
  const columns =
    join.columns.length === join.left.columns.length
      ? wide.left.columns
      : [...wide.left.columns, ...wide.right.columns];
  return onlyColumns({ ...wide, columns }, join.columns);
}

function freeColumnsOf(expression: Expression): Set<number> {
  const ids = new Set<number>();
  const visit = (e: Expression): void => {
    if (e.kind === 'subquery') for (const id of freeColumns(e.plan).keys()) ids.add(id);
    if (e.kind === 'subquery') e.operands.forEach(visit);
    else for (const child of children(e)) visit(child);
  };
  visit(expression);
  return ids;
}

/** Replaces subqueries by columns of joins that are added to an input. */
class Lift {
  input: Plan;

  constructor(input: Plan) {
    this.input = input;
  }

  expression(expression: Expression): Expression {
    if (!hasSubquery(expression)) return expression;
    const changed = mapChildren(expression, (child) => this.expression(child));
    return changed.kind === 'subquery' ? this.#subquery(changed) : changed;
  }

  #subquery(subquery: SubqueryExpression): Expression {
    if (subquery.mode === 'scalar') return this.#scalar(subquery);
    if (subquery.mode !== 'exists' && isOneRow(subquery.plan)) {
      const values = subquery.plan.columns.map((_, i) => this.#scalar(subquery, i));
      return conjunction(comparisons(subquery, values)) as Expression;
    }
    return this.#mark(subquery);
  }

  #scalar(subquery: SubqueryExpression, index = 0): Expression {
    const { join, outputs } = dependentJoin('single', this.input, subquery.plan, () => []);
    this.input = join;
    const output = outputs[index];
    return output.kind === 'column' ? { ...output, nullable: true } : output;
  }

  /** x op ALL (…) is NOT (x opposite-op ANY (…)). */
  #mark(subquery: SubqueryExpression): Expression {
    const all = subquery.mode === 'all';
    const opposite = { eq: 'ne', ne: 'eq', lt: 'ge', ge: 'lt', gt: 'le', le: 'gt' } as const;
    const comparison = subquery.comparison ?? 'eq';
    const asked: SubqueryExpression = all
      ? { ...subquery, mode: 'any', comparison: opposite[comparison] }
      : subquery;
    const nullable = subquery.mode === 'exists' ? false : subquery.nullable;
    const mark = freshColumn('mark', booleanType, nullable);
    const plan = subquery.mode === 'exists' ? withoutLimit(subquery.plan) : subquery.plan;
    const { join } = dependentJoin(
      'mark',
      this.input,
      plan,
      (columns) => comparisons(asked, columns),
      mark,
    );
    this.input = join;
    const value = columnRef(mark);
    return all ? call('not', [value], booleanType) : value;
  }
}

interface Joined {
  readonly join: Join;
  /** For each column of the subquery, what has its value above the join. */
  readonly outputs: readonly Expression[];
}

/** Joins a subquery that may refer to columns of `left`, and takes these references out of it. */
function dependentJoin(
  type: 'semi' | 'anti' | 'mark' | 'single',
  left: Plan,
  subquery: Plan,
  condition: (columns: readonly Expression[]) => Expression[],
  mark?: Column,
): Joined {
  const plan = unnest(subquery);
  const outer = columnIds(left);
  const { plan: right, conditions, post } = decorrelate(plan, outer);
  const outputs = plan.columns.map((column) => post.get(column.id) ?? columnRef(column));
  const own = condition(outputs);
  const all = [...own, ...conditions].map((part) => substitute(part, post));
  const added = type === 'single' ? right.columns : mark === undefined ? [] : [mark];
  const join: Join = {
    kind: 'join',
    type,
    left,
    right,
    condition: conjunction(all),
    mark,
    dependent: false,
    columns: [...left.columns, ...added],
  };
  return { join, outputs };
}
