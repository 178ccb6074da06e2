import type { BoundAlterTable } from '../../bind/statement/bound.ts';
import { tableEntry } from '../../catalog/entry.ts';
import type { Table } from '../../table/table.ts';
import type { Schema } from '../../value/batch.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { checkUnchanged, newTable } from '../write-table.ts';

/** ALTER TABLE: names change in place, everything else makes the rows anew. */
export async function alterTable(
  session: Session,
  statement: BoundAlterTable,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { storage, catalog } = session.engine;
  const { table, name, columns, rows, primaryKey } = statement;
  const schema: Schema = columns.map(({ name, type, notNull }) => {
    return { name, type, nullable: !notNull };
  });
  let version: Table;
  if (rows === undefined) version = storage.withSchema(table.data, schema);
  else {
    const batches = [];
    for await (const batch of session.batches(rows, request)) batches.push(batch);
    version = await newTable(storage, schema, batches, primaryKey, request.turns);
  }
  try {
    checkUnchanged(catalog, table);
  } catch (error) {
    storage.release(version);
    throw error;
  }
  catalog.drop(table.name);
  const defaults = columns.map((column) => column.defaultSql);
  catalog.set(tableEntry(name, version, { primaryKey, defaults }));
  return new Result([], []);
}
