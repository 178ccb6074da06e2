/** Running the steps of a recursive operator in rounds. */
import type { LoopStep, StateArea, Step } from '../compile/program.ts';
import type { EngineMemory } from './memory.ts';
import type { MorselSources } from './morsel-sources.ts';
import type { ProfileInProgress } from './profile.ts';
import type { RowBuffers } from './row-buffers.ts';
import type { MovableRows } from './spill/movable-rows.ts';

/** What the rounds need of the execution they are part of. */
export interface RoundsHost {
  readonly memory: EngineMemory;
  readonly buffers: RowBuffers;
  readonly sources: MorselSources;
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
 * Runs rounds until one adds no rows. What the steps of a round allocate is freed after it, and
 * their state begins anew each time.
 */
export async function runRounds(
  step: LoopStep,
  profile: ProfileInProgress,
  host: RoundsHost,
): Promise<void> {
  const { memory } = host;
  const movable = host.sources.movable(step.added);
  const rows = movable === undefined ? fixedRows(step, host) : movableRows(step, host, movable);
  const state = (host.frame + step.frame.offset) >>> 2;
  const initial = memory.u32.slice(state, state + step.frame.bytes / 4);
  const kept = step.keptWords.map((offset) => (host.frame + offset) >>> 2);
  for (let added = rows.added(); added > 0; added = rows.added()) {
    profile.rowsOut += added;
    profile.morsels++;
    rows.begin();
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
  }
  rows.end();
}

/** Where the rows of a recursion are. */
interface RoundRows {
  /** How many the round before has added. */
  added(): number;
  /** These are what the next round reads. */
  begin(): void;
  /** There is no next round. */
  end(): void;
}

function fixedRows({ added, working, result }: LoopStep, { buffers }: RoundsHost): RoundRows {
  return {
    added: () => buffers.rowCount(added),
    begin() {
      buffers.clear(working);
      buffers.share(added, working);
      buffers.share(added, result);
      buffers.clear(added);
    },
    end: () => buffers.clear(working),
  };
}

function movableRows(step: LoopStep, host: RoundsHost, rows: MovableRows): RoundRows {
  const { added, working, result, kept } = step;
  if (kept === undefined) {
    return {
      added: () => rows.rowCount(added),
      begin() {
        // The rows of a round and of the next may share a chunk.
        rows.put(working, rows.take(added));
        rows.append(result, rows.extents(working));
      },
      end() {
        rows.put(working, []);
        host.sources.seal(added);
      },
    };
  }
  return {
    added: () => rows.rowCount(added),
    begin() {
      host.free([working]);
      host.sources.seal(added);
      rows.put(working, rows.take(added));
    },
    end() {
      host.free([working]);
      for (let i = kept.first; i < kept.first + kept.count; i++) {
        host.sources.seal(i);
        rows.append(result, rows.take(i));
      }
    },
  };
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
