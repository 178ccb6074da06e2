/** One run of a program: its memory, its steps in order, its threads, and how it ends. */
import { assert, unreachable } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type {
  AllocateStep,
  CallStep,
  FreeStep,
  GatherStep,
  Program,
  RangeStep,
  RowsStep,
  ScanStep,
  Step,
} from '../compile/program.ts';
import { appenderField } from '../compile/program.ts';
import type { Segment } from '../table/layout.ts';
import type { LoadMemory, SegmentLoader } from '../table/segment-loader.ts';
import { type Control, controlWord } from './control.ts';
import { type Morsels, rangeMorsels, rowMorsels, scanMorsels, scannedGroups } from './morsels.ts';
import type { PageAllocator } from './page-allocator.ts';
import { type ParameterValue, writeParameters } from './parameters.ts';
import type { Profile, StepProfile } from './profile.ts';
import { align64 } from './program-shape.ts';
import { RowBuffers } from './row-buffers.ts';
import type { LoadedProgram, Runtime } from './runtime.ts';
import { readSlices } from './slice-log.ts';
import { Part } from './thread.ts';

export interface ExecuteOptions {
  /** Threads to use, the calling one included; at most those of the runtime. */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
  readonly parameters?: readonly ParameterValue[];
  /** Called now and then while the statement runs. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** `done` of `total` morsels of step `step` (from 0) of `steps`. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly done: number;
  readonly total: number;
}

/** How long the calling thread works before it lets events have their turn. */
const yieldAfterMs = 20;
/** Share of the memory's limit that is free when an execution starts, if segments can move out. */
const freeShare = 1 / 4;
/** A step of so few morsels is not worth waking anybody. */
const morselsAlone = 2;

export class Execution {
  readonly runtime: Runtime;
  readonly program: Program;
  readonly buffers: RowBuffers;
  readonly #options: ExecuteOptions;
  readonly #threads: number;
  readonly #owner: number;
  readonly #control: Control;
  readonly #number: number;
  readonly #loaded: LoadedProgram;
  readonly #part: Part;
  readonly #frame: number;
  readonly #unsubscribe: () => void;
  readonly #started = performance.now();
  readonly #loadMs: number;
  readonly #stepProfiles: StepProfile[] = [];
  #lastYield = this.#started;
  #invited = false;
  /** Segments whose addresses this execution has handed out. */
  readonly #pinned = new Set<Segment>();
  #failure: QuernError | undefined;
  #step = 0;

  constructor(runtime: Runtime, program: Program, options: ExecuteOptions) {
    this.runtime = runtime;
    this.program = program;
    this.#options = options;
    this.#threads = Math.max(1, Math.min(options.threads ?? Infinity, runtime.threadsMax));
    this.#loaded = runtime.load(program);
    const instance = runtime.thread.instance(this.#loaded.id, this.#loaded.module);
    this.#loadMs = performance.now() - this.#started;
    this.buffers = new RowBuffers(program.buffers.map((buffer) => buffer.rowBytes));
    const { pages } = runtime.memory;
    const { shape } = this.#loaded;
    // Helpers allocate without asking: there should be room for them.
    runtime.pager?.keepFree(pages.total().limitBytes * freeShare);
    this.#owner = pages.openOwner();
    try {
      const frameBytes = align64(program.frameBytes);
      const bytes = frameBytes + this.#threads * shape.workerBytes;
      this.#frame = pages.allocateZeroed(bytes, this.#owner);
      const workers = this.#frame + frameBytes;
      const addresses = { owner: this.#owner, frame: this.#frame, workers };
      this.#part = new Part(runtime.thread, instance, shape, addresses, 0);
      const { control, execution } = runtime.takeControl();
      this.#control = control;
      this.#number = execution;
    } catch (error) {
      pages.closeOwner(this.#owner);
      throw error;
    }
    this.#unsubscribe = runtime.onFailure(this.#number, (error) => {
      this.#failure ??= error;
    });
  }

  /** Runs all steps. After it, whether or not it threw, call {@link end}. */
  async run(): Promise<void> {
    const { memory } = this.runtime;
    this.#checkCancelled();
    writeParameters(
      memory,
      this.#frame,
      this.#owner,
      this.program.parameters,
      this.#options.parameters ?? [],
    );
    for (const step of this.program.steps) {
      const profile = this.#startProfile(step);
      const running = this.#runStep(step, profile);
      // Short steps are done by now; awaiting would cost each of them a turn of the event loop.
      if (running !== undefined) await running;
      this.#step++;
    }
  }

  /** Frees everything the execution holds. No helper is inside it any more. */
  end(): void {
    this.#unsubscribe();
    assert(this.#control.active() === 0, 'no helper is in an execution that ends');
    for (const segment of this.#pinned) this.runtime.pager?.unpin(segment);
    this.runtime.giveControl(this.#control);
    this.runtime.memory.pages.closeOwner(this.#owner);
  }

  /** The u32 at an offset of the frame. */
  frameWord(offset: number): number {
    return this.runtime.memory.u32[(this.#frame + offset) >>> 2];
  }

  profile(): Profile {
    return {
      steps: this.#stepProfiles,
      milliseconds: performance.now() - this.#started,
      loadMilliseconds: this.#loadMs,
      peakBytes: this.runtime.memory.pages.usage(this.#owner).peakBytes,
      threads: this.#threads,
      rows: new Map(this.program.counters.map(({ plan, slot }) => [plan, this.frameWord(slot)])),
    };
  }

  #runStep(step: Step, profile: ProfileInProgress): Promise<void> | undefined {
    const { memory } = this.runtime;
    switch (step.kind) {
      case 'scan':
        if (step.table.data.loader !== undefined) {
          return this.#scanLoaded(step, step.table.data.loader, profile);
        }
        this.#pinSegments(step);
        return this.#runMorsels(
          step,
          scanMorsels(memory, this.#owner, step, this.#threads),
          profile,
        );
      case 'rows': {
        const { rowBytes } = this.program.buffers[step.buffer];
        const runs = this.buffers.runs(step.buffer);
        return this.#runMorsels(step, rowMorsels(memory, this.#owner, runs, rowBytes), profile);
      }
      case 'range': {
        const total = this.frameWord(step.count);
        return this.#runMorsels(
          step,
          rangeMorsels(memory, this.#owner, total, step.grain),
          profile,
        );
      }
      case 'call':
        this.#call(step, profile);
        break;
      case 'allocate':
        this.#allocate(step);
        break;
      case 'gather':
        this.#gather(step);
        break;
      case 'free':
        this.#free(step);
        break;
      default:
        unreachable(step);
    }
    profile.finish();
    return undefined;
  }

  /** Rows may refer to strings in segments, so those stay until the execution ends. */
  #pinSegments(step: ScanStep): void {
    const { pager } = this.runtime;
    if (pager === undefined) return;
    for (const group of scannedGroups(step)) {
      for (const ordinal of step.ordinals) {
        const segment = group.segments[ordinal];
        if (this.#pinned.has(segment)) continue;
        pager.pin(segment);
        this.#pinned.add(segment);
      }
    }
  }

  #call(step: CallStep, profile: ProfileInProgress): void {
    this.#part.beginStep(this.#step);
    this.#part.call(step.name, 0, undefined);
    profile.rowsOut += this.#collect(step.appends, 1);
  }

  #allocate(step: AllocateStep): void {
    const bytes = typeof step.bytes === 'number' ? step.bytes : this.frameWord(step.bytes.slot);
    this.#setFrameWord(
      step.slot,
      this.#withRoom(bytes, (pages) => {
        return pages.allocateZeroed(bytes, this.#owner);
      }),
    );
  }

  /** Allocates; if memory is short, once more after segments have moved out. */
  #withRoom(bytes: number, allocate: (pages: PageAllocator) => number): number {
    const { memory, pager } = this.runtime;
    try {
      return allocate(memory.pages);
    } catch (error) {
      if (pager === undefined || pager.makeRoom(bytes) === 0) throw error;
      return allocate(memory.pages);
    }
  }

  #gather(step: GatherStep): void {
    const { memory } = this.runtime;
    const rows = this.buffers.rowCount(step.buffer);
    this.#setFrameWord(step.slot + 4, rows);
    if (!step.pointers) return;
    const bytes = 4 * rows;
    const address = this.#withRoom(bytes, (pages) => pages.allocate(bytes, this.#owner));
    this.buffers.writePointers(memory, step.buffer, address);
    this.#setFrameWord(step.slot, address);
  }

  #free(step: FreeStep): void {
    const { memory } = this.runtime;
    for (const slot of step.slots) {
      const address = this.frameWord(slot);
      if (address !== 0) memory.pages.release(address);
      this.#setFrameWord(slot, 0);
    }
    for (const buffer of step.buffers) {
      this.buffers.clear(buffer);
      for (let worker = 0; worker < this.#threads; worker++) {
        const appender = this.#part.localOf(worker) + this.program.buffers[buffer].appender;
        const words = memory.u32;
        let chunk = words[(appender + appenderField.chunk) >>> 2];
        while (chunk !== 0) {
          const next = words[chunk >>> 2];
          memory.pages.release(chunk);
          chunk = next;
        }
        words.fill(0, appender >>> 2, (appender + appenderField.bytes) >>> 2);
      }
    }
  }

  #setFrameWord(offset: number, value: number): void {
    this.runtime.memory.u32[(this.#frame + offset) >>> 2] = value;
  }

  /** Runs the morsels of a step; without waiting for anything if that takes no time. */
  #runMorsels(
    step: ScanStep | RowsStep | RangeStep,
    morsels: Morsels,
    profile: ProfileInProgress,
  ): Promise<void> | undefined {
    profile.morsels = morsels.count;
    profile.rowsIn = morsels.rows;
    profile.pruned = morsels.pruned;
    const part = this.#part;
    part.beginStep(this.#step);
    const finish = (workers: number) => {
      this.#finishStep(step, morsels.count, profile, workers);
      this.runtime.memory.pages.release(morsels.address);
    };
    if (morsels.count > morselsAlone) {
      return this.#runManyMorsels(step, morsels).then(() => finish(this.#threads));
    }
    for (let morsel = 0; morsel < morsels.count; morsel++) {
      part.call(step.name, morsel, morsels.address + morsel * morsels.stride);
    }
    finish(1);
    return undefined;
  }

  async #runManyMorsels(step: ScanStep | RowsStep | RangeStep, morsels: Morsels): Promise<void> {
    const control = this.#control;
    const { words } = control;
    words[controlWord.next] = 0;
    words[controlWord.step] = this.#step;
    words[controlWord.morsels] = morsels.address;
    words[controlWord.stride] = morsels.stride;
    words[controlWord.count] = morsels.count;
    if (this.#threads > 1) {
      control.open();
      this.#invite();
    }
    try {
      await this.#work(step, morsels);
    } catch (error) {
      control.stop();
      await this.#waitForHelpers();
      throw error;
    }
    await this.#waitForHelpers();
    if (control.stopped) throw await this.#helperFailure();
  }

  /** Runs the morsels of a table in a file as its parts come into memory. */
  async #scanLoaded(
    step: ScanStep,
    loader: SegmentLoader,
    profile: ProfileInProgress,
  ): Promise<void> {
    const { memory } = this.runtime;
    const groups = scannedGroups(step);
    profile.pruned = step.table.data.rowGroups.length - groups.length;
    let sequence = 0;
    const owned: LoadMemory = {
      allocate: (bytes) => this.#withRoom(bytes, (pages) => pages.allocate(bytes, this.#owner)),
      release: (address) => memory.pages.release(address),
    };
    for await (const part of loader.load(groups, step.ordinals, owned)) {
      await this.#yield();
      const morsels = scanMorsels(memory, this.#owner, step, this.#threads, part.groups, sequence);
      sequence += morsels.count;
      profile.morsels += morsels.count;
      profile.rowsIn += morsels.rows;
      this.#part.beginStep(this.#step);
      await this.#runManyMorsels(step, morsels);
      profile.rowsOut += this.#collect(step.appends, this.#threads);
      memory.pages.release(morsels.address);
      part.release(step.keepsTexts);
      this.#reportProgress(sequence, Math.max(sequence, groups.length));
    }
    this.#part.beginStep(this.#step);
    this.#finishStep(step, sequence, profile, this.#threads);
  }

  #invite(): void {
    if (this.#invited) return;
    this.#invited = true;
    this.runtime.invite(this.#threads - 1, this.#loaded, {
      execution: this.#number,
      control: this.#control.address,
      addresses: this.#part.addresses,
    });
  }

  /** The calling thread's share of the morsels. */
  async #work(step: ScanStep | RowsStep | RangeStep, morsels: Morsels): Promise<void> {
    const control = this.#control;
    for (let morsel = control.take(); morsel >= 0; morsel = control.take()) {
      this.#part.call(step.name, morsel, morsels.address + morsel * morsels.stride);
      if (performance.now() - this.#lastYield > yieldAfterMs) {
        this.#reportProgress(morsel + 1, morsels.count);
        await this.#yield();
      }
    }
  }

  #reportProgress(done: number, total: number): void {
    const steps = this.program.steps.length;
    this.#options.onProgress?.({ step: this.#step, steps, done, total });
  }

  async #yield(): Promise<void> {
    await this.runtime.platform.yieldToEvents();
    this.#lastYield = performance.now();
    this.#checkCancelled();
  }

  #checkCancelled(): void {
    if (this.#options.signal?.aborted !== true) return;
    throw new QuernError(sqlState.queryCanceled, 'the statement was cancelled', {
      cause: this.#options.signal.reason,
    });
  }

  /** Closes the step and waits until the helpers inside are done with the morsels they have. */
  async #waitForHelpers(): Promise<void> {
    const control = this.#control;
    let active = control.close();
    const patience = performance.now() + yieldAfterMs;
    while (active > 0) {
      this.runtime.checkAlive();
      const gate = Atomics.load(control.words, controlWord.gate);
      if (control.active() > 0) await this.#pause(gate, patience);
      active = control.active();
    }
  }

  /** Sleeps until the gate changes where this thread may sleep, else lets events pass. */
  async #pause(gate: number, patience: number): Promise<void> {
    if (performance.now() < patience && this.runtime.platform.mayBlock) {
      Atomics.wait(this.#control.words, controlWord.gate, gate, 5);
    } else {
      await this.runtime.platform.yieldToEvents();
      if (this.#options.signal?.aborted === true) this.#control.stop();
    }
  }

  /** What made a helper stop: its message may still be on the way. */
  async #helperFailure(): Promise<QuernError> {
    this.#checkCancelled();
    while (this.#failure === undefined) await this.runtime.platform.yieldToEvents();
    return this.#failure;
  }

  /** Winds up every worker that took part, one after the other, then puts the rows in order. */
  #finishStep(
    step: ScanStep | RowsStep | RangeStep,
    morselCount: number,
    profile: ProfileInProgress,
    workers: number,
  ): void {
    if (step.finish !== undefined) {
      for (let worker = 0; worker < workers; worker++) {
        if (worker > 0 && !this.#tookPart(worker)) continue;
        this.#part.call(step.finish, morselCount + worker, undefined, worker);
      }
    }
    profile.rowsOut += this.#collect(step.appends, workers);
    profile.finish();
  }

  #tookPart(worker: number): boolean {
    const { presence } = this.#loaded.shape;
    const word = (this.#part.localOf(worker) + presence) >>> 2;
    return this.runtime.memory.u32[word] === this.#step + 1;
  }

  /** Takes the slices of the step from all workers. Gives the rows appended. */
  #collect(appends: readonly number[], workers: number): number {
    const { logs } = this.#loaded.shape;
    let rows = 0;
    for (const buffer of appends) {
      const slices = this.#part.slices.get(buffer) ?? [];
      for (let worker = 1; worker < workers; worker++) {
        const log = this.#part.localOf(worker) + logs + 8 * buffer;
        readSlices(this.runtime.memory, log, slices);
      }
      rows += this.buffers.add(buffer, slices);
    }
    return rows;
  }

  #startProfile(step: Step): ProfileInProgress {
    const started = performance.now();
    const name = 'name' in step ? step.name : step.kind;
    const profile = {
      kind: step.kind,
      name,
      milliseconds: 0,
      morsels: 0,
      rowsIn: 0,
      rowsOut: 0,
      pruned: 0,
      finish: () => {
        profile.milliseconds = performance.now() - started;
      },
    };
    this.#stepProfiles.push(profile);
    return profile;
  }
}

type ProfileInProgress = { -readonly [Key in keyof StepProfile]: StepProfile[Key] } & {
  finish: () => void;
};
