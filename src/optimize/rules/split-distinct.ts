import { makeJoin } from '../../plan/build.ts';
import { sameExpression } from '../../plan/equal.ts';
import {
  type AggregateCall,
  call,
  columnRef,
  conjunction,
  type Expression,
} from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Plan, WithReference } from '../../plan/plan.ts';
import { mapAggregate, mapInputs } from '../../plan/rewrite.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { booleanType } from '../../value/type.ts';
import type { OptimizerContext } from '../context.ts';
import { refreshPlan } from './refresh.ts';

/**
 * Aggregates of the DISTINCT values of several arguments: each argument is aggregated by itself,
 * and the results are joined by their groups.
 *
 *     count(distinct a), count(distinct b), sum(c) … group by g
 *
 * becomes three groupings of the same rows, which need not keep a, b and c side by side: an
 * argument that is sorted, or has few values, is then counted in the way that is best for it.
 */
export function splitDistinct(context: OptimizerContext, plan: Plan): Plan {
  const inner = mapInputs(plan, (input) => splitDistinct(context, input));
  if (inner.kind !== 'aggregate' || inner.groupingSets !== undefined) return inner;
  const parts = partsOf(inner);
  const several = parts.filter(({ distinct }) => distinct !== undefined).length > 1;
  return several ? split(context, inner, parts) : inner;
}

/** Calls that look at the same rows. */
interface Part {
  /** A call with the argument and the filter of all; undefined where every row counts. */
  readonly distinct: AggregateCall | undefined;
  /** Their indexes among the calls. */
  readonly calls: number[];
}

function partsOf({ aggregates }: Aggregate): Part[] {
  const parts: Part[] = [];
  aggregates.forEach((aggregate, i) => {
    const known = parts.find(({ distinct }) =>
      isDistinct(aggregate)
        ? distinct !== undefined && sameRows(distinct, aggregate)
        : distinct === undefined,
    );
    if (known !== undefined) known.calls.push(i);
    else parts.push({ distinct: isDistinct(aggregate) ? aggregate : undefined, calls: [i] });
  });
  return parts;
}

function isDistinct({ distinct, name, args, order }: AggregateCall): boolean {
  // The least of the distinct values is that of all.
  const changes = name !== 'min' && name !== 'max';
  return distinct && changes && args.length === 1 && order.length === 0;
}

function sameRows(a: AggregateCall, b: AggregateCall): boolean {
  if (!sameExpression(a.args[0], b.args[0])) return false;
  if (a.filter === undefined || b.filter === undefined) return a.filter === b.filter;
  return sameExpression(a.filter, b.filter);
}

function split(context: OptimizerContext, plan: Aggregate, parts: readonly Part[]): Plan {
  const groups = plan.columns.slice(0, plan.groups.length);
  const results = plan.columns.slice(plan.groups.length);
  const keep = new Set(results.map(({ id }) => id));
  const id = isCheap(plan.input) ? undefined : context.nextWith();
  const input = id === undefined ? plan.input : usedOf(plan);
  const plans = parts.map(({ calls }, i): Plan => {
    const part: Aggregate = {
      ...plan,
      input,
      aggregates: calls.map((at) => plan.aggregates[at]),
      columns: [...groups, ...calls.map((at) => results[at])],
    };
    const source = id === undefined ? part : reading(context, part, id);
    return i === 0 ? source : refreshPlan(context, source, keep);
  });
  const joined = plans.reduce((left, right) => joinGroups(left, right, groups.length));
  const known = new Map(joined.columns.map((column) => [column.id, column]));
  const expressions = plan.columns.map((column) => columnRef(known.get(column.id) ?? column));
  const { columns } = plan;
  const body: Plan = { kind: 'project', input: joined, expressions, columns };
  if (id === undefined) return body;
  return { kind: 'with', id, name: 'rows', definition: input, body, columns };
}

/** The input with those of its columns only that the aggregate reads. */
function usedOf({ input, groups, aggregates }: Aggregate): Plan {
  const used = new Set<number>();
  const collect = (expression: Expression): Expression => {
    for (const id of usedColumns(expression).keys()) used.add(id);
    return expression;
  };
  groups.forEach(collect);
  for (const aggregate of aggregates) mapAggregate(aggregate, collect);
  const columns = input.columns.filter(({ id }) => used.has(id));
  return { kind: 'project', input, expressions: columns.map(columnRef), columns };
}

/** Whether to compute the rows again costs no more than to keep them. */
function isCheap(plan: Plan): boolean {
  if (plan.kind === 'project' || plan.kind === 'filter') return isCheap(plan.input);
  return plan.kind === 'scan' || plan.kind === 'withReference';
}

/** The same of rows that are computed once, in a common table. */
function reading(context: OptimizerContext, plan: Aggregate, id: number): Aggregate {
  const columns = plan.input.columns.map((column) =>
    context.column(column.name, column.type, column.nullable),
  );
  const input: WithReference = { kind: 'withReference', id, name: 'rows', columns };
  const by = columnSubstitution(plan.input.columns, columns);
  const change = (expression: Expression) => substitute(expression, by);
  const aggregates = plan.aggregates.map((aggregate) => mapAggregate(aggregate, change));
  return { ...plan, input, groups: plan.groups.map(change), aggregates };
}

/** Both have the same groups, which come first among their columns. */
function joinGroups(left: Plan, right: Plan, groupCount: number): Plan {
  const equal = left.columns.slice(0, groupCount).map((column, i) => {
    const other = right.columns[i];
    const name = column.nullable || other.nullable ? 'is_not_distinct_from' : 'eq';
    return call(name, [columnRef(column), columnRef(other)], booleanType, false);
  });
  return makeJoin('inner', left, right, conjunction(equal));
}
