import { sqlState } from '../../base/error.ts';
import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import {
  type Column,
  call,
  children,
  columnRef,
  constant,
  type Expression,
  type SortKey,
} from '../../plan/expression.ts';
import { freeColumns, hasSubquery } from '../../plan/free-columns.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import type { CommonTable, OrderItem, Query, QueryBody } from '../../sql/ast/query.ts';
import { bigintType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, locate, notSupported } from '../error.ts';
import type { CommonTables, Place } from '../expression/binder.ts';
import { bindExpression } from '../expression/expression.ts';
import { Scope } from '../scope.ts';
import { castTo } from '../types/cast.ts';
import { bindRecursive } from './recursive.ts';
import { bindSelect } from './select.ts';
import { bindSetOperation } from './set-operation.ts';
import { bindValues } from './values.ts';

/** What of a query's surroundings its parts need. */
export interface QueryPlace {
  readonly context: BindContext;
  /** Names of the query around this one; using them makes it correlated. */
  readonly parent: Scope | undefined;
  readonly commonTables: CommonTables | undefined;
}

/** The plan of a query; its columns have the names of the result. */
export function bindQuery(
  context: BindContext,
  query: Query,
  parent: Scope | undefined,
  commonTables: CommonTables | undefined,
): Plan {
  const wraps: ((body: Plan) => Plan)[] = [];
  let tables = commonTables;
  for (const table of query.with?.tables ?? []) {
    const bound = bindCommonTable({ context, parent, commonTables: tables }, table, query);
    tables = bound.tables;
    if (bound.wrap !== undefined) wraps.push(bound.wrap);
  }
  const body = bindOrdered({ context, parent, commonTables: tables }, query);
  return wraps.reduceRight((plan, wrap) => wrap(plan), bindLimit(context, query, body));
}

/** A place without names: for LIMIT, arguments of table functions, DEFAULT. */
export function constantPlace(context: BindContext, clause: string): Place {
  return {
    context,
    scope: new Scope([], undefined),
    commonTables: undefined,
    clause,
    aggregates: undefined,
    windows: undefined,
    spans: new Map(),
    expanding: [],
  };
}

interface BoundCommonTable {
  readonly tables: CommonTables;
  /** Puts the definition around the body that reads it. */
  readonly wrap: ((body: Plan) => Plan) | undefined;
}

/**
 * A common table is computed once and read through references. One that is correlated, or that
 * says NOT MATERIALIZED, is bound anew wherever it is read.
 */
function bindCommonTable(place: QueryPlace, table: CommonTable, query: Query): BoundCommonTable {
  const { context, parent, commonTables: outer } = place;
  const name = table.name.name;
  const syntax = table.query;
  if (syntax.kind !== 'query') notSupported('a data change in WITH', table.span);
  const bindIt = (): Plan => {
    const plan = query.with!.recursive
      ? bindRecursive({ context, parent, commonTables: outer }, table, syntax)
      : bindQuery(context, syntax, parent, outer);
    return renameColumns(plan, table.columns, name);
  };
  const definition = bindIt();
  if (table.materialized === false || freeColumns(definition).size > 0) {
    return { tables: { entry: { name, reference: bindIt }, outer }, wrap: undefined };
  }
  const id = context.nextWith();
  const reference = (): Plan => {
    const columns = definition.columns.map((c) => context.column(c.name, c.type, c.nullable));
    return { kind: 'withReference', id, name, columns };
  };
  const wrap = (body: Plan): Plan => {
    return { kind: 'with', id, name, definition, body, columns: body.columns };
  };
  return { tables: { entry: { name, reference }, outer }, wrap };
}

/** Column names given after an alias; fewer than there are columns is allowed. */
export function renameColumns(plan: Plan, names: readonly Identifier[], table: string): Plan {
  if (names.length === 0) return plan;
  if (names.length > plan.columns.length) {
    throw new BindError(
      sqlState.invalidColumnReference,
      `"${table}" has ${plan.columns.length} columns, but ${names.length} names are given`,
      names[plan.columns.length].span,
    );
  }
  const columns = plan.columns.map((column, i) =>
    i < names.length ? { ...column, name: names[i].name } : column,
  );
  const expressions = plan.columns.map(columnRef);
  return { kind: 'project', input: plan, expressions, columns };
}

function bindOrdered(place: QueryPlace, query: Query): Plan {
  const { body } = query;
  if (body.kind === 'select') return bindSelect(place, body, query);
  const plan = bindBody(place, body);
  const keys = query.orderByAll
    ? plan.columns.map((column) => ({
        expression: columnRef(column),
        descending: query.orderByAll!.descending,
        nullsFirst: query.orderByAll!.nullsFirst ?? query.orderByAll!.descending,
      }))
    : query.orderBy.map((item) => outputKey(plan, item));
  return keys.length === 0 ? plan : { kind: 'sort', input: plan, keys, columns: plan.columns };
}

export function bindBody(place: QueryPlace, body: QueryBody): Plan {
  switch (body.kind) {
    case 'select':
      return bindSelect(place, body, undefined);
    case 'setOperation':
      return bindSetOperation(place, body);
    case 'values':
      return bindValues(place, body);
    case 'query':
      return bindQuery(place.context, body, place.parent, place.commonTables);
  }
}

/** After a set operation only result columns can be ordered by: by name or by number. */
function outputKey(plan: Plan, item: OrderItem): SortKey {
  const column = outputColumn(plan.columns, item.value);
  if (column === undefined) {
    throw new BindError(
      sqlState.invalidColumnReference,
      'after UNION, INTERSECT or EXCEPT only columns of the result can be ordered by',
      item.value.span,
      'use the name or the number of a column',
    );
  }
  const { descending, nullsFirst } = item;
  return { expression: columnRef(column), descending, nullsFirst: nullsFirst ?? descending };
}

/** The result column that a name or a number in ORDER BY means. */
export function outputColumn(columns: readonly Column[], value: Syntax): Column | undefined {
  const ordinal = ordinalOf(value, columns.length);
  if (ordinal !== undefined) return columns[ordinal];
  if (value.kind !== 'columnReference' || value.parts.length !== 1) return undefined;
  const name = value.parts[0].name.toLowerCase();
  return columns.find((column) => column.name.toLowerCase() === name);
}

/** The index that a whole number stands for in ORDER BY and GROUP BY. */
export function ordinalOf(value: Syntax, count: number): number | undefined {
  if (value.kind !== 'numberLiteral' || !/^\d+$/.test(value.text)) return undefined;
  const ordinal = Number(value.text);
  if (ordinal >= 1 && ordinal <= count) return ordinal - 1;
  throw new BindError(
    sqlState.invalidColumnReference,
    `position ${value.text} is not in the select list, which has ${count} columns`,
    value.span,
  );
}

function bindLimit(context: BindContext, query: Query, input: Plan): Plan {
  const { limit, offset } = query;
  if (limit?.percent) notSupported('LIMIT with a percentage', limit.span);
  if (limit?.withTies) notSupported('FETCH … WITH TIES', limit.span);
  const count = limit?.count && bindCount(context, limit.count, 'LIMIT');
  const skip = offset && bindCount(context, offset, 'OFFSET');
  if (count === undefined && skip === undefined) return input;
  return { kind: 'limit', input, limit: count, offset: skip, columns: input.columns };
}

/** As many rows as there may be: what a LIMIT of NULL means. */
const allRows = 2n ** 62n;

/** A BIGINT that is known before the query runs: a constant, or a value made of parameters. */
function bindCount(context: BindContext, syntax: Syntax, clause: string): Expression | undefined {
  const bound = bindExpression(constantPlace(context, clause), syntax);
  if (hasSubquery(bound)) notSupported(`a subquery in ${clause}`, syntax.span);
  const count = call('row_count', [castTo(context, bound, bigintType, syntax.span)], bigintType);
  if (containsParameter(count)) {
    const none = constant(clause === 'LIMIT' ? allRows : 0n, bigintType);
    return call('coalesce', [count, none], bigintType);
  }
  const value = locate(syntax.span, () => evaluate(count, emptyEnvironment));
  return value === null ? undefined : constant(value, bigintType);
}

function containsParameter(expression: Expression): boolean {
  return expression.kind === 'parameter' || children(expression).some(containsParameter);
}
