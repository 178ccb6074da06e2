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
import { type TableName, tableNames } from '../tpc/h/scale.ts';
import { tableSchemas } from '../tpc/h/schema.ts';
import type { ColumnBatch } from '../value/batch.ts';

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

/** Units generated at a time. */
const unitsPerBatch = 16_384;

/** One generator makes all tables, so that the text they share is made once. */
async function createTables(
  target: ProcedureTarget,
  scale: number,
  replace: boolean,
): Promise<void> {
  const tpch = await loadGenerator();
  const generator = tpch.generator({ scale, tables: tableNames });
  const create = (name: TableName, batches: AsyncIterable<ColumnBatch>) => {
    const primaryKey = primaryKeys[name];
    return target.createTable(
      name,
      { schema: tableSchemas[name], batches },
      { replace, primaryKey },
    );
  };
  async function* units<T>(table: TableName, make: (start: number, count: number) => T) {
    const end = generator.unitCount(table);
    for (let start = 0; start < end; start += unitsPerBatch) {
      yield make(start, Math.min(unitsPerBatch, end - start));
    }
  }
  for (const name of tableNames) {
    if (name === 'lineitem' || name === 'orders') continue;
    await create(
      name,
      units(name, (start, count) => generator.columns(name, start, count)),
    );
  }
  // Orders and their lines come of the same draws.
  const orders: ColumnBatch[] = [];
  const lines = units('orders', (start, count) => {
    const both = generator.ordersAndLines(start, count);
    orders.push(both.orders);
    return both.lineitem;
  });
  await create('lineitem', lines);
  await create('orders', asAsync(orders));
}

/** The generator is loaded when it is wanted: few who open a database make TPC-H data. */
async function loadGenerator() {
  return (await import('../tpc/index.ts')).tpch;
}

async function* asAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
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
