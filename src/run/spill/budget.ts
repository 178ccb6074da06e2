/** How much of the memory an execution that spills uses for what. */
import { pageBytes } from '../page-allocator.ts';

export interface SpillBudget {
  /** Bytes that it may hold all in all. */
  readonly limitBytes: number;
  /** Holding more than this, it moves out what it has filled. */
  readonly keepBytes: number;
  /** For the partitions under way, with what is made of them. */
  readonly windowBytes: number;
  /** For rows that are read once, at a time. */
  readonly batchBytes: number;
  readonly chunkBytes: number;
  /** Partitions that rows are distributed over; a power of two. */
  readonly partitions: number;
  /** See SpillOptions. */
  readonly sampleEvery: number;
  readonly groupBytes: number;
}

const partitionsMin = 4;
const partitionsMax = 64;
const chunkBytesMax = 1 << 20;
/** More than that lies too far from the processor. */
const groupBytesMax = 8 << 20;

/** Shares `limitBytes` out among the rows of a statement that runs on so many threads. */
export function shareOut(limitBytes: number, threads: number): SpillBudget {
  // Each thread has a chunk open for each partition, of two operators at once, in a quarter of it.
  const perPartition = limitBytes / (threads * 2 * 4);
  const partitions = clamp(perPartition / pageBytes, partitionsMin, partitionsMax);
  const chunkBytes = clamp(perPartition / partitions, pageBytes, chunkBytesMax);
  return {
    limitBytes,
    keepBytes: limitBytes / 2,
    windowBytes: limitBytes * 0.3,
    batchBytes: Math.max(limitBytes / 16, pageBytes),
    chunkBytes,
    partitions,
    sampleEvery: 1024,
    groupBytes: clamp(limitBytes / (threads * 8), pageBytes, groupBytesMax),
  };
}

/** For tests: nothing is kept that may go. */
export const nothingKept: SpillBudget = {
  limitBytes: 0,
  keepBytes: 0,
  windowBytes: 3 * pageBytes,
  batchBytes: 0,
  chunkBytes: pageBytes,
  partitions: 4,
  sampleEvery: 4,
  groupBytes: 4096,
};

/** The power of two at or below x, within bounds. */
function clamp(x: number, min: number, max: number): number {
  return Math.min(Math.max(2 ** Math.floor(Math.log2(Math.max(x, 1))), min), max);
}
