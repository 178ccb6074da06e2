/** The steps that run no code: taking memory, gathering addresses of rows, giving memory back. */
import type { AllocateStep, FreedArea, GatherStep, Program } from '../compile/program.ts';
import { freeAreas, freeRows } from './free.ts';
import type { MorselSources } from './morsel-sources.ts';
import type { RowBuffers } from './row-buffers.ts';
import type { Runtime } from './runtime.ts';
import type { Part } from './thread.ts';

/** The execution whose steps they are. */
interface Context {
  readonly runtime: Runtime;
  readonly program: Program;
  readonly part: Part;
  readonly frame: number;
  readonly threads: number;
  readonly buffers: RowBuffers;
  readonly sources: MorselSources;
}

export class MemorySteps {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  allocate({ bytes, slot }: AllocateStep): void {
    const { pages } = this.#context.runtime.memory;
    const wanted = typeof bytes === 'number' ? bytes : this.#word(bytes.slot);
    this.#setWord(slot, pages.allocateZeroed(wanted, this.#context.part.allocationOwner));
  }

  gather({ buffer, slot, pointers }: GatherStep): void {
    const { runtime, sources, buffers, part } = this.#context;
    const movable = sources.movable(buffer);
    const rows = movable?.rowCount(buffer) ?? buffers.rowCount(buffer);
    this.#setWord(slot + 4, rows);
    if (!pointers) return;
    const address = runtime.memory.pages.allocate(4 * rows, part.allocationOwner);
    if (movable === undefined) buffers.writePointers(runtime.memory, buffer, address);
    else movable.writePointers(buffer, address);
    this.#setWord(slot, address);
  }

  /** Frees the rows of buffers, which more can be appended to, and what lies at areas. */
  free(freed: readonly number[], areas: readonly FreedArea[] = []): void {
    const { runtime, program, frame, buffers, sources, threads, part } = this.#context;
    const locals = Array.from({ length: threads }, (_, worker) => part.localOf(worker));
    const fixed = freed.filter((buffer) => !sources.freeMovable(buffer));
    for (const buffer of fixed) buffers.clear(buffer);
    const appenders = fixed.map((buffer) => program.buffers[buffer].appender);
    freeRows(runtime.memory, locals, appenders);
    freeAreas(runtime.memory, frame, locals, areas);
  }

  #word(offset: number): number {
    const { runtime, frame } = this.#context;
    return runtime.memory.u32[(frame + offset) >>> 2];
  }

  #setWord(offset: number, value: number): void {
    const { runtime, frame } = this.#context;
    runtime.memory.u32[(frame + offset) >>> 2] = value;
  }
}
