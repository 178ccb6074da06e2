import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { BlockDevice } from '../device/device.ts';
import { blockSize, bytesOf, headerWords, idMax, type Pointer, segmentPlaces } from '../layout.ts';
import { Bits, StoredBits } from './bits.ts';
import { BlockFile, damaged, type PlacedBlock } from './block-file.ts';
import { DeadList } from './dead-list.ts';
import type { Sealer } from './sealer.ts';
import { type Run, Space } from './space.ts';
import { Table, type TablePage, type TableRoot, tableRecords } from './table.ts';

/** Consecutive ids in consecutive places. */
export interface BlockRun {
  id: number;
  place: number;
  count: number;
}

/** What the record of a place in the owners table says of it. */
const ownerKind = { none: 0, block: 1, tablePage: 2 } as const;

/** Open views, as far as freeing blocks is concerned. */
export interface ViewRegister {
  /** Is a block that lived from `birth` until `death` reachable from an open view? */
  needs(birth: number, death: number): boolean;
  /** The transaction of the newest open view, -1 if there is none. */
  newest(): number;
}

const referencesMax = 0xffff;

export interface BlocksLimits {
  /** The device is never made larger than so many bytes. */
  bytes: number;
  /** Leaf pages of each table that are kept in memory, dirty ones apart. */
  tableLeaves: number;
}

/** Table pages that one change of the store may make dirty at most, with much to spare. */
export const pagesPerChange = 2048;

/** What a superblock keeps of all tables. */
export interface BlocksRoot {
  tables: TableRoot[];
  places: number;
  ids: number;
}

/**
 * Every block has an id, which pointers hold and which never changes, and a place, where its bytes
 * are. One table maps ids to places and counts the pointers to each block; moving a block changes
 * its record there and no tree at all, however many snapshots share it. Another table says for each
 * place who was last put there, so that a segment can be emptied.
 *
 * A block whose count falls to zero is dead. Its id and place are handed out again only when the
 * checkpoint that recorded the death is durable, and when no view is open that was taken during the
 * block's life.
 */
export class Blocks {
  readonly file: BlockFile;
  readonly space: Space;
  readonly #records: Table;
  readonly #owners: Table;
  readonly #ids: StoredBits;
  readonly #idsBusy = new Bits();
  readonly tables: Table[];
  readonly #views: ViewRegister;
  #idCursor = 1;
  #nodeIdCursor = 1;
  /** Ids are below this. */
  idLimit = 1;
  /** As of the state that is being written. */
  #frozen = { places: 0, ids: 0 };
  /**
   * Dead since the last freeze; dead before it, the checkpoint not durable yet; kept for a view.
   */
  #dying = new DeadList();
  #buried = new DeadList();
  #withheld = new DeadList();
  /** Told when an id may be handed out again. */
  onReuse: (id: number) => void = () => {};

  constructor(device: BlockDevice, sealer: Sealer, views: ViewRegister, limits: BlocksLimits) {
    this.file = new BlockFile(device, sealer);
    const names = ['blocks', 'owners', 'used places', 'used ids', 'metadata segments'];
    this.tables = names.map((name, i) => new Table(i, name, this.file, limits.tableLeaves));
    const [records, owners, used, ids, meta] = this.tables;
    this.#records = records;
    this.#owners = owners;
    this.#ids = new StoredBits(ids);
    this.#views = views;
    this.space = new Space(this.file, new StoredBits(used), new StoredBits(meta), limits.bytes);
  }

  create(): void {
    this.#ids.set(0);
    this.#idsBusy.set(0);
    this.space.create();
  }

  open(root: BlocksRoot): void {
    this.tables.forEach((table, i) => {
      table.open(root.tables[i]);
    });
    this.#ids.load(root.ids);
    this.#idsBusy.words = this.#ids.words.slice();
    this.idLimit = root.ids;
    this.space.load(root.places);
  }

  // --- records ---------------------------------------------------------------------------------

  placeOf(id: number): number {
    const at = headerWords + (id % tableRecords) * 2;
    const words = this.#records.leaf(Math.floor(id / tableRecords)).words;
    return words[at] + (words[at + 1] & 0xffff) * 4294967296;
  }

  references(id: number): number {
    const at = headerWords + (id % tableRecords) * 2;
    return this.#records.leaf(Math.floor(id / tableRecords)).words[at + 1] >>> 16;
  }

  #setRecord(id: number, place: number, references: number): void {
    const page = this.#records.leaf(Math.floor(id / tableRecords));
    if (!page.dirty) this.#records.touch(page);
    const at = headerWords + (id % tableRecords) * 2;
    page.words[at] = place >>> 0;
    page.words[at + 1] = Math.floor(place / 4294967296) | (references << 16);
  }

  #setOwner(place: number, low: number, high: number): void {
    const page = this.#owners.leaf(Math.floor(place / tableRecords));
    if (!page.dirty) this.#owners.touch(page);
    const at = headerWords + (place % tableRecords) * 2;
    page.words[at] = low;
    page.words[at + 1] = high;
  }

  #setBlockOwner(place: number, id: number): void {
    this.#setOwner(place, id >>> 0, Math.floor(id / 4294967296) | (ownerKind.block << 24));
  }

  addReference(id: number): void {
    const references = this.references(id);
    assert(references > 0, `block ${id} is alive`);
    if (references === referencesMax) {
      throw new QuernError(sqlState.programLimitExceeded, 'too many snapshots share a block');
    }
    this.#setRecord(id, this.placeOf(id), references + 1);
  }

  /** Takes one pointer away; true if it was the last, and the block is dead. */
  dropReference(id: number, birth: number, now: number): boolean {
    const references = this.references(id);
    assert(references > 0, `block ${id} is alive`);
    const place = this.placeOf(id);
    this.#setRecord(id, place, references - 1);
    if (references > 1) return false;
    this.#ids.clear(id);
    if (place !== 0) this.space.retire(place);
    else if (birth > this.#views.newest()) {
      // Nothing but memory ever knew this block.
      this.#reuseId(id);
      return true;
    }
    this.#dying.push(id, place, birth, now);
    return true;
  }

  // --- handing out -----------------------------------------------------------------------------

  /** A new id for a tree node, one reference, no place yet. */
  newNode(): number {
    const id = this.#freeNodeId();
    this.#takeId(id);
    this.#setRecord(id, 0, 1);
    return id;
  }

  /** Gives a node its place, at a checkpoint. */
  placeNode(id: number): number {
    assert(this.placeOf(id) === 0, `node ${id} is placed once`);
    const place = this.space.takeMeta();
    this.#setRecord(id, place, this.references(id));
    this.#setBlockOwner(place, id);
    return place;
  }

  /** Takes up to `want` consecutive places and ids, one reference each. */
  newData(want: number, least = 1): BlockRun {
    const run = this.space.takeData(want, least);
    const id = this.#idsFor(run);
    for (let i = 0; i < run.count; i++) {
      this.#takeId(id + i);
      this.#setRecord(id + i, run.place + i, 1);
      this.#setBlockOwner(run.place + i, id + i);
    }
    return { id, place: run.place, count: run.count };
  }

  /** Undoes {@link newData} for blocks that no pointer ever named. */
  discard(id: number): void {
    const place = this.placeOf(id);
    this.#setRecord(id, 0, 0);
    this.#ids.clear(id);
    this.#reuseId(id);
    this.space.discard(place);
  }

  /** Recovery: this block was handed out after the checkpoint. */
  adopt(id: number, place: number): void {
    this.space.claim(place);
    // The checkpoint may know the block at a place that compaction moved it away from.
    const old = this.references(id) > 0 ? this.placeOf(id) : 0;
    if (old !== 0 && old !== place) this.retirePlace(old);
    this.#idsBusy.set(id);
    this.#ids.set(id);
    this.idLimit = Math.max(this.idLimit, id + 1);
    this.#setRecord(id, place, 1);
    this.#setBlockOwner(place, id);
  }

  /** Recovery: ids and places that later records name must not be handed out meanwhile. */
  reserve(id: number, place: number): void {
    this.space.claim(place);
    this.#idsBusy.set(id);
    this.idLimit = Math.max(this.idLimit, id + 1);
  }

  /** The longest start of `run` that can have consecutive ids; shortens `run` to it. */
  #idsFor(run: Run): number {
    let id = run.place;
    if (this.#idsBusy.get(id)) id = this.#freeId(1);
    let count = 1;
    while (count < run.count && !this.#idsBusy.get(id + count)) count++;
    for (let i = count; i < run.count; i++) this.space.discard(run.place + i);
    run.count = count;
    return id;
  }

  #takeId(id: number): void {
    assert(id > 0 && id <= idMax && !this.#idsBusy.get(id), `id ${id} is free`);
    this.#ids.set(id);
    this.#idsBusy.set(id);
    this.idLimit = Math.max(this.idLimit, id + 1);
  }

  #reuseId(id: number): void {
    this.#idsBusy.clear(id);
    this.#idCursor = Math.min(this.#idCursor, id);
    this.onReuse(id);
  }

  #freeId(from: number): number {
    const id = this.#idsBusy.firstZero(Math.max(from, this.#idCursor));
    this.#idCursor = id;
    return id;
  }

  /**
   * Data blocks like an id that equals their place, which keeps runs of both together. So nodes
   * take ids that equal places of metadata segments, where no data block ever is.
   */
  #freeNodeId(): number {
    for (let tries = 0; tries <= this.space.segments; tries++) {
      const id = this.#idsBusy.firstZero(this.#nodeIdCursor);
      const segment = Math.floor(id / segmentPlaces);
      if (segment >= this.space.segments) {
        if (this.#nodeIdCursor === 1) break;
        this.#nodeIdCursor = 1;
        continue;
      }
      if (this.space.isMeta(segment)) {
        this.#nodeIdCursor = id + 1;
        return id;
      }
      let next = segment + 1;
      while (next < this.space.segments && !this.space.isMeta(next)) next++;
      this.#nodeIdCursor = next * segmentPlaces;
    }
    // More nodes than places for them: they die in memory faster than they are written.
    return this.#idsBusy.firstZero(Math.max(this.space.places, 1));
  }

  // --- reading ---------------------------------------------------------------------------------

  /** Reads a block into `target`; `what` names the object in the error. */
  read(target: Uint8Array, pointer: Pointer, what: () => string): void {
    const place = this.placeOf(pointer.id);
    if (place !== 0 && this.file.readVerified(target, place, pointer.id, pointer)) return;
    throw damaged(what(), this.file);
  }

  // --- moving ----------------------------------------------------------------------------------

  /** What lives at a place, undefined if nothing that could be moved. */
  tenant(
    place: number,
  ): { id: number } | { table: Table; level: number; index: number } | undefined {
    if (!this.space.used.get(place)) return undefined;
    const at = headerWords + (place % tableRecords) * 2;
    const words = this.#owners.leaf(Math.floor(place / tableRecords)).words;
    const kind = words[at + 1] >>> 24;
    if (kind === ownerKind.block) {
      const id = words[at] + (words[at + 1] & 0xffff) * 4294967296;
      return this.placeOf(id) === place && this.references(id) > 0 ? { id } : undefined;
    }
    if (kind !== ownerKind.tablePage) return undefined;
    const table = this.tables[(words[at + 1] >>> 16) & 0xff];
    const level = words[at + 1] & 0xff;
    if (table?.isAt(level, words[at], place) !== true) return undefined;
    return { table, level, index: words[at] };
  }

  /** Records that the bytes of a block are now (also) at another place. */
  move(id: number, place: number): void {
    const old = this.placeOf(id);
    this.#setRecord(id, place, this.references(id));
    this.#setBlockOwner(place, id);
    this.retirePlace(old);
  }

  /** A place whose contents are no longer needed once the next checkpoint is durable. */
  retirePlace(place: number): void {
    this.space.retire(place);
    this.#dying.push(0, place, 0, 0);
  }

  // --- checkpoints -----------------------------------------------------------------------------

  /**
   * An upper bound for the places the tables need at the next checkpoint, if until then another
   * {@link pagesPerChange} pages become dirty. Twice the pages, because giving a page a place makes
   * the page dirty that says whose place it is.
   */
  tablePlacesNeeded(): number {
    const dirty = pagesPerChange + this.dirtyPages;
    const limit = Math.max(this.idLimit, this.space.places);
    const leaves = 2 * Math.ceil(limit / tableRecords) + 3 * Math.ceil(limit / 32000);
    return 2 * Math.min(dirty, leaves + Math.ceil(leaves / 200) + 16);
  }

  /** Dirty pages of all tables. */
  get dirtyPages(): number {
    return this.tables.reduce((sum, table) => sum + table.dirtyCount, 0);
  }

  /**
   * Finds a new place for up to `budget` dirty table pages, those this very search makes dirty
   * included. False when all have one.
   */
  placePages(budget = Number.MAX_SAFE_INTEGER): boolean {
    for (let found = true; found; ) {
      found = false;
      for (const table of this.tables) {
        while (table.queue.length > 0) {
          if (budget-- <= 0) return true;
          found = true;
          this.#placePage(table, table.queue.pop()!);
        }
      }
    }
    return false;
  }

  #placePage(table: Table, page: TablePage): void {
    if (page.place !== 0) this.retirePlace(page.place);
    page.place = this.space.takeMeta();
    const kind = ownerKind.tablePage << 24;
    this.#setOwner(page.place, page.index, kind | (table.number << 16) | page.level);
  }

  /** Declares what the tables say now to be the state that is written. */
  freezeTables(birth: number): void {
    while (this.placePages());
    for (const bits of [this.space.used, this.#ids, this.space.meta]) bits.store();
    for (const table of this.tables) table.freeze(birth);
    this.#frozen = { places: this.space.places, ids: this.idLimit };
  }

  /** Seals and writes up to `count` pages of the frozen tables; true while there are more. */
  writeTables(count: number): boolean {
    const blocks: PlacedBlock[] = [];
    const more = this.tables.some((table) => table.seal(count - blocks.length, blocks));
    this.file.writeAll(blocks, 'metadataWritten');
    return more;
  }

  /** What the superblock keeps of the frozen tables, when all of them are written. */
  thawTables(): BlocksRoot {
    return { tables: this.tables.map((table) => table.thaw()), ...this.#frozen };
  }

  /** The state as of now is about to be written: what died so far is released when that is done. */
  freeze(): void {
    assert(this.#buried.length === 0, 'one checkpoint at a time');
    this.#buried = this.#dying;
    this.#dying = new DeadList();
  }

  /** The frozen state is durable. */
  release(): void {
    const dead = this.#buried;
    this.#buried = new DeadList();
    this.#releaseAll(dead);
  }

  /** A view was closed. */
  releaseWithheld(): void {
    const dead = this.#withheld;
    this.#withheld = new DeadList();
    this.#releaseAll(dead);
  }

  #releaseAll({ ids, places, births, deaths, length }: DeadList): void {
    for (let i = 0; i < length; i++) {
      const id = ids[i];
      const place = places[i];
      if (id !== 0 && this.#views.needs(births[i], deaths[i])) {
        this.#withheld.push(id, place, births[i], deaths[i]);
        continue;
      }
      if (id !== 0) this.#reuseId(id);
      if (place !== 0) this.space.reuse(place);
    }
  }

  /** How many blocks died since the last checkpoint began. */
  get dying(): number {
    return this.#dying.length;
  }

  /** Places whose contents are dead but not yet free. */
  get retired(): number {
    return this.#dying.placed + this.#buried.placed + this.#withheld.placed;
  }

  // --- for verification ------------------------------------------------------------------------

  idUsed(id: number): boolean {
    return this.#ids.get(id);
  }

  get idsUsed(): number {
    return this.#ids.count;
  }

  readRaw(place: number): Uint8Array {
    const words = new Uint32Array(blockSize / 4);
    if (!this.file.tryRead(bytesOf(words), place)) throw damaged(`place ${place}`);
    return bytesOf(words);
  }
}
