/**
 * Sources that give all columns or none: of what they give, only what a statement reads is kept.
 */

import { noStatistics } from '../table/statistics.ts';
import type { TableStorage } from '../table/storage.ts';
import type { Table } from '../table/table.ts';
import type { BatchStream, ColumnBatch, ColumnVector, Schema } from '../value/batch.ts';
import type { SqlType } from '../value/type.ts';
import type { OpenedTable } from './sources.ts';

/** What is assumed of a source before it is read. */
const assumedRows = 1_000_000;

type Load = (stream: BatchStream) => Promise<Table>;

/** `read` opens the source, `load` stores its rows in a table of `storage`. */
export function storedSource(
  schema: Schema,
  storage: TableStorage,
  read: () => BatchStream | Promise<BatchStream>,
  load: Load,
): OpenedTable {
  let stored: Table | undefined;
  const columns = schema.map(() => ({
    layout: { kind: 'wide' } as const,
    statistics: { ...noStatistics, nullCount: 1 },
  }));
  return {
    table: () => ({ schema, columns, rowGroups: [], rowCount: assumedRows }),
    async tableFor(ordinals) {
      const stream = await read();
      stored = await load({ schema: stream.schema, batches: keptColumns(stream, ordinals) });
      return stored;
    },
    async close() {
      if (stored !== undefined) storage.release(stored);
    },
  };
}

/** The batches with as little as there can be in columns that nobody reads. */
async function* keptColumns(
  { schema, batches }: BatchStream,
  ordinals: ReadonlySet<number>,
): AsyncGenerator<ColumnBatch> {
  for await (const { rowCount, columns } of batches) {
    yield {
      rowCount,
      columns: columns.map((vector, i) =>
        ordinals.has(i) ? vector : nothing(schema[i].type, rowCount),
      ),
    };
  }
}

/** Zeros, or empty texts. */
function nothing(type: SqlType, rowCount: number): ColumnVector {
  switch (type.kind) {
    case 'varchar':
    case 'blob':
      return { form: 'dictionary', codes: new Uint8Array(rowCount), dictionary: emptyText };
    case 'uuid':
    case 'interval':
      return { form: 'fixed', wide: true, data: new BigInt64Array(2 * rowCount) };
    default:
      return { form: 'fixed', data: new Uint8Array(rowCount) };
  }
}

const emptyText = { form: 'string', offsets: new Uint32Array(2), bytes: new Uint8Array() } as const;
