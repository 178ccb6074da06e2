import type { Expression } from './expression.ts';
import type { Identifier, Node, QualifiedName } from './node.ts';
import type { OrderItem, Query } from './query.ts';
import type { TypeName } from './type-name.ts';

/** What happens when the object to create exists already. */
export type OnExisting = 'error' | 'replace' | 'ignore';

export interface CreateTable extends Node {
  readonly kind: 'createTable';
  readonly name: QualifiedName;
  readonly temporary: boolean;
  readonly onExisting: OnExisting;
  readonly columns: readonly ColumnDefinition[];
  readonly constraints: readonly TableConstraint[];
}

export interface ColumnDefinition extends Node {
  readonly kind: 'columnDefinition';
  readonly name: Identifier;
  /** undefined only for generated columns, which may take the type of their expression. */
  readonly type: TypeName | undefined;
  readonly constraints: readonly ColumnConstraint[];
}

export type ColumnConstraint =
  | NullConstraint
  | DefaultConstraint
  | CheckConstraint
  | KeyConstraint
  | ReferenceConstraint
  | GeneratedConstraint
  | CollateConstraint;

export type TableConstraint = CheckConstraint | KeyConstraint | ReferenceConstraint;

/** NOT NULL, or NULL, which allows what is allowed anyway. */
export interface NullConstraint extends Node {
  readonly kind: 'nullConstraint';
  readonly nullable: boolean;
}

export interface DefaultConstraint extends Node {
  readonly kind: 'defaultConstraint';
  readonly value: Expression;
}

export interface CheckConstraint extends Node {
  readonly kind: 'checkConstraint';
  readonly name: Identifier | undefined;
  readonly condition: Expression;
}

export interface KeyConstraint extends Node {
  readonly kind: 'keyConstraint';
  readonly name: Identifier | undefined;
  readonly primary: boolean;
  /** Empty when the constraint stands with its column. */
  readonly columns: readonly Identifier[];
}

export interface ReferenceConstraint extends Node {
  readonly kind: 'referenceConstraint';
  readonly name: Identifier | undefined;
  /** Empty when the constraint stands with its column. */
  readonly columns: readonly Identifier[];
  readonly table: QualifiedName;
  readonly tableColumns: readonly Identifier[];
  readonly onDelete: ReferenceAction | undefined;
  readonly onUpdate: ReferenceAction | undefined;
}

export type ReferenceAction = 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT';

export interface GeneratedConstraint extends Node {
  readonly kind: 'generatedConstraint';
  readonly value: Expression;
  readonly stored: boolean;
}

export interface CollateConstraint extends Node {
  readonly kind: 'collateConstraint';
  readonly collation: QualifiedName;
}

export interface CreateTableAs extends Node {
  readonly kind: 'createTableAs';
  readonly name: QualifiedName;
  readonly temporary: boolean;
  readonly onExisting: OnExisting;
  readonly columns: readonly Identifier[];
  readonly query: Query;
  /** False for WITH NO DATA. */
  readonly withData: boolean;
}

export interface CreateView extends Node {
  readonly kind: 'createView';
  readonly name: QualifiedName;
  readonly temporary: boolean;
  readonly onExisting: OnExisting;
  readonly columns: readonly Identifier[];
  readonly query: Query;
}

export interface CreateSchema extends Node {
  readonly kind: 'createSchema';
  readonly name: QualifiedName;
  readonly onExisting: OnExisting;
}

export interface CreateIndex extends Node {
  readonly kind: 'createIndex';
  readonly name: QualifiedName | undefined;
  readonly unique: boolean;
  readonly onExisting: OnExisting;
  readonly table: QualifiedName;
  readonly method: Identifier | undefined;
  readonly items: readonly OrderItem[];
}

export interface Drop extends Node {
  readonly kind: 'drop';
  readonly object: 'TABLE' | 'VIEW' | 'SCHEMA' | 'INDEX';
  readonly names: readonly QualifiedName[];
  readonly ifExists: boolean;
  readonly cascade: boolean;
}

export interface AlterTable extends Node {
  readonly kind: 'alterTable';
  readonly object: 'TABLE' | 'VIEW';
  readonly name: QualifiedName;
  readonly ifExists: boolean;
  readonly actions: readonly AlterAction[];
}

export type AlterAction =
  | AddColumn
  | DropColumn
  | RenameColumn
  | RenameTable
  | AlterColumnType
  | AlterColumnDefault
  | AlterColumnNull
  | AddConstraint;

export interface AddColumn extends Node {
  readonly kind: 'addColumn';
  readonly column: ColumnDefinition;
  readonly ifNotExists: boolean;
}

export interface DropColumn extends Node {
  readonly kind: 'dropColumn';
  readonly column: Identifier;
  readonly ifExists: boolean;
  readonly cascade: boolean;
}

export interface RenameColumn extends Node {
  readonly kind: 'renameColumn';
  readonly column: Identifier;
  readonly name: Identifier;
}

export interface RenameTable extends Node {
  readonly kind: 'renameTable';
  readonly name: Identifier;
}

export interface AlterColumnType extends Node {
  readonly kind: 'alterColumnType';
  readonly column: Identifier;
  readonly type: TypeName;
  readonly using: Expression | undefined;
}

/** SET DEFAULT, or DROP DEFAULT without a value. */
export interface AlterColumnDefault extends Node {
  readonly kind: 'alterColumnDefault';
  readonly column: Identifier;
  readonly value: Expression | undefined;
}

export interface AlterColumnNull extends Node {
  readonly kind: 'alterColumnNull';
  readonly column: Identifier;
  readonly nullable: boolean;
}

export interface AddConstraint extends Node {
  readonly kind: 'addConstraint';
  readonly constraint: TableConstraint;
}
