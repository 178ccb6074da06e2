import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { BoundCopyFrom, BoundCopyTo } from '../../bind/statement/bound.ts';
import type { TableEntry } from '../../catalog/catalog.ts';
import { cast, columnRef, constant, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { ColumnBatch, Schema } from '../../value/batch.ts';
import { ColumnBuilder } from '../../value/column-builder.ts';
import { varcharType } from '../../value/type.ts';
import { formatOf } from '../file-formats.ts';
import { schemaOfPlan } from '../query-runner.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { appendRows } from '../write-table.ts';

export async function copyFrom(
  session: Session,
  statement: BoundCopyFrom,
  request: Request,
): Promise<Result> {
  session.checkWritable();
  const { table, ordinals, options } = statement;
  const path = pathOf(statement.path, request);
  const format = formatOf(path, options);
  const place = placer(table, ordinals);
  const batches: ColumnBatch[] = [];
  const schema = ordinals.map((ordinal) => table.data.schema[ordinal]);
  const { files, storage, catalog } = session.engine;
  if (format.typed) {
    const stream = await format.read(files, path, options, schema);
    for await (const batch of request.turns.within(stream.batches)) {
      await request.turns.ifDue();
      batches.push(place(batch));
    }
  } else {
    const plan = castingPlan(
      await fileColumns(session, format.reader, path),
      format.reader,
      path,
      schema,
    );
    for await (const batch of session.batches(plan, request)) batches.push(place(batch));
  }
  return Result.ofChange(await appendRows(storage, catalog, table, batches, request.turns));
}

async function fileColumns(session: Session, reader: string, path: string): Promise<Schema> {
  const source = session.engine.sources.get(reader);
  assert(source !== undefined, 'every file format has its reader');
  return source.schema({ args: [constant(path, varcharType)], named: new Map() });
}

/** Reads a file whose columns have types of their own, and casts them to those of `target`. */
function castingPlan(own: Schema, reader: string, path: string, target: Schema): Plan {
  if (own.length !== target.length) {
    throw new QuernError(
      sqlState.badCopyFileFormat,
      `"${path}" has ${own.length} columns, where ${target.length} are wanted`,
    );
  }
  const columns = own.map(({ name, type, nullable }, id) => ({ id, name, type, nullable }));
  const args = [constant(path, varcharType)];
  const input: Plan = { kind: 'tableFunction', name: reader, args, named: new Map(), columns };
  const expressions = columns.map((column, i) => cast(columnRef(column), target[i].type));
  const results = target.map(({ name, type }, i) => {
    return { id: columns.length + i, name, type, nullable: columns[i].nullable };
  });
  return { kind: 'project', input, expressions, columns: results };
}

export async function copyTo(
  session: Session,
  { plan, path: pathExpression, options }: BoundCopyTo,
  request: Request,
): Promise<Result> {
  const path = pathOf(pathExpression, request);
  const format = formatOf(path, options);
  let rowCount = 0;
  const batches = async function* () {
    for await (const batch of session.batches(plan, request)) {
      rowCount += batch.rowCount;
      yield batch;
    }
  };
  const stream = { schema: schemaOfPlan(plan), batches: batches() };
  await session.engine.files.write(path, await format.write(stream, path, options));
  return Result.ofChange(rowCount);
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
