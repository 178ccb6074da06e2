import { sqlState } from '../../base/error.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import { columnRef, constant, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Insert } from '../../sql/ast/change.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { Identifier, QualifiedName, Span } from '../../sql/ast/node.ts';
import type { Query } from '../../sql/ast/query.ts';
import { parseExpression } from '../../sql/parse.ts';
import { type SqlType, sameType, typeName } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';
import { bindExpression } from '../expression/expression.ts';
import { bindQuery, constantPlace } from '../query/query.ts';
import { sameName } from '../scope.ts';
import { castTo } from '../types/cast.ts';
import { canAssign } from '../types/implicit.ts';
import type { BoundInsert } from './bound.ts';
import { bindOnConflict } from './conflict.ts';
import { objectName } from './definition.ts';
import { bindReturning } from './returning.ts';

/** The table of that name; a view cannot be written to. */
export function writableTable(context: BindContext, name: QualifiedName): TableEntry {
  const text = objectName(name);
  const table = context.catalog.table(text);
  if (table !== undefined) return table;
  if (context.catalog.view(text) !== undefined) notSupported('writing to a view', name.span);
  throw new BindError(
    sqlState.undefinedTable,
    `there is no table "${text}"`,
    name.span,
    didYouMean(text, context.catalog.names()),
  );
}

/** The ordinals of the named columns; of all when none is named. */
export function targetOrdinals(table: TableEntry, names: readonly Identifier[]): number[] {
  if (names.length === 0) return table.columns.map((_, i) => i);
  const ordinals: number[] = [];
  for (const name of names) {
    const at = table.columns.findIndex((column) => sameName(column.name, name.name));
    if (at < 0) {
      const known = table.columns.map((column) => column.name);
      throw new BindError(
        sqlState.undefinedColumn,
        `table "${table.name}" has no column "${name.name}"`,
        name.span,
        didYouMean(name.name, known),
      );
    }
    if (ordinals.includes(at)) {
      const message = `the column "${name.name}" is listed twice`;
      throw new BindError(sqlState.duplicateColumn, message, name.span);
    }
    ordinals.push(at);
  }
  return ordinals;
}

export function bindInsert(context: BindContext, node: Insert): BoundInsert {
  if (node.with !== undefined) notSupported('WITH before INSERT', node.with.span);
  if (node.byName) notSupported('INSERT BY NAME', node.span);
  const table = writableTable(context, node.table);
  const ordinals = targetOrdinals(table, node.columns);
  const { onConflict } = node;
  return {
    kind: 'insert',
    table,
    plan: newRows(context, node, table, ordinals),
    onConflict: onConflict && bindOnConflict(context, node, onConflict, table),
    returning: bindReturning(context, node, table, undefined),
  };
}

function newRows(
  context: BindContext,
  node: Insert,
  table: TableEntry,
  ordinals: readonly number[],
): Plan {
  const defaults = table.columns.map((_, i) => defaultOf(context, table, i, node.span));
  if (node.source === undefined) return valuesPlan(context, table, [defaults]);
  const rows = plainRows(node.source);
  if (rows === undefined) return bindSource(context, node, table, ordinals, defaults);
  const bound = rows.map((row) => bindRow(context, table, ordinals, defaults, row));
  return valuesPlan(context, table, bound);
}

/**
 * The rows of a source that is VALUES and nothing else: its literals take the types of the table.
 */
function plainRows(source: Query): readonly (readonly Syntax[])[] | undefined {
  const plain = !source.with && !source.limit && !source.offset && source.orderBy.length === 0;
  return plain && source.body.kind === 'values' ? source.body.rows : undefined;
}

function valuesPlan(
  context: BindContext,
  table: TableEntry,
  rows: readonly (readonly Expression[])[],
): Plan {
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  return { kind: 'values', rows, columns };
}

/** The value a column has when none is given. */
export function defaultOf(
  context: BindContext,
  table: TableEntry,
  ordinal: number,
  span: Span,
): Expression {
  const { defaultSql, type } = table.columns[ordinal];
  if (defaultSql === undefined) return constant(null, type);
  const syntax = parseExpression(defaultSql);
  if (!('kind' in syntax)) throw new BindError(syntax.code, syntax.message, span);
  return castTo(context, bindExpression(constantPlace(context, 'DEFAULT'), syntax), type, span);
}

function bindRow(
  context: BindContext,
  table: TableEntry,
  ordinals: readonly number[],
  defaults: readonly Expression[],
  row: readonly Syntax[],
): Expression[] {
  if (row.length !== ordinals.length) wrongWidth(row.length, ordinals.length, row[0].span);
  const place = constantPlace(context, 'VALUES');
  const values = [...defaults];
  row.forEach((item, i) => {
    const at = ordinals[i];
    if (item.kind === 'defaultValue') return;
    values[at] = assign(context, bindExpression(place, item), table, at, item.span);
  });
  return values;
}

function wrongWidth(given: number, wanted: number, span: Span): never {
  const message = `INSERT gives ${given} values for ${wanted} columns`;
  throw new BindError(sqlState.syntaxError, message, span);
}

/** The value as the type of its column, if that is a conversion one would make without asking. */
export function assign(
  context: BindContext,
  value: Expression,
  table: TableEntry,
  ordinal: number,
  span: Span,
): Expression {
  const { type, name } = table.columns[ordinal];
  if (!canAssign(value, type)) cannotAssign(name, type, value.type, span);
  return castTo(context, value, type, span);
}

function cannotAssign(name: string, to: SqlType, from: SqlType, span: Span): never {
  throw new BindError(
    sqlState.datatypeMismatch,
    `column "${name}" is ${typeName(to)}, but this is ${typeName(from)}`,
    span,
    'convert it with CAST',
  );
}

function bindSource(
  context: BindContext,
  node: Insert,
  table: TableEntry,
  ordinals: readonly number[],
  defaults: readonly Expression[],
): Plan {
  const source = node.source!;
  const input = bindQuery(context, source, undefined, undefined);
  if (input.columns.length !== ordinals.length) {
    wrongWidth(input.columns.length, ordinals.length, source.span);
  }
  const expressions = [...defaults];
  ordinals.forEach((ordinal, i) => {
    const value = columnRef(input.columns[i]);
    expressions[ordinal] = assign(context, value, table, ordinal, source.span);
  });
  const same =
    input.columns.length === table.columns.length &&
    ordinals.every((ordinal, i) => ordinal === i) &&
    input.columns.every((column, i) => sameType(column.type, table.columns[i].type));
  if (same) return input;
  const columns = expressions.map((expression, i) =>
    context.columnFor(expression, table.columns[i].name, input),
  );
  return { kind: 'project', input, expressions, columns };
}
