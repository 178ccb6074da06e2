import { makeJoin } from '../../plan/build.ts';
import {
  type AggregateCall,
  type Column,
  call,
  columnRef,
  conjunction,
  constant,
  type Expression,
  type SubqueryExpression,
} from '../../plan/expression.ts';
import { columnIds, freeColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Plan } from '../../plan/plan.ts';
import { bigintType, booleanType, type SqlType } from '../../value/type.ts';
import type { OptimizerContext } from '../context.ts';
import { decorrelate } from './decorrelate.ts';

/** Whether some row of a subquery compares so with an operand, by what aggregates say of all. */
export interface ByBounds {
  /** The outer side with the aggregates as further columns. */
  readonly input: Plan;
  /** TRUE if some row does; FALSE or NULL otherwise. */
  readonly matches: Expression;
  /** Whether it is not known for some row: any of these; never NULL. */
  readonly unknown: readonly Expression[];
}

const negation: Readonly<Record<string, string>> = {
  lt: 'ge',
  le: 'gt',
  gt: 'le',
  ge: 'lt',
  eq: 'ne',
  ne: 'eq',
};

/** The aggregates that decide a comparison: something is greater if the greatest is. */
const bounds: Readonly<Record<string, readonly string[]>> = {
  lt: ['max'],
  le: ['max'],
  gt: ['min'],
  ge: ['min'],
  // Something differs if the least or the greatest does.
  ne: ['min', 'max'],
};

/**
 * For `x < ANY (…)`: compares x with the greatest of the values instead of each. Of ALL it is told
 * whether the negated comparison holds for some row. Undefined where rows must be looked up by
 * their values, or where aggregating them for each outer row is no less work than looking at them.
 */
export function compareBounds(
  context: OptimizerContext,
  input: Plan,
  node: SubqueryExpression,
  right: Plan,
): ByBounds | undefined {
  const { comparison, operands } = node;
  if (comparison === undefined || operands.length !== 1) return undefined;
  const name = node.mode === 'all' ? negation[comparison] : comparison;
  const names = bounds[name];
  if (names === undefined) return undefined;
  const [operand] = operands;
  const [value] = right.columns;
  const counts: AggregateCall[] = [];
  if (value.nullable || operand.nullable) counts.push(makeAggregate('count', [], bigintType));
  if (value.nullable) counts.push(makeAggregate('count', [columnRef(value)], bigintType));
  const extremes = names.map((item) => makeAggregate(item, [columnRef(value)], value.type));
  const aggregates = [...extremes, ...counts];
  const columns = aggregates.map((item) => context.column(item.name, item.type, item.nullable));
  const plan = makeAggregates(right, aggregates, columns);
  const joined = joinAggregates(context, input, plan);
  if (joined === undefined) return undefined;
  const [all, present] = columns.slice(names.length).map((column): Expression => {
    // No rows at all may be a row that is missing.
    const fallback = constant(0n, bigintType);
    return call('coalesce', [nullableRef(column), fallback], bigintType, false);
  });
  const unknown: Expression[] = [];
  if (present !== undefined) unknown.push(call('ne', [all, present], booleanType, false));
  if (operand.nullable) {
    const isNull = call('is_null', [operand], booleanType, false);
    const any = call('gt', [all, constant(0n, bigintType)], booleanType, false);
    unknown.push(conjunction([isNull, any])!);
  }
  const parts = names.map((_, i) => call(name, [operand, nullableRef(columns[i])], booleanType));
  const matches = parts.length === 1 ? parts[0] : call('or', parts, booleanType);
  return { input: joined, matches, unknown };
}

function nullableRef(column: Column): Expression {
  return columnRef({ ...column, nullable: true });
}

function makeAggregate(name: string, args: readonly Expression[], type: SqlType): AggregateCall {
  const nullable = name !== 'count';
  return { name, args, distinct: false, filter: undefined, order: [], type, nullable };
}

function makeAggregates(
  input: Plan,
  aggregates: readonly AggregateCall[],
  columns: readonly Column[],
): Aggregate {
  return { kind: 'aggregate', input, groups: [], aggregates, groupingSets: undefined, columns };
}

function joinAggregates(context: OptimizerContext, input: Plan, plan: Plan): Plan | undefined {
  const free = freeColumns(plan);
  const ids = columnIds(input);
  if (![...free.keys()].some((id) => ids.has(id))) {
    return makeJoin('inner', input, plan, undefined);
  }
  const found = decorrelate(context, input, plan, { mayDefault: true });
  // A domain: the rows would be grouped for every value of the outer columns.
  if (found.outer !== input) return undefined;
  const condition = conjunction([...found.equalities, ...found.residual]);
  return makeJoin('single', input, found.plan, condition);
}
