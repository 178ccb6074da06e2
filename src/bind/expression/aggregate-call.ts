import { sqlState } from '../../base/error.ts';
import { type AggregateCall, call, type Expression, type SortKey } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { Call } from '../../sql/ast/expression.ts';
import type { OrderItem } from '../../sql/ast/query.ts';
import { bigintType, booleanType } from '../../value/type.ts';
import { BindError, notSupported } from '../error.ts';
import { bindAggregateFunction } from '../functions/aggregate.ts';
import type { Scope } from '../scope.ts';
import { forbid, inside, type Place } from './binder.ts';
import { bindCondition, bindExpression } from './expression.ts';

export function bindAggregate(place: Place, node: Call, name: string): Expression {
  if (node.nullTreatment !== undefined) {
    throw new BindError(
      sqlState.syntaxError,
      `${name} without OVER takes no ${node.nullTreatment} NULLS`,
      node.span,
    );
  }
  const bound = aggregateCall(inside(place, 'an aggregate'), node, name);
  const owner = ownerOf(place, bound);
  if (owner.aggregates === undefined) forbid(owner, `the aggregate ${name}`, node.span);
  return owner.aggregates.add(place.context, bound, columnName(node, name));
}

/**
 * The query whose rows are aggregated: the innermost one of whose columns the call has any. In
 * `(SELECT sum(a) FROM u)` with a column `a` of the query around it alone, it is that one.
 */
function ownerOf(place: Place, { args, filter, order }: AggregateCall): Place {
  const parts = [...args, ...order.map(({ expression }) => expression)];
  if (filter !== undefined) parts.push(filter);
  const used = new Set(parts.flatMap((part) => [...usedColumns(part).keys()]));
  for (let scope: Scope | undefined = place.scope; scope !== undefined; scope = scope.parent) {
    if (!scope.hasColumn(used)) continue;
    if (scope === place.scope) return place;
    // Around a derived table there are rows of a FROM that is not finished yet.
    return scope.place ?? { ...place, clause: 'LATERAL', aggregates: undefined };
  }
  return place;
}

/** As DuckDB calls it: `count_star()`, `sum(a)`. */
function columnName(node: Call, name: string): string {
  if (node.star) return 'count_star()';
  const [first] = node.arguments;
  const simple = first?.value.kind === 'columnReference' ? first.value.parts.at(-1)?.name : '…';
  return `${name}(${node.distinct ? 'DISTINCT ' : ''}${first === undefined ? '' : simple})`;
}

/** Aggregates whose result depends on the order of the rows. */
const ordered = new Set([
  ...['first', 'last', 'any_value', 'min_by', 'max_by', 'string_agg'],
  ...['quantile_cont', 'quantile_disc', 'mode'],
]);
/** Aggregates that WITHIN GROUP makes sense for. */
const withinGroup = new Set([
  ...['percentile_cont', 'percentile_disc', 'quantile_cont', 'quantile_disc', 'mode'],
  ...['listagg', 'string_agg', 'group_concat'],
]);

/** Duplicates make no difference to these. */
const idempotent = new Set(['min', 'max', 'any_value', 'min_by', 'max_by', 'bit_and', 'bit_or']);

export function aggregateCall(place: Place, node: Call, name: string): AggregateCall {
  const filter = node.filter === undefined ? undefined : bindCondition(place, node.filter);
  if (node.orderBy.length > 0 && node.withinGroup.length > 0) {
    const message = `${name} takes ORDER BY or WITHIN GROUP, not both`;
    throw new BindError(sqlState.syntaxError, message, node.span);
  }
  if (node.withinGroup.length > 0 && !withinGroup.has(name)) {
    notSupported(`${name} WITHIN GROUP`, node.span);
  }
  const order = bindKeys(place, node.withinGroup.length > 0 ? node.withinGroup : node.orderBy);
  if (node.star || (name === 'count' && node.arguments.length === 0)) {
    if (name !== 'count') {
      throw new BindError(sqlState.undefinedFunction, `${name}(*) does not exist`, node.span);
    }
    const type = bigintType;
    return { name, args: [], distinct: false, filter, order: [], type, nullable: false };
  }
  const args = node.arguments.map((argument) => bindExpression(place, argument.value));
  const site = { context: place.context, name, args, order, span: node.span };
  const bound = bindAggregateFunction(site);
  const distinct = (bound.distinct ?? node.distinct) && !idempotent.has(bound.name);
  return {
    name: bound.name,
    args: bound.args,
    distinct,
    filter: both(filter, bound.filter),
    order: ordered.has(bound.name) ? (bound.order ?? order) : [],
    type: bound.type,
    nullable: bound.name !== 'count' && bound.name !== 'grouping',
  };
}

function both(a: Expression | undefined, b: Expression | undefined): Expression | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return call('and', [a, b], booleanType);
}

export function bindKeys(place: Place, items: readonly OrderItem[]): SortKey[] {
  return items.map((item) => ({
    expression: bindExpression(place, item.value),
    descending: item.descending,
    nullsFirst: item.nullsFirst ?? item.descending,
  }));
}
