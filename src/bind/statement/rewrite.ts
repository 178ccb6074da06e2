import { sqlState } from '../../base/error.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import { makeFilter } from '../../plan/build.ts';
import { call, columnRef, constant, type Expression, trueConstant } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Delete, Truncate, Update } from '../../sql/ast/change.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import { booleanType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, notSupported } from '../error.ts';
import type { Place } from '../expression/binder.ts';
import { bindCondition, bindExpression } from '../expression/expression.ts';
import { Scope, tableColumns } from '../scope.ts';
import type { BoundRewrite } from './bound.ts';
import { assign, defaultOf, targetOrdinals, writableTable } from './insert.ts';

interface Target {
  readonly table: TableEntry;
  readonly scan: Plan;
  readonly place: Place;
}

/** The rows of the table, and a place in which its columns have names. */
function bindTarget(context: BindContext, node: Update | Delete): Target {
  if (node.with !== undefined) notSupported(`WITH before ${verb(node)}`, node.with.span);
  if (node.returning.length > 0) notSupported('RETURNING', node.returning[0].span);
  const table = writableTable(context, node.table);
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  const ordinals = table.columns.map((_, i) => i);
  const scan: Plan = { kind: 'scan', table, ordinals, filters: [], columns };
  const scope = new Scope(tableColumns(node.alias?.name ?? table.name, columns), undefined);
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
  return { table, scan, place };
}

function verb(node: Update | Delete): string {
  return node.kind.toUpperCase();
}

/** What stays: rows for which the condition is FALSE or NULL. */
export function bindDelete(context: BindContext, node: Delete): BoundRewrite {
  if (node.using.length > 0) notSupported('DELETE … USING', node.using[0].span, 'use IN or EXISTS');
  const { table, scan, place } = bindTarget(context, node);
  if (node.where === undefined) return emptied(table, scan);
  const where = bindCondition({ ...place, clause: 'WHERE' }, node.where);
  const stays = call('is_distinct_from', [where, trueConstant], booleanType, false);
  return { kind: 'rewrite', table, plan: makeFilter(scan, [stays]), marksChanges: false };
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
  return { kind: 'rewrite', table, plan: makeFilter(scan, [nothing]), marksChanges: false };
}

export function bindUpdate(context: BindContext, node: Update): BoundRewrite {
  if (node.from.length > 0) notSupported('UPDATE … FROM', node.from[0].span, 'use a subquery');
  const { table, scan, place } = bindTarget(context, node);
  const changed =
    node.where === undefined
      ? trueConstant
      : isTrue(bindCondition({ ...place, clause: 'WHERE' }, node.where));
  const mark = context.column('changed', booleanType, false);
  const marked: Plan = {
    kind: 'project',
    input: scan,
    expressions: [...scan.columns.map(columnRef), changed],
    columns: [...scan.columns, mark],
  };
  const values = assignedValues(place, table, node);
  const expressions = scan.columns.map((column, i): Expression => {
    const then = values.get(i);
    const otherwise = columnRef(column);
    if (then === undefined) return otherwise;
    const branches = [{ when: columnRef(mark), then }];
    const nullable = then.nullable || otherwise.nullable;
    return { kind: 'case', branches, otherwise, type: column.type, nullable };
  });
  const columns = expressions.map((expression, i) =>
    context.columnFor(expression, table.columns[i].name, scan),
  );
  const plan: Plan = {
    kind: 'project',
    input: marked,
    expressions: [...expressions, columnRef(mark)],
    columns: [...columns, mark],
  };
  return { kind: 'rewrite', table, plan, marksChanges: true };
}

function isTrue(condition: Expression): Expression {
  if (!condition.nullable) return condition;
  return call('coalesce', [condition, constant(false, booleanType)], booleanType, false);
}

/** The new values by ordinal; all of them see the row as it was. */
function assignedValues(place: Place, table: TableEntry, node: Update): Map<number, Expression> {
  const values = new Map<number, Expression>();
  for (const { columns, value, span } of node.assignments) {
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
