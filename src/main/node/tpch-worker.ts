/** The worker thread of `workerProducer`. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { type SharedGenerator, TpchGenerator, tpch } from '../../tpc/index.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { generate, type TpchJob, type TpchRows } from '../tpch-tables.ts';

export interface GeneratorData {
  readonly scale: number;
  /** What several workers share; a worker alone makes its own. */
  readonly shared: SharedGenerator | undefined;
  /** Of the worker, from 0. */
  readonly index: number;
}

export interface WorkerReply {
  readonly id: number;
  readonly rows: TpchRows;
}

const port = parentPort;
assert(port !== null, 'this module is the main module of a worker thread');
const { scale, shared, index } = workerData as GeneratorData;
const generator =
  shared === undefined
    ? tpch.generator({ scale, tables: tpch.tables })
    : new TpchGenerator(shared, index);
port.on('message', ({ id, job }: { id: number; job: TpchJob }) => {
  const rows = generate(generator, job);
  const buffers = new Set<ArrayBuffer>();
  collectBuffers(rows.batch, buffers);
  if (rows.lines !== undefined) collectBuffers(rows.lines, buffers);
  port.postMessage({ id, rows } satisfies WorkerReply, [...buffers]);
});

/** The buffers that are the batch's own. Dictionaries serve many batches, so those are copied. */
function collectBuffers({ columns }: ColumnBatch, buffers: Set<ArrayBuffer>): void {
  const add = ({ buffer }: ArrayBufferView) => {
    if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  };
  for (const column of columns) {
    if (column.form === 'fixed') add(column.data);
    else if (column.form === 'dictionary') add(column.codes);
    else {
      add(column.offsets);
      add(column.bytes);
    }
  }
}
