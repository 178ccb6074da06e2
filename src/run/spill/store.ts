/**
 * Where rows go that do not fit in linear memory: a temporary file, or memory of another kind. All
 * of it is gone when the execution ends, however it ends.
 */
export interface SpillStore {
  /** What another thread needs to {@link SpillStores.attach} to it; can be sent to a worker. */
  readonly handle: unknown;
  /** Bytes that it may hold, if somebody knows; others may need room as well. */
  readonly capacityBytes?: number | undefined;
  /** Writes bytes to the pages from `page` on. Throws 53100 or 58030. */
  write(page: number, bytes: Uint8Array): void;
  /** Reads what was written there. Throws 58030. */
  read(page: number, into: Uint8Array): void;
  /** Gives everything back. Only for the thread that created it. */
  close(): void;
}

export interface SpillStores {
  /** A new store; in this directory, if there are directories. Throws 58030. */
  create(directory: string | undefined): SpillStore;
  attach(handle: unknown): SpillStore;
}

/** Places in a store are counted in pages of this size, like those of the linear memory. */
export const spillPageBytes = 65536;
