import { QuernError, sqlState } from '../../base/error.ts';
import type { BatchStream, ColumnBatch, Schema } from '../../value/batch.ts';
import { arenasMax, buildKernel } from './kernel/kernel.ts';
import type { KernelPlan } from './kernel/plan.ts';
import { createMemory, KernelInstance, type TableColumns } from './kernel/runtime.ts';
import { partRange, scaleOf, type TableName, tableNames, unitCount } from './scale.ts';
import { tableSchemas } from './schema.ts';

/** Units of a batch of {@link readTable}, unless the caller wants otherwise. */
const unitsPerBatchDefault = 16_384;

/** Everything a worker needs to generate: plain data, a compiled module and a memory to share. */
export interface SharedGenerator {
  readonly plan: KernelPlan;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

/**
 * Compiles a generator for some tables at one scale factor, to be used by up to `workers` workers
 * at the same time. The memory is shared if there is more than one; they fill the text pool
 * together.
 */
export function shareGenerator(options: {
  readonly scale: number;
  readonly tables: readonly TableName[];
  readonly workers: number;
}): SharedGenerator {
  const { scale, tables, workers } = options;
  const shared = workers > 1;
  const kernel = buildKernel({ scale: scaleOf(scale), tables, output: 'columns' }, shared);
  const workersMax = arenasMax(kernel.plan);
  if (!(Number.isSafeInteger(workers) && workers >= 1 && workers <= workersMax)) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `a generator serves 1 to ${workersMax} workers; got ${workers}`,
    );
  }
  return {
    plan: kernel.plan,
    module: new WebAssembly.Module(kernel.bytes),
    memory: createMemory(kernel.plan, workers, shared),
  };
}

/**
 * Generates rows of the tables it has been made for, in any order, into column vectors.
 * Synchronous; one worker uses one of them.
 */
export class TpchGenerator {
  readonly #kernel: KernelInstance;

  /** `worker` counts from 0. */
  constructor(shared: SharedGenerator, worker = 0) {
    this.#kernel = new KernelInstance(shared.plan, shared.module, shared.memory, worker);
  }

  /** The number of units of a table: rows, but orders for lineitem and parts for partsupp. */
  unitCount(table: TableName): number {
    return unitCount(table, this.#kernel.plan.config.scale);
  }

  /** The rows of units `start` up to `start + count`. */
  columns(table: TableName, start: number, count: number): ColumnBatch {
    return this.#generate(table, start, count).find((found) => found.table === table)!.batch;
  }

  /** The same orders and their lines, from the same draws: quicker than one after the other. */
  ordersAndLines(start: number, count: number): { orders: ColumnBatch; lineitem: ColumnBatch } {
    const found = this.#generate('orders', start, count);
    const [orders, lineitem] = found.map(({ batch }) => batch);
    if (orders === undefined || lineitem === undefined) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        'the generator has not been made for both orders and lineitem',
      );
    }
    return { orders, lineitem };
  }

  #generate(table: TableName, start: number, count: number): TableColumns[] {
    const total = this.unitCount(table);
    if (!(start >= 0 && count >= 0 && start + count <= total)) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `${table} has units 0 to ${total}, not ${start} to ${start + count}`,
      );
    }
    const { groups } = this.#kernel.plan;
    const group = groups.find(({ tables }) => tables.some(({ name }) => name === table));
    if (group === undefined) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `the generator has not been made for ${table}`,
      );
    }
    return this.#kernel.columns(group, { start, count });
  }
}

export interface ReadOptions {
  /** 0.001 to 100000 in steps of 0.001. */
  readonly scale: number;
  /** Which part, from 1, of how many; everything by default. */
  readonly part?: number;
  readonly parts?: number;
  /** Units of a batch: rows, but orders for lineitem and parts for partsupp. */
  readonly unitsPerBatch?: number;
}

/** A table as batches of columns, one after the other, in this thread. */
export interface TableStream extends BatchStream {
  readonly schema: Schema;
  readonly batches: AsyncIterable<ColumnBatch> & Iterable<ColumnBatch>;
}

export function readTable(table: TableName, options: ReadOptions): TableStream {
  checkTable(table);
  const { part = 1, parts = 1, unitsPerBatch = unitsPerBatchDefault } = options;
  checkPart(part, parts);
  const scale = scaleOf(options.scale);
  const range = partRange(unitCount(table, scale), part, parts);
  const end = range.start + range.count;
  function* batches(): Generator<ColumnBatch> {
    const kernel = KernelInstance.borrow(
      buildKernel({ scale, tables: [table], output: 'columns' }, false),
    );
    try {
      const group = kernel.group(table);
      for (let start = range.start; start < end; start += unitsPerBatch) {
        const count = Math.min(unitsPerBatch, end - start);
        yield kernel.columns(group, { start, count, origin: range.start })[0]!.batch;
      }
    } finally {
      kernel.giveBack();
    }
  }
  return {
    schema: tableSchemas[table],
    batches: {
      [Symbol.iterator]: batches,
      async *[Symbol.asyncIterator]() {
        yield* batches();
      },
    },
  };
}

/** Throws unless `table` is one of the eight. */
export function checkTable(table: string): asserts table is TableName {
  if ((tableNames as readonly string[]).includes(table)) return;
  throw new QuernError(
    sqlState.undefinedTable,
    `there is no TPC-H table '${table}'; there are ${tableNames.join(', ')}`,
  );
}

/** Throws unless 1 <= part <= parts. */
export function checkPart(part: number, parts: number): void {
  if (Number.isSafeInteger(parts) && Number.isSafeInteger(part) && part >= 1 && part <= parts) {
    return;
  }
  throw new QuernError(
    sqlState.invalidParameterValue,
    `a part is numbered from 1 up to the number of parts; got part ${part} of ${parts}`,
  );
}
