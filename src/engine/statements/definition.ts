import { QuernError, sqlState } from '../../base/error.ts';
import type {
  BoundCreateTable,
  BoundCreateTableAs,
  BoundCreateView,
  BoundDrop,
} from '../../bind/statement/bound.ts';
import { tableEntry } from '../../catalog/entry.ts';
import { loadTable } from '../../table/load.ts';
import { integerType } from '../../value/type.ts';
import type { CatalogState } from '../catalog-state.ts';
import { schemaOfPlan } from '../query-runner.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';

type OnExisting = BoundCreateTable['onExisting'];

export function createTable(session: Session, statement: BoundCreateTable): Result {
  session.checkWritable();
  const { catalog, storage } = session.engine;
  const { name, onExisting, columns, primaryKey } = statement;
  if (!mayCreate(catalog, name, onExisting)) return new Result([], []);
  const schema = columns.map(({ name, type, notNull }) => ({ name, type, nullable: !notNull }));
  const defaults = columns.map((column) => column.defaultSql);
  catalog.set(tableEntry(name, storage.empty(schema), { primaryKey, defaults }));
  return new Result([], []);
}

export async function createTableAs(
  session: Session,
  statement: BoundCreateTableAs,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { catalog, storage } = session.engine;
  const { name, onExisting, plan, withData } = statement;
  if (!mayCreate(catalog, name, onExisting)) return new Result([], []);
  const schema = schemaOfPlan(plan).map((field) => ({
    ...field,
    // Later rows may have NULL where those of the query have none.
    nullable: true,
    type: field.type.kind === 'null' ? integerType : field.type,
  }));
  const table = await loadTable(
    storage,
    schema,
    withData ? session.batches(plan, request) : [],
    () => request.turns.ifDue(),
  );
  let isUsed = false;
  try {
    // Another statement may have taken the name in the meantime.
    if (!mayCreate(catalog, name, onExisting)) return new Result([], []);
    catalog.set(tableEntry(name, table));
    isUsed = true;
    return Result.ofChange(table.rowCount);
  } finally {
    if (!isUsed) storage.release(table);
  }
}

export function createView(session: Session, statement: BoundCreateView): Result {
  session.checkWritable();
  const { catalog } = session.engine;
  const { name, onExisting, columnNames, sql } = statement;
  if (!mayCreate(catalog, name, onExisting)) return new Result([], []);
  catalog.set({ kind: 'view', name, columnNames, sql });
  return new Result([], []);
}

export function drop(session: Session, statement: BoundDrop): Result {
  session.checkWritable();
  for (const name of statement.names) session.engine.catalog.drop(name);
  return new Result([], []);
}

/** Whether something of that name is to be made; throws 42P07 if it must not be. */
export function mayCreate(catalog: CatalogState, name: string, onExisting: OnExisting): boolean {
  const { current } = catalog;
  const existing = current.table(name) ?? current.view(name);
  if (existing === undefined || onExisting === 'replace') return true;
  if (onExisting === 'ignore') return false;
  throw new QuernError(sqlState.duplicateTable, `there is a ${existing.kind} "${name}" already`);
}
