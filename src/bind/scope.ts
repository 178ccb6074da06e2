import { sqlState } from '../base/error.ts';
import { type Column, columnRef, type Expression } from '../plan/expression.ts';
import { usedColumns } from '../plan/free-columns.ts';
import type { Plan } from '../plan/plan.ts';
import type { Expression as Syntax } from '../sql/ast/expression.ts';
import type { Identifier, Span } from '../sql/ast/node.ts';
import { BindError, didYouMean } from './error.ts';
import type { Place } from './expression/binder.ts';

/** A column that can be named: by itself, or after the name of its table. */
export interface ScopeColumn {
  readonly table: string | undefined;
  readonly name: string;
  readonly value: Expression;
  /** Merged away by USING or NATURAL: only the name with its table finds it. */
  readonly hidden: boolean;
}

/** A common table expression that can be named in FROM. */
export interface CommonTableEntry {
  readonly name: string;
  /** A plan that reads it, with columns of its own. */
  reference(): Plan;
}

/**
 * The names that an expression can use: columns of the tables of FROM, then aliases of the select
 * list, then whatever the query around it offers (that makes it correlated).
 */
export class Scope {
  readonly columns: readonly ScopeColumn[];
  readonly parent: Scope | undefined;
  /** Aliases of the select list, by lower-case name; bound where they are used. */
  readonly aliases: ReadonlyMap<string, Syntax>;
  /** Set around a subquery: where it stands. */
  readonly place: Place | undefined;
  #byName: Map<string, ScopeColumn[]> | undefined;

  constructor(
    columns: readonly ScopeColumn[],
    parent: Scope | undefined,
    aliases: ReadonlyMap<string, Syntax> = new Map(),
    place?: Place,
  ) {
    this.columns = columns;
    this.parent = parent;
    this.aliases = aliases;
    this.place = place;
  }

  /** These names for a subquery at a place of the query that they belong to. */
  around(place: Place): Scope {
    return new Scope(this.columns, this.parent, this.aliases, place);
  }

  /** Whether a column with one of the ids is a column of this scope itself. */
  hasColumn(ids: { has(id: number): boolean }): boolean {
    return this.columns.some(({ value }) =>
      [...usedColumns(value).keys()].some((id) => ids.has(id)),
    );
  }

  withAliases(aliases: ReadonlyMap<string, Syntax>): Scope {
    return new Scope(this.columns, this.parent, aliases);
  }

  /** The columns of that name, in this scope only. */
  named(name: string): readonly ScopeColumn[] {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const column of this.columns) {
        const key = column.name.toLowerCase();
        const list = this.#byName.get(key);
        if (list === undefined) this.#byName.set(key, [column]);
        else list.push(column);
      }
    }
    return this.#byName.get(name.toLowerCase()) ?? [];
  }

  hasTable(name: string): boolean {
    return this.columns.some((column) => sameName(column.table, name));
  }

  /** All names that would have been found, for hints. */
  *knownNames(): Generator<string> {
    for (const column of this.columns) yield column.name;
    for (const alias of this.aliases.keys()) yield alias;
    if (this.parent !== undefined) yield* this.parent.knownNames();
  }

  *tableNames(): Generator<string> {
    for (const column of this.columns) if (column.table !== undefined) yield column.table;
    if (this.parent !== undefined) yield* this.parent.tableNames();
  }
}

export function sameName(a: string | undefined, b: string): boolean {
  return a !== undefined && (a === b || a.toLowerCase() === b.toLowerCase());
}

/** The columns of one table under its alias. */
export function tableColumns(table: string | undefined, columns: readonly Column[]): ScopeColumn[] {
  return columns.map((column) => ({
    table,
    name: column.name,
    value: columnRef(column),
    hidden: false,
  }));
}

/** The column that an unqualified name means in this scope alone. */
export function findColumn(scope: Scope, name: string, span: Span): ScopeColumn | undefined {
  const found = scope.named(name).filter((column) => !column.hidden);
  if (found.length <= 1) return found[0];
  const tables = found.map((column) => `"${column.table ?? '?'}"`).join(' and ');
  throw new BindError(
    sqlState.ambiguousColumn,
    `column "${name}" is ambiguous: it is in ${tables}`,
    span,
    `write ${found[0].table ?? 'table'}.${name} for the one you mean`,
  );
}

/** The column `table.name`, in this scope or one around it. */
export function findQualified(scope: Scope, table: Identifier, name: Identifier): ScopeColumn {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const found = at.named(name.name).filter((column) => sameName(column.table, table.name));
    if (found.length === 1) return found[0];
    if (found.length > 1) {
      throw new BindError(
        sqlState.ambiguousColumn,
        `column "${table.name}.${name.name}" is ambiguous`,
        name.span,
      );
    }
    if (at.hasTable(table.name)) unknownColumnOf(at, table, name);
  }
  throw new BindError(
    sqlState.undefinedTable,
    `there is no table "${table.name}" in FROM`,
    table.span,
    didYouMean(table.name, scope.tableNames()),
  );
}

function unknownColumnOf(scope: Scope, table: Identifier, name: Identifier): never {
  const known = scope.columns
    .filter((column) => sameName(column.table, table.name))
    .map((column) => column.name);
  throw new BindError(
    sqlState.undefinedColumn,
    `table "${table.name}" has no column "${name.name}"`,
    name.span,
    didYouMean(name.name, known),
  );
}

export function unknownColumn(scope: Scope, name: Identifier): never {
  throw new BindError(
    sqlState.undefinedColumn,
    `there is no column "${name.name}"`,
    name.span,
    didYouMean(name.name, scope.knownNames()),
  );
}
