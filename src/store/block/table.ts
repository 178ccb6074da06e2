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
  dirty = false;

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

/**
 * An array in the file: leaf pages of fixed records under a tree of pointers, grown at the top as
 * the array grows. Pages that are all zero need not exist. Tables say where blocks are, so they
 * cannot use blocks: their pointers hold places. Changed pages stay in memory until a checkpoint
 * gives each a new place; nothing on the device is overwritten.
 */
export class Table {
  readonly number: number;
  readonly name: string;
  readonly #file: BlockFile;
  #levels: Map<number, TablePage>[] = [new Map()];
  #root: Pointer | undefined;
  #leaf: TablePage | undefined;
  /** Pages that became dirty and have not been given a new place yet. */
  queue: TablePage[] = [];
  dirtyCount = 0;

  constructor(number: number, name: string, file: BlockFile) {
    this.number = number;
    this.name = name;
    this.#file = file;
  }

  open(root: TableRoot): void {
    this.#levels = Array.from({ length: root.height }, () => new Map());
    this.#root = root.root;
    this.#leaf = undefined;
    this.queue = [];
    this.dirtyCount = 0;
  }

  get height(): number {
    return this.#levels.length;
  }

  /** The leaf page with this index; made of zeros if there was none. */
  leaf(index: number): TablePage {
    if (this.#leaf?.index === index) return this.#leaf;
    while (index >= pointerFanout ** (this.height - 1)) this.#grow();
    const page = this.#page(0, index);
    this.#leaf = page;
    return page;
  }

  /** Must be called before a page is changed. */
  touch(page: TablePage): void {
    for (let p = page; !p.dirty; p = this.#page(p.level + 1, Math.floor(p.index / pointerFanout))) {
      p.dirty = true;
      this.dirtyCount++;
      this.queue.push(p);
      if (p.level === this.height - 1) break;
    }
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

  /** Seals every dirty page, children first, and returns what is to be written. */
  serialize(birth: number): { root: TableRoot; blocks: PlacedBlock[] } {
    assert(this.queue.length === 0, 'every dirty page has its place');
    const blocks: PlacedBlock[] = [];
    for (let level = 0; level < this.height; level++) {
      for (const page of this.#levels[level].values()) {
        if (!page.dirty) continue;
        const pointer = this.#seal(page, birth, blocks);
        if (level === this.height - 1) {
          this.#root = pointer;
        } else {
          const parent = this.#page(level + 1, Math.floor(page.index / pointerFanout));
          const at = headerWords + (page.index % pointerFanout) * pointerWords;
          writePointer(parent.words, at, pointer);
        }
        page.dirty = false;
      }
    }
    this.dirtyCount = 0;
    return { root: { root: this.#root, height: this.height }, blocks };
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

  #seal(page: TablePage, birth: number, blocks: PlacedBlock[]): Pointer {
    writeHeader(page.words, {
      type: blockType.table,
      level: page.level,
      id: page.place,
      birth,
      owner: this.number,
      position: page.index,
      count: 0,
      used: payloadSize,
    });
    // A copy: the page may change again before the checkpoint has written it.
    const bytes = bytesOf(page.words).slice();
    const stored = this.#file.sealer.seal(bytes, placeIdentity(page.place), birth);
    blocks.push({ place: page.place, bytes: stored });
    return { id: page.place, birth, low: this.#file.sealer.low, high: this.#file.sealer.high };
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
    if (known !== undefined) return known;
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
    page.dirty = true;
    this.dirtyCount++;
    this.queue.push(page);
  }
}
