import type { TableEntry } from '../../catalog/catalog.ts';
import type { ConstantExpression, ConstantValue, Expression } from '../../plan/expression.ts';
import type { Plan, TableFunction } from '../../plan/plan.ts';
import type { OnExisting } from '../../sql/ast/definition.ts';
import type { Span } from '../../sql/ast/node.ts';
import type { Statement } from '../../sql/ast/statement.ts';
import type { SqlType } from '../../value/type.ts';

/** A statement with every name resolved and every type known. */
export type BoundStatement =
  | BoundQuery
  | BoundExplain
  | BoundDescribe
  | BoundInsert
  | BoundRewrite
  | BoundCreateTable
  | BoundCreateTableAs
  | BoundCreateView
  | BoundDrop
  | BoundAlterTable
  | BoundCopyFrom
  | BoundCopyTo
  | BoundCall
  | BoundSet
  | BoundShow
  | BoundTransaction
  | BoundPrepare
  | BoundExecute
  | BoundDeallocate;

/** The columns of the plan are the columns of the result. */
export interface BoundQuery {
  readonly kind: 'query';
  readonly plan: Plan;
}

export interface BoundExplain {
  readonly kind: 'explain';
  readonly analyze: boolean;
  /** `text`, or what FORMAT says. */
  readonly format: string;
  readonly statement: BoundStatement;
}

/** The names and types of the plan's columns are the rows of the result. */
export interface BoundDescribe {
  readonly kind: 'describe';
  readonly plan: Plan;
}

export interface BoundInsert {
  readonly kind: 'insert';
  readonly table: TableEntry;
  /** Columns of the table's types, one for each, in their order. */
  readonly plan: Plan;
  readonly onConflict: BoundOnConflict | undefined;
  readonly returning: BoundReturning | undefined;
}

/** What happens with new rows whose key is there already. */
export interface BoundOnConflict {
  /** `update`: two new rows of one key are an error; `replace`: the last one counts. */
  readonly action: 'nothing' | 'update' | 'replace';
  /** Ordinals of the key. */
  readonly key: readonly number[];
  /** Stands in the plans for the new rows, each key once. */
  readonly rows: TableFunction;
  /** Those of the new rows whose key is not in the table. */
  readonly added: Plan;
  /** All rows of the table as after an UPDATE, with the mark; undefined if none is updated. */
  readonly updated: Plan | undefined;
  /** Those of them that are updated, without the mark. */
  readonly changed: Plan | undefined;
}

/** UPDATE, DELETE and TRUNCATE: the table gets these rows in the place of its own. */
export interface BoundRewrite {
  readonly kind: 'rewrite';
  readonly table: TableEntry;
  /**
   * Columns of the table's types, one for each, in their order. An UPDATE has one more, a BOOLEAN
   * without NULL: whether the row is one of those that were to be changed.
   */
  readonly plan: Plan;
  readonly marksChanges: boolean;
  readonly returning: BoundReturning | undefined;
}

/** RETURNING: a query over the rows that a statement changed. */
export interface BoundReturning {
  /** Stands in `plan` for the changed rows. */
  readonly rows: TableFunction;
  readonly plan: Plan;
  /** Gives these rows before the change is made; undefined where the statement itself does. */
  readonly changed: Plan | undefined;
}

export interface BoundCreateTable {
  readonly kind: 'createTable';
  readonly name: string;
  readonly onExisting: OnExisting;
  readonly columns: readonly NewColumn[];
  /** Ordinals of the primary key. */
  readonly primaryKey: readonly number[] | undefined;
}

export interface NewColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly notNull: boolean;
  /** The text of its DEFAULT expression. */
  readonly defaultSql: string | undefined;
}

export interface BoundCreateTableAs {
  readonly kind: 'createTableAs';
  readonly name: string;
  readonly onExisting: OnExisting;
  readonly plan: Plan;
  /** False: only the table, no rows. */
  readonly withData: boolean;
}

export interface BoundCreateView {
  readonly kind: 'createView';
  readonly name: string;
  readonly onExisting: OnExisting;
  readonly columnNames: readonly string[] | undefined;
  readonly sql: string;
}

export interface BoundAlterTable {
  readonly kind: 'alterTable';
  readonly table: TableEntry;
  /** What it is called from now on. */
  readonly name: string;
  readonly columns: readonly NewColumn[];
  readonly primaryKey: readonly number[] | undefined;
  /** Its rows with these columns; undefined where only names and defaults change. */
  readonly rows: Plan | undefined;
}

export interface BoundDrop {
  readonly kind: 'drop';
  readonly object: 'TABLE' | 'VIEW';
  readonly names: readonly string[];
}

/** Option names in lower case. */
export type Options = ReadonlyMap<string, ConstantValue>;

export interface BoundCopyFrom {
  readonly kind: 'copyFrom';
  readonly table: TableEntry;
  /** The columns of the file, as ordinals of the table. */
  readonly ordinals: readonly number[];
  /** A constant or a parameter. */
  readonly path: Expression;
  readonly options: Options;
}

export interface BoundCopyTo {
  readonly kind: 'copyTo';
  readonly plan: Plan;
  readonly path: Expression;
  readonly options: Options;
}

export interface BoundCall {
  readonly kind: 'call';
  readonly name: string;
  /** Of the name. */
  readonly span: Span;
  readonly args: readonly ConstantExpression[];
  readonly named: ReadonlyMap<string, ConstantExpression>;
}

/** SET and PRAGMA name = value; `undefined` for RESET. */
export interface BoundSet {
  readonly kind: 'set';
  /** undefined: all settings. */
  readonly name: string | undefined;
  readonly value: ConstantValue | undefined;
  readonly span: Span;
}

/** SHOW name, and PRAGMA without a value. */
export interface BoundShow {
  readonly kind: 'show';
  readonly name: string;
  readonly span: Span;
}

export interface BoundTransaction {
  readonly kind: 'transaction';
  readonly action: 'BEGIN' | 'COMMIT' | 'ROLLBACK';
  readonly readOnly: boolean;
}

export interface BoundPrepare {
  readonly kind: 'prepare';
  readonly name: string;
  readonly types: readonly SqlType[];
  /** Bound at each execution, when the types of its arguments are known. */
  readonly statement: Statement;
}

export interface BoundExecute {
  readonly kind: 'execute';
  readonly name: string;
  readonly args: readonly { readonly value: ConstantValue; readonly type: SqlType }[];
}

export interface BoundDeallocate {
  readonly kind: 'deallocate';
  readonly name: string | undefined;
}
