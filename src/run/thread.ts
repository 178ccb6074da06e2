/** One thread that runs compiled code: its instances of modules and what they import. */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import { appenderField, morselField, type StateArea } from '../compile/program.ts';
import { fixedText } from '../plan/functions/formats.ts';
import { suspensionState } from '../wasm/suspension-state.ts';
import type { Control } from './control.ts';
import type { EngineMemory } from './memory.ts';
import { smallestPart, writePart } from './morsels.ts';
import { Pace } from './pace.ts';
import type { ProgramShape, StepShape } from './program-shape.ts';
import { RegexPrograms } from './regex-programs.ts';
import { ChunkWriter, chunkEndBytes } from './spill/chunk.ts';
import type { PagedRows } from './spill/paged-rows.ts';
import { spillWord } from './spill/places.ts';
import type { SpillStore } from './spill/store.ts';

const encoder = new TextEncoder();

type StepFunction = (frame: number, local: number, morsel?: number) => void;

/** What the module of a program exports. */
type Exports = Record<string, StepFunction> & Partial<SuspensionGlobals>;

interface SuspensionGlobals {
  readonly suspension: WebAssembly.Global;
  readonly portions: WebAssembly.Global;
  readonly stop_at: WebAssembly.Global;
}

/** Where the state of one execution lies. */
export interface ExecutionAddresses {
  readonly owner: number;
  readonly frame: number;
  /** The area of worker 0; others follow at distances of `workerBytes`. */
  readonly workers: number;
  /** What its threads share about spilling. */
  readonly spill: number;
}

/** Rows appended by one morsel, back to back: three numbers each in flat lists. */
export const sliceNumbers = 3;

/** Chunks of a row buffer begin with { next chunk, bytes }, and their rows after this. */
export const chunkHeaderBytes = 64;
const chunkBytesMin = 65536;
const chunkBytesMax = 4 << 20;

export class Thread {
  readonly memory: EngineMemory;
  readonly #instances = new Map<number, WebAssembly.Instance>();
  /** The part that Wasm is called for at this moment; imports act on it. */
  #current: Part | undefined;
  readonly #imports: WebAssembly.Imports;

  /** `fail`: throws what is to become of a failure that compiled code reports. */
  constructor(memory: EngineMemory, fail: (code: number, detail: number) => never) {
    this.memory = memory;
    this.#imports = {
      env: {
        memory: memory.memory,
        fail: (code: number, detail: number) => fail(code, detail >>> 0),
        parse_double: (address: number, length: number) =>
          Number(memory.text(address >>> 0, length >>> 0)),
        fixed_text: (value: number, places: number, out: number) => {
          const text = encoder.encode(fixedText(value, places));
          memory.u8.set(text, out >>> 0);
          return (out >>> 0) + text.length;
        },
        regex_program: (address: number, length: number, flags: number) =>
          this.#part().regexProgram(address >>> 0, length >>> 0, flags),
        chunk: (local: number, appender: number, bytes: number) =>
          this.#part().chunk(local >>> 0, appender >>> 0, bytes >>> 0),
        allocate: (bytes: number) =>
          memory.pages.allocateZeroed(bytes >>> 0, this.#part().allocationOwner),
        release: (address: number) => memory.pages.release(address >>> 0),
        page: (site: number, buffer: number, index: number) =>
          this.#part().page(site >>> 0, buffer, index >>> 0),
        poll: () => this.#part().poll(),
        save: (bytes: number) => this.#part().save(bytes),
        restore: () => this.#part().restore(),
      },
      Math: Math as unknown as WebAssembly.ModuleImports,
    };
  }

  instance(id: number, module: WebAssembly.Module): WebAssembly.Instance {
    let instance = this.#instances.get(id);
    if (instance === undefined) {
      instance = new WebAssembly.Instance(module, this.#imports);
      this.#instances.set(id, instance);
    }
    return instance;
  }

  forget(id: number): void {
    this.#instances.delete(id);
  }

  /** Runs compiled code on behalf of a part. */
  call(part: Part, run: () => void): void {
    const before = this.#current;
    this.#current = part;
    try {
      run();
    } catch (error) {
      throw asQuernError(error);
    } finally {
      this.#current = before;
    }
  }

  #part(): Part {
    assert(this.#current !== undefined, 'imports are called from within a step');
    return this.#current;
  }
}

/** Thrown through compiled code when all threads are to stop, for a reason that is known. */
export const stopped = new Error('the step was stopped');

/** What compiled code reports in a helper, for the calling thread to make an error of it. */
export class CompiledFailure {
  readonly code: number;
  readonly detail: number;

  constructor(code: number, detail: number) {
    this.code = code;
    this.detail = detail;
  }
}

/** One thread's part in an execution. */
export class Part {
  readonly worker: number;
  readonly addresses: ExecutionAddresses;
  /** Slices of the step under way by index of the buffer: sequence, address, rows. */
  readonly slices = new Map<number, number[]>();
  /**
   * Functions that run at this time (of `performance.now()`) are suspended; by default none ever
   * is.
   */
  deadline = Number.POSITIVE_INFINITY;
  /** On the calling thread of an execution that spills. */
  paged: PagedRows | undefined;
  readonly #thread: Thread;
  readonly #memory: EngineMemory;
  readonly #exports: Exports;
  readonly #shape: ProgramShape;
  #step: StepShape | undefined;
  /** Buffers that the step appends to. */
  #appends: readonly number[] = [];
  /** Where the rows of the current morsel begin, for each of them. */
  readonly #starts: number[] = [];
  /** Made when there are any. */
  #regexes: RegexPrograms | undefined;
  readonly #control: Control;
  readonly #pace: Pace;
  #sequence = 0;
  /** Absent in an execution that keeps all rows in memory. */
  readonly #chunks: ChunkWriter | undefined;
  /** The function that runs or is suspended, and whose local area it has. */
  #function = '';
  #local = 0;
  /** Where suspended functions have saved their state, the innermost first. */
  readonly #saved: number[] = [];
  /** States that were restored; freed when nobody reads them any more. */
  readonly #restored: number[] = [];

  constructor(
    thread: Thread,
    instance: WebAssembly.Instance,
    shape: ProgramShape,
    addresses: ExecutionAddresses,
    worker: number,
    control: Control,
    store?: SpillStore,
    impatient = false,
  ) {
    this.#pace = new Pace(impatient);
    this.#thread = thread;
    this.#memory = thread.memory;
    this.#exports = instance.exports as Exports;
    this.#shape = shape;
    this.addresses = addresses;
    this.worker = worker;
    const { owner, spill } = addresses;
    this.#chunks = store && new ChunkWriter(thread.memory, owner, spill, store);
    this.#control = control;
  }

  /** The owner of what the code under way allocates. */
  get allocationOwner(): number {
    const { owner, spill } = this.addresses;
    return this.#memory.u32[(spill >>> 2) + spillWord.owner] || owner;
  }

  regexProgram(address: number, length: number, flags: number): number {
    this.#regexes ??= new RegexPrograms(this.#memory, this.addresses.owner);
    return this.#regexes.program(address, length, flags);
  }

  localOf(worker: number): number {
    return this.addresses.workers + worker * this.#shape.workerBytes;
  }

  /** Zeroes areas of all workers, and forgets which steps they took part in. */
  clearLocals(areas: readonly StateArea[], workers: number): void {
    const words = this.#memory.u32;
    for (let worker = 0; worker < workers; worker++) {
      const local = this.localOf(worker);
      words[(local + this.#shape.presence) >>> 2] = 0;
      for (const { offset, bytes } of areas) {
        const at = (local + offset) >>> 2;
        words.fill(0, at, at + bytes / 4);
      }
    }
  }

  beginStep(step: number): void {
    const next = this.#shape.steps[step];
    if (next !== this.#step) this.#pace.reset();
    this.#step = next;
    this.#appends = next.appends;
    this.slices.clear();
    for (const buffer of this.#appends) this.slices.set(buffer, []);
  }

  /**
   * Does rows of the morsel at `address`, from number `from` on, as many as one call is to take.
   * Gives the number of the row to go on with when {@link call}, which is what it does, is through.
   */
  callForRows(sequence: number, address: number, from: number): { next: number; done: boolean } {
    const step = this.#step;
    assert(step !== undefined, 'a step was begun');
    const words = this.#memory.u32;
    const count = words[(address + morselField.count) >>> 2];
    const pace = this.#pace;
    if (from === 0 && count <= pace.rows) {
      return { next: count, done: this.#callTimed(step.name, sequence, address, count) };
    }
    const unit = smallestPart(count);
    const rows = Math.min(Math.max(1, Math.floor(pace.rows / unit)) * unit, count - from);
    const part = this.localOf(this.worker) + this.#shape.part;
    writePart(words, address, part, from, rows, step);
    return { next: from + rows, done: this.#callTimed(step.name, sequence, part, rows) };
  }

  #callTimed(name: string, sequence: number, morsel: number, rows: number): boolean {
    const before = performance.now();
    const done = this.call(name, sequence, morsel);
    // Rows that take forever come one part at a time.
    this.#pace.noteRows(done ? rows : 1, performance.now() - before);
    return done;
  }

  /**
   * Calls an export for one morsel and notes the rows it appends to this worker's buffers. False if
   * it was suspended before its end: {@link resume} goes on. `worker`: whose local area the code
   * gets; another one than this thread's own when its work is wound up.
   */
  call(name: string, sequence: number, morsel: number | undefined, worker = this.worker): boolean {
    this.#function = name;
    this.#local = this.localOf(worker);
    this.#sequence = sequence;
    const { portions, stop_at } = this.#exports;
    if (portions === undefined || stop_at === undefined) return this.#run(this.#exports, morsel);
    if (morsel === undefined) this.#pace.startOnce();
    const given = this.deadline === Number.POSITIVE_INFINITY ? 0x7fffffff : this.#pace.portions;
    portions.value = given;
    stop_at.value = this.#control.stopAddress;
    const before = performance.now();
    const done = this.#run(this.#exports, morsel);
    this.#pace.notePortions(given - portions.value, performance.now() - before);
    return done;
  }

  /**
   * Goes on with a suspended function in the program's resumable form; false if suspended again.
   */
  resume(instance: WebAssembly.Instance): boolean {
    const exports = instance.exports as Exports;
    assert(exports.suspension !== undefined, 'what was suspended can be resumed');
    exports.suspension.value = suspensionState.rewinding;
    this.#pace.start();
    return this.#run(exports, 0);
  }

  #run(exports: Exports, morsel: number | undefined): boolean {
    const local = this.#local;
    const run = exports[this.#function];
    assert(run !== undefined, `the module exports ${this.#function}`);
    for (let i = 0; i < this.#appends.length; i++) {
      this.#starts[i] = this.#memory.u32[this.#appender(local, this.#appends[i]) >>> 2];
    }
    try {
      this.#thread.call(this, () => {
        if (morsel === undefined) run(this.addresses.frame, local);
        else run(this.addresses.frame, local, morsel);
      });
    } catch (error) {
      if (exports.suspension) exports.suspension.value = suspensionState.running;
      throw error;
    }
    while (this.#restored.length > 0) this.#memory.pages.release(this.#restored.pop()!);
    for (let i = 0; i < this.#appends.length; i++) this.#closeSlice(i, local);
    if (this.#saved.length === 0) return true;
    if (exports.suspension) exports.suspension.value = suspensionState.running;
    if (this.#control.stopped) throw stopped;
    return false;
  }

  /** How far compiled code may work until it asks again; 0 suspends it. */
  poll(): number {
    if (this.#control.stopped) throw stopped;
    const now = performance.now();
    return now < this.deadline ? this.#pace.next(now) : 0;
  }

  /** Memory for the state of a function that is suspended. */
  save(bytes: number): number {
    const address = this.#memory.pages.allocate(bytes, this.addresses.owner);
    this.#saved.push(address);
    return address;
  }

  /** Where the state was saved last. */
  restore(): number {
    const address = this.#saved.pop();
    assert(address !== undefined, 'what is resumed was suspended');
    this.#restored.push(address);
    return address;
  }

  /** Makes room in a row buffer: `env.chunk` of the program. */
  chunk(local: number, appender: number, bytes: number): number {
    const tracked = this.#appends.findIndex((b) => this.#appender(local, b) === appender);
    if (tracked >= 0) this.#closeSlice(tracked, local);
    if (tracked >= 0 && this.#isMovable(this.#appends[tracked])) {
      const slices = this.slices.get(this.#appends[tracked])!;
      this.#starts[tracked] = this.#chunks!.next(appender, bytes, slices);
      return this.#starts[tracked];
    }
    const at = appender >>> 2;
    const old = this.#memory.u32[at + 2];
    const oldBytes = old === 0 ? chunkBytesMin / 2 : this.#memory.u32[(old >>> 2) + 1];
    const { pages } = this.#memory;
    const needed = bytes + chunkHeaderBytes + chunkEndBytes;
    const wanted = Math.max(needed, Math.min(2 * oldBytes, chunkBytesMax));
    const chunk = pages.allocate(wanted, this.addresses.owner);
    const words = this.#memory.u32;
    const chunkBytes = pages.runBytes(chunk);
    words[chunk >>> 2] = old;
    words[(chunk >>> 2) + 1] = chunkBytes;
    words[at] = chunk + chunkHeaderBytes;
    words[at + 1] = chunk + chunkBytes - chunkEndBytes;
    words[at + 2] = chunk;
    if (tracked >= 0) this.#starts[tracked] = chunk + chunkHeaderBytes;
    return chunk + chunkHeaderBytes;
  }

  /** Brings a row into memory: `env.page` of the program. */
  page(site: number, buffer: number, index: number): void {
    assert(this.paged !== undefined, 'rows are paged by the calling thread');
    this.paged.bringIn(site, buffer, index);
  }

  #appender(local: number, buffer: number): number {
    return local + this.#shape.buffers[buffer].appender;
  }

  /** Notes the rows between where the morsel began, or the chunk, and the cursor. */
  #closeSlice(index: number, local: number): void {
    const buffer = this.#appends[index];
    const { rowBytes } = this.#shape.buffers[buffer];
    const cursor = this.#memory.u32[(this.#appender(local, buffer) + appenderField.cursor) >>> 2];
    const start = this.#starts[index];
    // A morsel that began without a chunk starts where its first chunk does.
    if (cursor === start || start === 0 || rowBytes === 0) return;
    // A chunk that may move is known by another name than its address.
    const place = this.#isMovable(buffer)
      ? this.#chunks!.pageOf(this.#appender(local, buffer))
      : start;
    this.slices.get(buffer)!.push(this.#sequence, place, (cursor - start) / rowBytes);
  }

  #isMovable(buffer: number): boolean {
    return this.#shape.buffers[buffer].movable;
  }
}

const wasmFrame = /at (\S+) \(wasm:\/\/[^)]*\)/;

/** A trap or a bug of ours as an internal error that names the function of the module. */
export function asQuernError(error: unknown): unknown {
  if (error instanceof QuernError || error === stopped) return error;
  if (!(error instanceof Error)) return error;
  const frame = wasmFrame.exec(error.stack ?? '');
  const where = frame === null ? '' : ` in compiled function ${frame[1]}`;
  return new QuernError(
    sqlState.internalError,
    `internal error${where} (a bug in Quern, please report it): ${error.message}`,
    { cause: error },
  );
}
