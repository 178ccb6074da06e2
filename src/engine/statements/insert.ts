import type { BoundInsert } from '../../bind/statement/bound.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { interpretValues } from '../interpret-values.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { appendRows } from '../write-table.ts';

export async function insert(
  session: Session,
  { table, plan }: BoundInsert,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { storage, catalog } = session.engine;
  const values = interpretValues(plan, request.parameters);
  const batches: ColumnBatch[] = [];
  if (values !== undefined) batches.push(values);
  else for await (const batch of session.batches(plan, request)) batches.push(batch);
  return Result.ofChange(await appendRows(storage, catalog, table, batches, request.turns));
}
