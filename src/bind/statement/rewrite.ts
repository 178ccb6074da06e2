import { sqlState } from '../../base/error.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import { makeFilter, makeJoin } from '../../plan/build.ts';
import {
  type Column,
  call,
  columnRef,
  constant,
  type Expression,
  trueConstant,
} from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Assignment, Delete, Truncate, Update } from '../../sql/ast/change.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import type { TableExpression } from '../../sql/ast/query.ts';
import { booleanType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, notSupported } from '../error.ts';
import type { Place } from '../expression/binder.ts';
import { bindCondition, bindExpression } from '../expression/expression.ts';
import { bindFrom, type Source } from '../query/from.ts';
import { Scope, tableColumns } from '../scope.ts';
import type { BoundRewrite } from './bound.ts';
import { assign, defaultOf, targetOrdinals, writableTable } from './insert.ts';
import { bindReturning } from './returning.ts';

interface Target {
  readonly table: TableEntry;
  readonly scan: Plan;
  /** What FROM or USING names. */
  readonly source: Source | undefined;
  /** Where the columns of both have names. */
  readonly place: Place;
}

/** The rows of the table, and those that FROM or USING brings. */
function bindTarget(
  context: BindContext,
  node: Update | Delete,
  tables: readonly TableExpression[],
): Target {
  if (node.with !== undefined) notSupported(`WITH before ${verb(node)}`, node.with.span);
  const table = writableTable(context, node.table);
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  const ordinals = table.columns.map((_, i) => i);
  const scan: Plan = { kind: 'scan', table, ordinals, filters: [], columns };
  const query = { context, parent: undefined, commonTables: undefined };
  const source = tables.length === 0 ? undefined : bindFrom(query, tables);
  const own = tableColumns(node.alias?.name ?? table.name, columns);
  const scope = new Scope([...own, ...(source?.columns ?? [])], undefined);
  const place: Place = {
    context,
    scope,
    commonTables: undefined,
    clause: verb(node),
    aggregates: undefined,
    windows: undefined,
    spans: new Map(),
    expanding: [],
  };
  return { table, scan, source, place };
}

function verb(node: Update | Delete): string {
  return node.kind.toUpperCase();
}

/** What stays: rows for which the condition is FALSE or NULL, with all rows of USING. */
export function bindDelete(context: BindContext, node: Delete): BoundRewrite {
  const { table, scan, source, place } = bindTarget(context, node, node.using);
  const where =
    node.where === undefined
      ? trueConstant
      : bindCondition({ ...place, clause: 'WHERE' }, node.where);
  const head = { kind: 'rewrite', table, marksChanges: false } as const;
  if (source !== undefined) {
    const plan = makeJoin('anti', scan, source.plan, where);
    const changed = makeJoin('semi', scan, source.plan, where);
    return { ...head, plan, returning: bindReturning(context, node, table, changed) };
  }
  const returning = bindReturning(context, node, table, makeFilter(scan, [where]));
  if (node.where === undefined) return { ...emptied(table, scan), returning };
  const stays = call('is_distinct_from', [where, trueConstant], booleanType, false);
  return { ...head, plan: makeFilter(scan, [stays]), returning };
}

export function bindTruncate(context: BindContext, node: Truncate): BoundRewrite {
  const table = writableTable(context, node.table);
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  const ordinals = table.columns.map((_, i) => i);
  return emptied(table, { kind: 'scan', table, ordinals, filters: [], columns });
}

function emptied(table: TableEntry, scan: Plan): BoundRewrite {
  const nothing = constant(false, booleanType);
  const plan = makeFilter(scan, [nothing]);
  return { kind: 'rewrite', table, plan, marksChanges: false, returning: undefined };
}

export function bindUpdate(context: BindContext, node: Update): BoundRewrite {
  const target = bindTarget(context, node, node.from);
  const { table, scan } = target;
  const { input, changed, place } = matchedRows(context, target, node.where);
  const mark = context.column('changed', booleanType, false);
  const marked: Plan = {
    kind: 'project',
    input,
    expressions: [...input.columns.map(columnRef), changed],
    columns: [...input.columns, mark],
  };
  const values = assignedValues(place, table, node.assignments);
  const plan = updatedRows(context, table, scan.columns, marked, mark, values);
  const rows = makeFilter(plan, [columnRef(mark)]);
  const returning = bindReturning(context, node, table, withoutMark(rows));
  return { kind: 'rewrite', table, plan, marksChanges: true, returning };
}

/** The rows of the target beside what FROM brings, and which of them are to be changed. */
function matchedRows(
  context: BindContext,
  { scan, source, place }: Target,
  condition: Syntax | undefined,
): { input: Plan; changed: Expression; place: Place } {
  const where =
    condition === undefined
      ? trueConstant
      : bindCondition({ ...place, clause: 'WHERE' }, condition);
  if (source === undefined) return { input: scan, changed: isTrue(where), place };
  const found = context.column('found', booleanType, false);
  const right: Plan = {
    kind: 'project',
    input: source.plan,
    expressions: [...source.plan.columns.map(columnRef), trueConstant],
    columns: [...source.plan.columns, found],
  };
  // A row that several rows of FROM match would take the values of any: that is an error.
  const input = makeJoin('single', scan, right, where);
  const columns = place.scope.columns.map((known) => {
    const { value } = known;
    if (value.kind !== 'column') return known;
    const column = input.columns.find(({ id }) => id === value.column.id);
    return column === undefined ? known : { ...known, value: columnRef(column) };
  });
  const changed = isTrue(columnRef({ ...found, nullable: true }));
  return { input, changed, place: { ...place, scope: new Scope(columns, undefined) } };
}

/** The rows of the table with the new values where `mark` is TRUE, and the mark. */
export function updatedRows(
  context: BindContext,
  table: TableEntry,
  own: readonly Column[],
  input: Plan,
  mark: Column,
  values: ReadonlyMap<number, Expression>,
): Plan {
  const expressions = own.map((column, i): Expression => {
    const then = values.get(i);
    const otherwise = columnRef(column);
    if (then === undefined) return otherwise;
    const branches = [{ when: columnRef(mark), then }];
    const nullable = then.nullable || otherwise.nullable;
    return { kind: 'case', branches, otherwise, type: column.type, nullable };
  });
  const columns = expressions.map((expression, i) =>
    context.columnFor(expression, table.columns[i].name, input),
  );
  return {
    kind: 'project',
    input,
    expressions: [...expressions, columnRef(mark)],
    columns: [...columns, mark],
  };
}

export function withoutMark(plan: Plan): Plan {
  const columns = plan.columns.slice(0, -1);
  return { kind: 'project', input: plan, expressions: columns.map(columnRef), columns };
}

export function isTrue(condition: Expression): Expression {
  if (!condition.nullable) return condition;
  return call('coalesce', [condition, constant(false, booleanType)], booleanType, false);
}

/** The new values by ordinal; all of them see the row as it was. */
export function assignedValues(
  place: Place,
  table: TableEntry,
  assignments: readonly Assignment[],
): Map<number, Expression> {
  const values = new Map<number, Expression>();
  for (const { columns, value, span } of assignments) {
    const parts = assignedParts(columns, value);
    targetOrdinals(table, columns).forEach((ordinal, i) => {
      if (values.has(ordinal)) {
        const message = `the column "${columns[i].name}" is set twice`;
        throw new BindError(sqlState.duplicateColumn, message, columns[i].span);
      }
      const part = parts[i];
      const bound =
        part.kind === 'defaultValue'
          ? defaultOf(place.context, table, ordinal, span)
          : assign(place.context, bindExpression(place, part), table, ordinal, part.span);
      values.set(ordinal, bound);
    });
  }
  return values;
}

/** `(a, b) = (1, 2)` taken apart. */
function assignedParts(columns: readonly Identifier[], value: Syntax): readonly Syntax[] {
  if (columns.length === 1) return [value];
  if (value.kind !== 'row') notSupported('setting several columns by one subquery', value.span);
  if (value.items.length === columns.length) return value.items;
  throw new BindError(
    sqlState.syntaxError,
    `${value.items.length} values are given for ${columns.length} columns`,
    value.span,
  );
}
