import type { StoreCore } from './core.ts';
import { isDiskFull } from './core.ts';
import { blockSize, segmentPlaces } from './layout.ts';

/** What a compaction did. */
export interface CompactionReport {
  /** Bytes of live blocks that were copied. */
  moved: number;
  /** Bytes of the device before and after. */
  before: number;
  after: number;
}

/**
 * Gives space back to the file system: blocks at the end of the file move into holes further down,
 * then the file is cut. A block keeps its id when it moves, so no tree changes, however many
 * snapshots share it: the table of blocks gets its new place, and the old one is reused only when a
 * checkpoint has made that durable. So it may be killed at any moment, and views and snapshots do
 * not notice. Works by segments, with a checkpoint after every few, and lets others work between.
 */
export class Compaction {
  readonly #core: StoreCore;
  /** Segments from here on are being emptied. */
  #segment = 0;
  #moved = 0;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  /** Segments the file would have with all free space but `spare` places squeezed out. */
  #goal(spare: number): number {
    const { space } = this.#core.blocks;
    return Math.ceil((space.places - space.totalFree + spare) / segmentPlaces);
  }

  /** Compacts until at most a fraction `free` of the file is free, in steps of a few MiB. */
  async run(free = 1 / 16): Promise<CompactionReport> {
    const core = this.#core;
    core.checkWritable();
    const before = core.device.size();
    await core.settle();
    await core.checkpoint();
    for (let rounds = 0; rounds < 64; rounds++) {
      const { space } = core.blocks;
      const size = space.segments;
      const goal = this.#goal(Math.floor(space.places * free));
      if (goal >= size) break;
      // A quarter of what is to go at a time: the holes that fill up are the lowest ones first.
      this.#segment = Math.max(goal, size - Math.max(4, Math.ceil((size - goal) / 4)));
      await this.#empty(size);
      if (space.segments >= size) break;
    }
    return { moved: this.#moved * blockSize, before, after: core.device.size() };
  }

  async #empty(end: number): Promise<void> {
    const core = this.#core;
    const { space } = core.blocks;
    space.ceiling = this.#segment;
    try {
      for (let segment = end - 1; segment >= this.#segment; segment--) {
        core.admit('delete');
        // Someone needed room beyond: then this is not the time to give any back.
        if (space.ceiling !== this.#segment) break;
        // What a checkpoint has sealed but not written yet cannot be read.
        while (core.checkpointing !== undefined) await core.checkpointing;
        if (!this.#emptySegment(segment)) break;
        if ((end - segment) % 16 === 0) await core.checkpoint();
        else await Promise.resolve();
      }
      // Once to record the moves, once more to drop the pages of tables that described the old end.
      await core.checkpoint();
      await core.checkpoint();
    } finally {
      space.ceiling = Number.MAX_SAFE_INTEGER;
    }
  }

  /** Moves everything out of a segment; false if there is no room for it further down. */
  #emptySegment(segment: number): boolean {
    const core = this.#core;
    const first = segment * segmentPlaces;
    const inSegment = (place: number): boolean => place >= first && place < first + segmentPlaces;
    try {
      if (core.journal.places.some((run) => inSegment(run.place))) core.journal.move();
      for (let place = first; place < first + segmentPlaces; place++) this.#move(place);
      return this.#core.blocks.space.ceiling === this.#segment;
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw core.fail(error);
    }
  }

  #move(place: number): void {
    const { blocks } = this.#core;
    const tenant = blocks.tenant(place);
    if (tenant === undefined) return;
    if ('table' in tenant) {
      tenant.table.evict(tenant.level, tenant.index);
      return;
    }
    const target = blocks.space.isMeta(Math.floor(place / segmentPlaces))
      ? blocks.space.takeMetaRun(1).place
      : blocks.space.takeData(1, 1, 'compaction').place;
    // As it is, damage included: whoever reads it will find out.
    blocks.file.write(blocks.readRaw(place), target, 'compactionWritten');
    blocks.move(tenant.id, target);
    this.#moved++;
  }
}
