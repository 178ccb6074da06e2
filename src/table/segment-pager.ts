/**
 * Which segments are in linear memory. Tables may be larger than it: when room is needed, segments
 * that no statement uses move out to ordinary buffers, least recently used first, and come back
 * when they are asked for.
 */
import { assert } from '../base/assert.ts';
import type { BlockHeap } from './block-heap.ts';
import type { Segment } from './layout.ts';
import { StoredSegment } from './stored-segment.ts';

export class SegmentPager {
  readonly #heap: BlockHeap;
  /** Segments inside that may move out, the one used last at the end. */
  readonly #inside = new Set<StoredSegment>();

  constructor(heap: BlockHeap) {
    this.#heap = heap;
    heap.relieve = (bytes) => this.makeRoom(bytes) > 0;
  }

  /** From now on the segment may be moved out. It must not be written to any more. */
  manage(segment: StoredSegment): void {
    segment.onReturn = () => this.#inside.add(segment);
    if (!segment.isOutside) this.#inside.add(segment);
  }

  forget(segment: StoredSegment): void {
    segment.onReturn = undefined;
    this.#inside.delete(segment);
  }

  /** Brings the segment in and keeps it there until {@link unpin}. */
  pin(segment: Segment): void {
    assert(segment instanceof StoredSegment, 'segments of tables are stored segments');
    segment.pins++;
    try {
      // Asking for an address brings it in.
      assert(segment.data !== 0, 'no segment is at address 0');
    } catch (error) {
      segment.pins--;
      throw error;
    }
    if (this.#inside.delete(segment)) this.#inside.add(segment);
  }

  unpin(segment: Segment): void {
    assert(segment instanceof StoredSegment && segment.pins > 0, 'what is unpinned was pinned');
    segment.pins--;
  }

  /**
   * Moves segments out until `bytes` are freed or none is left that may go. Gives the bytes freed.
   */
  makeRoom(bytes: number): number {
    let freed = 0;
    for (const segment of this.#inside) {
      if (freed >= bytes) break;
      // A block that two segments share stays where both know it to be.
      const shared = segment.blocks.some((block) => this.#heap.referencesOf(block) > 1);
      if (segment.pins > 0 || shared) continue;
      this.#inside.delete(segment);
      freed += segment.moveOut();
    }
    return freed;
  }

  /** Bytes of a segment, inside or outside. */
  bytesOf(segment: Segment): number {
    assert(segment instanceof StoredSegment, 'segments of tables are stored segments');
    return segment.bytes;
  }

  /** Bytes that {@link makeRoom} could free. */
  idleBytes(): number {
    let bytes = 0;
    for (const segment of this.#inside) {
      if (segment.pins > 0) continue;
      if (segment.blocks.every((block) => this.#heap.referencesOf(block) === 1)) {
        bytes += segment.bytes;
      }
    }
    return bytes;
  }

  /** Moves segments out until so much of the memory's limit is free, as far as that can be done. */
  keepFree(bytes: number): void {
    const missing = bytes - this.#heap.memory.bytesFree;
    if (missing > 0) this.makeRoom(missing);
  }
}
