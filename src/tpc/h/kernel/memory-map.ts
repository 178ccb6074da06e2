import { chunkCount } from '../checkpoints.ts';
import { textPoolSize } from '../constants.ts';

/**
 * Where things are in the memory of a kernel:
 *
 *     0            1 KiB     512 KiB                    1 MiB          301 MiB + 64 KiB
 *     | unused     | image   | chunk table, ready marks | text pool    | arenas, one a worker …
 *
 * The image holds constant tables. The pool is filled a chunk at a time when somebody needs it; its
 * last sentence and the slots that are copied beyond a comment reach into the 64 KiB behind it.
 */
export interface MemoryMap {
  readonly image: number;
  readonly imageEnd: number;
  /** i32 a chunk, and one more: where it starts in the pool. */
  readonly chunkOffsets: number;
  /** i32 a chunk: the seed before its first draw. */
  readonly chunkSeeds: number;
  /** A byte a chunk, after one that is always 1: whether it has been filled. */
  readonly chunkReady: number;
  readonly pool: number;
  readonly arenas: number;
}

const chunkTable = 512 * 1024;
const tableBytes = 4 * (chunkCount + 1);
const pool = 1024 * 1024;

export const memoryMap: MemoryMap = {
  image: 1024,
  imageEnd: chunkTable,
  chunkOffsets: chunkTable,
  chunkSeeds: chunkTable + tableBytes,
  chunkReady: chunkTable + 2 * tableBytes,
  pool,
  arenas: pool + textPoolSize + 65536,
};

/** Gives out places in an arena; all are multiples of 64, with room for a write of a whole slot. */
export class ArenaLayout {
  #size = 0;

  get size(): number {
    return this.#size;
  }

  reserve(bytes: number): number {
    const place = this.#size;
    this.#size = (place + bytes + 64 + 63) & ~63;
    return place;
  }
}
