import { assert } from '../../base/assert.ts';
import {
  blockType,
  blockWords,
  bytesOf,
  headerWords,
  type Pointer,
  payloadSize,
  pointerFanout,
  pointerWords,
  readHeader,
  readPointer,
  writeHeader,
  writePointer,
} from '../layout.ts';
import { type BlockFile, damaged, type PlacedBlock } from './block-file.ts';

/** Records of 8 bytes in one leaf page. */
export const tableRecords = payloadSize / 8;

/** Identities of table pages live above those of blocks: the two never share a seed or nonce. */
export function placeIdentity(place: number): number {
  return place + 2 ** 47;
}

export class TablePage {
  readonly level: number;
  readonly index: number;
  readonly words: Uint32Array;
  /** 0 until a checkpoint finds it one. */
  place: number;
  /** Differs from what the last frozen state has. */
  dirty = false;
  /** Part of the frozen state, which is being written, and not sealed yet. */
  frozen = false;
  /** Seen since the cache last looked for something to drop. */
  recent = true;

  constructor(level: number, index: number, words: Uint32Array, place: number) {
    this.level = level;
    this.index = index;
    this.words = words;
    this.place = place;
  }
}

/** What the superblock keeps of a table. `root.id` is a place. */
export interface TableRoot {
  root: Pointer | undefined;
  height: number;
}

/** What a checkpoint is writing of a table. */
interface FrozenTable {
  root: TableRoot;
  birth: number;
  /** By level, what is not sealed yet. */
  pages: TablePage[][];
  /** Sealed out of turn, because they were about to change. */
  early: PlacedBlock[];
  /** Of all pages. */
  count: number;
}

/**
 * An array in the file: leaf pages of fixed records under a tree of pointers, grown at the top as
 * the array grows. Pages that are all zero need not exist. Tables say where blocks are, so they
 * cannot use blocks: their pointers hold places. Changed pages stay in memory until a checkpoint
 * gives each a new place; nothing on the device is overwritten. Leaf pages that have not changed
 * are a cache.
 *
 * A checkpoint takes three steps: every dirty page gets its place (in portions, if there are many),
 * {@link freeze} declares what is there to be the state that is written, and {@link seal} gives it
 * out in portions while others work. A leaf that they change meanwhile is sealed just before.
 */
export class Table {
  readonly number: number;
  readonly name: string;
  readonly #file: BlockFile;
  readonly #leavesMax: number;
  #levels: Map<number, TablePage>[] = [new Map()];
  #root: Pointer | undefined;
  #leaf: TablePage | undefined;
  #dirty: TablePage[] = [];
  #frozen: FrozenTable | undefined;
  /** Pages that became dirty and have not been given a new place yet. */
  queue: TablePage[] = [];

  /** `leavesMax`: so many leaf pages stay in memory, on top of those that are dirty. */
  constructor(number: number, name: string, file: BlockFile, leavesMax: number) {
    this.number = number;
    this.name = name;
    this.#file = file;
    this.#leavesMax = leavesMax;
  }

  open(root: TableRoot): void {
    this.#levels = Array.from({ length: root.height }, () => new Map());
    this.#root = root.root;
    this.#leaf = undefined;
    this.queue = [];
    this.#dirty = [];
  }

  get dirtyCount(): number {
    return this.#dirty.length;
  }

  /** The leaf pages that differ from what the last frozen state has. */
  get dirtyLeaves(): TablePage[] {
    return this.#dirty.filter((page) => page.level === 0);
  }

  get height(): number {
    return this.#levels.length;
  }

  /** The leaf page with this index; made of zeros if there was none. */
  leaf(index: number): TablePage {
    if (this.#leaf?.index === index) return this.#leaf;
    if (this.#levels[0].size > this.#leavesMax + this.#pinned) this.#evictLeaves();
    while (index >= pointerFanout ** (this.height - 1)) this.#grow();
    const page = this.#page(0, index);
    this.#leaf = page;
    return page;
  }

  /** Must be called before a page is changed. */
  touch(page: TablePage): void {
    if (page.frozen) this.#sealEarly(page);
    for (let p = page; !p.dirty; p = this.#page(p.level + 1, Math.floor(p.index / pointerFanout))) {
      this.#markDirty(p);
      if (p.level === this.height - 1) break;
    }
  }

  #markDirty(page: TablePage): void {
    page.dirty = true;
    this.#dirty.push(page);
    this.queue.push(page);
  }

  /** Marks the page dirty so that the next checkpoint moves it elsewhere. */
  evict(level: number, index: number): void {
    if (level < this.height) this.touch(this.#page(level, index));
  }

  /** The page at a level, if it is at `place` now. */
  isAt(level: number, index: number, place: number): boolean {
    if (level >= this.height || index >= pointerFanout ** (this.height - 1 - level)) return false;
    const pointer = this.#pointer(level, index);
    if (pointer === undefined) return false;
    return pointer.id === place;
  }

  /** Declares the present contents to be the state that is written. */
  freeze(birth: number): void {
    assert(this.queue.length === 0, 'every dirty page has its place');
    assert(this.#frozen === undefined, 'one state is written at a time');
    const pages: TablePage[][] = Array.from({ length: this.height }, () => []);
    for (const page of this.#dirty) {
      page.dirty = false;
      page.frozen = true;
      pages[page.level].push(page);
    }
    const root = { root: this.#root, height: this.height };
    this.#frozen = { root, birth, pages, early: [], count: this.#dirty.length };
    this.#dirty = [];
  }

  /**
   * Seals up to `count` pages of the frozen state, children before parents, and adds them to
   * `blocks`, which must be written before anything else happens to the table. True while there are
   * more.
   */
  seal(count: number, blocks: PlacedBlock[]): boolean {
    const frozen = this.#frozen;
    assert(frozen !== undefined, 'the table is frozen');
    for (const block of frozen.early.splice(0)) blocks.push(block);
    for (const level of frozen.pages) {
      for (let page = level.pop(); page !== undefined; page = level.pop()) {
        if (!page.frozen) continue; // Sealed early.
        if (count-- === 0) {
          level.push(page);
          return true;
        }
        blocks.push(this.#seal(page, frozen));
      }
    }
    return false;
  }

  /** Where the frozen state is, when all of it is sealed. */
  thaw(): TableRoot {
    const frozen = this.#frozen;
    assert(frozen?.pages.every((level) => level.length === 0) === true, 'every page is sealed');
    this.#frozen = undefined;
    return frozen.root;
  }

  /** A page above the leaves does not change before its children have been sealed. */
  #sealEarly(page: TablePage): void {
    if (page.level > 0) return;
    const { place, bytes } = this.#seal(page, this.#frozen!);
    this.#frozen!.early.push({ place, bytes: bytes.slice() });
  }

  /** Every page that exists, with its place; loads all of the table. */
  *pages(): Generator<TablePage> {
    for (let level = this.height - 1; level >= 0; level--) {
      for (let index = 0; index < pointerFanout ** (this.height - 1 - level); index++) {
        if (this.#levels[level].has(index)) yield this.#levels[level].get(index)!;
        else if (this.#pointer(level, index) !== undefined) yield this.#page(level, index);
        else if (level > 0) index = this.#skip(level, index);
      }
    }
  }

  /** Indexes of absent pages may be skipped up to the end of the parent. */
  #skip(level: number, index: number): number {
    if (level === this.height - 1) return index;
    const parent = this.#pointer(level + 1, Math.floor(index / pointerFanout));
    if (parent !== undefined) return index;
    return (Math.floor(index / pointerFanout) + 1) * pointerFanout - 1;
  }

  /** Seals the page in its own memory and tells its parent. */
  #seal(page: TablePage, frozen: FrozenTable): PlacedBlock {
    writeHeader(page.words, {
      type: blockType.table,
      level: page.level,
      id: page.place,
      birth: frozen.birth,
      owner: this.number,
      position: page.index,
      count: 0,
      used: payloadSize,
    });
    page.frozen = false;
    const { sealer } = this.#file;
    const bytes = sealer.seal(bytesOf(page.words), placeIdentity(page.place), frozen.birth);
    const pointer = { id: page.place, birth: frozen.birth, low: sealer.low, high: sealer.high };
    if (page.level === frozen.root.height - 1) frozen.root.root = pointer;
    if (page.level === this.height - 1) {
      this.#root = pointer;
    } else {
      const parent = this.#page(page.level + 1, Math.floor(page.index / pointerFanout));
      const at = headerWords + (page.index % pointerFanout) * pointerWords;
      writePointer(parent.words, at, pointer);
    }
    return { place: page.place, bytes };
  }

  /** Pages that cannot be dropped, at most. */
  get #pinned(): number {
    return this.#dirty.length + (this.#frozen?.count ?? 0);
  }

  /** Second chance: leaves seen since the last round stay. */
  #evictLeaves(): void {
    const leaves = this.#levels[0];
    const goal = this.#leavesMax - (this.#leavesMax >>> 3) + this.#pinned;
    this.#leaf = undefined;
    for (let round = 0; round < 2; round++) {
      for (const [index, page] of leaves) {
        if (leaves.size <= goal) return;
        if (page.dirty || page.frozen) continue;
        if (page.recent && round === 0) page.recent = false;
        else leaves.delete(index);
      }
    }
  }

  /** Where the page at a level is, as its parent (or the root) says. */
  #pointer(level: number, index: number): Pointer | undefined {
    if (level === this.height - 1) return this.#root;
    const up = level + 1;
    const parentIndex = Math.floor(index / pointerFanout);
    if (!this.#levels[up].has(parentIndex) && this.#pointer(up, parentIndex) === undefined) {
      return undefined;
    }
    const parent = this.#page(up, parentIndex);
    const at = headerWords + (index % pointerFanout) * pointerWords;
    const pointer = readPointer(parent.words, at);
    return pointer.id === 0 ? undefined : pointer;
  }

  #page(level: number, index: number): TablePage {
    const known = this.#levels[level].get(index);
    if (known !== undefined) {
      known.recent = true;
      return known;
    }
    const pointer = this.#pointer(level, index);
    const words = new Uint32Array(blockWords);
    if (pointer !== undefined) this.#load(words, level, index, pointer);
    const page = new TablePage(level, index, words, pointer?.id ?? 0);
    this.#levels[level].set(index, page);
    return page;
  }

  #load(words: Uint32Array, level: number, index: number, pointer: Pointer): void {
    const bytes = bytesOf(words);
    const name = `page ${index} (level ${level}) of table '${this.name}'`;
    if (!this.#file.readVerified(bytes, pointer.id, placeIdentity(pointer.id), pointer)) {
      throw damaged(name, this.#file);
    }
    const header = readHeader(words);
    if (header?.type !== blockType.table || header.owner !== this.number) throw damaged(name);
    if (header.level !== level || header.position !== index) throw damaged(name);
  }

  #grow(): void {
    const old = this.height - 1;
    const hadRoot = this.#root !== undefined || this.#levels[old].has(0);
    this.#levels.push(new Map());
    const page = new TablePage(old + 1, 0, new Uint32Array(blockWords), 0);
    this.#levels[old + 1].set(0, page);
    if (!hadRoot) return;
    if (this.#root !== undefined) writePointer(page.words, headerWords, this.#root);
    this.#root = undefined;
    // The new root exists only in memory: it must reach the device with the next checkpoint.
    this.#markDirty(page);
  }
}
