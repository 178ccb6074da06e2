import { writeSync } from 'node:fs';
import type { KernelPlan } from '../h/kernel/plan.ts';
import { KernelInstance, type UnitRun } from '../h/kernel/runtime.ts';
import { tableSchemas } from '../h/schema.ts';
import { type JobList, jobAt, unitWork } from '../h/spans.ts';
import type { BlockEncoder, BlockNote, Encoding } from './encoding.ts';
import { JobBoard } from './job-board.ts';

/** What a worker needs to take part: plain data, a module, shared memory, and open files. */
export interface JobWork {
  readonly plan: KernelPlan;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly encoding: Encoding;
  readonly jobs: JobList;
  readonly board: SharedArrayBuffer;
  /** File descriptors of the outputs; they are those of the process. */
  readonly descriptors: readonly number[];
  /** One stream for everything: jobs are written in order, one after the other. */
  readonly sequential: boolean;
}

/** What a job gives for one of its tables. */
interface Piece {
  readonly rows: number;
  readonly parts: readonly Uint8Array[];
  readonly note?: BlockNote;
}

/** Says that a block has been written: to which output, as the how-manieth of which span. */
export interface BlockReport {
  readonly span: number;
  readonly index: number;
  readonly output: number;
  readonly rows: number;
  readonly bytes: number;
  readonly note: BlockNote;
}

/** Does jobs of a generation, one at a call. */
export class JobWorker {
  readonly board: JobBoard;
  readonly #work: JobWork;
  readonly #kernel: KernelInstance;
  readonly #encode: BlockEncoder | undefined;
  readonly #report: (report: BlockReport) => void;

  /** `encode` is the encoder of the work, if it needs one; `report` gets the blocks of columns. */
  constructor(
    work: JobWork,
    arena: number,
    encode: BlockEncoder | undefined,
    report: (report: BlockReport) => void,
  ) {
    this.#work = work;
    this.board = new JobBoard(work.jobs.spans.length, work.descriptors.length, work.board);
    this.#kernel = new KernelInstance(work.plan, work.module, work.memory, arena);
    this.#encode = encode;
    this.#report = report;
  }

  /** Takes the next job and does it; false when there is none left, or all is aborted. */
  step(): boolean {
    const { jobs, plan, sequential } = this.#work;
    const number = this.board.take();
    if (number >= jobs.firstJobs.at(-1)! || this.board.aborted) return false;
    const { span: spanIndex, index, start, count } = jobAt(jobs, number);
    const span = jobs.spans[spanIndex]!;
    const { sequence, origin } = span;
    const firstIndex = span.firstIndex + start - span.start;
    const pieces = this.#generate(span.group, { start, count, firstIndex, sequence, origin });
    const head = index === 0 ? span.head : '';
    const placed = sequential
      ? this.#append(number, head, pieces)
      : this.#place(spanIndex, index, pieces);
    if (!placed) return false;
    for (const [i, { rows, parts, note }] of pieces.entries()) {
      const bytes = byteLength(parts);
      if (note !== undefined) {
        const output = span.outputs[i]!;
        this.#report({ span: spanIndex, index, output, rows, bytes, note });
      }
    }
    this.board.finish(
      pieces.reduce((sum, { rows }) => sum + rows, 0),
      pieces.reduce((sum, { parts }) => sum + byteLength(parts), 0),
      count * unitWork(plan.groups[span.group]!),
    );
    return true;
  }

  #generate(groupIndex: number, run: UnitRun): Piece[] {
    const group = this.#work.plan.groups[groupIndex]!;
    const encode = this.#encode;
    if (encode === undefined) {
      return this.#kernel.text(group, run).map(({ rows, bytes }) => ({ rows, parts: [bytes] }));
    }
    return this.#kernel.columns(group, run).map(({ table, batch }) => {
      return { rows: batch.rowCount, ...encode(tableSchemas[table], batch) };
    });
  }

  /** Gets a place in each output in turn, then writes there at the same time as others. */
  #place(spanIndex: number, index: number, pieces: readonly Piece[]): boolean {
    const { descriptors, jobs } = this.#work;
    if (!this.board.waitForTurn(spanIndex, index)) return false;
    const { outputs } = jobs.spans[spanIndex]!;
    const places = pieces.map(({ parts }, i) => this.board.extend(outputs[i]!, byteLength(parts)));
    this.board.passTurn(spanIndex);
    for (const [i, { parts }] of pieces.entries()) {
      let position = places[i]!;
      for (const part of parts) {
        writeFully(descriptors[outputs[i]!]!, part, position);
        position += part.length;
      }
    }
    return true;
  }

  #append(number: number, head: string, pieces: readonly Piece[]): boolean {
    if (!this.board.waitForTurn(0, number)) return false;
    const descriptor = this.#work.descriptors[0]!;
    writeFully(descriptor, new TextEncoder().encode(head), null);
    for (const { parts } of pieces) {
      for (const part of parts) writeFully(descriptor, part, null);
    }
    this.board.passTurn(0);
    return true;
  }
}

function byteLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
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
