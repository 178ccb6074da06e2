/** The rows of movable buffers: which chunks they lie in, and which of these are in memory. */
import { assert } from '../../base/assert.ts';
import { appenderField, type RowBuffer } from '../../compile/program.ts';
import type { EngineMemory } from '../memory.ts';
import { pageBytes } from '../page-allocator.ts';
import { writePointers } from '../row-buffers.ts';
import { sliceNumbers } from '../thread.ts';
import { chunkRowsAt, chunkWord, closedChunk } from './chunk.ts';
import { Places, type Spilled } from './places.ts';
import type { SpillStore } from './store.ts';

interface Chunk {
  /** Its first page in the store. */
  readonly page: number;
  readonly rowBytes: number;
  /** Offsets of string fields in its rows. */
  readonly strings: readonly number[];
  pages: number;
  /** 0 while it is outside. */
  address: number;
  rows: number;
  /** Whether the store has it as it is, and whether it has anything at its place. */
  saved: boolean;
  stored: boolean;
  /** Whether an appender may still add rows to it. */
  open: boolean;
  /** Readers that need it in memory. */
  users: number;
  /** Extents of it that are still to be read, if it is free after that. */
  unread: number;
}

/** Some rows that lie side by side in a chunk, from the row `first` on. */
export interface Extent {
  readonly chunk: Chunk;
  readonly first: number;
  readonly rows: number;
}

export class MovableRows {
  readonly #memory: EngineMemory;
  readonly #owner: number;
  readonly #store: SpillStore;
  readonly #buffers: readonly RowBuffer[];
  readonly #places: Places;
  /** Bytes that the execution may hold. */
  readonly #limitBytes: number;
  readonly #extents: Extent[][];
  readonly #chunks = new Map<number, Chunk>();
  /** Chunks in memory that may leave it. */
  readonly #idle = new Set<Chunk>();
  /** Buffers whose rows are read for the last time. */
  readonly #readOnce = new Set<number>();

  constructor(
    memory: EngineMemory,
    owner: number,
    words: number,
    limitBytes: number,
    store: SpillStore,
    buffers: readonly RowBuffer[],
  ) {
    this.#memory = memory;
    this.#owner = owner;
    this.#store = store;
    this.#buffers = buffers;
    this.#places = new Places(memory, words);
    this.#limitBytes = limitBytes;
    this.#extents = buffers.map(() => []);
  }

  has(buffer: number): boolean {
    return this.#buffers[buffer].movable !== undefined;
  }

  get spilled(): Spilled {
    return this.#places.spilled;
  }

  /** Adds what all workers appended in a step; `appenders`: those of the buffer. Gives the rows. */
  add(buffer: number, slices: readonly number[], appenders: readonly number[]): number {
    this.#noteOpenChunks(buffer, appenders);
    const added: { sequence: number; extent: Extent }[] = [];
    let total = 0;
    for (let at = 0; at < slices.length; at += sliceNumbers) {
      const [sequence, page, rows] = [slices[at], slices[at + 1], slices[at + 2]];
      const chunk = this.#chunk(buffer, page);
      if (sequence === closedChunk) {
        this.#close(chunk, rows);
        continue;
      }
      added.push({ sequence, extent: { chunk, first: chunk.rows, rows } });
      chunk.rows += rows;
      total += rows;
    }
    // The sort is stable, which keeps the slices of one sequence in their order.
    added.sort((a, b) => a.sequence - b.sequence);
    const extents = this.#extents[buffer];
    for (const { extent } of added) {
      const last = extents.at(-1);
      if (last?.chunk === extent.chunk && last.first + last.rows === extent.first) {
        extents[extents.length - 1] = { ...last, rows: last.rows + extent.rows };
      } else {
        extents.push(extent);
      }
    }
    return total;
  }

  #chunk(buffer: number, page: number): Chunk {
    let chunk = this.#chunks.get(page);
    if (chunk === undefined) {
      const { rowBytes, movable } = this.#buffers[buffer];
      assert(movable !== undefined, 'only movable rows lie in chunks that move');
      chunk = {
        page,
        rowBytes,
        strings: movable.strings,
        pages: 0,
        address: 0,
        rows: 0,
        saved: false,
        stored: false,
        open: true,
        users: 0,
        unread: 0,
      };
      this.#chunks.set(page, chunk);
    }
    return chunk;
  }

  #noteOpenChunks(buffer: number, appenders: readonly number[]): void {
    const words = this.#memory.u32;
    for (const appender of appenders) {
      const address = words[(appender + appenderField.chunk) >>> 2];
      if (address === 0) continue;
      const header = address >>> 2;
      const chunk = this.#chunk(buffer, words[header + chunkWord.page]);
      chunk.address = address;
      chunk.pages = words[header + chunkWord.bytes] / pageBytes;
    }
  }

  /** `where`: its address, or how many pages it has in the store. */
  #close(chunk: Chunk, where: number): void {
    chunk.open = false;
    chunk.saved = where < pageBytes;
    chunk.stored = chunk.saved;
    chunk.address = chunk.saved ? 0 : where;
    const header = where >>> 2;
    chunk.pages = chunk.saved ? where : this.#memory.u32[header + chunkWord.bytes] / pageBytes;
    if (!chunk.saved && chunk.users === 0) this.#idle.add(chunk);
  }

  /** Closes the chunks that appenders of the buffer have open: nothing more will be appended. */
  seal(buffer: number, appenders: readonly number[]): void {
    const words = this.#memory.u32;
    for (const appender of appenders) {
      const at = appender >>> 2;
      const address = words[at + appenderField.chunk / 4];
      if (address === 0) continue;
      const page = words[(address >>> 2) + chunkWord.page];
      this.#close(this.#chunk(buffer, page), address);
      words.fill(0, at, at + appenderField.bytes / 4);
    }
  }

  /** The rows of a buffer in order. */
  extents(buffer: number): readonly Extent[] {
    return this.#extents[buffer];
  }

  rowCount(buffer: number): number {
    return this.#extents[buffer].reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Writes the address of every row of a buffer, all of it loaded, to the array at `address`. */
  writePointers(buffer: number, address: number): void {
    const runs = this.runs(this.#extents[buffer]);
    writePointers(this.#memory, runs, this.#buffers[buffer].rowBytes, address);
  }

  /** Takes the rows out of a buffer; the chunks stay. */
  take(buffer: number): Extent[] {
    const extents = this.#extents[buffer];
    this.#extents[buffer] = [];
    this.#readOnce.delete(buffer);
    return extents;
  }

  put(buffer: number, extents: Extent[]): void {
    this.#extents[buffer] = extents;
  }

  /** Puts rows behind those of a buffer. */
  append(buffer: number, extents: readonly Extent[]): void {
    const all = this.#extents[buffer];
    for (const extent of extents) {
      const last = all.at(-1);
      if (last?.chunk === extent.chunk && last.first + last.rows === extent.first) {
        all[all.length - 1] = { ...last, rows: last.rows + extent.rows };
      } else {
        all.push(extent);
      }
    }
  }

  /** Rows in batches whose chunks need at most so many bytes more of memory, each at least one. */
  *batches(extents: readonly Extent[], bytesMax: number): Generator<Extent[]> {
    let batch: Extent[] = [];
    let bytes = 0;
    let seen = new Set<Chunk>();
    for (const extent of extents) {
      const { chunk } = extent;
      const isNew = chunk.address === 0 && !seen.has(chunk);
      const more = isNew ? chunk.pages * pageBytes : 0;
      if (batch.length > 0 && bytes + more > bytesMax) {
        yield batch;
        batch = [];
        bytes = 0;
        seen = new Set();
      }
      batch.push(extent);
      bytes += more;
      if (isNew) seen.add(chunk);
    }
    if (batch.length > 0) yield batch;
  }

  /** Brings rows into memory, where they stay until {@link unload}. */
  load(extents: readonly Extent[]): void {
    for (const { chunk } of extents) {
      chunk.users++;
      this.#idle.delete(chunk);
      if (chunk.open) this.#noteReading(chunk, true);
    }
    for (const { chunk } of extents) if (chunk.address === 0) this.#bringIn(chunk);
  }

  /** The rows of the buffer are going to be read for the last time: they are free after that. */
  readOnce(buffer: number): void {
    this.#readOnce.add(buffer);
    for (const { chunk } of this.#extents[buffer]) chunk.unread++;
  }

  /** Rows of the buffer were read; `changed`: their content is another one now. */
  wereRead(buffer: number, extents: readonly Extent[], changed: boolean): void {
    this.unload(extents, changed);
    if (!this.#readOnce.has(buffer)) return;
    this.free(extents.filter(({ chunk }) => --chunk.unread === 0));
  }

  /** `changed`: their content is another one now. */
  unload(extents: readonly Extent[], changed = false): void {
    for (const { chunk } of extents) {
      chunk.users--;
      if (changed) chunk.saved = false;
      if (chunk.users > 0) continue;
      if (chunk.open) this.#noteReading(chunk, false);
      else this.#idle.add(chunk);
    }
  }

  /** Tells those who append to a chunk whether its memory is needed when it is full. */
  #noteReading({ address }: Chunk, isRead: boolean): void {
    this.#memory.u32[(address >>> 2) + chunkWord.isRead] = isRead ? 1 : 0;
  }

  /** These rows are not needed any more, nor any others of their chunks. */
  free(extents: readonly Extent[]): void {
    for (const { chunk } of extents) {
      // What was freed before may have left its place to another chunk.
      if (this.#chunks.get(chunk.page) !== chunk) continue;
      this.#chunks.delete(chunk.page);
      assert(!chunk.open && chunk.users === 0, 'rows in use are not freed');
      this.#idle.delete(chunk);
      if (chunk.address !== 0) this.#memory.pages.release(chunk.address);
      if (chunk.stored) this.#places.noteFreed(chunk.pages);
      this.#places.give(chunk.page, chunk.pages);
    }
  }

  /** Address and number of rows of each run, for rows that are loaded. */
  runs(extents: readonly Extent[]): number[] {
    const runs: number[] = [];
    for (const { chunk, first, rows } of extents) {
      assert(chunk.address !== 0, 'rows that are read are in memory');
      const address = chunk.address + chunkRowsAt + first * chunk.rowBytes;
      const last = runs.length - 2;
      if (last >= 0 && runs[last] + runs[last + 1] * chunk.rowBytes === address) {
        runs[last + 1] += rows;
      } else {
        runs.push(address, rows);
      }
    }
    return runs;
  }

  /** Moves idle chunks out until so many bytes are freed or none is left; gives what it freed. */
  readonly moveOutIdle = (bytes: number): number => {
    let freed = 0;
    for (const chunk of this.#idle) {
      if (freed >= bytes) break;
      freed += chunk.pages * pageBytes;
      this.#moveOut(chunk);
    }
    return freed;
  };

  /** Moves idle chunks out until the execution may take so many bytes more. */
  makeRoom(bytes: number): void {
    const { pages } = this.#memory;
    for (const chunk of this.#idle) {
      if (pages.usage(this.#owner).bytes + bytes <= this.#limitBytes) return;
      this.#moveOut(chunk);
    }
  }

  #bringIn(chunk: Chunk): void {
    const bytes = chunk.pages * pageBytes;
    this.makeRoom(bytes);
    const address = this.#memory.pages.allocate(bytes, this.#owner);
    const content = this.#memory.u8.subarray(address, address + bytes);
    this.#store.read(chunk.page, content);
    chunk.address = address;
    const words = this.#memory.u32;
    const header = address >>> 2;
    assert(words[header + chunkWord.page] === chunk.page, 'the store gives what was written');
    const moved = address - words[header + chunkWord.self];
    words[header + chunkWord.self] = address;
    if (moved !== 0 && chunk.strings.length > 0) moveStrings(words, chunk, moved);
  }

  #moveOut(chunk: Chunk): void {
    const { address } = chunk;
    if (!chunk.saved) {
      const bytes = chunk.pages * pageBytes;
      this.#store.write(chunk.page, this.#memory.u8.subarray(address, address + bytes));
      this.#places.noteWritten(chunk.pages, !chunk.stored);
      chunk.saved = true;
      chunk.stored = true;
    }
    this.#memory.pages.release(address);
    chunk.address = 0;
    this.#idle.delete(chunk);
  }
}

/** Strings lie in the chunk of their row and move with it; those without bytes lie nowhere. */
function moveStrings(words: Uint32Array, chunk: Chunk, distance: number): void {
  const first = (chunk.address + chunkRowsAt) >>> 2;
  const step = chunk.rowBytes >>> 2;
  for (const offset of chunk.strings) {
    let at = first + (offset >>> 2);
    for (let row = 0; row < chunk.rows; row++, at += step) {
      if (words[at + 1] !== 0) words[at] += distance;
    }
  }
}
