/** Queries over rows that a statement has at hand: what RETURNING and ON CONFLICT need. */
import type { BoundReturning } from '../../bind/statement/bound.ts';
import { tableEntry } from '../../catalog/entry.ts';
import type { Plan, TableFunction } from '../../plan/plan.ts';
import type { ExecutionResult } from '../../run/execute.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { withTables } from '../plan-tables.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { newTable } from '../write-table.ts';

/** Runs plans in which `rows` stands for the rows of the batches, one after the other. */
export async function runWithRows(
  session: Session,
  rows: TableFunction,
  batches: readonly ColumnBatch[],
  plans: readonly Plan[],
  request: Request,
): Promise<ExecutionResult[]> {
  const { storage } = session.engine;
  const schema = rows.columns.map(({ name, type, nullable }) => ({ name, type, nullable }));
  const table = await newTable(storage, schema, batches, undefined, request.turns);
  try {
    const tables = new Map([[rows as Plan, tableEntry(rows.name, table)]]);
    const results: ExecutionResult[] = [];
    for (const plan of plans) results.push(await session.rows(withTables(plan, tables), request));
    return results;
  } finally {
    storage.release(table);
  }
}

/**
 * What RETURNING gives for the new or old rows of a statement, to be computed before anything is
 * changed: if it fails, nothing is.
 */
export async function returnedRows(
  session: Session,
  returning: BoundReturning | undefined,
  changed: readonly ColumnBatch[],
  request: Request,
): Promise<ExecutionResult | undefined> {
  if (returning === undefined) return undefined;
  const { rows, plan } = returning;
  const [result] = await runWithRows(session, rows, changed, [plan], request);
  return result;
}

/** The result of a statement that changed `count` rows. */
export function resultOfChange(
  count: number,
  returned: ExecutionResult | undefined,
  request: Request,
): Result {
  if (returned === undefined) return Result.ofChange(count);
  const { schema, batches, profile } = returned;
  return new Result(schema, batches, request.options.values, profile, count);
}
