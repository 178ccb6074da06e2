import type { BoundRewrite } from '../../bind/statement/bound.ts';
import { booleanType } from '../../value/type.ts';
import { rowReader } from '../../value/vector.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { replaceRows } from '../write-table.ts';

/** UPDATE, DELETE and TRUNCATE: all rows of the table are written anew. */
export async function rewrite(
  session: Session,
  { table, plan, marksChanges }: BoundRewrite,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { storage, catalog } = session.engine;
  const { batches } = await session.rows(plan, request);
  let kept = 0;
  let changed = 0;
  const rows = batches.map(({ rowCount, columns }) => {
    kept += rowCount;
    if (!marksChanges) return { rowCount, columns };
    const isChanged = rowReader(booleanType, columns[columns.length - 1]);
    for (let row = 0; row < rowCount; row++) if (isChanged(row) === true) changed++;
    return { rowCount, columns: columns.slice(0, -1) };
  });
  if (!marksChanges) changed = table.rowCount - kept;
  if (changed > 0) await replaceRows(storage, catalog, table, rows, request.turns);
  return Result.ofChange(changed);
}
