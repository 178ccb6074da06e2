import { sqlState } from '../../base/error.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import { columnRef, constant, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { AlterAction, AlterTable } from '../../sql/ast/definition.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import type { BindContext } from '../context.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';
import type { Place } from '../expression/binder.ts';
import { bindExpression } from '../expression/expression.ts';
import { constantPlace } from '../query/query.ts';
import { Scope, sameName, tableColumns } from '../scope.ts';
import { castTo } from '../types/cast.ts';
import { resolveType } from '../types/type-name.ts';
import type { BoundAlterTable, NewColumn } from './bound.ts';
import { newColumn, objectName } from './definition.ts';
import { writableTable } from './insert.ts';

/** A column as it will be, and what it is computed from. */
interface Altered {
  readonly column: NewColumn;
  readonly value: Expression;
  readonly isKey: boolean;
}

/** Undefined: there is no such table, and IF EXISTS says that this is all right. */
export function bindAlterTable(
  context: BindContext,
  node: AlterTable,
  sql: string,
): BoundAlterTable | undefined {
  if (node.object !== 'TABLE') notSupported(`ALTER ${node.object}`, node.span);
  if (node.ifExists && context.catalog.table(objectName(node.name)) === undefined) return undefined;
  const table = writableTable(context, node.name);
  const alteration = new Alteration(context, table, sql);
  for (const action of node.actions) alteration.apply(action);
  return alteration.bound();
}

/** The actions of one statement, one after the other. */
class Alteration {
  readonly #context: BindContext;
  readonly #table: TableEntry;
  readonly #sql: string;
  readonly #scan: Plan;
  #name: string;
  #columns: Altered[];
  /** Whether the rows change, and not only what they are called. */
  #rewrites = false;

  constructor(context: BindContext, table: TableEntry, sql: string) {
    this.#context = context;
    this.#table = table;
    this.#sql = sql;
    this.#name = table.name;
    const columns = table.columns.map(({ name, type, notNull }) =>
      context.column(name, type, !notNull),
    );
    const ordinals = columns.map((_, i) => i);
    this.#scan = { kind: 'scan', table, ordinals, filters: [], columns };
    this.#columns = table.columns.map(({ name, type, notNull, defaultSql }, i) => ({
      column: { name, type, notNull, defaultSql },
      value: columnRef(columns[i]),
      isKey: table.primaryKey?.includes(i) ?? false,
    }));
  }

  apply(action: AlterAction): void {
    switch (action.kind) {
      case 'addColumn':
        this.#add(action);
        break;
      case 'dropColumn':
        this.#drop(action);
        break;
      case 'renameColumn':
        this.#checkFree(action.name);
        this.#change(action.column, { name: action.name.name });
        break;
      case 'renameTable':
        this.#rename(action.name);
        break;
      case 'alterColumnType':
        this.#changeType(action);
        break;
      case 'alterColumnDefault':
        this.#changeDefault(action);
        break;
      case 'alterColumnNull':
        this.#changeNull(action);
        break;
      case 'addConstraint':
        notSupported('ADD CONSTRAINT', action.span);
    }
  }

  #changeNull({ column, nullable }: Extract<AlterAction, { kind: 'alterColumnNull' }>): void {
    if (nullable && this.#columns[this.#find(column)].isKey) {
      const message = `the column "${column.name}" is in the primary key`;
      throw new BindError('42P16', message, column.span);
    }
    // Storing the rows again looks for NULLs among them.
    this.#rewrites ||= !nullable;
    this.#change(column, { notNull: !nullable });
  }

  #add({ column: node, ifNotExists }: Extract<AlterAction, { kind: 'addColumn' }>): void {
    const exists = this.#columns.some(({ column }) => sameName(column.name, node.name.name));
    if (exists && ifNotExists) return;
    this.#checkFree(node.name);
    const key = node.constraints.find((constraint) => constraint.kind === 'keyConstraint');
    if (key !== undefined) notSupported('adding a key', key.span);
    const column = newColumn(this.#context, node, this.#sql);
    const given = node.constraints.find((constraint) => constraint.kind === 'defaultConstraint');
    let value: Expression = constant(null, column.type);
    if (given !== undefined) {
      const place = constantPlace(this.#context, 'DEFAULT');
      const bound = bindExpression(place, given.value);
      value = castTo(this.#context, bound, column.type, given.span);
    }
    this.#columns.push({ column, value, isKey: false });
    this.#rewrites = true;
  }

  #drop({ column, ifExists, cascade, span }: Extract<AlterAction, { kind: 'dropColumn' }>): void {
    if (cascade) notSupported('CASCADE', span, 'views are not checked when a column goes');
    const exists = this.#columns.some((known) => sameName(known.column.name, column.name));
    if (!exists && ifExists) return;
    const at = this.#find(column);
    if (this.#columns[at].isKey) {
      const message = `the column "${column.name}" is in the primary key`;
      throw new BindError('2BP01', message, column.span);
    }
    if (this.#columns.length === 1) {
      throw new BindError('42P16', 'a table needs a column', column.span, 'use DROP TABLE');
    }
    this.#columns.splice(at, 1);
    this.#rewrites = true;
  }

  #rename(name: Identifier): void {
    const { catalog } = this.#context;
    const other = catalog.table(name.name) ?? catalog.view(name.name);
    if (other !== undefined && other !== this.#table) {
      const message = `there is a ${other.kind} "${name.name}" already`;
      throw new BindError(sqlState.duplicateTable, message, name.span);
    }
    this.#name = name.name;
  }

  #changeType(action: Extract<AlterAction, { kind: 'alterColumnType' }>): void {
    const at = this.#find(action.column);
    const type = resolveType(action.type);
    const old = this.#columns[at];
    const value =
      action.using === undefined ? old.value : bindExpression(this.#place(), action.using);
    const cast = castTo(this.#context, value, type, action.span);
    this.#columns[at] = { ...old, column: { ...old.column, type }, value: cast };
    this.#rewrites = true;
  }

  /** Where the columns of the table, as it is, have names. */
  #place(): Place {
    const scope = new Scope(tableColumns(this.#table.name, this.#scan.columns), undefined);
    return { ...constantPlace(this.#context, 'USING'), scope };
  }

  #changeDefault({ column, value }: Extract<AlterAction, { kind: 'alterColumnDefault' }>): void {
    if (value === undefined) {
      this.#change(column, { defaultSql: undefined });
      return;
    }
    const { type } = this.#columns[this.#find(column)].column;
    const bound = bindExpression(constantPlace(this.#context, 'DEFAULT'), value);
    castTo(this.#context, bound, type, value.span);
    this.#change(column, { defaultSql: this.#sql.slice(value.span.start, value.span.end) });
  }

  #change(column: Identifier, change: Partial<NewColumn>): void {
    const at = this.#find(column);
    const old = this.#columns[at];
    this.#columns[at] = { ...old, column: { ...old.column, ...change } };
  }

  #checkFree(name: Identifier): void {
    if (!this.#columns.some(({ column }) => sameName(column.name, name.name))) return;
    const message = `there is a column "${name.name}" already`;
    throw new BindError(sqlState.duplicateColumn, message, name.span);
  }

  #find(name: Identifier): number {
    const at = this.#columns.findIndex(({ column }) => sameName(column.name, name.name));
    if (at >= 0) return at;
    const known = this.#columns.map(({ column }) => column.name);
    throw new BindError(
      sqlState.undefinedColumn,
      `table "${this.#table.name}" has no column "${name.name}"`,
      name.span,
      didYouMean(name.name, known),
    );
  }

  bound(): BoundAlterTable {
    const columns = this.#columns.map(({ column }) => column);
    const keys = this.#columns.flatMap(({ isKey }, i) => (isKey ? [i] : []));
    const primaryKey = this.#table.primaryKey === undefined ? undefined : keys;
    const head = { kind: 'alterTable', table: this.#table, name: this.#name } as const;
    if (!this.#rewrites) return { ...head, columns, primaryKey, rows: undefined };
    const expressions = this.#columns.map(({ value }) => value);
    const results = this.#columns.map(({ column, value }) =>
      this.#context.columnFor(value, column.name, this.#scan),
    );
    const rows: Plan = { kind: 'project', input: this.#scan, expressions, columns: results };
    return { ...head, columns, primaryKey, rows };
  }
}
