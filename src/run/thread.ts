/** One thread that runs compiled code: its instances of modules and what they import. */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import { appenderField, failures } from '../compile/program.ts';
import type { EngineMemory } from './memory.ts';
import type { ProgramShape } from './program-shape.ts';
import { ChunkWriter } from './spill/chunk.ts';
import type { SpillStore } from './spill/store.ts';

type StepFunction = (frame: number, local: number, morsel?: number) => void;

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

  constructor(memory: EngineMemory) {
    this.memory = memory;
    this.#imports = {
      env: {
        memory: memory.memory,
        fail: (code: number) => {
          const failure = failures[code];
          assert(failure !== undefined, `compiled code failed with unknown code ${code}`);
          throw new QuernError(failure.code, failure.message);
        },
        chunk: (local: number, appender: number, bytes: number) =>
          this.#part().chunk(local >>> 0, appender >>> 0, bytes >>> 0),
        allocate: (bytes: number) =>
          memory.pages.allocateZeroed(bytes >>> 0, this.#part().addresses.owner),
        release: (address: number) => memory.pages.release(address >>> 0),
      },
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

/** One thread's part in an execution. */
export class Part {
  readonly worker: number;
  readonly addresses: ExecutionAddresses;
  /** Slices of the step under way by index of the buffer: sequence, address, rows. */
  readonly slices = new Map<number, number[]>();
  readonly #thread: Thread;
  readonly #memory: EngineMemory;
  readonly #exports: Record<string, StepFunction>;
  readonly #shape: ProgramShape;
  /** Buffers that the step appends to. */
  #appends: readonly number[] = [];
  /** Where the rows of the current morsel begin, for each of them. */
  readonly #starts: number[] = [];
  #sequence = 0;
  /** Absent in an execution that keeps all rows in memory. */
  readonly #chunks: ChunkWriter | undefined;

  constructor(
    thread: Thread,
    instance: WebAssembly.Instance,
    shape: ProgramShape,
    addresses: ExecutionAddresses,
    worker: number,
    store?: SpillStore,
  ) {
    this.#thread = thread;
    this.#memory = thread.memory;
    this.#exports = instance.exports as Record<string, StepFunction>;
    this.#shape = shape;
    this.addresses = addresses;
    this.worker = worker;
    const { owner, spill } = addresses;
    this.#chunks = store && new ChunkWriter(thread.memory, owner, spill, store);
  }

  localOf(worker: number): number {
    return this.addresses.workers + worker * this.#shape.workerBytes;
  }

  beginStep(step: number): void {
    this.#appends = this.#shape.steps[step].appends;
    this.slices.clear();
    for (const buffer of this.#appends) this.slices.set(buffer, []);
  }

  /**
   * Calls an export for one morsel and notes the rows it appends to this worker's buffers.
   * `worker`: whose local area the code gets; another one than this thread's own when its work is
   * wound up.
   */
  call(name: string, sequence: number, morsel: number | undefined, worker = this.worker): void {
    const local = this.localOf(worker);
    const run = this.#exports[name];
    assert(run !== undefined, `the module exports ${name}`);
    this.#sequence = sequence;
    for (let i = 0; i < this.#appends.length; i++) {
      this.#starts[i] = this.#memory.u32[this.#appender(local, this.#appends[i]) >>> 2];
    }
    this.#thread.call(this, () => {
      if (morsel === undefined) run(this.addresses.frame, local);
      else run(this.addresses.frame, local, morsel);
    });
    for (let i = 0; i < this.#appends.length; i++) this.#closeSlice(i, local);
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
    const wanted = Math.max(bytes + chunkHeaderBytes, Math.min(2 * oldBytes, chunkBytesMax));
    const chunk = pages.allocate(wanted, this.addresses.owner);
    const words = this.#memory.u32;
    const chunkBytes = pages.runBytes(chunk);
    words[chunk >>> 2] = old;
    words[(chunk >>> 2) + 1] = chunkBytes;
    words[at] = chunk + chunkHeaderBytes;
    words[at + 1] = chunk + chunkBytes;
    words[at + 2] = chunk;
    if (tracked >= 0) this.#starts[tracked] = chunk + chunkHeaderBytes;
    return chunk + chunkHeaderBytes;
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
  if (error instanceof QuernError) return error;
  if (!(error instanceof Error)) return error;
  const frame = wasmFrame.exec(error.stack ?? '');
  const where = frame === null ? '' : ` in compiled function ${frame[1]}`;
  return new QuernError(
    sqlState.internalError,
    `internal error${where} (a bug in Quern, please report it): ${error.message}`,
    { cause: error },
  );
}
