/** Running the steps of a recursive operator in rounds. */
import type { LoopStep, StateArea, Step } from '../compile/program.ts';
import type { EngineMemory } from './memory.ts';
import type { RowBuffers } from './row-buffers.ts';

/** What the rounds need of the execution they are part of. */
export interface RoundsHost {
  readonly memory: EngineMemory;
  readonly buffers: RowBuffers;
  /** Address of the frame. */
  readonly frame: number;
  /** Index of the u32 that says who owns what compiled code allocates. */
  readonly ownerWord: number;
  runSteps(steps: readonly Step[]): Promise<void>;
  /** Gives the rows of buffers back. */
  free(buffers: readonly number[]): void;
  /** Zeroes areas of all workers. */
  clearLocals(areas: readonly StateArea[]): void;
}

/**
 * Runs rounds until one adds no rows; gives their number. What the steps of a round allocate is
 * freed after it, and their state begins anew each time.
 */
export async function runRounds(step: LoopStep, host: RoundsHost): Promise<number> {
  const { buffers, memory } = host;
  const state = (host.frame + step.frame.offset) >>> 2;
  const initial = memory.u32.slice(state, state + step.frame.bytes / 4);
  const kept = step.kept.map((offset) => (host.frame + offset) >>> 2);
  let rounds = 0;
  while (buffers.rowCount(step.added) > 0) {
    buffers.clear(step.working);
    buffers.share(step.added, step.working);
    buffers.share(step.added, step.result);
    buffers.clear(step.added);
    await withOwner(host, () => host.runSteps(step.steps));
    host.free(step.buffers);
    const words = memory.u32;
    const values = kept.map((at) => words[at]);
    words.set(initial, state);
    kept.forEach((at, i) => {
      words[at] = values[i];
    });
    host.clearLocals(step.locals);
    await host.runSteps(step.after);
    rounds++;
  }
  buffers.clear(step.working);
  return rounds;
}

/** Runs something whose allocations are given back when it ends, well or not. */
async function withOwner(host: RoundsHost, run: () => Promise<void>): Promise<void> {
  const { memory, ownerWord } = host;
  const before = memory.u32[ownerWord];
  const owner = memory.pages.openOwner();
  memory.u32[ownerWord] = owner;
  try {
    await run();
  } finally {
    memory.u32[ownerWord] = before;
    memory.pages.closeOwner(owner);
  }
}
