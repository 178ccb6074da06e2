import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import { blockSize, reservedPlaces, segmentPlaces } from '../layout.ts';
import { Bits, type StoredBits } from './bits.ts';
import type { BlockFile } from './block-file.ts';

/** Consecutive places. */
export interface Run {
  place: number;
  count: number;
}

/** Where the next places of one kind come from. */
interface Head {
  segment: number;
  at: number;
}

/** A segment is worth filling up, rather than extending the file, with this many free places. */
const worthFilling = segmentPlaces / 8;
/** How many segments a search for an empty one looks at. */
const searchWindow = 16384;
/** A segment of zeros, made when the first one is written. */
let zeros: Uint8Array | undefined;

/**
 * Which places of the file are free, and which to take next.
 *
 * `used` is what the next checkpoint writes: places that hold something some root reaches. `busy`
 * lives in memory only and has, on top, the places whose contents are dead but may still be needed,
 * by the last durable checkpoint or by an open view. Only places that are not busy are handed out.
 *
 * Segments are either for data (volumes, extents) or for metadata (tree nodes, tables, journal).
 * Metadata segments are filled with zeros when they are taken, so that a full disk cannot fail a
 * write to them later: the store can always record a deletion. Data is written in three streams,
 * what users write apart from what compaction rewrites, because the two live differently long.
 */
export class Space {
  readonly used: StoredBits;
  readonly busy = new Bits();
  /** By segment: reserved for metadata. */
  readonly meta: StoredBits;
  readonly #file: BlockFile;
  /** By segment: places that are not busy. */
  #free = new Uint16Array(64);
  segments = 0;
  #heads = {
    data: { segment: -1, at: 0 } as Head,
    meta: { segment: -1, at: 0 } as Head,
    compaction: { segment: -1, at: 0 } as Head,
  };
  #search = 0;
  /** Free places in metadata segments and in all. */
  metaFree = 0;
  totalFree = 0;
  /** Set after the disk was full: use what is there, do not extend. */
  frozen = false;
  /** Compaction empties the segments from here on: nothing new goes there. */
  ceiling = Number.MAX_SAFE_INTEGER;
  readonly #segmentsMax: number;

  constructor(file: BlockFile, used: StoredBits, meta: StoredBits, bytesMax: number) {
    this.#file = file;
    this.used = used;
    this.meta = meta;
    this.#segmentsMax = Math.floor(bytesMax / (segmentPlaces * blockSize));
  }

  get places(): number {
    return this.segments * segmentPlaces;
  }

  /** A new store: one segment, for metadata, that begins with the superblocks. */
  create(): void {
    this.#materialize(0);
    this.#addSegment(true);
    for (let place = 0; place < reservedPlaces; place++) {
      this.used.set(place);
      this.markBusy(place);
    }
  }

  /** Takes over what the tables say of `places` places. */
  load(places: number): void {
    this.used.load(places);
    this.meta.load(places / segmentPlaces);
    this.segments = places / segmentPlaces;
    this.busy.words = this.used.words.slice();
    this.#free = new Uint16Array(Math.max(64, this.segments * 2));
    this.totalFree = 0;
    this.metaFree = 0;
    for (let segment = 0; segment < this.segments; segment++) {
      const free = this.#countFree(segment);
      this.#free[segment] = free;
      this.totalFree += free;
      if (this.meta.get(segment)) this.metaFree += free;
    }
  }

  freeIn(segment: number): number {
    return this.#free[segment];
  }

  isMeta(segment: number): boolean {
    return this.meta.get(segment);
  }

  markBusy(place: number): void {
    assert(!this.busy.get(place), `place ${place} is handed out once`);
    this.busy.set(place);
    this.#adjust(place, -1);
  }

  /** The place was used and is dead, but must keep its contents for now. */
  retire(place: number): void {
    assert(this.used.get(place), `place ${place} dies once`);
    this.used.clear(place);
  }

  /** A retired place may be handed out again. */
  reuse(place: number): void {
    assert(this.busy.get(place) && !this.used.get(place), `place ${place} was retired`);
    this.busy.clear(place);
    this.#adjust(place, 1);
  }

  /** Gives back a place that was taken but never became part of the store. */
  discard(place: number): void {
    this.retire(place);
    this.reuse(place);
  }

  /** Marks exactly this place as used; for recovery. */
  claim(place: number): void {
    while (place >= this.places) this.#addSegment(false);
    if (!this.busy.get(place)) this.markBusy(place);
    this.used.set(place);
  }

  /**
   * Takes up to `want` consecutive places for data, at least `least` unless only shorter runs are
   * left. Throws 53100 when there are none.
   */
  takeData(want: number, least = 1, stream: 'data' | 'compaction' = 'data'): Run {
    const head = this.#heads[stream];
    for (let attempts = 0; ; attempts++) {
      const run = this.#nextRun(head, want, least);
      if (run !== undefined) return this.#take(run);
      const segment = this.#chooseData(least, attempts);
      if (segment === undefined) {
        if (least > 1) {
          least = 1;
        } else if (stream === 'data' && this.ceiling < Number.MAX_SAFE_INTEGER) {
          this.ceiling = Number.MAX_SAFE_INTEGER; // Users come before compaction.
        } else {
          throw this.full();
        }
        continue;
      }
      head.segment = segment;
      head.at = segment * segmentPlaces;
    }
  }

  /** Takes one place for metadata; there must be one, see {@link ensureMeta}. */
  takeMeta(): number {
    let run = this.#takeMetaRun(1);
    if (run === undefined) {
      this.ceiling = Number.MAX_SAFE_INTEGER;
      run = this.#takeMetaRun(1);
    }
    assert(run !== undefined, 'places for metadata were made sure of');
    return run.place;
  }

  /**
   * Takes `count` consecutive places for metadata, from a fresh segment if there is no such run.
   */
  takeMetaRun(count: number): Run {
    const run = this.#takeMetaRun(count);
    if (run !== undefined) return run;
    this.#addMetaSegment();
    return this.#takeMetaRun(count)!;
  }

  /** Makes sure of `count` free places for metadata, or throws 53100. */
  ensureMeta(count: number): void {
    while (this.metaFree < count) this.#addMetaSegment();
  }

  /** Returns metadata segments that are entirely free to data, down to `keep` free places. */
  trimMeta(keep: number): void {
    for (let segment = this.segments - 1; segment > 0; segment--) {
      if (this.metaFree - segmentPlaces < keep) return;
      if (!this.meta.get(segment) || this.#free[segment] < segmentPlaces) continue;
      this.meta.clear(segment);
      this.metaFree -= segmentPlaces;
    }
  }

  /** Drops free segments at the end; returns the number of places that remain. */
  shrink(): number {
    while (this.segments > 1 && this.#free[this.segments - 1] === segmentPlaces) {
      const last = this.segments - 1;
      if (this.meta.get(last)) {
        this.meta.clear(last);
        this.metaFree -= segmentPlaces;
      }
      this.segments--;
      this.totalFree -= segmentPlaces;
    }
    for (const head of Object.values(this.#heads)) {
      if (head.segment >= this.segments) head.segment = -1;
    }
    return this.places;
  }

  /**
   * Every stream begins anew, from the lowest hole of the emptiest segment. Never needed; the
   * simulations do it so that places are reused at once.
   */
  rewind(): void {
    for (const head of Object.values(this.#heads)) head.segment = -1;
  }

  full(): QuernError {
    return new QuernError(sqlState.diskFull, `no space left in ${this.#file.device.name}`, {
      hint: 'Delete snapshots or volumes, or make room on the disk.',
    });
  }

  #take(run: Run): Run {
    for (let place = run.place; place < run.place + run.count; place++) {
      this.markBusy(place);
      this.used.set(place);
    }
    return run;
  }

  #takeMetaRun(count: number): Run | undefined {
    const head = this.#heads.meta;
    const first = head.segment < 0 || head.segment >= this.segments ? 0 : head.segment;
    for (let i = 0; i <= this.segments; i++) {
      const segment = (first + i) % this.segments;
      if (segment >= this.ceiling || !this.meta.get(segment) || this.#free[segment] < count) {
        continue;
      }
      if (segment !== head.segment || i > 0) {
        head.segment = segment;
        head.at = segment * segmentPlaces;
      }
      const run = this.#nextRun(head, count, count);
      if (run !== undefined) return this.#take(run);
      head.segment = -1;
    }
    return undefined;
  }

  #addMetaSegment(): void {
    for (let segment = 0; segment < Math.min(this.segments, this.ceiling); segment++) {
      if (this.#free[segment] < segmentPlaces || this.meta.get(segment)) continue;
      this.#materialize(segment);
      this.meta.set(segment);
      this.metaFree += segmentPlaces;
      return;
    }
    if (this.ceiling < Number.MAX_SAFE_INTEGER) {
      this.ceiling = Number.MAX_SAFE_INTEGER; // Compaction sees that and stops.
      this.#addMetaSegment();
      return;
    }
    if (this.frozen || this.segments >= this.#segmentsMax) throw this.full();
    this.#materialize(this.segments);
    this.#addSegment(true);
  }

  /** Writes zeros, so that the file system has room for what is written there later. */
  #materialize(segment: number): void {
    zeros ??= new Uint8Array(segmentPlaces * blockSize);
    this.#file.write(zeros, segment * segmentPlaces, 'metadataWritten');
  }

  #addSegment(meta: boolean): void {
    const segment = this.segments++;
    if (segment >= this.#free.length) {
      const grown = new Uint16Array(this.#free.length * 2);
      grown.set(this.#free);
      this.#free = grown;
    }
    this.#free[segment] = segmentPlaces;
    this.totalFree += segmentPlaces;
    if (!meta) return;
    this.meta.set(segment);
    this.metaFree += segmentPlaces;
  }

  #adjust(place: number, by: 1 | -1): void {
    const segment = Math.floor(place / segmentPlaces);
    this.#free[segment] += by;
    this.totalFree += by;
    if (this.meta.get(segment)) this.metaFree += by;
  }

  #countFree(segment: number): number {
    let free = 0;
    for (let i = 0; i < segmentPlaces; i++) {
      if (!this.busy.get(segment * segmentPlaces + i)) free++;
    }
    return free;
  }

  /** The next run of free places of the head's segment, and moves the head behind it. */
  #nextRun(head: Head, want: number, least: number): Run | undefined {
    if (head.segment < 0 || head.segment >= this.ceiling) return undefined;
    const end = (head.segment + 1) * segmentPlaces;
    while (head.at < end) {
      const place = this.busy.firstZero(head.at);
      if (place >= end) break;
      let count = 1;
      while (count < want && place + count < end && !this.busy.get(place + count)) count++;
      head.at = place + count;
      if (count >= Math.min(least, want)) return { place, count };
    }
    head.segment = -1;
    return undefined;
  }

  /** The emptiest segment within the search window, or a new one at the end of the file. */
  #chooseData(least: number, attempts: number): number | undefined {
    const floor = this.frozen ? 1 : Math.max(worthFilling, least);
    const limit = Math.min(
      this.segments,
      this.ceiling,
      this.frozen ? Math.floor(this.#file.places() / segmentPlaces) : this.segments,
    );
    let best = -1;
    let bestFree = floor - 1;
    for (let i = 0; i < Math.min(limit, searchWindow) && attempts < 8; i++) {
      this.#search = (this.#search + 1) % limit;
      const free = this.#free[this.#search];
      if (free <= bestFree || this.meta.get(this.#search) || this.#isHead(this.#search)) continue;
      best = this.#search;
      bestFree = free;
      if (free === segmentPlaces) break;
    }
    if (best >= 0) return best;
    if (!this.frozen && this.segments < Math.min(this.#segmentsMax, this.ceiling)) {
      this.#addSegment(false);
      return this.segments - 1;
    }
    return least > 1 ? undefined : this.#anyData(limit);
  }

  /** The last resort: any segment for data with a free place. */
  #anyData(limit: number): number | undefined {
    for (let segment = 0; segment < limit; segment++) {
      if (this.#free[segment] > 0 && !this.meta.get(segment)) return segment;
    }
    return undefined;
  }

  #isHead(segment: number): boolean {
    return this.#heads.data.segment === segment || this.#heads.compaction.segment === segment;
  }
}
