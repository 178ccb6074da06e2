import type { ColumnStatistics } from '../table/statistics.ts';
import type { Table } from '../table/table.ts';
import type { SqlType } from '../value/type.ts';

/**
 * An immutable snapshot of what names mean. A statement is bound against one snapshot; DDL and
 * loads make a new one with a higher version, so compiled code can be cached under it.
 *
 * Names compare without regard to ASCII case, as written they are kept for output. There is one
 * schema, `main`, until there are more.
 */
export interface Catalog {
  readonly version: number;
  /** The table of that name (any case), or undefined. */
  table(name: string): TableEntry | undefined;
  view(name: string): ViewEntry | undefined;
  /** All table and view names as written, for hints and completion. */
  names(): readonly string[];
}

export interface TableEntry {
  readonly kind: 'table';
  readonly name: string;
  readonly columns: readonly ColumnEntry[];
  readonly rowCount: number;
  /** Ordinals of the primary key, when one is declared. */
  readonly primaryKey: readonly number[] | undefined;
  readonly data: Table;
}

export interface ColumnEntry {
  readonly name: string;
  readonly type: SqlType;
  readonly notNull: boolean;
  readonly statistics: ColumnStatistics;
  /** The text of its DEFAULT expression. */
  readonly defaultSql?: string;
}

export interface ViewEntry {
  readonly kind: 'view';
  readonly name: string;
  /** Column names given in CREATE VIEW v(a, b), or undefined. */
  readonly columnNames: readonly string[] | undefined;
  /** The text of the query, bound anew at each use. */
  readonly sql: string;
}
