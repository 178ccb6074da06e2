import type { BoundRewrite } from '../../bind/statement/bound.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { booleanType } from '../../value/type.ts';
import { rowReader } from '../../value/vector.ts';
import type { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { replaceRows } from '../write-table.ts';
import { resultOfChange, returnedRows } from './changed-rows.ts';

/** UPDATE, DELETE and TRUNCATE: all rows of the table are written anew. */
export async function rewrite(
  session: Session,
  { table, plan, marksChanges, returning }: BoundRewrite,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { storage, catalog } = session.engine;
  const { batches, rowCount } = await session.rows(plan, request);
  const changes = returning?.changed && (await session.rows(returning.changed, request));
  const { batches: rows, marked } = marksChanges
    ? splitMarked(batches)
    : { batches, marked: table.rowCount - rowCount };
  const returned = await returnedRows(session, returning, changes?.batches ?? [], request);
  if (marked > 0) await replaceRows(storage, catalog, table, rows, request.turns);
  return resultOfChange(marked, returned, request);
}

/** Batches without their last column, a mark, and how many rows have it. */
export function splitMarked(batches: readonly ColumnBatch[]): {
  readonly batches: readonly ColumnBatch[];
  readonly marked: number;
} {
  let marked = 0;
  const rows = batches.map(({ rowCount, columns }) => {
    const isMarked = rowReader(booleanType, columns[columns.length - 1]);
    for (let row = 0; row < rowCount; row++) if (isMarked(row) === true) marked++;
    return { rowCount, columns: columns.slice(0, -1) };
  });
  return { batches: rows, marked };
}
