/**
 * Which pages of the spill store are in use. Chunks get their place from any thread; the calling
 * thread gives places back, through a ring in the memory that all threads see, so that the store
 * grows no larger than what lies in it at once.
 */
import { QuernError, sqlState } from '../../base/error.ts';
import type { EngineMemory } from '../memory.ts';
import { pageBytes } from '../page-allocator.ts';
import type { Profile } from '../profile.ts';

/** Indexes of the u32 words that the threads of an execution share about spilling. */
export const spillWord = {
  /** The next page of the store that no chunk ever had. */
  nextPage: 0,
  /** With more pages than this, filled chunks are written to the store. */
  keepPages: 1,
  /** Bytes of a chunk, if a single row does not need more. */
  chunkBytes: 2,
  writtenPages: 3,
  /** Owner of what compiled code allocates; 0 for that of the execution. */
  owner: 4,
  /** Entries of the ring that were taken and given since the beginning. */
  taken: 5,
  given: 6,
  /** Pages of the store with content that is still needed, and most there ever were. */
  heldPages: 7,
  heldPagesMax: 8,
  /** How many there may be; 0 for any number. */
  limitPages: 9,
} as const;
const ringAt = 16;
/** Places that other threads know of; a power of two. The calling thread may know of more. */
const ringPlaces = 2048;
export const spillWordsBytes = 4 * (ringAt + ringPlaces);

/** A number of bytes as one of pages, which may be without bounds. */
export function pagesOf(bytes: number): number {
  return Math.min(Math.ceil(bytes / pageBytes), 0xffffffff);
}

/** Bytes that were written to the store, and most that were held there at once. */
export type Spilled = Pick<Profile, 'spilledBytes' | 'spilledBytesMax'>;
export const nothingSpilled: Spilled = { spilledBytes: 0, spilledBytesMax: 0 };

export class Places {
  readonly #memory: EngineMemory;
  /** Index of the first of the shared words. */
  readonly #words: number;
  /** Places that the ring has no room for; only the calling thread has any. */
  readonly #more: number[] = [];

  constructor(memory: EngineMemory, words: number) {
    this.#memory = memory;
    this.#words = words >>> 2;
  }

  /** A place of so many pages. */
  take(pages: number): number {
    const place = pages === this.#chunkPages() ? this.#takeFromRing() : undefined;
    return place ?? this.#add(spillWord.nextPage, pages);
  }

  /** For the calling thread: gives back a place, from which chunks of the usual size are cut. */
  give(page: number, pages: number): void {
    const usual = this.#chunkPages();
    for (let at = 0; at + usual <= pages; at += usual) this.#more.push(page + at);
    const words = this.#memory.i32;
    for (; this.#more.length > 0; ) {
      const given = Atomics.load(words, this.#words + spillWord.given);
      const taken = Atomics.load(words, this.#words + spillWord.taken);
      if (((given - taken) | 0) >= ringPlaces) return;
      Atomics.store(words, this.#entry(given), this.#more.pop() as number);
      Atomics.add(words, this.#words + spillWord.given, 1);
    }
  }

  /**
   * Notes that pages were written: again, or with content where there was none. Throws 53400 when
   * there are too many.
   */
  noteWritten(pages: number, isNew: boolean): void {
    this.#add(spillWord.writtenPages, pages);
    if (!isNew) return;
    const words = this.#memory.i32;
    const held = this.#add(spillWord.heldPages, pages) + pages;
    const limit = this.#memory.u32[this.#words + spillWord.limitPages];
    if (limit !== 0 && held > limit) throw tooMuch(limit * pageBytes);
    const at = this.#words + spillWord.heldPagesMax;
    for (let most = Atomics.load(words, at); held > most; most = Atomics.load(words, at)) {
      if (Atomics.compareExchange(words, at, most, held) === most) return;
    }
  }

  /** Notes that the content of pages is not needed any more. */
  noteFreed(pages: number): void {
    this.#add(spillWord.heldPages, -pages);
  }

  get spilled(): Spilled {
    const words = this.#memory.u32;
    return {
      spilledBytes: words[this.#words + spillWord.writtenPages] * pageBytes,
      spilledBytesMax: words[this.#words + spillWord.heldPagesMax] * pageBytes,
    };
  }

  #takeFromRing(): number | undefined {
    const words = this.#memory.i32;
    for (;;) {
      const taken = Atomics.load(words, this.#words + spillWord.taken);
      if (taken === Atomics.load(words, this.#words + spillWord.given)) return undefined;
      // Should another thread be faster, the entry may be another one by now; then `taken` is too.
      const place = Atomics.load(words, this.#entry(taken)) >>> 0;
      const at = this.#words + spillWord.taken;
      if (Atomics.compareExchange(words, at, taken, (taken + 1) | 0) === taken) return place;
    }
  }

  #entry(number: number): number {
    return this.#words + ringAt + (number & (ringPlaces - 1));
  }

  #chunkPages(): number {
    return this.#memory.u32[this.#words + spillWord.chunkBytes] / pageBytes;
  }

  #add(word: number, pages: number): number {
    return Atomics.add(this.#memory.i32, this.#words + word, pages) >>> 0;
  }
}

function tooMuch(bytes: number): QuernError {
  return new QuernError(
    sqlState.configurationLimitExceeded,
    `the rows that do not fit in memory need more than ${bytes} bytes elsewhere`,
    { hint: 'The option tempLimit says how many; by default, most of what the disk has left.' },
  );
}
