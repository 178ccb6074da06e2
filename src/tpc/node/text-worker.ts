/** The worker thread of a generation: does jobs until there are none left. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { JobBoard } from './job-board.ts';
import { type TextWork, TextWorker } from './text-jobs.ts';

assert(parentPort !== null, 'this module is the main module of a worker thread');
const { work, arena } = workerData as { work: TextWork; arena: number };
try {
  const worker = new TextWorker(work, arena);
  while (worker.step());
} catch (error) {
  // The others must not wait for a turn that never comes.
  new JobBoard(work.jobs.spans.length, work.descriptors.length, work.board).abort();
  throw error;
}
