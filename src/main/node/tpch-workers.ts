/** Generating on worker threads of Node. */
import { Worker } from 'node:worker_threads';
import { tpch } from '../../tpc/index.ts';
import { type TpchJob, type TpchProducer, type TpchRows, unitsPerJobMax } from '../tpch-tables.ts';
import type { GeneratorData, WorkerReply } from './tpch-worker.ts';

interface Waiting {
  readonly resolve: (rows: TpchRows) => void;
  readonly reject: (error: Error) => void;
}

/** Jobs a worker has at once: the next is there when one is done. */
const jobsPerWorker = 2;

/** Starts `count` workers, which take turns. */
export function workerProducer(scale: number, count: number): TpchProducer {
  const shared = count > 1 ? tpch.share({ scale, tables: tpch.tables, workers: count }) : undefined;
  const waiting = new Map<number, Waiting>();
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const workers = Array.from({ length: count }, (_, index) => {
    const workerData: GeneratorData = { scale, shared, index };
    const url = new URL('./tpch-worker.js', import.meta.url);
    const worker = new Worker(url, { workerData, name: 'quern tpch' });
    worker.on('message', ({ id, rows }: WorkerReply) => {
      waiting.get(id)?.resolve(rows);
      waiting.delete(id);
    });
    worker.on('error', failAll);
    return worker;
  });
  let jobs = 0;
  return {
    lookahead: jobsPerWorker * count,
    unitsPerJob: unitsPerJobMax,
    produce: (job: TpchJob) =>
      new Promise((resolve, reject) => {
        const id = jobs++;
        waiting.set(id, { resolve, reject });
        workers[id % count].postMessage({ id, job });
      }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
      failAll(new Error('the generator was closed'));
    },
  };
}
