/**
 * Blocks for segments and dictionaries, with a count of references each. Large ones are page runs
 * of their own; small ones share pages with others of their size class, a power of two, so a small
 * table does not cost 64 KiB a column. Blocks are 64-byte aligned. Only the thread that owns the
 * tables allocates here, so the bookkeeping is plain JavaScript.
 */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type { LinearMemory } from './linear-memory.ts';

const pageBytes = 65536;
const blockBytesMin = 64;
/** Larger blocks get pages of their own. */
const smallBytesMax = 16384;

/** A page cut into blocks of one size. */
interface Slab {
  readonly address: number;
  readonly blockBytes: number;
  readonly free: number[];
}

export class BlockHeap {
  readonly memory: LinearMemory;
  /** By page address. */
  readonly #slabs = new Map<number, Slab>();
  /** Slabs with a free block, by size class. */
  readonly #open = new Map<number, Set<Slab>>();
  readonly #blocks = new Map<number, { readonly bytes: number; references: number }>();
  /** Tries to free so many bytes when memory is short; whether it has freed any. */
  relieve: ((bytes: number) => boolean) | undefined;
  /** References taken since the attempt under way began. */
  #journal: number[] | undefined;

  constructor(memory: LinearMemory) {
    this.memory = memory;
  }

  /** A block with one reference and arbitrary content. */
  allocate(bytes: number): number {
    const address = this.allocateToStay(bytes);
    this.#journal?.push(address);
    return address;
  }

  /** As {@link allocate}, but an attempt that fails does not take it back. */
  allocateToStay(bytes: number): number {
    const address = bytes > smallBytesMax ? this.#takePages(bytes) : this.#take(bytes);
    this.#blocks.set(address, { bytes, references: 1 });
    return address;
  }

  /** Whole pages; when memory is short, after others have made room. */
  #takePages(bytes: number): number {
    for (;;) {
      try {
        return this.memory.allocate(bytes);
      } catch (error) {
        const short = error instanceof QuernError && error.code === sqlState.outOfMemory;
        if (!short || this.relieve?.(bytes) !== true) throw error;
      }
    }
  }

  /** The bytes that were asked for. */
  bytesOf(address: number): number {
    return this.#block(address).bytes;
  }

  referencesOf(address: number): number {
    return this.#block(address).references;
  }

  #block(address: number) {
    const block = this.#blocks.get(address);
    assert(block !== undefined, 'the address is that of a block');
    return block;
  }

  /**
   * Goes through `steps`; if it throws, or is not gone through to the end, all references it has
   * taken are given back. Others may use the heap between two steps.
   */
  *attempt<T>(steps: Generator<void, T>): Generator<void, T> {
    const journal: number[] = [];
    let isDone = false;
    try {
      for (;;) {
        const { done, value } = this.#journaled(journal, () => steps.next());
        if (done === true) {
          isDone = true;
          return value;
        }
        yield;
      }
    } finally {
      if (!isDone) for (const address of journal) this.release(address);
    }
  }

  #journaled<T>(journal: number[], body: () => T): T {
    assert(this.#journal === undefined, 'attempts do not nest');
    this.#journal = journal;
    try {
      return body();
    } finally {
      this.#journal = undefined;
    }
  }

  /** From now on the attempt under way leaves these to the caller, should it fail. */
  disown(addresses: readonly number[]): void {
    assert(this.#journal !== undefined, 'only an attempt has anything to disown');
    for (const address of addresses) {
      const at = this.#journal.lastIndexOf(address);
      assert(at >= 0, 'what is disowned was taken in the attempt');
      this.#journal.splice(at, 1);
    }
  }

  retain(address: number): void {
    this.#block(address).references++;
    this.#journal?.push(address);
  }

  /** Takes one reference away, and with the last one the block. */
  release(address: number): void {
    const block = this.#block(address);
    if (--block.references > 0) return;
    this.#blocks.delete(address);
    const slab = this.#slabs.get(address - (address % pageBytes));
    if (slab === undefined) this.memory.release(address);
    else this.#give(slab, address);
  }

  /** Blocks that are in use now. */
  get blockCount(): number {
    return this.#blocks.size;
  }

  #take(bytes: number): number {
    let blockBytes = blockBytesMin;
    while (blockBytes < bytes) blockBytes *= 2;
    let open = this.#open.get(blockBytes);
    if (open === undefined) this.#open.set(blockBytes, (open = new Set()));
    let slab: Slab | undefined;
    for (slab of open) break;
    if (slab === undefined) {
      slab = this.#newSlab(blockBytes);
      open.add(slab);
    }
    const address = slab.free.pop();
    assert(address !== undefined, 'an open slab has a free block');
    if (slab.free.length === 0) open.delete(slab);
    return address;
  }

  #newSlab(blockBytes: number): Slab {
    const address = this.#takePages(pageBytes);
    const free: number[] = [];
    for (let at = pageBytes - blockBytes; at >= 0; at -= blockBytes) free.push(address + at);
    const slab = { address, blockBytes, free };
    this.#slabs.set(address, slab);
    return slab;
  }

  #give(slab: Slab, address: number): void {
    slab.free.push(address);
    const open = this.#open.get(slab.blockBytes);
    assert(open !== undefined, 'the size class of a block is known');
    open.add(slab);
    // One empty slab a class is kept, lest a single block that comes and goes takes a page each
    // time.
    if (slab.free.length * slab.blockBytes < pageBytes || open.size === 1) return;
    open.delete(slab);
    this.#slabs.delete(slab.address);
    this.memory.release(slab.address);
  }
}
