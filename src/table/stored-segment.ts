/** A segment that knows its blocks, and that can live outside of linear memory for a while. */
import { assert } from '../base/assert.ts';
import type { BlockHeap } from './block-heap.ts';
import type { Segment, Zone } from './layout.ts';

export interface SegmentBlocks {
  readonly data: number;
  readonly heap: number;
  readonly nulls: number;
  readonly zone: Zone | undefined;
  /** Rows that fit behind `data` (and `nulls`). */
  readonly capacity: number;
  /** Bytes of the heap in use, and that fit. */
  readonly heapBytes: number;
  readonly heapCapacity: number;
  /** False when the heap lies behind the offsets in one block with them. */
  readonly ownHeap: boolean;
}

/**
 * Its addresses hold until something is allocated, unless the segment is pinned: then they hold
 * until it is unpinned. Asking for one brings the segment back if it was moved out.
 */
export class StoredSegment implements Segment {
  readonly zone: Zone | undefined;
  readonly capacity: number;
  readonly heapBytes: number;
  readonly heapCapacity: number;
  readonly ownHeap: boolean;
  /** Statements that use its addresses now. */
  pins = 0;
  /** Row groups it belongs to, in as many versions of its table. */
  groups = 1;
  readonly #blockHeap: BlockHeap;
  #data: number;
  #heap: number;
  #nulls: number;
  /** The content of each block while the segment is outside; undefined inside. */
  #outside: readonly Uint8Array[] | undefined;
  /** Called when it is brought back. */
  onReturn: (() => void) | undefined;

  constructor(blockHeap: BlockHeap, blocks: SegmentBlocks) {
    this.#blockHeap = blockHeap;
    this.#data = blocks.data;
    this.#heap = blocks.heap;
    this.#nulls = blocks.nulls;
    this.zone = blocks.zone;
    this.capacity = blocks.capacity;
    this.heapBytes = blocks.heapBytes;
    this.heapCapacity = blocks.heapCapacity;
    this.ownHeap = blocks.ownHeap;
  }

  get data(): number {
    this.#return();
    return this.#data;
  }

  get heap(): number {
    this.#return();
    return this.#heap;
  }

  get nulls(): number {
    this.#return();
    return this.#nulls;
  }

  get isOutside(): boolean {
    return this.#outside !== undefined;
  }

  /** Bytes of its blocks, wherever they are. */
  get bytes(): number {
    const outside = this.#outside?.reduce((sum, content) => sum + content.length, 0);
    if (outside !== undefined) return outside;
    return this.blocks.reduce((sum, block) => sum + this.#blockHeap.bytesOf(block), 0);
  }

  /** Its blocks in linear memory; none while it is outside. */
  get blocks(): readonly number[] {
    if (this.#outside !== undefined) return [];
    const blocks = [this.#data];
    if (this.ownHeap && this.#heap !== 0) blocks.push(this.#heap);
    if (this.#nulls !== 0) blocks.push(this.#nulls);
    return blocks;
  }

  /**
   * Moves the content outside and frees its blocks, which no other segment may share; gives their
   * bytes.
   */
  moveOut(): number {
    assert(this.pins === 0 && this.#outside === undefined, 'only an idle segment moves out');
    const { memory } = this.#blockHeap;
    const { blocks } = this;
    let freed = 0;
    this.#outside = blocks.map((block) => {
      const bytes = this.#blockHeap.bytesOf(block);
      freed += bytes;
      const copy = new Uint8Array(bytes);
      copy.set(memory.u8.subarray(block, block + bytes));
      return copy;
    });
    for (const block of blocks) this.#blockHeap.release(block);
    return freed;
  }

  #return(): void {
    const outside = this.#outside;
    if (outside === undefined) return;
    // Each allocation may move other segments out, but not this one, which is outside still.
    const addresses = outside.map((bytes) => this.#blockHeap.allocateToStay(bytes.length));
    const { memory } = this.#blockHeap;
    outside.forEach((bytes, i) => memory.u8.set(bytes, addresses[i]));
    const [data, ...rest] = addresses;
    assert(data !== undefined, 'a segment has a block');
    if (this.ownHeap && this.#heap !== 0) this.#heap = rest.shift() as number;
    else if (this.#heap !== 0) this.#heap += data - this.#data;
    if (this.#nulls !== 0) this.#nulls = rest.shift() as number;
    this.#data = data;
    this.#outside = undefined;
    this.onReturn?.();
  }
}
