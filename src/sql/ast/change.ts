import type { Expression } from './expression.ts';
import type { Identifier, Node, QualifiedName } from './node.ts';
import type { Query, SelectItem, TableExpression, With } from './query.ts';

export interface Insert extends Node {
  readonly kind: 'insert';
  readonly with: With | undefined;
  readonly table: QualifiedName;
  readonly alias: Identifier | undefined;
  /** Empty when no columns are listed. */
  readonly columns: readonly Identifier[];
  /** INSERT … BY NAME: columns are matched by name. */
  readonly byName: boolean;
  /** undefined for DEFAULT VALUES. */
  readonly source: Query | undefined;
  readonly onConflict: OnConflict | undefined;
  readonly returning: readonly SelectItem[];
}

/** ON CONFLICT; INSERT OR IGNORE and INSERT OR REPLACE become it too. */
export interface OnConflict extends Node {
  readonly kind: 'onConflict';
  readonly columns: readonly Identifier[];
  readonly where: Expression | undefined;
  readonly action: 'NOTHING' | 'UPDATE' | 'REPLACE';
  readonly assignments: readonly Assignment[];
  readonly updateWhere: Expression | undefined;
}

export interface Update extends Node {
  readonly kind: 'update';
  readonly with: With | undefined;
  readonly table: QualifiedName;
  readonly alias: Identifier | undefined;
  readonly assignments: readonly Assignment[];
  readonly from: readonly TableExpression[];
  readonly where: Expression | undefined;
  readonly returning: readonly SelectItem[];
}

/** `a = 1`, or `(a, b) = (1, 2)` with several columns and a row or a subquery. */
export interface Assignment extends Node {
  readonly kind: 'assignment';
  readonly columns: readonly Identifier[];
  readonly value: Expression;
}

export interface Delete extends Node {
  readonly kind: 'delete';
  readonly with: With | undefined;
  readonly table: QualifiedName;
  readonly alias: Identifier | undefined;
  readonly using: readonly TableExpression[];
  readonly where: Expression | undefined;
  readonly returning: readonly SelectItem[];
}

export interface Truncate extends Node {
  readonly kind: 'truncate';
  readonly table: QualifiedName;
}
