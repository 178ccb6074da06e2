/** Making the TPC-H tables: who generates the rows, and in which order they are asked for. */
import { type TableName, tpch } from '../tpc/index.ts';
import type { ColumnBatch } from '../value/batch.ts';

/** A run of units of a table. */
export interface TpchJob {
  readonly table: TableName;
  /** For orders: their lines too, which come of the same draws. */
  readonly withLines: boolean;
  readonly start: number;
  readonly count: number;
}

export interface TpchRows {
  readonly batch: ColumnBatch;
  /** The lines of the orders, if they were asked for. */
  readonly lines: ColumnBatch | undefined;
}

/** Does jobs, one after the other or several at once. */
export interface TpchProducer {
  /** Jobs to ask for before the first is done. */
  readonly lookahead: number;
  /** Units of the next job. */
  readonly unitsPerJob: number;
  produce(job: TpchJob): TpchRows | Promise<TpchRows>;
  close(): Promise<void>;
}

/** Units generated at a time, at most. */
export const unitsPerJobMax = 16_384;
const unitsPerJobMin = 64;

/** How long this thread generates before others have their turn. */
const jobMs = 10;

/**
 * Generates in this thread. One generator makes all tables, so the text they share is made once.
 */
export function localProducer(scale: number): TpchProducer {
  const generator = tpch.generator({ scale, tables: tpch.tables });
  let unitsPerJob = unitsPerJobMin;
  return {
    lookahead: 1,
    get unitsPerJob() {
      return unitsPerJob;
    },
    produce: (job) => {
      const started = performance.now();
      const rows = generate(generator, job);
      // The first jobs take long, for they make the text that later ones share.
      const milliseconds = Math.max(performance.now() - started, 0.1);
      const wanted = Math.min((job.count * jobMs) / milliseconds, 4 * unitsPerJob);
      unitsPerJob = Math.floor(Math.max(unitsPerJobMin, Math.min(wanted, unitsPerJobMax)));
      return rows;
    },
    close: async () => {},
  };
}

export function generate(
  generator: ReturnType<typeof tpch.generator>,
  { table, withLines, start, count }: TpchJob,
): TpchRows {
  if (!withLines) return { batch: generator.columns(table, start, count), lines: undefined };
  const { orders, lineitem } = generator.ordersAndLines(start, count);
  return { batch: orders, lines: lineitem };
}

/** All rows of a table in order, produced ahead of being asked for. */
export async function* produceTable(
  producer: TpchProducer,
  table: TableName,
  unitCount: number,
  withLines = false,
): AsyncGenerator<TpchRows> {
  const pending: (TpchRows | Promise<TpchRows>)[] = [];
  let next = 0;
  try {
    while (next < unitCount || pending.length > 0) {
      while (next < unitCount && pending.length < producer.lookahead) {
        const count = Math.min(producer.unitsPerJob, unitCount - next);
        pending.push(producer.produce({ table, withLines, start: next, count }));
        next += count;
      }
      yield await pending.shift()!;
    }
  } finally {
    // Nobody waits for what is left when the rows are no longer wanted.
    for (const job of pending) Promise.resolve(job).catch(() => {});
  }
}
