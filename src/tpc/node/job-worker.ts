/** The worker thread of a generation: does jobs until there are none left. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { loadEncoder } from './encoding.ts';
import { JobBoard } from './job-board.ts';
import { type JobWork, JobWorker } from './jobs.ts';

const port = parentPort;
assert(port !== null, 'this module is the main module of a worker thread');
const { work, arena } = workerData as { work: JobWork; arena: number };
try {
  const encode = await loadEncoder(work.encoding);
  const worker = new JobWorker(work, arena, encode, (report) => port.postMessage(report));
  while (worker.step());
} catch (error) {
  // The others must not wait for a turn that never comes.
  new JobBoard(work.jobs.spans.length, work.descriptors.length, work.board).abort();
  throw error;
}
