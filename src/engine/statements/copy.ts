import { QuernError, sqlState } from '../../base/error.ts';
import type { BoundCopyFrom, BoundCopyTo, Options } from '../../bind/statement/bound.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import type { Expression } from '../../plan/expression.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { ColumnBuilder } from '../../value/column-builder.ts';
import { readCsvAs, writeCsvTo } from '../csv-source.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { appendRows } from '../write-table.ts';

export async function copyFrom(
  session: Session,
  { table, ordinals, path: pathExpression, options }: BoundCopyFrom,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { files, storage, catalog } = session.engine;
  const path = pathOf(pathExpression, request);
  requireFormat(path, options);
  const schema = ordinals.map((ordinal) => table.data.schema[ordinal]);
  const stream = await readCsvAs(files, path, options, schema);
  const place = placer(table, ordinals);
  const batches: ColumnBatch[] = [];
  for await (const batch of stream.batches) {
    request.options.signal?.throwIfAborted();
    batches.push(place(batch));
  }
  return Result.ofChange(appendRows(storage, catalog, table, batches));
}

export async function copyTo(
  session: Session,
  { plan, path: pathExpression, options }: BoundCopyTo,
  request: Request,
): Promise<Result> {
  const path = pathOf(pathExpression, request);
  requireFormat(path, options);
  const { schema, batches, rowCount } = await session.rows(plan, request);
  const stream = { schema, batches: asAsync(batches) };
  await session.engine.files.write(path, writeCsvTo(path, options, stream));
  return Result.ofChange(rowCount);
}

async function* asAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

function pathOf(expression: Expression, { parameters }: Request): string {
  const value =
    expression.kind === 'parameter'
      ? parameters[expression.index]
      : expression.kind === 'constant'
        ? expression.value
        : undefined;
  if (typeof value === 'string') return value;
  throw new QuernError(sqlState.invalidParameterValue, 'the path of COPY must be text');
}

function requireFormat(path: string, options: Options): void {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase();
  const format = String(options.get('format') ?? ending ?? 'csv').toLowerCase();
  if (['csv', 'tsv', 'tbl', 'txt', 'text'].includes(format)) return;
  throw new QuernError(
    sqlState.featureNotSupported,
    `the format "${format}" is not supported by COPY yet`,
  );
}

/** Puts the columns of a file in their places in the table; the others are NULL. */
function placer(
  table: TableEntry,
  ordinals: readonly number[],
): (batch: ColumnBatch) => ColumnBatch {
  if (ordinals.length === table.columns.length && ordinals.every((ordinal, i) => ordinal === i)) {
    return (batch) => batch;
  }
  for (const [ordinal, column] of table.columns.entries()) {
    if (ordinals.includes(ordinal) || column.defaultSql === undefined) continue;
    throw new QuernError(
      sqlState.featureNotSupported,
      `COPY without the column "${column.name}", which has a default, is not supported yet`,
    );
  }
  return ({ rowCount, columns }) => ({
    rowCount,
    columns: table.columns.map(({ type }, ordinal) => {
      const at = ordinals.indexOf(ordinal);
      if (at >= 0) return columns[at];
      const builder = new ColumnBuilder(type);
      for (let row = 0; row < rowCount; row++) builder.append(null);
      return builder.finish();
    }),
  });
}
