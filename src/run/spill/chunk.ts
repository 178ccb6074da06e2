/**
 * Chunks of movable row buffers: rows from the front, the bytes of their strings from the back.
 * Each has a place in the spill store from its beginning, whose first page is its name. A thread
 * that has filled a chunk while the execution holds more memory than it should writes it there and
 * fills the same memory again.
 */
import { appenderField } from '../../compile/program.ts';
import type { EngineMemory } from '../memory.ts';
import { pageBytes } from '../page-allocator.ts';
import { Places, spillWord } from './places.ts';
import type { SpillStore } from './store.ts';

/** Indexes of u32 words at the start of a chunk in memory; rows begin at {@link chunkRowsAt}. */
export const chunkWord = {
  next: 0,
  bytes: 1,
  page: 2,
  self: 3,
  /** Whether somebody reads its rows while more may be appended. */
  isRead: 4,
} as const;
export const chunkRowsAt = 64;
/** Texts end so far before the end of a chunk, for code that reads them reads a little further. */
export const chunkEndBytes = 16;

/**
 * Among the slices of a step: a chunk was closed. In place of the address of rows stands the page
 * of the chunk; in place of the number of rows its address, or below 65536 the number of its pages
 * if it is outside.
 */
export const closedChunk = 0xffffffff;

/** What one thread does with the movable buffers it appends to. */
export class ChunkWriter {
  readonly #memory: EngineMemory;
  readonly #owner: number;
  /** Index of the first of the shared words. */
  readonly #words: number;
  readonly #places: Places;
  readonly #store: SpillStore;

  constructor(memory: EngineMemory, owner: number, words: number, store: SpillStore) {
    this.#memory = memory;
    this.#owner = owner;
    this.#words = words >>> 2;
    this.#places = new Places(memory, words);
    this.#store = store;
  }

  /** The page by which the open chunk of an appender is known. */
  pageOf(appender: number): number {
    const words = this.#memory.u32;
    const chunk = words[(appender + appenderField.chunk) >>> 2];
    return words[(chunk >>> 2) + chunkWord.page];
  }

  /**
   * Gives the appender a new chunk with room for `bytes`, and notes in `slices` what became of the
   * one it had. Gives the address of the first row.
   */
  next(appender: number, bytes: number, slices: number[]): number {
    const { pages } = this.#memory;
    const at = appender >>> 2;
    const wanted = roundUp(
      Math.max(
        bytes + chunkRowsAt + chunkEndBytes,
        this.#memory.u32[this.#words + spillWord.chunkBytes],
      ),
    );
    const old = this.#memory.u32[at + 2];
    let chunk = old === 0 ? 0 : this.#close(old, slices);
    if (chunk !== 0 && pages.runBytes(chunk) < wanted) {
      pages.release(chunk);
      chunk = 0;
    }
    if (chunk === 0) chunk = pages.allocate(wanted, this.#owner);
    const words = this.#memory.u32;
    const chunkBytes = pages.runBytes(chunk);
    const header = chunk >>> 2;
    words[header + chunkWord.next] = 0;
    words[header + chunkWord.bytes] = chunkBytes;
    words[header + chunkWord.page] = this.#places.take(chunkBytes / pageBytes);
    words[header + chunkWord.self] = chunk;
    words[header + chunkWord.isRead] = 0;
    words[at] = chunk + chunkRowsAt;
    words[at + 1] = chunk + chunkBytes - chunkEndBytes;
    words[at + 2] = chunk;
    return chunk + chunkRowsAt;
  }

  /** Writes a full chunk to the store if memory is short; then gives the memory, else 0. */
  #close(chunk: number, slices: number[]): number {
    const words = this.#memory.u32;
    const page = words[(chunk >>> 2) + chunkWord.page];
    const bytes = words[(chunk >>> 2) + chunkWord.bytes];
    const held = this.#memory.pages.usage(this.#owner).bytes / pageBytes;
    const isRead = words[(chunk >>> 2) + chunkWord.isRead] !== 0;
    if (isRead || held <= words[this.#words + spillWord.keepPages]) {
      slices.push(closedChunk, page, chunk);
      return 0;
    }
    this.#store.write(page, this.#memory.u8.subarray(chunk, chunk + bytes));
    this.#places.noteWritten(bytes / pageBytes, true);
    slices.push(closedChunk, page, bytes / pageBytes);
    return chunk;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}
