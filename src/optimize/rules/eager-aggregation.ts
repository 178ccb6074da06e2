import { makeJoin } from '../../plan/build.ts';
import {
  type AggregateCall,
  type Column,
  call,
  columnRef,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import { columnIds, isCovered } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan } from '../../plan/plan.ts';
import { mapAggregate, mapInputs } from '../../plan/rewrite.ts';
import { isUniqueOn } from '../../plan/uniqueness.ts';
import type { OptimizerContext } from '../context.ts';
import { type Estimator, equalPair } from '../estimate/estimator.ts';
import { evaluateWith } from './evaluate-with.ts';

/** A join that loses more of the right side's rows than this had better come first. */
const keptMin = 0.5;

/**
 * Aggregates before a join instead of after it, where each row of the left side is a group by
 * itself: `customers LEFT JOIN orders … GROUP BY c_custkey` groups the orders by customer, and
 * joins one row with one row. After Yan and Larson, "Eager Aggregation and Lazy Aggregation" (VLDB
 * 1995).
 */
export function aggregateEarly(context: OptimizerContext, plan: Plan, estimator: Estimator): Plan {
  const inner = mapInputs(plan, (input) => aggregateEarly(context, input, estimator));
  if (inner.kind !== 'aggregate' || inner.groupingSets !== undefined) return inner;
  const join = joinBelow(inner.input);
  if (join === undefined || (join.type !== 'left' && join.type !== 'inner')) return inner;
  const keys = joinKeys(join);
  if (keys === undefined || !isMovable(inner, join, keys)) return inner;
  if (estimator.rows(join) < estimator.rows(join.right) * keptMin) return inner;
  return move(context, inner, join, keys);
}

/** The join below projections that only leave columns out. */
function joinBelow(plan: Plan): Join | undefined {
  if (plan.kind === 'join') return plan;
  if (plan.kind !== 'project') return undefined;
  const ids = columnIds(plan.input);
  const passesOnly = plan.expressions.every(
    (item, i) =>
      item.kind === 'column' && item.column.id === plan.columns[i].id && ids.has(item.column.id),
  );
  return passesOnly ? joinBelow(plan.input) : undefined;
}

interface Keys {
  readonly left: readonly Column[];
  readonly right: readonly Column[];
}

/** The columns equated by the join, if its condition is nothing else. */
function joinKeys(join: Join): Keys | undefined {
  if (join.condition === undefined) return undefined;
  const left: Column[] = [];
  const right: Column[] = [];
  for (const condition of conjuncts(join.condition)) {
    const pair = equalPair(condition, columnIds(join.left), columnIds(join.right));
    if (pair?.left.kind !== 'column' || pair.right.kind !== 'column') return undefined;
    left.push(pair.left.column);
    right.push(pair.right.column);
  }
  return { left, right };
}

/** Whether each left row is one group, and the aggregates look at the right side only. */
function isMovable(plan: Aggregate, join: Join, keys: Keys): boolean {
  // Without groups there is a row even where nothing is joined.
  if (plan.groups.length === 0) return false;
  const leftIds = columnIds(join.left);
  const rightIds = columnIds(join.right);
  const groups = new Set<number>();
  for (const group of plan.groups) {
    if (group.kind !== 'column' || !leftIds.has(group.column.id)) return false;
    groups.add(group.column.id);
  }
  if (!isUniqueOn(join.left, groups)) return false;
  if (!keys.left.every((key) => leftIds.has(key.id))) return false;
  let onRight = true;
  for (const aggregate of plan.aggregates) {
    // COUNT(*) with a filter would have to test the filter on a row that is missing.
    if (aggregate.args.length === 0 && aggregate.filter !== undefined) return false;
    if (join.type === 'left' && !ignoresMissing(aggregate, join.right)) return false;
    mapAggregate(aggregate, (expression) => {
      onRight &&= isCovered(expression, rightIds);
      return expression;
    });
  }
  return onRight;
}

/** Aggregates of which a row without a value is as good as no row. */
const ignoreNulls = new Set([
  ...['count', 'sum', 'avg', 'min', 'max', 'bool_and', 'bool_or', 'any_value', 'median'],
  ...['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop', 'bit_and', 'bit_or', 'bit_xor'],
]);

/**
 * Whether the row of NULLs that stands for no match adds nothing: a constant, or COALESCE, would
 * give a value even for it. COUNT(*) counts it, and is told so.
 */
function ignoresMissing({ name, args }: AggregateCall, right: Plan): boolean {
  if (args.length === 0) return name === 'count';
  if (!ignoreNulls.has(name)) return false;
  const nulls = new Map(right.columns.map(({ id, type }) => [id, constant(null, type)]));
  const value = evaluateWith(args[0], nulls);
  return value?.kind === 'constant' && value.value === null;
}

function move(context: OptimizerContext, plan: Aggregate, join: Join, keys: Keys): Plan {
  const results = plan.columns.slice(plan.groups.length);
  const inside = results.map((column) => context.column(column.name, column.type, column.nullable));
  const grouped: Aggregate = {
    kind: 'aggregate',
    input: join.right,
    groups: keys.right.map(columnRef),
    aggregates: plan.aggregates,
    groupingSets: undefined,
    columns: [...keys.right, ...inside],
  };
  const joined = makeJoin(join.type, join.left, grouped, join.condition);
  const byId = new Map(joined.columns.map((column) => [column.id, column]));
  const values = plan.aggregates.map((aggregate, i): Expression => {
    const value = columnRef(byId.get(inside[i].id)!);
    return join.type === 'left' ? withMissing(aggregate, value) : value;
  });
  return {
    kind: 'project',
    input: joined,
    expressions: [...plan.groups, ...values],
    columns: plan.columns,
  };
}

/** A left row without a match counts one row, and no value. */
function withMissing(aggregate: AggregateCall, value: Expression): Expression {
  if (aggregate.name !== 'count') return value;
  const missing = constant(aggregate.args.length === 0 ? 1n : 0n, value.type);
  return call('coalesce', [value, missing], value.type, false);
}
