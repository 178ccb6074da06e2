/** One run of a program: its memory, its steps in order, its threads, and how it ends. */
import { assert, unreachable } from '../base/assert.ts';
import type { QuernError } from '../base/error.ts';
import type {
  AllocateStep,
  CallStep,
  FreedArea,
  GatherStep,
  LoopStep,
  PartitionsStep,
  Program,
  RangeStep,
  RowsStep,
  ScanStep,
  Step,
} from '../compile/program.ts';
import type { LoadMemory, SegmentLoader } from '../table/segment-loader.ts';
import { CallingThread, inOrder, type Progress, whenDone } from './calling-thread.ts';
import { type Control, controlWord } from './control.ts';
import { freeAreas, freeRows } from './free.ts';
import { type MorselSource, MorselSources } from './morsel-sources.ts';
import { type Morsels, type RowRuns, scanMorsels, scannedGroups } from './morsels.ts';
import { pageBytes } from './page-allocator.ts';
import { type ParameterValue, writeParameters } from './parameters.ts';
import { type Profile, type ProfileInProgress, StepProfiles } from './profile.ts';
import { align64, allSteps } from './program-shape.ts';
import { runRounds } from './rounds.ts';
import { RowBuffers } from './row-buffers.ts';
import type { LoadedProgram, Runtime } from './runtime.ts';
import { readSlices } from './slice-log.ts';
import type { SpillBudget } from './spill/budget.ts';
import { spillWord, spillWordsBytes } from './spill/chunk.ts';
import { MovableRows } from './spill/movable-rows.ts';
import { type LoopHost, runPartitions } from './spill/partition-loop.ts';
import type { SpillStore } from './spill/store.ts';
import { Part, stopped } from './thread.ts';
import { type Limits, turnMs } from './turns.ts';

export interface ExecuteOptions extends Limits {
  /** Threads to use, the calling one included; at most those of the runtime. */
  readonly threads?: number;
  readonly parameters?: readonly ParameterValue[];
  /** Called now and then while the statement runs. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** How much memory a program that spills may use; the runtime decides by default. */
  readonly budget?: SpillBudget | undefined;
}

/** Share of the memory's limit that is free when an execution starts, if segments can move out. */
const freeShare = 1 / 32;
/** A step of so few morsels is not worth waking anybody. */
const morselsAlone = 2;

type MorselStep = ScanStep | RowsStep | RangeStep;

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

  /** Runs all steps. After it, whether or not it threw, call {@link end}. */
  async run(): Promise<void> {
    const { memory } = this.runtime;
    this.#thread.check();
    writeParameters(
      memory,
      this.#frame,
      this.#owner,
      this.program.parameters,
      this.#options.parameters ?? [],
    );
    for (const step of this.program.steps) {
      const profile = this.#profiles.start(step);
      const running = this.#runStep(step, profile);
      // Short steps are done by now; awaiting would cost each of them a turn of the event loop.
      if (running !== undefined) await running;
    }
  }

  #prepareRows(budget: SpillBudget, store: SpillStore): MovableRows {
    const { memory } = this.runtime;
    const words = this.#spillAt >>> 2;
    memory.u32[words + spillWord.keepPages] = budget.keepBytes / pageBytes;
    memory.u32[words + spillWord.chunkBytes] = budget.chunkBytes;
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
      spilledBytes: this.#rows?.writtenBytes ?? 0,
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
        return this.#runSource(step, this.#sources.scan(step), profile);
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
        this.#allocate(step);
        break;
      case 'gather':
        this.#gather(step);
        break;
      case 'free':
        this.#free(step.buffers, step.areas);
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
    profile.morsels = await runRounds(step, {
      memory: this.runtime.memory,
      buffers: this.buffers,
      frame: this.#frame,
      ownerWord: (this.#spillAt >>> 2) + spillWord.owner,
      runSteps: (steps) => this.#runInner(steps),
      free: (buffers) => this.#free(buffers, []),
      clearLocals: (areas) => this.#part.clearLocals(areas, this.#threads),
    });
    profile.rowsOut += this.buffers.rowCount(step.result);
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

  #allocate(step: AllocateStep): void {
    const bytes = typeof step.bytes === 'number' ? step.bytes : this.frameWord(step.bytes.slot);
    const { pages } = this.runtime.memory;
    this.#setFrameWord(step.slot, pages.allocateZeroed(bytes, this.#owner));
  }

  #gather(step: GatherStep): void {
    const { memory } = this.runtime;
    const movable = this.#sources.movable(step.buffer);
    const rows = movable?.rowCount(step.buffer) ?? this.buffers.rowCount(step.buffer);
    this.#setFrameWord(step.slot + 4, rows);
    if (!step.pointers) return;
    const bytes = 4 * rows;
    const address = memory.pages.allocate(bytes, this.#owner);
    if (movable === undefined) this.buffers.writePointers(memory, step.buffer, address);
    else movable.writePointers(step.buffer, address);
    this.#setFrameWord(step.slot, address);
  }

  #free(buffers: readonly number[], areas: readonly FreedArea[]): void {
    const { memory } = this.runtime;
    const locals = Array.from({ length: this.#threads }, (_, worker) => this.#part.localOf(worker));
    for (const buffer of buffers) this.buffers.clear(buffer);
    const appenders = buffers.map((buffer) => this.program.buffers[buffer].appender);
    freeRows(memory, locals, appenders);
    freeAreas(memory, this.#frame, locals, areas);
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
    const { sequence } = progress;
    this.#thread.begin(this.#step, sequence, Math.max(total, sequence + morsels.count));
    if (morsels.count > morselsAlone) {
      return this.#runManyMorsels(step, morsels, progress, profile);
    }
    const all = inOrder(morsels.count, (morsel) =>
      this.#thread.runMorsel(morsel, morsels.address + morsel * morsels.stride),
    );
    return whenDone(all, () => {
      this.#endMorsels(step, morsels, progress, profile, 1);
      return undefined;
    });
  }

  async #runManyMorsels(
    step: MorselStep,
    morsels: Morsels,
    progress: Outgoing,
    profile: ProfileInProgress,
  ): Promise<void> {
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
      await this.#waitForHelpers();
      throw error === stopped ? await this.#helperFailure() : error;
    }
    await this.#waitForHelpers();
    if (control.stopped) throw await this.#helperFailure();
    this.#endMorsels(step, morsels, progress, profile, this.#threads);
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
    const owned: LoadMemory = {
      allocate: (bytes) => memory.pages.allocate(bytes, this.#owner),
      release: (address) => memory.pages.release(address),
    };
    for await (const part of loader.load(groups, step.ordinals, owned)) {
      await this.#thread.turn();
      const { sequence } = progress;
      const morsels = scanMorsels(memory, this.#owner, step, part.groups, this.#threads, sequence);
      await this.#runMorsels(step, morsels, progress, profile, groups.length);
      part.release(step.keepsTexts);
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

  /** Closes the step and waits until the helpers inside are done with the morsels they have. */
  async #waitForHelpers(): Promise<void> {
    const control = this.#control;
    let active = control.close();
    const patience = performance.now() + turnMs;
    while (active > 0) {
      this.runtime.checkAlive();
      this.runtime.answerShortage();
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
      if (this.#thread.isOver) this.#control.stop();
    }
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
    this.runtime.memory.pages.release(morsels.address);
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
