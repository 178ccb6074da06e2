import { sqlState } from '../../base/error.ts';
import type {
  ColumnDefinition,
  CreateTable,
  CreateTableAs,
  CreateView,
  Drop,
} from '../../sql/ast/definition.ts';
import type { Identifier, QualifiedName } from '../../sql/ast/node.ts';
import type { BindContext } from '../context.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';
import { bindExpression } from '../expression/expression.ts';
import { checkSchema } from '../query/from.ts';
import { bindQuery, constantPlace, renameColumns } from '../query/query.ts';
import { sameName } from '../scope.ts';
import { castTo } from '../types/cast.ts';
import { resolveType } from '../types/type-name.ts';
import type {
  BoundCreateTable,
  BoundCreateTableAs,
  BoundCreateView,
  BoundDrop,
  NewColumn,
} from './bound.ts';

/** The name of the object itself; its schema must be the one there is. */
export function objectName(name: QualifiedName): string {
  checkSchema(name);
  return name.parts[name.parts.length - 1].name;
}

/** Fails if the name is taken and nothing says what then. */
function checkNew(context: BindContext, name: QualifiedName, onExisting: string): void {
  if (onExisting !== 'error') return;
  const text = objectName(name);
  const { catalog } = context;
  const kind = catalog.table(text) ? 'table' : catalog.view(text) ? 'view' : undefined;
  if (kind === undefined) return;
  throw new BindError(
    sqlState.duplicateTable,
    `there is a ${kind} "${text}" already`,
    name.span,
    'use OR REPLACE or IF NOT EXISTS',
  );
}

export function bindCreateTable(
  context: BindContext,
  node: CreateTable,
  sql: string,
): BoundCreateTable {
  if (node.temporary) notSupported('a temporary table', node.span);
  checkNew(context, node.name, node.onExisting);
  checkDuplicates(node.columns.map((column) => column.name));
  const columns = node.columns.map((column) => newColumn(context, column, sql));
  const primaryKey = primaryKeyOf(node);
  const keyed = columns.map((column, i) =>
    primaryKey?.includes(i) ? { ...column, notNull: true } : column,
  );
  const name = objectName(node.name);
  return { kind: 'createTable', name, onExisting: node.onExisting, columns: keyed, primaryKey };
}

function checkDuplicates(names: readonly Identifier[]): void {
  names.forEach((name, i) => {
    if (!names.slice(0, i).some((other) => sameName(other.name, name.name))) return;
    throw new BindError(
      sqlState.duplicateColumn,
      `there are two columns "${name.name}"`,
      name.span,
    );
  });
}

export function newColumn(context: BindContext, node: ColumnDefinition, sql: string): NewColumn {
  if (node.type === undefined) notSupported('a generated column', node.span);
  const type = resolveType(node.type);
  let notNull = false;
  let defaultSql: string | undefined;
  for (const constraint of node.constraints) {
    switch (constraint.kind) {
      case 'nullConstraint':
        notNull ||= !constraint.nullable;
        break;
      case 'defaultConstraint': {
        const { span } = constraint.value;
        const value = bindExpression(constantPlace(context, 'DEFAULT'), constraint.value);
        castTo(context, value, type, span);
        defaultSql = sql.slice(span.start, span.end);
        break;
      }
      case 'keyConstraint':
        if (!constraint.primary) notSupported('a UNIQUE constraint', constraint.span);
        break;
      case 'checkConstraint':
        notSupported('a CHECK constraint', constraint.span);
        break;
      case 'referenceConstraint':
        notSupported('a foreign key', constraint.span);
        break;
      case 'generatedConstraint':
        notSupported('a generated column', constraint.span);
        break;
      case 'collateConstraint':
        notSupported('COLLATE', constraint.span);
    }
  }
  return { name: node.name.name, type, notNull, defaultSql };
}

/** Ordinals of the primary key, from a column or from the table's constraints. */
function primaryKeyOf(node: CreateTable): number[] | undefined {
  const keys: number[][] = [];
  node.columns.forEach((column, i) => {
    const primary = column.constraints.some(
      (item) => item.kind === 'keyConstraint' && item.primary,
    );
    if (primary) keys.push([i]);
  });
  for (const constraint of node.constraints) {
    if (constraint.kind !== 'keyConstraint') {
      notSupported('a CHECK or FOREIGN KEY constraint', constraint.span);
    }
    if (!constraint.primary) notSupported('a UNIQUE constraint', constraint.span);
    keys.push(constraint.columns.map((name) => ordinalOf(node, name)));
  }
  if (keys.length < 2) return keys[0];
  throw new BindError('42P16', 'a table has at most one primary key', node.span);
}

function ordinalOf(node: CreateTable, name: Identifier): number {
  const at = node.columns.findIndex((column) => sameName(column.name.name, name.name));
  if (at >= 0) return at;
  const known = node.columns.map((column) => column.name.name);
  throw new BindError(
    sqlState.undefinedColumn,
    `the table has no column "${name.name}"`,
    name.span,
    didYouMean(name.name, known),
  );
}

export function bindCreateTableAs(context: BindContext, node: CreateTableAs): BoundCreateTableAs {
  if (node.temporary) notSupported('a temporary table', node.span);
  checkNew(context, node.name, node.onExisting);
  const name = objectName(node.name);
  const bound = bindQuery(context, node.query, undefined, undefined);
  const plan = renameColumns(bound, node.columns, name);
  const { span } = node.query;
  checkDuplicates(
    plan.columns.map((column) => ({ kind: 'identifier', name: column.name, quoted: true, span })),
  );
  const { onExisting, withData } = node;
  return { kind: 'createTableAs', name, onExisting, plan, withData };
}

/** The text of the query is kept, and bound anew at each use; here it is only checked. */
export function bindCreateView(
  context: BindContext,
  node: CreateView,
  sql: string,
): BoundCreateView {
  if (node.temporary) notSupported('a temporary view', node.span);
  checkNew(context, node.name, node.onExisting);
  const name = objectName(node.name);
  renameColumns(bindQuery(context, node.query, undefined, undefined), node.columns, name);
  if (context.parameterTypes.length > 0) notSupported('a view with parameters', node.span);
  const names = node.columns.map((column) => column.name);
  return {
    kind: 'createView',
    name,
    onExisting: node.onExisting,
    columnNames: names.length === 0 ? undefined : names,
    sql: sql.slice(node.query.span.start, node.query.span.end),
  };
}

export function bindDrop(context: BindContext, node: Drop): BoundDrop {
  if (node.object !== 'TABLE' && node.object !== 'VIEW') {
    notSupported(`DROP ${node.object}`, node.span);
  }
  if (node.cascade) notSupported('CASCADE', node.span, 'views are not checked when a table goes');
  const { catalog } = context;
  const { object } = node;
  const names = node.names.filter((name) => {
    const text = objectName(name);
    if (object === 'TABLE' ? catalog.table(text) : catalog.view(text)) return true;
    if (node.ifExists) return false;
    throw new BindError(
      sqlState.undefinedTable,
      `there is no ${object.toLowerCase()} "${text}"`,
      name.span,
      didYouMean(text, catalog.names()),
    );
  });
  return { kind: 'drop', object, names: names.map(objectName) };
}
