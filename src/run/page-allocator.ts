/**
 * Runs of 64 KiB pages inside one linear memory, allocated and freed by any thread that has it. All
 * state lies in the memory itself, guarded by a spin lock, so a worker in the middle of a query
 * allocates without asking anyone.
 *
 * ```text
 * page 0   0..63         always zero: a null row pointer reads as zeros
 *          64..127       header words, see `word`
 *          4096..20479   1024 owner records: { open, pages in use, most pages ever in use, 0 }
 * page 1   run tags      one u32 a page
 * page 5   run owners    one u16 a page
 * page 7   the first run
 * ```
 *
 * Boundary tags (Knuth, TAOCP volume 1, 2.5): the first and the last page of a run both carry
 * length * 2 + used, so that a freed run finds free neighbours on both sides at once. Two free runs
 * are never adjacent. The search is next fit: it goes on where the last one ended.
 */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';

export const pageBytes = 65536;
/** One page short of 4 GiB, so that the end of every block is a 32-bit address too. */
export const pagesMax = 65535;

/** The owner of table data, and of all else that outlives an execution. */
export const engineOwner = 1;
const ownersMax = 1024;

/** Indexes of the header words, in u32 from address 0. */
const word = {
  lock: 16,
  /** Pages of the memory that the tags describe. */
  pages: 17,
  /** Where the next search begins. */
  rover: 18,
  used: 19,
  /** Pages from here on were never handed out: they are still zero. */
  fresh: 20,
  /** Most pages that may be in use at once. */
  limit: 21,
  owner: 22,
} as const;

const ownersAt = 4096;
const ownerWords = 4;
const tagsAt = pageBytes;
const runOwnersAt = 5 * pageBytes;
const firstRun = 7;

/** Pages the memory must have before {@link PageAllocator.format}. */
export const pagesMin = firstRun + 1;
/**
 * Growing asks for at least this many pages, since each time costs a system call and a broadcast.
 */
const growthPages = 256;

export class PageAllocator {
  readonly memory: WebAssembly.Memory;
  #words: Int32Array;
  #tags: Uint32Array;
  #runOwners: Uint16Array;
  /** Tries to free so many bytes when memory is short; whether there may be room then. */
  relieve: ((bytes: number) => boolean) | undefined;

  /** Attaches to a memory that {@link PageAllocator.format} has prepared. */
  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.#words = new Int32Array(memory.buffer, 0, pageBytes / 4);
    this.#tags = new Uint32Array(memory.buffer, tagsAt, pagesMax);
    this.#runOwners = new Uint16Array(memory.buffer, runOwnersAt, pagesMax);
  }

  /** Prepares a zeroed memory; at most `limitBytes` of it will be in use at once. */
  static format(memory: WebAssembly.Memory, limitBytes: number): PageAllocator {
    const pages = memory.buffer.byteLength / pageBytes;
    assert(pages >= pagesMin, 'the memory has room for the allocator and a page');
    const allocator = new PageAllocator(memory);
    const words = allocator.#words;
    words[word.pages] = pages;
    words[word.rover] = firstRun;
    words[word.used] = firstRun;
    words[word.fresh] = firstRun;
    allocator.setLimit(limitBytes);
    allocator.#setRun(0, firstRun, true);
    allocator.#setRun(firstRun, pages - firstRun, false);
    words[ownersAt / 4 + ownerWords * engineOwner] = 1;
    return allocator;
  }

  /** At most so many bytes will be in use at once from now on; what is in use stays. */
  setLimit(limitBytes: number): void {
    const pages = Math.floor(limitBytes / pageBytes);
    this.#words[word.limit] = Math.max(pagesMin, Math.min(pagesMax, pages));
  }

  /** The buffer of the whole memory, whichever thread made it grow. */
  buffer(): ArrayBufferLike {
    const { memory } = this;
    const buffer = memory.buffer;
    if (buffer.byteLength >= this.#words[word.pages] * pageBytes && buffer.byteLength > 0) {
      return buffer;
    }
    // Another thread has grown the memory; growing by nothing makes this one notice.
    memory.grow(0);
    return memory.buffer;
  }

  /**
   * A run of whole pages of at least `bytes`. Its content is arbitrary; of the bytes below the
   * returned `dirty` it may be other than zero. Throws 53200 when the limit or 4 GiB is reached.
   */
  allocate(bytes: number, owner: number): number {
    return this.#takeInTheEnd(bytes, owner).address;
  }

  /**
   * Has the operating system back memory that was never used. Were it first read and then written,
   * as tables of open addressing are, every page would fault twice, and the second time, when the
   * shared page of zeros is replaced, all other threads would be interrupted.
   */
  #touch(from: number, to: number): void {
    if (from >= to) return;
    const memory = new Uint8Array(this.buffer());
    for (let at = from; at < to; at += systemPageBytes) memory[at] = 0;
  }

  /** As {@link allocate}, with every byte zero. */
  allocateZeroed(bytes: number, owner: number): number {
    const run = this.#takeInTheEnd(bytes, owner);
    if (run.dirty > run.address) {
      zero(new Uint8Array(this.buffer(), run.address, run.dirty - run.address));
    }
    this.#touch(run.dirty, run.address + bytes);
    return run.address;
  }

  /** Gives back the run that begins at `address`. */
  release(address: number): void {
    this.#locked(() => this.#give(address / pageBytes));
  }

  /** The bytes of the run that begins at `address`, a multiple of the page size. */
  runBytes(address: number): number {
    return (this.#tags[address / pageBytes] >>> 1) * pageBytes;
  }

  /** A tag for allocations that will be freed together. Throws 53000 when too many are open. */
  openOwner(): number {
    const owner = this.#locked(() => {
      const words = this.#words;
      for (let tries = 0; tries < ownersMax; tries++) {
        const candidate = words[word.owner] % ownersMax;
        words[word.owner] = candidate + 1;
        const record = ownersAt / 4 + ownerWords * candidate;
        if (candidate > engineOwner && words[record] === 0) {
          words.fill(0, record, record + ownerWords);
          words[record] = 1;
          return candidate;
        }
      }
      return 0;
    });
    if (owner === 0) {
      throw new QuernError(
        sqlState.insufficientResources,
        `more than ${ownersMax - 2} statements at once`,
      );
    }
    return owner;
  }

  /** Frees all runs of the owner and the tag itself. */
  closeOwner(owner: number): void {
    assert(owner > engineOwner, 'only the tag of an execution is ever closed');
    this.#locked(() => {
      const record = ownersAt / 4 + ownerWords * owner;
      const words = this.#words;
      let page = firstRun;
      while (words[record + 1] > 0) {
        assert(page < words[word.pages], 'the pages of an owner are among the runs');
        const tag = this.#tags[page];
        if ((tag & 1) === 1 && this.#runOwners[page] === owner) page = this.#give(page);
        page += this.#tags[page] >>> 1;
      }
      words[record] = 0;
    });
  }

  /** Bytes that the owner has now, and the most it ever had. */
  usage(owner: number): MemoryUsage {
    const record = ownersAt / 4 + ownerWords * owner;
    return {
      bytes: this.#words[record + 1] * pageBytes,
      peakBytes: this.#words[record + 2] * pageBytes,
    };
  }

  /** Bytes in use by all owners and the allocator itself, and the limit. */
  total(): { readonly bytes: number; readonly limitBytes: number } {
    return {
      bytes: this.#words[word.used] * pageBytes,
      limitBytes: this.#words[word.limit] * pageBytes,
    };
  }

  /** Walks all runs and asserts every invariant; for tests. Gives the runs in address order. */
  check(): Run[] {
    const runs: Run[] = [];
    const words = this.#words;
    let used = firstRun;
    for (let page = firstRun; page < words[word.pages]; ) {
      const tag = this.#tags[page];
      const pages = tag >>> 1;
      assert(pages > 0, 'a run has a page');
      assert(this.#tags[page + pages - 1] === tag, 'both ends of a run carry one tag');
      const owner = (tag & 1) === 1 ? this.#runOwners[page] : 0;
      assert(owner !== 0 || runs.at(-1)?.owner !== 0, 'free runs are never adjacent');
      if (owner !== 0) used += pages;
      runs.push({ address: page * pageBytes, bytes: pages * pageBytes, owner });
      page += pages;
    }
    assert(used === words[word.used], 'the count of used pages is right');
    return runs;
  }

  /** A run, if need be after others have made room. */
  #takeInTheEnd(bytes: number, owner: number): { address: number; dirty: number } {
    for (;;) {
      try {
        return this.#locked(() => this.#take(bytes, owner));
      } catch (error) {
        const short = error instanceof QuernError && error.code === sqlState.outOfMemory;
        if (!short || this.relieve?.(bytes) !== true) throw error;
      }
    }
  }

  #take(bytes: number, owner: number): { address: number; dirty: number } {
    const pages = Math.max(1, Math.ceil(bytes / pageBytes));
    const words = this.#words;
    if (words[word.used] + pages > words[word.limit]) throw this.#outOfMemory(bytes);
    let page = this.#find(pages);
    if (page === 0) page = this.#grow(pages, bytes);
    const free = this.#tags[page] >>> 1;
    this.#setRun(page, pages, true);
    if (free > pages) this.#setRun(page + pages, free - pages, false);
    this.#runOwners[page] = owner;
    const end = page + pages;
    this.#words[word.rover] = end === this.#words[word.pages] ? firstRun : end;
    this.#count(owner, pages);
    const dirty = Math.min(end, Math.max(page, this.#words[word.fresh]));
    this.#words[word.fresh] = Math.max(this.#words[word.fresh], end);
    return { address: page * pageBytes, dirty: dirty * pageBytes };
  }

  /** The first page of a free run that is long enough, 0 if there is none. */
  #find(pages: number): number {
    const tags = this.#tags;
    const end = this.#words[word.pages];
    const rover = this.#words[word.rover];
    for (let page = rover; page < end; page += tags[page] >>> 1) {
      if ((tags[page] & 1) === 0 && tags[page] >>> 1 >= pages) return page;
    }
    for (let page = firstRun; page < rover; page += tags[page] >>> 1) {
      if ((tags[page] & 1) === 0 && tags[page] >>> 1 >= pages) return page;
    }
    return 0;
  }

  /**
   * Grows the memory so that its last run is free and has that many pages; gives its first page.
   */
  #grow(pages: number, bytes: number): number {
    const end = this.#words[word.pages];
    const last = this.#tags[end - 1];
    const spare = (last & 1) === 0 ? last >>> 1 : 0;
    const need = pages - spare;
    const more = Math.min(Math.max(need, growthPages), pagesMax - end);
    if (more < need) throw this.#outOfMemory(bytes);
    const old = this.memory.buffer;
    try {
      this.memory.grow(more);
    } catch (cause) {
      throw this.#outOfMemory(bytes, cause);
    }
    // An unshared memory detaches its old buffer.
    if (old.byteLength === 0) {
      this.#words = new Int32Array(this.memory.buffer, 0, pageBytes / 4);
      this.#tags = new Uint32Array(this.memory.buffer, tagsAt, pagesMax);
      this.#runOwners = new Uint16Array(this.memory.buffer, runOwnersAt, pagesMax);
    }
    this.#words[word.pages] = end + more;
    this.#setRun(end - spare, spare + more, false);
    return end - spare;
  }

  /** Frees the run and joins it with free neighbours; gives the first page of the whole. */
  #give(page: number): number {
    const tags = this.#tags;
    const tag = tags[page];
    assert((tag & 1) === 1 && page >= firstRun, 'what is released was allocated');
    let start = page;
    let pages = tag >>> 1;
    this.#count(this.#runOwners[page], -pages);
    this.#runOwners[page] = 0;
    const next = page + pages;
    if (next < this.#words[word.pages] && (tags[next] & 1) === 0) pages += tags[next] >>> 1;
    const before = tags[page - 1];
    if ((before & 1) === 0) {
      start -= before >>> 1;
      pages += before >>> 1;
    }
    // The rover must stand at the beginning of a run.
    const rover = this.#words[word.rover];
    if (rover > start && rover < start + pages) this.#words[word.rover] = start;
    this.#setRun(start, pages, false);
    return start;
  }

  #setRun(page: number, pages: number, used: boolean): void {
    const tag = pages * 2 + (used ? 1 : 0);
    this.#tags[page] = tag;
    this.#tags[page + pages - 1] = tag;
  }

  #count(owner: number, pages: number): void {
    const words = this.#words;
    const record = ownersAt / 4 + ownerWords * owner;
    words[word.used] += pages;
    words[record + 1] += pages;
    words[record + 2] = Math.max(words[record + 1], words[record + 2]);
  }

  #outOfMemory(bytes: number, cause?: unknown): QuernError {
    const { bytes: used, limitBytes } = this.total();
    return new QuernError(
      sqlState.outOfMemory,
      `out of memory: ${megabytes(bytes)} more were asked for while ${megabytes(used)} of at most ` +
        `${megabytes(limitBytes)} were in use`,
      { hint: 'A higher memoryLimit helps, up to 4 GiB.', cause },
    );
  }

  #locked<T>(body: () => T): T {
    lock(this.#words);
    try {
      return body();
    } finally {
      Atomics.store(this.#words, word.lock, 0);
    }
  }
}

export interface MemoryUsage {
  readonly bytes: number;
  readonly peakBytes: number;
}

export interface Run {
  readonly address: number;
  readonly bytes: number;
  /** 0 when the run is free. */
  readonly owner: number;
}

/** Tries before a thread that may sleep does so. */
const spinsMax = 1000;

function lock(words: Int32Array): void {
  let spins = 0;
  while (Atomics.compareExchange(words, word.lock, 0, 1) !== 0) {
    if (++spins < spinsMax) continue;
    spins = 0;
    try {
      Atomics.wait(words, word.lock, 1, 1);
    } catch {
      // The main thread of a browser may not sleep; the holder needs it for microseconds only.
    }
  }
}

/** The smallest page of the systems that we know. */
const systemPageBytes = 4096;

const zeros = new Uint8Array(1 << 20);

/**
 * Copying zeros is five times faster than `fill` where memory is shared (V8 fills it atomically).
 */
export function zero(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const left = bytes.length - at;
    bytes.set(left < zeros.length ? zeros.subarray(0, left) : zeros, at);
  }
}

function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB`;
}
