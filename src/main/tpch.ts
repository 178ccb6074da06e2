/** TPC-H in SQL: `CALL tpch(scale => 1)` makes the tables, `FROM tpch_lineitem(1)` reads one. */
import { QuernError, sqlState } from '../base/error.ts';
import {
  booleanArgument,
  checkArguments,
  type Extension,
  numberArgument,
  type ProcedureTarget,
  type SourceCall,
  type TableFunction,
} from '../engine/index.ts';
import { scaleOf, type TableName, tableNames, unitCount } from '../tpc/h/scale.ts';
import { tableSchemas } from '../tpc/h/schema.ts';
import type { ColumnBatch } from '../value/batch.ts';
import type { TpchProducer, TpchRows } from './tpch-tables.ts';

/** Primary keys as the specification has them, by ordinal. */
const primaryKeys: Readonly<Record<TableName, readonly number[]>> = {
  customer: [0],
  lineitem: [0, 3],
  nation: [0],
  orders: [0],
  part: [0],
  partsupp: [0, 1],
  region: [0],
  supplier: [0],
};

export const tpchExtension: Extension = {
  tableFunctions: tableNames.map(tableFunction),
  procedures: [
    {
      name: 'tpch',
      async run(call, target) {
        checkArguments(call, ['scale', 'replace'], 'tpch');
        const scale = scaleArgument(call, 'tpch');
        const replace = booleanArgument(call, 'replace') ?? false;
        await createTables(target, scale, replace);
      },
    },
  ],
};

/** From this scale factor on, starting threads pays. */
const parallelScaleMin = 0.1;

/**
 * Up to this one, orders wait while the lines made with them are stored; beyond, they are too many.
 */
const togetherScaleMax = 2;

async function createTables(
  target: ProcedureTarget,
  scale: number,
  replace: boolean,
): Promise<void> {
  const units = (table: TableName) => unitCount(table, scaleOf(scale));
  const { localProducer, produceTable } = await import('./tpch-tables.ts');
  const producer = (await workersFor(target, scale)) ?? localProducer(scale);
  const create = (name: TableName, batches: AsyncIterable<ColumnBatch>) => {
    const stream = { schema: tableSchemas[name], batches };
    return target.createTable(name, stream, { replace, primaryKey: primaryKeys[name] });
  };
  try {
    const together = scale <= togetherScaleMax;
    for (const name of tableNames) {
      if (together && (name === 'lineitem' || name === 'orders')) continue;
      await create(name, batchesOf(produceTable(producer, name, units(name))));
    }
    if (together) {
      const orders: ColumnBatch[] = [];
      const rows = produceTable(producer, 'orders', units('orders'), true);
      await create('lineitem', linesOf(rows, orders));
      await create('orders', asAsync(orders));
    }
  } catch (error) {
    // Threads may take a while to end: who cancels a statement does not wait for them.
    producer.close().catch(() => {});
    throw error;
  }
  await producer.close();
}

/** Workers that generate while this thread stores what they have made, if there is another core. */
async function workersFor(
  target: ProcedureTarget,
  scale: number,
): Promise<TpchProducer | undefined> {
  if (target.threads < 2 || scale < parallelScaleMin || !isNode()) return undefined;
  const { workerProducer } = await import('./node/tpch-workers.ts');
  return workerProducer(scale, target.threads - 1);
}

function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}

async function* batchesOf(rows: AsyncIterable<TpchRows>): AsyncGenerator<ColumnBatch> {
  for await (const { batch } of rows) yield batch;
}

/** The lines of all orders; the orders themselves are put aside. */
async function* linesOf(
  rows: AsyncIterable<TpchRows>,
  orders: ColumnBatch[],
): AsyncGenerator<ColumnBatch> {
  for await (const { batch, lines } of rows) {
    orders.push(batch);
    if (lines !== undefined) yield lines;
  }
}

async function* asAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** The generator is loaded when it is wanted: few who open a database make TPC-H data. */
async function loadGenerator() {
  return (await import('../tpc/index.ts')).tpch;
}

function tableFunction(table: TableName): TableFunction {
  const name = `tpch_${table}`;
  return {
    name,
    schema: () => tableSchemas[table],
    async read(call) {
      checkArguments(call, ['scale'], name);
      const scale = scaleArgument(call, name);
      return (await loadGenerator()).read(table, { scale });
    },
  };
}

function scaleArgument(call: SourceCall, name: string): number {
  const scale = numberArgument(call, 0, 'scale');
  if (scale !== undefined) return scale;
  throw new QuernError(sqlState.invalidParameterValue, `${name} needs a scale factor`, {
    hint: `For one gigabyte: ${name}(1).`,
  });
}
