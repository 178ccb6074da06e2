import { QuernError, sqlState } from '../../base/error.ts';
import { type AggregateCall, type Column, columnRef } from '../../plan/expression.ts';
import type { Aggregate } from '../../plan/plan.ts';
import { expressionKey, freshColumn } from '../query.ts';

/** DISTINCT changes nothing for these. */
const idempotent = new Set(['min', 'max']);

/**
 * Aggregates of DISTINCT values as a grouping of a grouping: first by the groups and the argument,
 * then by the groups alone, where each value of the argument is one row. Calls without DISTINCT
 * beside them are computed in the first and combined in the second. Undefined if no call is
 * DISTINCT.
 */
export function rewriteDistinct(plan: Aggregate): Aggregate | undefined {
  const distinct = plan.aggregates.filter((call) => call.distinct && !idempotent.has(call.name));
  if (distinct.length === 0) return undefined;
  const [first] = distinct;
  const key = argumentKey(first);
  if (distinct.some((call) => argumentKey(call) !== key || call.args.length !== 1)) {
    throw new QuernError(
      sqlState.featureNotSupported,
      'aggregates of several different DISTINCT arguments are not supported yet',
    );
  }
  const fresh = (name: string, of: Pick<Column, 'type' | 'nullable'>): Column =>
    freshColumn(name, of.type, of.nullable);
  const [argument] = first.args;
  const groupColumns = plan.groups.map((group, i) => fresh(plan.columns[i].name, group));
  const argumentColumn = fresh('distinct', argument);
  const partial: AggregateCall[] = [];
  const partialColumns: Column[] = [];
  const final = plan.aggregates.map((call): AggregateCall => {
    if (call.distinct && !idempotent.has(call.name)) {
      return { ...call, distinct: false, args: [columnRef(argumentColumn)], filter: undefined };
    }
    const combined = combine(call);
    const column = fresh(call.name, call);
    partial.push({ ...call, distinct: false });
    partialColumns.push(column);
    return {
      ...call,
      name: combined,
      distinct: false,
      args: [columnRef(column)],
      filter: undefined,
    };
  });
  if (distinct.some((call) => call.filter !== undefined)) {
    throw new QuernError(
      sqlState.featureNotSupported,
      'FILTER beside DISTINCT is not supported yet',
    );
  }
  const inner: Aggregate = {
    kind: 'aggregate',
    input: plan.input,
    groups: [...plan.groups, argument],
    aggregates: partial,
    groupingSets: undefined,
    columns: [...groupColumns, argumentColumn, ...partialColumns],
  };
  return { ...plan, input: inner, groups: groupColumns.map(columnRef), aggregates: final };
}

function argumentKey(call: AggregateCall): string {
  return call.args.map(expressionKey).join();
}

/** The function that combines partial results. */
function combine(call: AggregateCall): string {
  switch (call.name) {
    case 'count':
      return 'sum_counts';
    case 'sum':
    case 'min':
    case 'max':
      return call.name;
    default:
      throw new QuernError(
        sqlState.featureNotSupported,
        `${call.name} beside an aggregate of DISTINCT values is not supported yet`,
      );
  }
}
