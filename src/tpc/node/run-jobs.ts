import { Worker } from 'node:worker_threads';
import { QuernError, sqlState } from '../../base/error.ts';
import type { KernelConfig } from '../h/kernel/config.ts';
import { arenasMax, buildKernel } from '../h/kernel/kernel.ts';
import type { KernelPlan } from '../h/kernel/plan.ts';
import { createMemory } from '../h/kernel/runtime.ts';
import { planJobs, type Span, unitWork } from '../h/spans.ts';
import { type BlockFile, type Encoding, loadEncoder } from './encoding.ts';
import { JobBoard } from './job-board.ts';
import { type BlockReport, type JobWork, JobWorker, writeFully } from './jobs.ts';
import type { Progress, ProgressListener } from './progress.ts';

/** Between two reports of progress, and how long an interrupt may wait for its turn. */
const reportIntervalMs = 100;

export interface JobOptions {
  readonly config: KernelConfig;
  /** What to write, given the plan of the kernel. */
  readonly spans: (plan: KernelPlan) => readonly Span[];
  readonly descriptors: readonly number[];
  readonly encoding: Encoding;
  /** What each file begins with, if it is one of text. */
  readonly heads: readonly string[];
  /** The files of columns, one for each descriptor. */
  readonly files: readonly BlockFile[];
  /** About how many rows a job gives; for columns, of which a job makes a block. */
  readonly rowsPerJob?: number | undefined;
  /** One stream for everything: jobs are written in order, one after the other. */
  readonly sequential: boolean;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/**
 * Generates files on several threads, this one among them. They take jobs in order; each job has
 * its place in the output when those before it know their size, so any number of them is written
 * at the same time, and memory does not grow with the output.
 */
export async function runJobs(options: JobOptions): Promise<Progress> {
  const { signal, descriptors, sequential } = options;
  const kernel = buildKernel(options.config, true);
  const jobs = planJobs(kernel.plan, options.spans(kernel.plan), options.rowsPerJob);
  const total = jobs.firstJobs.at(-1)!;
  if (total >= 2 ** 31) {
    throw new QuernError(sqlState.programLimitExceeded, `${total} blocks are too many at once`);
  }
  const threads = Math.max(1, Math.min(options.threads, total, arenasMax(kernel.plan)));
  const board = new JobBoard(jobs.spans.length, descriptors.length);
  const work: JobWork = {
    plan: kernel.plan,
    module: new WebAssembly.Module(kernel.bytes),
    memory: createMemory(kernel.plan, threads, true),
    encoding: options.encoding,
    jobs,
    board: board.buffer,
    descriptors,
    sequential,
  };
  const encode = await loadEncoder(options.encoding);
  const heads = [
    ...options.heads.map((head) => new TextEncoder().encode(head)),
    ...options.files.map((file) => file.head()),
  ];
  const write = (output: number, bytes: Uint8Array): void => {
    const place = board.extend(output, bytes.length);
    writeFully(descriptors[output]!, bytes, sequential ? null : place);
  };
  for (const [output, head] of heads.entries()) write(output, head);
  const blocks: BlockReport[] = [];
  const note = (block: BlockReport): void => {
    blocks.push(block);
  };
  const reporter = new Reporter(board, workOf(kernel.plan, jobs.spans), options.onProgress);
  const abort = (): void => board.abort();
  signal?.addEventListener('abort', abort);
  const helpers = Array.from({ length: threads - 1 }, (_, i) => startHelper(work, i + 1, note));
  const helped = Promise.all(helpers.map(({ ended }) => ended));
  // Awaited below; a failure before must not count as unhandled.
  helped.catch(abort);
  try {
    signal?.throwIfAborted();
    const own = new JobWorker(work, 0, encode, note);
    while (own.step()) {
      if (reporter.due()) {
        reporter.report();
        await new Promise((resume) => setImmediate(resume));
      }
    }
    // Blocks are reported by messages, which arrive before a worker ends.
    const waits = options.files.length > 0 || board.finishedJobs < total || board.aborted;
    if (waits) await reporter.reportUntil(helped);
    signal?.throwIfAborted();
    blocks.sort((a, b) => a.span - b.span || a.index - b.index);
    for (const { output, rows, bytes, note } of blocks) {
      options.files[output]!.note(rows, bytes, note);
    }
    for (const [output, file] of options.files.entries()) write(output, file.finish());
  } catch (error) {
    abort();
    await helped;
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    await Promise.all(helpers.map(({ worker }) => worker.terminate()));
  }
  return reporter.report();
}

function startHelper(
  work: JobWork,
  arena: number,
  note: (block: BlockReport) => void,
): { worker: Worker; ended: Promise<void> } {
  const worker = new Worker(new URL('./job-worker.js', import.meta.url), {
    workerData: { work, arena },
  });
  worker.on('message', note);
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  return { worker, ended };
}

function workOf(plan: KernelPlan, spans: readonly Span[]): number {
  return spans.reduce((sum, { group, count }) => sum + count * unitWork(plan.groups[group]!), 0);
}

/** Tells a listener how far things are, now and then. */
class Reporter {
  readonly #board: JobBoard;
  readonly #work: number;
  readonly #listener: ProgressListener | undefined;
  readonly #start = performance.now();
  #last = this.#start;

  constructor(board: JobBoard, work: number, listener: ProgressListener | undefined) {
    this.#board = board;
    this.#work = work;
    this.#listener = listener;
  }

  due(): boolean {
    return performance.now() - this.#last > reportIntervalMs;
  }

  report(): Progress {
    const now = performance.now();
    this.#last = now;
    const { rows, bytes, work } = this.#board;
    const progress = {
      rows,
      bytes,
      fraction: this.#work === 0 ? 1 : work / this.#work,
      elapsedMs: now - this.#start,
    };
    this.#listener?.(progress);
    return progress;
  }

  async reportUntil(done: Promise<unknown>): Promise<void> {
    const timer = setInterval(() => this.report(), reportIntervalMs);
    try {
      await done;
    } finally {
      clearInterval(timer);
    }
  }
}
