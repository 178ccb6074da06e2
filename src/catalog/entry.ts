import type { Table } from '../table/table.ts';
import type { TableEntry } from './catalog.ts';

export interface EntryOptions {
  /** Ordinals of the primary key. */
  readonly primaryKey?: readonly number[] | undefined;
  /** Texts of the columns' DEFAULT expressions. */
  readonly defaults?: readonly (string | undefined)[];
}

/** What the catalog says of a version of a table. */
export function tableEntry(name: string, data: Table, options: EntryOptions = {}): TableEntry {
  return {
    kind: 'table',
    name,
    columns: data.schema.map((field, i) => {
      const defaultSql = options.defaults?.[i];
      return {
        name: field.name,
        type: field.type,
        notNull: !field.nullable,
        statistics: data.columns[i].statistics,
        ...(defaultSql === undefined ? {} : { defaultSql }),
      };
    }),
    rowCount: data.rowCount,
    primaryKey: options.primaryKey,
    data,
  };
}
