import { type AggregateCall, columnRef, constant, type Expression } from '../../plan/expression.ts';
import type { Aggregate, Plan, Project } from '../../plan/plan.ts';
import { mapAggregate } from '../../plan/rewrite.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { expressionKey, freshId, type Query } from '../query.ts';
import { combine, fresh, referenceTo, unionOf } from './distinct.ts';

/**
 * GROUPING SETS, ROLLUP and CUBE as the union of one aggregation for each set. The input is read
 * once: it is grouped by all columns of the sets, and each set groups those groups again; or it is
 * kept, if some aggregate cannot be computed in two steps.
 */
export function expandGroupingSets(plan: Aggregate, query: Query): Plan {
  const sets = plan.groupingSets ?? [];
  const calls = plan.aggregates.filter(({ name }) => name !== 'grouping');
  const twoSteps = calls.every(isCombinable);
  const id = freshId();
  const source = twoSteps ? finest(plan, calls) : { plan: query.neededOf(plan.input), calls };
  const sides = sets.map((set) => {
    const rows = referenceTo(source.plan, id);
    const by = columnSubstitution(source.plan.columns, rows.columns);
    const groups = twoSteps
      ? source.plan.columns.slice(0, plan.groups.length).map(columnRef)
      : plan.groups;
    const inSet = {
      groups: groups.map((group) => substitute(group, by)),
      calls: source.calls.map((call) => mapAggregate(call, (item) => substitute(item, by))),
    };
    return oneSet(plan, set, rows, inSet);
  });
  const union = unionOf(sides);
  const body: Project = {
    kind: 'project',
    input: union,
    expressions: union.columns.map(columnRef),
    columns: plan.columns,
  };
  return { kind: 'with', id, name: 'groups', definition: source.plan, body, columns: body.columns };
}

function isCombinable({ name, distinct, order }: AggregateCall): boolean {
  const names = ['count', 'sum', 'min', 'max', 'avg'];
  return names.includes(name) && !distinct && order.length === 0;
}

interface Source {
  readonly plan: Plan;
  /** The calls over the rows of the plan. */
  readonly calls: readonly AggregateCall[];
}

/** The input grouped by everything that some set groups by, with partial aggregates. */
function finest(plan: Aggregate, calls: readonly AggregateCall[]): Source {
  const { partial, final } = combine(calls);
  const groups = plan.groups.map((group) => fresh('group', group));
  const columns = partial.map((call) => fresh(call.name, call));
  const grouped: Aggregate = {
    kind: 'aggregate',
    input: plan.input,
    groups: plan.groups,
    aggregates: partial,
    groupingSets: undefined,
    columns: [...groups, ...columns],
  };
  const combined = calls.map((call, i): AggregateCall => {
    const { name, parts } = final[i];
    const args = parts.map((part) => columnRef(columns[part]));
    return { ...call, name, args, filter: undefined };
  });
  return { plan: grouped, calls: combined };
}

/** The rows of one set: NULL in place of the groups that it does not have. */
function oneSet(
  plan: Aggregate,
  set: readonly number[],
  rows: Plan,
  over: { readonly groups: readonly Expression[]; readonly calls: readonly AggregateCall[] },
): Project {
  const groups = set.map((i) => over.groups[i]);
  const groupColumns = groups.map((group) => fresh('group', group));
  const callColumns = over.calls.map((call) => fresh(call.name, call));
  const input: Aggregate = {
    kind: 'aggregate',
    input: rows,
    groups,
    aggregates: over.calls,
    groupingSets: undefined,
    columns: [...groupColumns, ...callColumns],
  };
  let next = 0;
  const expressions = [
    ...plan.groups.map((group, i): Expression => {
      const at = set.indexOf(i);
      return at < 0 ? constant(null, group.type) : columnRef(groupColumns[at]);
    }),
    ...plan.aggregates.map((call): Expression => {
      if (call.name === 'grouping') return constant(groupingOf(call, plan, set), call.type);
      return columnRef(callColumns[next++]);
    }),
  ];
  const columns = expressions.map((expression, i) => {
    return fresh(plan.columns[i].name, { ...expression, nullable: true });
  });
  return { kind: 'project', input, expressions, columns };
}

/** A bit for each argument, the last one lowest: 1 if the set does not group by it. */
function groupingOf(call: AggregateCall, plan: Aggregate, set: readonly number[]): bigint {
  const keys = plan.groups.map(expressionKey);
  return call.args.reduce((bits, arg) => {
    const isGrouped = set.some((i) => keys[i] === expressionKey(arg));
    return bits * 2n + (isGrouped ? 0n : 1n);
  }, 0n);
}
