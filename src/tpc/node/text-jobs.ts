import { writeSync } from 'node:fs';
import type { KernelPlan } from '../h/kernel/plan.ts';
import { KernelInstance, type TableText } from '../h/kernel/runtime.ts';
import { type JobList, jobAt, type Span } from '../h/spans.ts';
import { JobBoard } from './job-board.ts';

/** What a worker needs to take part: plain data, a module, shared memory, and open files. */
export interface TextWork {
  readonly plan: KernelPlan;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly jobs: JobList;
  readonly board: SharedArrayBuffer;
  /** File descriptors of the outputs; they are those of the process. */
  readonly descriptors: readonly number[];
  /** One stream for everything: jobs are written in order, one after the other. */
  readonly sequential: boolean;
}

/** Does jobs of a generation, one at a call. */
export class TextWorker {
  readonly board: JobBoard;
  readonly #work: TextWork;
  readonly #kernel: KernelInstance;

  constructor(work: TextWork, arena: number) {
    this.#work = work;
    this.board = new JobBoard(work.jobs.spans.length, work.descriptors.length, work.board);
    this.#kernel = new KernelInstance(work.plan, work.module, work.memory, arena);
  }

  /** Takes the next job and does it; false when there is none left, or all is aborted. */
  step(): boolean {
    const { jobs, plan, sequential } = this.#work;
    const number = this.board.take();
    if (number >= jobs.firstJobs.at(-1)! || this.board.aborted) return false;
    const { span: spanIndex, index, start, count } = jobAt(jobs, number);
    const span = jobs.spans[spanIndex]!;
    const group = plan.groups[span.group]!;
    const { sequence, origin } = span;
    const firstIndex = span.firstIndex + start - span.start;
    const texts = this.#kernel.text(group, { start, count, firstIndex, sequence, origin });
    const head = index === 0 ? span.head : '';
    const placed = sequential
      ? this.#append(number, head, texts)
      : this.#place(spanIndex, index, texts);
    if (!placed) return false;
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
    this.board.finish(
      sum(texts.map(({ rows }) => rows)),
      sum(texts.map(({ bytes }) => bytes.length)),
    );
    return true;
  }

  /** Gets a place in each output in turn, then writes there at the same time as others. */
  #place(spanIndex: number, index: number, texts: readonly TableText[]): boolean {
    const { descriptors, jobs } = this.#work;
    if (!this.board.waitForTurn(spanIndex, index)) return false;
    const { outputs }: Span = jobs.spans[spanIndex]!;
    const places = texts.map(({ bytes }, i) => this.board.extend(outputs[i]!, bytes.length));
    this.board.passTurn(spanIndex);
    for (const [i, { bytes }] of texts.entries()) {
      writeFully(descriptors[outputs[i]!]!, bytes, places[i]!);
    }
    return true;
  }

  #append(number: number, head: string, texts: readonly TableText[]): boolean {
    if (!this.board.waitForTurn(0, number)) return false;
    const descriptor = this.#work.descriptors[0]!;
    writeFully(descriptor, new TextEncoder().encode(head), null);
    for (const { bytes } of texts) writeFully(descriptor, bytes, null);
    this.board.passTurn(0);
    return true;
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of `bytes` at a position, or where the file stands. */
export function writeFully(descriptor: number, bytes: Uint8Array, position: number | null): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      const at = position === null ? null : position + done;
      done += writeSync(descriptor, bytes, done, bytes.length - done, at);
    } catch (error) {
      // A pipe that is full and does not block: its reader is slower than we are.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
