/** One run of a program: its memory, its steps in order, its threads, and how it ends. */
import { assert, unreachable } from '../base/assert.ts';
import type { QuernError } from '../base/error.ts';
import type {
  CallStep,
  LoopStep,
  PartitionsStep,
  Program,
  ScanStep,
  Step,
} from '../compile/program.ts';
import type { SegmentLoader } from '../table/segment-loader.ts';
import { CallingThread, inOrder, whenDone } from './calling-thread.ts';
import { type Control, controlWord } from './control.ts';
import type { ExecuteOptions } from './execute-options.ts';
import { Handover, unwanted } from './handover.ts';
import { MemorySteps } from './memory-steps.ts';
import { type MorselSource, MorselSources } from './morsel-sources.ts';
import { loadMemory, type Morsels, type RowRuns, scanMorsels, scannedGroups } from './morsels.ts';
import { pageBytes } from './page-allocator.ts';
import { writeParameters } from './parameters.ts';
import { type Profile, type ProfileInProgress, StepProfiles } from './profile.ts';
import { align64, allSteps, type MorselStep, streamedStep } from './program-shape.ts';
import { runRounds } from './rounds.ts';
import { RowBuffers } from './row-buffers.ts';
import type { LoadedProgram, Runtime } from './runtime.ts';
import { readSlices } from './slice-log.ts';
import type { SpillBudget } from './spill/budget.ts';

import { MovableRows } from './spill/movable-rows.ts';
import { type LoopHost, runPartitions } from './spill/partition-loop.ts';
import { nothingSpilled, pagesOf, spillWord, spillWordsBytes } from './spill/places.ts';
import type { SpillStore } from './spill/store.ts';
import { Part, stopped } from './thread.ts';

/** Rows that a window of a step makes, more or less, before they are given away. */
const windowBytes = 16e6;
/** Share of the memory's limit that is free when an execution starts, if segments can move out. */
const freeShare = 1 / 32;
/** A step of so few morsels is not worth waking anybody. */
const morselsAlone = 2;

/** A step whose `finish` is called later, because it will run again. */
interface Outgoing {
  readonly workers: Set<number>;
  sequence: number;
}

export class Execution {
  readonly runtime: Runtime;
  readonly program: Program;
  readonly buffers: RowBuffers;
  readonly #sources: MorselSources;
  readonly #options: ExecuteOptions;
  readonly #threads: number;
  readonly #owner: number;
  readonly #control: Control;
  readonly #number: number;
  readonly #loaded: LoadedProgram;
  readonly #part: Part;
  readonly #thread: CallingThread;
  readonly #memorySteps: MemorySteps;
  readonly #frame: number;
  readonly #unsubscribe: () => void;
  readonly #started = performance.now();
  readonly #loadMs: number;
  readonly #profiles = new StepProfiles();
  #invited = false;
  #failure: QuernError | undefined;
  /** The number of the step under way, as all threads count them. */
  #step = 0;
  readonly #numbers = new Map<Step, number>();
  /** What a program that spills has to do so. */
  readonly #store: SpillStore | undefined;
  readonly #rows: MovableRows | undefined;
  readonly #spillAt: number;
  readonly #budget: SpillBudget | undefined;
  readonly #outgoing = new Map<string, Outgoing>();
  /** The step whose rows are given away while it runs, and to whom. */
  #streamed: MorselStep | undefined;
  #handover: Handover<RowRuns> | undefined;

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
    // Who has to ask for room has to wait for it.
    runtime.pager?.keepFree(pages.total().limitBytes * freeShare);
    allSteps(program.steps).forEach((step, i) => this.#numbers.set(step, i));
    this.#owner = pages.openOwner();
    try {
      const frameBytes = align64(program.frameBytes);
      const bytes = frameBytes + this.#threads * shape.workerBytes;
      this.#frame = pages.allocateZeroed(bytes + spillWordsBytes, this.#owner);
      const workers = this.#frame + frameBytes;
      this.#spillAt = this.#frame + bytes;
      const addresses = { owner: this.#owner, frame: this.#frame, workers, spill: this.#spillAt };
      if (program.spills) {
        const budget = options.budget ?? runtime.spillBudget();
        this.#budget = budget;
        this.#store = runtime.createSpillStore();
        this.#rows = this.#prepareRows(budget, this.#store);
        runtime.relievers.add(this.#rows.moveOutIdle);
      }
      const { control, execution } = runtime.takeControl();
      this.#control = control;
      this.#number = execution;
      this.#part = new Part(
        runtime.thread,
        instance,
        shape,
        addresses,
        0,
        control,
        this.#store,
        runtime.impatient,
      );
      this.#thread = new CallingThread(runtime, this.#loaded, control, this.#part, {
        signal: options.signal,
        deadline: options.deadline,
        onProgress: options.onProgress,
        steps: shape.steps.length,
      });
      this.#sources = new MorselSources({
        runtime,
        program,
        owner: this.#owner,
        threads: this.#threads,
        buffers: this.buffers,
        localOf: (worker) => this.#part.localOf(worker),
        spilled: this.#rows && this.#budget && { rows: this.#rows, ...this.#budget },
      });
      this.#part.paged = this.#sources.paged;
      this.#memorySteps = new MemorySteps({
        runtime,
        program,
        part: this.#part,
        frame: this.#frame,
        threads: this.#threads,
        buffers: this.buffers,
        sources: this.#sources,
      });
    } catch (error) {
      if (this.#rows !== undefined) runtime.relievers.delete(this.#rows.moveOutIdle);
      this.#store?.close();
      pages.closeOwner(this.#owner);
      throw error;
    }
    this.#unsubscribe = runtime.onFailure(this.#number, (error) => {
      this.#failure ??= error;
    });
  }

  /** The rows of the result, as many at a time as are in memory; gone when more are asked for. */
  resultRuns(buffer: number): Iterable<RowRuns> {
    return this.#sources.runs(buffer);
  }

  /**
   * Runs all steps, but that which {@link stream} runs if `streaming`. After it, whether or not it
   * threw, call {@link end}.
   */
  async run(streaming = false): Promise<void> {
    const { memory } = this.runtime;
    this.#thread.check();
    writeParameters(
      memory,
      this.#frame,
      this.#owner,
      this.program.parameters,
      this.#options.parameters ?? [],
    );
    if (streaming) this.#streamed = streamedStep(this.program);
    for (const step of this.program.steps) {
      if (step === this.#streamed) break;
      const profile = this.#profiles.start(step);
      const running = this.#runStep(step, profile);
      // Short steps are done by now; awaiting would cost each of them a turn of the event loop.
      if (running !== undefined) await running;
    }
  }

  /**
   * The rows of the result, as many at a time as are in memory; gone when more are asked for. Those
   * of the last step are made meanwhile.
   */
  async *stream(): AsyncGenerator<RowRuns> {
    const { source } = this.program.result;
    if (source.kind !== 'rows') return;
    const step = this.#streamed;
    if (step === undefined) {
      yield* this.#sources.runs(source.buffer);
      return;
    }
    const handover = new Handover<RowRuns>();
    this.#handover = handover;
    const run = async () => {
      await this.#runStep(step, this.#profiles.start(step));
    };
    const running = run().then(
      () => handover.end(),
      (error: unknown) => handover.end(error === unwanted ? {} : { error }),
    );
    try {
      yield* handover.items();
    } finally {
      await running;
    }
  }

  /** Gives away the rows of the result that there are, and makes room for more. */
  async #handOver([buffer]: readonly number[], handover: Handover<RowRuns>): Promise<void> {
    if (this.buffers.rowCount(buffer) === 0) return;
    await handover.push(this.buffers.runs(buffer));
    this.#thread.check();
    this.#memorySteps.free([buffer]);
  }

  #prepareRows(budget: SpillBudget, store: SpillStore): MovableRows {
    const { memory } = this.runtime;
    const words = this.#spillAt >>> 2;
    memory.u32[words + spillWord.keepPages] = budget.keepBytes / pageBytes;
    memory.u32[words + spillWord.chunkBytes] = budget.chunkBytes;
    memory.u32[words + spillWord.limitPages] = pagesOf(this.runtime.tempLimit(store));
    const { buffers } = this.program;
    const { limitBytes } = budget;
    return new MovableRows(memory, this.#owner, this.#spillAt, limitBytes, store, buffers);
  }

  /** Frees everything the execution holds. No helper is inside it any more. */
  end(): void {
    this.#unsubscribe();
    assert(this.#control.active() === 0, 'no helper is in an execution that ends');
    this.#sources.unpin();
    this.runtime.giveControl(this.#control);
    if (this.#rows !== undefined) this.runtime.relievers.delete(this.#rows.moveOutIdle);
    this.#store?.close();
    this.runtime.memory.pages.closeOwner(this.#owner);
  }

  /** The u32 at an offset of the frame. */
  frameWord(offset: number): number {
    return this.runtime.memory.u32[(this.#frame + offset) >>> 2];
  }

  /** Lets events have their turn if it is time. */
  turnIfDue(): Promise<void> | undefined {
    return this.#thread.turnIfDue();
  }

  profile(): Profile {
    return {
      steps: this.#profiles.steps,
      milliseconds: performance.now() - this.#started,
      loadMilliseconds: this.#loadMs,
      peakBytes: this.runtime.memory.pages.usage(this.#owner).peakBytes,
      threads: this.#threads,
      ...(this.#rows?.spilled ?? nothingSpilled),
      rows: new Map(this.program.counters.map(({ plan, slot }) => [plan, this.frameWord(slot)])),
    };
  }

  #runStep(step: Step, profile: ProfileInProgress): Promise<void> | undefined {
    this.#step = this.#numberOf(step);
    switch (step.kind) {
      case 'scan':
        profile.pruned = this.#sources.pruned(step);
        if (step.table.data.loader !== undefined) {
          return this.#scanLoaded(step, step.table.data.loader, profile);
        }
        return this.#runSource(step, this.#sources.scan(step, step === this.#streamed), profile);
      case 'rows':
        return this.#runSource(step, this.#sources.rows(step), profile);
      case 'range':
        return this.#runSource(
          step,
          this.#sources.range(step, this.frameWord(step.count)),
          profile,
        );
      case 'partitions':
        return this.#runPartitions(step, profile);
      case 'loop':
        return this.#runLoop(step, profile);
      case 'call':
        return this.#call(step, profile);
      case 'allocate':
        this.#memorySteps.allocate(step);
        break;
      case 'gather':
        this.#memorySteps.gather(step);
        break;
      case 'free':
        this.#memorySteps.free(step.buffers, step.areas);
        break;
      default:
        unreachable(step);
    }
    profile.finish();
    return undefined;
  }

  #numberOf(step: Step): number {
    const number = this.#numbers.get(step);
    assert(number !== undefined, 'every step has a number');
    return number;
  }

  async #runPartitions(step: PartitionsStep, profile: ProfileInProgress): Promise<void> {
    assert(this.#rows !== undefined && this.#budget !== undefined, 'the program spills');
    const outgoing = { workers: new Set<number>(), sequence: 0 };
    this.#outgoing.set(step.outgoing, outgoing);
    const host: LoopHost = {
      rows: this.#rows,
      windowBytes: this.#budget.windowBytes,
      runSteps: (steps) => this.#runInner(steps),
      seal: (buffer) => this.#sources.seal(buffer),
      word: (offset) => this.frameWord(offset),
      read: (address) => this.runtime.memory.u32[address >>> 2],
      setWord: (offset, value) => this.#setFrameWord(offset, value),
      setChanging: (changing) => {
        this.#sources.changing = changing;
      },
    };
    profile.morsels = await runPartitions(step, host);
    this.#outgoing.delete(step.outgoing);
    const last = allSteps(step.steps).find(
      (inner) => 'name' in inner && inner.name === step.outgoing,
    );
    assert(last !== undefined, 'the outgoing step is among the steps');
    this.#step = this.#numberOf(last);
    await this.#finishStep(last as MorselStep, outgoing, this.#profiles.again(last));
    profile.finish();
  }

  async #runLoop(step: LoopStep, profile: ProfileInProgress): Promise<void> {
    await runRounds(step, profile, {
      memory: this.runtime.memory,
      buffers: this.buffers,
      sources: this.#sources,
      frame: this.#frame,
      ownerWord: (this.#spillAt >>> 2) + spillWord.owner,
      runSteps: (steps) => this.#runInner(steps),
      free: (buffers) => this.#memorySteps.free(buffers, []),
      clearLocals: (areas) => this.#part.clearLocals(areas, this.#threads),
    });
    profile.finish();
  }

  async #runInner(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      const running = this.#runStep(step, this.#profiles.again(step));
      if (running !== undefined) await running;
      await this.#thread.turnIfDue();
    }
  }

  #call(step: CallStep, profile: ProfileInProgress): Promise<void> | undefined {
    this.#thread.begin(this.#step);
    return whenDone(this.#thread.call(step.name, 0, undefined), () => {
      profile.rowsOut += this.#collect(step.appends, 1);
      profile.finish();
      return undefined;
    });
  }

  #setFrameWord(offset: number, value: number): void {
    this.runtime.memory.u32[(this.#frame + offset) >>> 2] = value;
  }

  /** Runs all morsels of a step; without waiting for anything if that takes no time. */
  #runSource(
    step: MorselStep,
    source: MorselSource,
    profile: ProfileInProgress,
  ): Promise<void> | undefined {
    const progress = this.#outgoing.get(step.name) ?? { workers: new Set<number>(), sequence: 0 };
    const finish = () => {
      const isLast = this.#outgoing.get(step.name) !== progress;
      return whenDone(isLast ? this.#finishStep(step, progress, profile) : undefined, () => {
        profile.finish();
        return undefined;
      });
    };
    if (source.units !== 1) return this.#runUnits(step, source, progress, profile).then(finish);
    const morsels = source.open(0, progress.sequence);
    return whenDone(this.#runMorsels(step, morsels, progress, profile), () => {
      source.close(0);
      return finish();
    });
  }

  async #runUnits(
    step: MorselStep,
    source: MorselSource,
    progress: Outgoing,
    profile: ProfileInProgress,
  ): Promise<void> {
    for (let unit = 0; unit < source.units; unit++) {
      const morsels = source.open(unit, progress.sequence);
      const running = this.#runMorsels(step, morsels, progress, profile);
      if (running !== undefined) await running;
      source.close(unit);
      await this.#thread.turnIfDue();
    }
  }

  #runMorsels(
    step: MorselStep,
    morsels: Morsels,
    progress: Outgoing,
    profile: ProfileInProgress,
    total = 0,
  ): Promise<void> | undefined {
    profile.morsels += morsels.count;
    profile.rowsIn += morsels.rows;
    const run = this.#handover !== undefined && step === this.#streamed;
    const running = run
      ? this.#runWindows(step, morsels, progress, profile, this.#handover as Handover<RowRuns>)
      : this.#runAtOnce(step, morsels, progress, profile, total);
    return whenDone(running, () => {
      this.runtime.memory.pages.release(morsels.address);
      return undefined;
    });
  }

  #runAtOnce(
    step: MorselStep,
    morsels: Morsels,
    progress: Outgoing,
    profile: ProfileInProgress,
    total: number,
  ): Promise<void> | undefined {
    const { sequence } = progress;
    this.#thread.begin(this.#step, sequence, Math.max(total, sequence + morsels.count));
    const alone = morsels.count <= morselsAlone;
    const running = alone
      ? inOrder(morsels.count, (morsel) =>
          this.#thread.runMorsel(morsel, morsels.address + morsel * morsels.stride),
        )
      : this.#runManyMorsels(morsels);
    return whenDone(running, () => {
      this.#endMorsels(step, morsels, progress, profile, alone ? 1 : this.#threads);
      return undefined;
    });
  }

  /** A few morsels at a time, whose rows are given away before there are more. */
  async #runWindows(
    step: MorselStep,
    morsels: Morsels,
    progress: Outgoing,
    profile: ProfileInProgress,
    handover: Handover<RowRuns>,
  ): Promise<void> {
    const { rowBytes } = this.program.buffers[step.appends[0]];
    let size = 1;
    for (let from = 0, count = 0; from < morsels.count; from += count) {
      count = Math.min(size, morsels.count - from);
      const address = morsels.address + from * morsels.stride;
      const before = profile.rowsOut;
      const inTheMiddle = async () => {
        profile.rowsOut += this.#collect(step.appends, 1);
        this.#part.slices.set(step.appends[0], []);
        await this.#handOver(step.appends, handover);
      };
      // While others help, nothing can be given away in the middle of a morsel.
      this.#thread.onSuspended = count <= morselsAlone ? inTheMiddle : undefined;
      await this.#runAtOnce(step, { ...morsels, address, count }, progress, profile, 0);
      // A thread that helps is not suspended, so there must not be much that a morsel leads to.
      const bytes = ((profile.rowsOut - before) * rowBytes) / count;
      size = Math.min(2 * this.#threads, Math.max(1, Math.floor(windowBytes / (bytes + 1))));
      await this.#handOver(step.appends, handover);
    }
  }

  async #runManyMorsels(morsels: Morsels): Promise<void> {
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
      await this.#thread.takeMorsels(morsels);
    } catch (error) {
      control.stop();
      await this.#thread.waitForHelpers();
      throw error === stopped ? await this.#helperFailure() : error;
    }
    await this.#thread.waitForHelpers();
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
    const progress = { workers: new Set<number>(), sequence: 0 };
    const owned = loadMemory(memory.pages, this.#owner);
    for await (const part of loader.load(groups, step.ordinals, owned)) {
      await this.#thread.turn();
      const { sequence } = progress;
      const morsels = scanMorsels(memory, this.#owner, step, part.groups, this.#threads, sequence);
      await this.#runMorsels(step, morsels, progress, profile, groups.length);
      part.release(step.keepsTexts && step !== this.#streamed);
    }
    await this.#finishStep(step, progress, profile);
    profile.finish();
  }

  #invite(): void {
    if (this.#invited) return;
    this.#invited = true;
    this.runtime.invite(this.#threads - 1, this.#loaded, {
      execution: this.#number,
      control: this.#control.address,
      addresses: this.#part.addresses,
      spill: this.#store?.handle,
    });
  }

  /** What made a helper stop: its message may still be on the way. */
  async #helperFailure(): Promise<QuernError> {
    this.#thread.check();
    while (this.#failure === undefined) await this.runtime.platform.yieldToEvents();
    return this.#failure;
  }

  /** Notes who took part, and puts the rows in order. */
  #endMorsels(
    step: MorselStep,
    morsels: Morsels,
    progress: Outgoing,
    profile: ProfileInProgress,
    workers: number,
  ): void {
    for (let worker = 1; worker < workers; worker++) {
      if (this.#tookPart(worker)) progress.workers.add(worker);
    }
    progress.sequence += morsels.count;
    profile.rowsOut += this.#collect(step.appends, workers);
  }

  /** Winds up every worker that took part, one after the other. */
  #finishStep(
    { finish, appends }: MorselStep,
    { workers }: Outgoing,
    profile: ProfileInProgress,
  ): Promise<void> | undefined {
    if (finish === undefined) return undefined;
    this.#thread.begin(this.#step);
    const list = [0, ...[...workers].sort((a, b) => a - b)];
    const all = inOrder(list.length, (i) => this.#thread.call(finish, list[i], undefined, list[i]));
    return whenDone(all, () => {
      profile.rowsOut += this.#collect(appends, 1);
      return undefined;
    });
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
      const movable = this.#sources.movable(buffer);
      rows +=
        movable === undefined
          ? this.buffers.add(buffer, slices)
          : movable.add(buffer, slices, this.#sources.appenders(buffer));
    }
    return rows;
  }
}
