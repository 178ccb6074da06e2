/** What the runtime needs of the place it runs in; `node/` and `browser/` provide it. */
import type { SpillStore, SpillStores } from './spill/store.ts';

export interface Platform {
  /** Threads that can run at once. */
  readonly threads: number;
  /** Starts a helper thread that runs `helperLoop`; undefined where there are none. */
  startHelper(): HelperThread | undefined;
  /** Whether the calling thread may sleep in Atomics.wait for a few milliseconds. */
  readonly mayBlock: boolean;
  /** Resolves after pending events (an abort, a timer, a message) have had their turn. */
  yieldToEvents(): Promise<void>;
  /** Where rows go that do not fit in memory; `shared`: whether helpers will write there too. */
  spillStores(shared: boolean): SpillStores;
}

/** A worker as seen from the main thread. */
export interface HelperThread {
  post(message: unknown): void;
  onMessage(receive: (message: unknown) => void): void;
  /** Called when the thread dies without having been told to. */
  onDeath(notice: (error: Error) => void): void;
  /** Does not keep the process alive. */
  terminate(): Promise<void>;
}

/** The other end: how a worker hears from the main thread. */
export interface HelperPort {
  post(message: unknown): void;
  onMessage(receive: (message: unknown) => void): void;
  /** The spill store that the main thread has created. */
  attachSpillStore(handle: unknown): SpillStore;
}
