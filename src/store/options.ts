import type { SealerFactory } from './block/sealer.ts';
import type { Compressor, CoreOptions } from './core.ts';
import { blockSize } from './layout.ts';

export interface StoreOptions {
  /** Sees the last commit as of opening, takes no lock, writes nothing. */
  readOnly?: boolean;
  /** Bytes the store may take at most. */
  sizeMax?: number;
  /** Bytes of memory for tree nodes; 64 MiB unless given. */
  cacheSize?: number;
  /** Bytes of journal that bring about a checkpoint; 1 MiB unless given. */
  journalSize?: number;
  /** Dirty nodes that bring about a checkpoint; 16384 unless given. */
  dirtyNodes?: number;
  /** Bytes of memory for pages of tables; 64 MiB, enough for 16 GiB of store, unless given. */
  tableCacheSize?: number;
  /** Nodes and pages a checkpoint handles in one step, 256 unless given: some ms. */
  checkpointPortion?: number;
  /** Runs background work (taking deleted trees apart) soon; a timer unless given. */
  defer?: (task: () => void) => void;
  /** Resolves when others had their turn, amid long work; by a timer unless given. */
  pause?: () => Promise<void>;
  /** Encrypts everything but the superblock; `aesSealer` in `store/node/` makes one from a key. */
  encryption?: SealerFactory;
  /** For extents. */
  compressor?: Compressor;
  /** Whether new extents are compressed with it, as they are unless this is false. */
  compress?: boolean;
  /** Random bytes, for ids of stores and snapshots; tests pass seeded ones. */
  random?: (count: number) => Uint8Array;
  /** Milliseconds since 1970. */
  clock?: () => number;
}

/** The options with what they are unless given. */
export function coreOptionsOf(options: StoreOptions): CoreOptions {
  return {
    readOnly: options.readOnly ?? false,
    bytesMax: options.sizeMax ?? Number.MAX_SAFE_INTEGER,
    cacheNodes: Math.max(64, Math.floor((options.cacheSize ?? 64 << 20) / blockSize)),
    tableCache: options.tableCacheSize ?? 64 << 20,
    journalBytes: options.journalSize ?? 1 << 20,
    dirtyNodes: options.dirtyNodes ?? 16384,
    portion: options.checkpointPortion ?? 256,
    compress: options.compress ?? true,
    defer: options.defer ?? ((task) => setTimeout(task, 0)),
    pause: options.pause ?? (() => new Promise((resolve) => setTimeout(resolve, 0))),
  };
}
