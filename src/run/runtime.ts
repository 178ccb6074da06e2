/** What the executions of one engine share: memory, helper threads, modules. */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type { Program } from '../compile/program.ts';
import type { SegmentPager } from '../table/segment-pager.ts';
import { Control, controlBytes, controlWord } from './control.ts';
import { failureError } from './failure.ts';
import type { FromHelper, ToHelper } from './helper-messages.ts';
import { canShareMemory, EngineMemory } from './memory.ts';
import { engineOwner } from './page-allocator.ts';
import type { HelperThread, Platform } from './platform.ts';
import { type ProgramShape, shapeOf } from './program-shape.ts';
import { answerShortage } from './shortage.ts';
import { nothingKept, type SpillBudget, shareOut } from './spill/budget.ts';
import type { SpillStore } from './spill/store.ts';
import { Thread } from './thread.ts';

export interface RuntimeOptions {
  readonly platform: Platform;
  /** Threads a statement uses at most, the calling one included; all there are by default. */
  readonly threads?: number;
  /** Most bytes of linear memory in use at once. */
  readonly memoryLimit?: number;
  /** False forces an unshared memory, and so one thread. */
  readonly shared?: boolean;
  /** Where rows go that do not fit in memory; the system's place for temporary files by default. */
  readonly tempDirectory?: string;
  /** Most bytes of a statement there at once; by default most of what the disk has left. */
  readonly tempLimit?: number;
  /** For tests: every statement spills, and keeps nothing in memory that may go. */
  readonly alwaysSpill?: boolean;
  /**
   * For tests: the calling thread suspends compiled code wherever it can, and lets events have
   * their turn.
   */
  readonly impatient?: boolean;
}

/** A program as it was made ready to run. */
export interface LoadedProgram {
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly shape: ProgramShape;
  /** The module in which suspended functions go on; compiled when it is first needed. */
  readonly resumable: () => WebAssembly.Module;
}

/** Modules kept ready; beyond that the least recently used one is forgotten. */
const programsMax = 256;
/** Share of the memory that is freed at once, so that it need not be done for every page. */
const roomShare = 1 / 64;
/** Helpers are counted in 8 bits of the gate; no machine that JavaScript sees has more. */
const threadsMax = 128;

interface Helper {
  readonly thread: HelperThread;
  /** Ids of the programs it has been sent. */
  readonly programs: Set<number>;
}

export class Runtime {
  readonly memory: EngineMemory;
  readonly platform: Platform;
  readonly thread: Thread;
  readonly threadsMax: number;
  readonly alwaysSpill: boolean;
  /** The limit of memory at the beginning, in bytes. */
  readonly memoryLimit: number;
  readonly #tempDirectory: string | undefined;
  readonly #tempLimit: number | undefined;
  readonly impatient: boolean;
  /** Who moves table segments out of memory and back in; without, all of them stay in. */
  pager: SegmentPager | undefined;
  /** Each frees about so many bytes, if it can, and tells how many. */
  readonly relievers = new Set<(bytes: number) => number>();
  readonly #programs = new Map<Program, LoadedProgram>();
  #programNumber = 0;
  readonly #helpers: Helper[] = [];
  readonly #freeControls: Control[] = [];
  #executionCount = 0;
  /** What helpers reported, by execution, until the execution asks. */
  readonly #failures = new Map<number, (error: QuernError) => void>();
  #death: Error | undefined;
  #closed = false;

  constructor(options: RuntimeOptions) {
    this.platform = options.platform;
    const threads = Math.min(options.threads ?? options.platform.threads, threadsMax);
    const shared = (options.shared ?? true) && canShareMemory();
    this.memory = EngineMemory.create({
      shared,
      ...(options.memoryLimit === undefined ? {} : { limitBytes: options.memoryLimit }),
    });
    this.impatient = options.impatient ?? false;
    this.memory.pages.relieve = (bytes) => this.makeRoom(bytes) > 0;
    this.threadsMax = shared ? Math.max(1, threads) : 1;
    this.memoryLimit = this.memory.pages.total().limitBytes;
    this.alwaysSpill = options.alwaysSpill ?? false;
    this.#tempDirectory = options.tempDirectory;
    this.#tempLimit = options.tempLimit;
    this.thread = new Thread(this.memory, (code, detail) => {
      throw failureError(this.memory, code, detail);
    });
  }

  /** Sets the most bytes of memory in use at once, up to 4 GiB; what is idle moves out. */
  limitMemory(bytes: number): void {
    this.memory.pages.setLimit(bytes);
    this.pager?.keepFree(0);
  }

  /** Has idle segments, then idle rows of statements that spill, leave the memory. */
  makeRoom(bytes: number): number {
    const step = this.memory.pages.total().limitBytes * roomShare;
    let freed = this.pager?.makeRoom(Math.max(bytes, step)) ?? 0;
    for (const moveOut of this.relievers) if (freed < bytes) freed += moveOut(bytes - freed);
    return freed;
  }

  /** Makes room for helpers that wait for it. */
  answerShortage(): void {
    if (this.memory.shared) answerShortage(this.memory, (bytes) => this.makeRoom(bytes));
  }

  /** What a statement that spills may use of the memory as things are. */
  spillBudget(threads = this.threadsMax): SpillBudget {
    if (this.alwaysSpill) return nothingKept;
    const free = this.bytesToHave();
    // The other half is for the table segments that it reads.
    return shareOut(free / 2, threads);
  }

  /** Bytes that a statement may have in a store. */
  tempLimit(store: SpillStore): number {
    return this.#tempLimit ?? store.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes that are free, or would be if all idle segments moved out. */
  bytesToHave(): number {
    return this.memory.bytesFree + (this.pager?.idleBytes() ?? 0);
  }

  createSpillStore(): SpillStore {
    return this.platform.spillStores(this.memory.shared).create(this.#tempDirectory);
  }

  /** The program's module, compiled at its first use. */
  load(program: Program): LoadedProgram {
    let loaded = this.#programs.get(program);
    if (loaded === undefined) {
      loaded = loadProgram(++this.#programNumber, program);
      if (this.#programs.size >= programsMax) this.#forgetOldest();
    } else {
      this.#programs.delete(program);
    }
    // The last key is the one used last.
    this.#programs.set(program, loaded);
    return loaded;
  }

  /** Programs that are kept ready. */
  get programCount(): number {
    return this.#programs.size;
  }

  #forgetOldest(): void {
    for (const program of this.#programs.keys()) {
      this.forget(program);
      return;
    }
  }

  /** Gives up what {@link load} has kept of a program that will not run again. */
  forget(program: Program): void {
    const loaded = this.#programs.get(program);
    if (loaded === undefined) return;
    const { id } = loaded;
    this.#programs.delete(program);
    this.thread.forget(id);
    this.thread.forget(-id);
    for (const helper of this.#helpers) {
      if (helper.programs.delete(id)) send(helper, { kind: 'forget', id });
    }
  }

  /** A control slot for an execution, and the execution's number. */
  takeControl(): { control: Control; execution: number } {
    if (this.#closed) throw new QuernError(sqlState.connectionException, 'the database is closed');
    const control = this.#freeControls.pop() ?? this.#newControls();
    const execution = ++this.#executionCount;
    control.words[controlWord.stop] = 0;
    control.words[controlWord.execution] = execution;
    return { control, execution };
  }

  giveControl(control: Control): void {
    control.end();
    this.#freeControls.push(control);
  }

  /** Control slots come by the page and stay. */
  #newControls(): Control {
    const address = this.memory.pages.allocateZeroed(1, engineOwner);
    const bytes = this.memory.pages.runBytes(address);
    for (let at = 0; at < bytes; at += controlBytes) {
      this.#freeControls.push(new Control(this.memory, address + at));
    }
    return this.#freeControls.pop()!;
  }

  /** Starts so many helper threads, less those that there are; does not wait for them. */
  startHelpers(count: number): void {
    while (this.#helpers.length < count && this.#startHelper());
  }

  /** Tells `count` helpers to join an execution; starts the threads at the first call. */
  invite(
    count: number,
    program: LoadedProgram,
    join: Omit<Extract<ToHelper, { kind: 'join' }>, 'kind' | 'worker' | 'program'>,
  ): void {
    this.checkAlive();
    this.startHelpers(count);
    for (let i = 0; i < Math.min(count, this.#helpers.length); i++) {
      const helper = this.#helpers[i];
      if (!helper.programs.has(program.id)) {
        helper.programs.add(program.id);
        const { id, module, shape } = program;
        send(helper, { kind: 'program', id, module, shape });
      }
      send(helper, { kind: 'join', program: program.id, worker: i + 1, ...join });
    }
  }

  /** Throws when a helper thread has died: what it was writing is in an unknown state. */
  checkAlive(): void {
    if (this.#death !== undefined) throw this.#death;
  }

  #startHelper(): boolean {
    const thread = this.platform.startHelper();
    if (thread === undefined) return false;
    const helper = { thread, programs: new Set<number>() };
    this.#helpers.push(helper);
    thread.onMessage((data) => {
      const message = data as FromHelper;
      // Asked first: when the execution is over, what its error tells of is gone.
      this.#failures.get(message.execution)?.(this.#revive(message.error));
    });
    thread.onDeath((error) => {
      this.#death = new QuernError(sqlState.internalError, error.message, { cause: error });
      for (const fail of this.#failures.values()) fail(this.#death as QuernError);
    });
    send(helper, { kind: 'memory', memory: this.memory.memory });
    return true;
  }

  #revive(error: FromHelper['error']): QuernError {
    if ('failure' in error) return failureError(this.memory, error.failure, error.detail);
    const { code, message, position, hint } = error;
    return new QuernError(code, message, { position, hint });
  }

  /**
   * Calls `receive` when a helper fails in the execution, until the returned function is called.
   */
  onFailure(execution: number, receive: (error: QuernError) => void): () => void {
    this.#failures.set(execution, receive);
    return () => this.#failures.delete(execution);
  }

  /** Ends the helpers. Statements that are still running fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const helpers = this.#helpers.splice(0);
    await Promise.all(helpers.map((helper) => helper.thread.terminate()));
  }
}

function loadProgram(id: number, program: Program): LoadedProgram {
  const compile = (bytes: Uint8Array) => new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  let resumable: WebAssembly.Module | undefined;
  return {
    id,
    module: compile(program.bytes),
    shape: shapeOf(program),
    resumable: () => {
      assert(program.resumableBytes !== undefined, 'a program that is suspended can go on');
      resumable ??= compile(program.resumableBytes());
      return resumable;
    },
  };
}

function send(helper: Helper, message: ToHelper): void {
  helper.thread.post(message);
}
