import type { Profile } from '../run/profile.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import { typeName } from '../value/type.ts';
import { columnValues, type ValueForm } from './js-values.ts';

export interface ResultColumnInfo {
  readonly name: string;
  /** The SQL name of the type: `INTEGER`, `DECIMAL(15,2)`. */
  readonly type: string;
}

/**
 * The rows of a statement. They are kept column by column, and become JavaScript values when they
 * are asked for.
 */
export class Result {
  readonly columns: readonly ResultColumnInfo[];
  readonly rowCount: number;
  /** The rows as they are kept, for those who work by column; the arrays must not be changed. */
  readonly batches: readonly ColumnBatch[];
  readonly schema: Schema;
  /** What running the statement took; absent when nothing ran. */
  readonly profile: Profile | undefined;
  /** Rows that were inserted, copied or created; undefined for a query. */
  readonly rowsChanged: number | undefined;
  readonly #form: ValueForm;

  constructor(
    schema: Schema,
    batches: readonly ColumnBatch[],
    form: ValueForm = 'plain',
    profile?: Profile,
    rowsChanged?: number,
  ) {
    this.schema = schema;
    this.columns = schema.map(({ name, type }) => ({ name, type: typeName(type) }));
    this.batches = batches;
    this.rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    this.profile = profile;
    this.rowsChanged = rowsChanged;
    this.#form = form;
  }

  /** The result of a statement that changed so many rows, and gives none. */
  static ofChange(rows: number): Result {
    return new Result([], [], 'plain', undefined, rows);
  }

  /** Each row as an object by column name; of columns of one name the last one is seen. */
  rows(): Record<string, unknown>[] {
    const names = this.schema.map((field) => field.name);
    const columns = this.#columnValues();
    const rows: Record<string, unknown>[] = new Array(this.rowCount);
    for (let i = 0; i < rows.length; i++) {
      const row: Record<string, unknown> = {};
      for (let c = 0; c < names.length; c++) row[names[c]] = columns[c][i];
      rows[i] = row;
    }
    return rows;
  }

  /** Each row as an array in the order of the columns. */
  values(): unknown[][] {
    const columns = this.#columnValues();
    const rows: unknown[][] = new Array(this.rowCount);
    for (let i = 0; i < rows.length; i++) {
      const row = new Array(columns.length);
      for (let c = 0; c < columns.length; c++) row[c] = columns[c][i];
      rows[i] = row;
    }
    return rows;
  }

  #columnValues(): unknown[][] {
    return this.schema.map((field, i) => columnValues(field.type, this.batches, i, this.#form));
  }
}
