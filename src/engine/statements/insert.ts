import { QuernError, sqlState } from '../../base/error.ts';
import type { BoundInsert, BoundOnConflict } from '../../bind/statement/bound.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { batchFromRows } from '../../value/column-builder.ts';
import { rowReader } from '../../value/vector.ts';
import { interpretValues } from '../interpret-values.ts';
import type { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { appendRows, replaceRows } from '../write-table.ts';
import { resultOfChange, returnedRows, runWithRows } from './changed-rows.ts';
import { splitMarked } from './rewrite.ts';

export async function insert(
  session: Session,
  statement: BoundInsert,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { table, plan, onConflict, returning } = statement;
  const { storage, catalog } = session.engine;
  const values = interpretValues(plan, request.parameters);
  const batches: ColumnBatch[] = [];
  if (values !== undefined) batches.push(values);
  else for await (const batch of session.batches(plan, request)) batches.push(batch);
  if (onConflict !== undefined)
    return insertOrUpdate(session, statement, onConflict, batches, request);
  const returned = await returnedRows(session, returning, batches, request);
  const count = await appendRows(storage, catalog, table, batches, request.turns);
  return resultOfChange(count, returned, request);
}

/** Adds the rows whose key is new, and does with the others what ON CONFLICT says. */
async function insertOrUpdate(
  session: Session,
  { table, returning }: BoundInsert,
  onConflict: BoundOnConflict,
  batches: readonly ColumnBatch[],
  request: Request,
): Promise<Result> {
  const { storage, catalog } = session.engine;
  const { rows, added, updated, changed } = onConflict;
  const unique = eachKeyOnce(table, onConflict, batches);
  const plans = updated && changed ? [added, updated, changed] : [added];
  const results = await runWithRows(session, rows, unique, plans, request);
  const [additions, all, changes] = results;
  const shown = [...additions.batches, ...(changes?.batches ?? [])];
  const returned = await returnedRows(session, returning, shown, request);
  let count = additions.rowCount;
  if (all === undefined || changes === undefined || changes.rowCount === 0) {
    await appendRows(storage, catalog, table, additions.batches, request.turns);
  } else {
    const kept = splitMarked(all.batches);
    count += kept.marked;
    const whole = [...kept.batches, ...additions.batches];
    await replaceRows(storage, catalog, table, whole, request.turns);
  }
  return resultOfChange(count, returned, request);
}

/** The new rows without those whose key another of them has. */
function eachKeyOnce(
  table: TableEntry,
  { action, key }: BoundOnConflict,
  batches: readonly ColumnBatch[],
): readonly ColumnBatch[] {
  const { schema } = table.data;
  /** Where the row of each key is: batch and row. */
  const places = new Map<string, readonly [batch: number, row: number]>();
  let total = 0;
  for (const [index, { rowCount, columns }] of batches.entries()) {
    const readers = key.map((at) => rowReader(schema[at].type, columns[at]));
    total += rowCount;
    for (let row = 0; row < rowCount; row++) {
      const parts = readers.map((read) => String(read(row)));
      const text = JSON.stringify(parts);
      const isNew = !places.has(text);
      if (!isNew && action === 'update') {
        throw new QuernError(
          sqlState.cardinalityViolation,
          `ON CONFLICT would update the row with the key (${parts.join(', ')}) twice`,
        );
      }
      if (isNew || action === 'replace') places.set(text, [index, row]);
    }
  }
  if (places.size === total) return batches;
  const readers = batches.map(({ columns }) =>
    schema.map(({ type }, i) => rowReader(type, columns[i])),
  );
  const rows = [...places.values()].map(([batch, row]) => readers[batch].map((read) => read(row)));
  return [batchFromRows(schema, rows)];
}
