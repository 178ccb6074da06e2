import { QuernError, sqlState } from '../base/error.ts';
import { damaged } from './block/block-file.ts';
import { BlockIdentities } from './block/sealer.ts';
import type { Head, SnapshotHolder } from './catalog.ts';
import type { StoreCore } from './core.ts';
import { writeData } from './extents.ts';
import { blockSize, pointerFanout } from './layout.ts';
import type { VolumeNode } from './tree/volume-node.ts';
import { VolumeTree } from './tree/volume-tree.ts';

/** A range of a volume, in bytes. */
export interface VolumeRange {
  offset: number;
  length: number;
}

/** A range that is all data or all hole. Holes read as zeros and take no space. */
export interface AllocationRange extends VolumeRange {
  data: boolean;
}

/** Of what was read and is not yet checked. One for all volumes: no read is interrupted. */
const identities = new BlockIdentities();

/** Blocks of one operation in the journal; a larger write is several operations. */
const blocksPerOperation = 1024;
/** The checks of what is being written; they are copied when the operation is applied. */
const checkScratch = new Uint32Array(2 * blocksPerOperation);

/**
 * A block device inside the store, of any size and read or written at any offset. Reads, writes and
 * holes take effect at once and in order, {@link Volume.flush} makes them durable. Snapshots and
 * past states are the same thing without the writing.
 */
export class Volume {
  readonly #core: StoreCore;
  readonly #holder: Head | SnapshotHolder;
  readonly #tree: VolumeTree;
  readonly #head: Head | undefined;
  readonly #scratch = new Uint8Array(blockSize);

  /** @internal `head` for the writable end, a snapshot's holder otherwise. */
  constructor(core: StoreCore, holder: Head | SnapshotHolder) {
    this.#core = core;
    this.#holder = holder;
    this.#head = 'volume' in holder ? holder : undefined;
    this.#tree = this.#head?.volume ?? new VolumeTree(core.pool, holder);
  }

  /** `name`, or `name@snapshot`. */
  get name(): string {
    return this.#holder.name;
  }

  get readOnly(): boolean {
    return this.#head === undefined || this.#core.options.readOnly;
  }

  /** Bytes. */
  get size(): number {
    return this.#holder.size;
  }

  /** The unit in which space is taken and checksums are kept; aligned writes need no reading. */
  get blockSize(): number {
    return blockSize;
  }

  #check(offset: number, length: number): void {
    this.#core.checkOpen();
    if (this.#holder.gone) {
      throw new QuernError(sqlState.undefinedTable, `'${this.name}' has been deleted`);
    }
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > this.size) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `bytes ${offset} to ${offset + length} are not within '${this.name}' of ${this.size} bytes`,
      );
    }
  }

  #checkWritable(offset: number, length: number): Head {
    this.#check(offset, length);
    if (this.#head === undefined) {
      throw new QuernError(
        sqlState.objectNotInPrerequisiteState,
        `'${this.name}' is a snapshot, which cannot be written`,
      );
    }
    return this.#head;
  }

  // --- reading ---------------------------------------------------------------------------------

  /** Fills `target` with the bytes from `offset` on. */
  readInto(target: Uint8Array, offset: number): void {
    this.#check(offset, target.length);
    const end = offset + target.length;
    for (let at = offset; at < end; ) {
      const within = at % blockSize;
      const index = (at - within) / blockSize;
      if (within === 0 && end - at >= blockSize) {
        const count = Math.floor((end - at) / blockSize);
        this.#readBlocks(target.subarray(at - offset, at - offset + count * blockSize), index);
        at += count * blockSize;
      } else {
        const length = Math.min(blockSize - within, end - at);
        this.#readBlock(this.#scratch, index);
        target.set(this.#scratch.subarray(within, within + length), at - offset);
        at += length;
      }
    }
  }

  /** A new array with `length` bytes from `offset` on. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.readInto(bytes, offset);
    return bytes;
  }

  /** Whether reads of late had to wait for hardware: then {@link readLater} holds nobody up. */
  get readsWait(): boolean {
    return this.#core.device.readsWait === true;
  }

  /**
   * Like {@link readInto}, but others can work while the hardware does. Of what is written
   * meanwhile, each block shows the old or the new.
   */
  async readLater(target: Uint8Array, offset: number): Promise<void> {
    this.#check(offset, target.length);
    const end = offset + target.length;
    const from = Math.floor(offset / blockSize);
    const to = Math.ceil(end / blockSize);
    if (offset % blockSize === 0 && end % blockSize === 0) {
      await this.#readBlocksLater(target, from);
      return;
    }
    const whole = new Uint8Array((to - from) * blockSize);
    await this.#readBlocksLater(whole, from);
    target.set(whole.subarray(offset - from * blockSize, end - from * blockSize));
  }

  async #readBlocksLater(target: Uint8Array, first: number): Promise<void> {
    const count = target.length / blockSize;
    for (let i = 0; i < count; i += BlockIdentities.max) {
      const end = Math.min(count, i + BlockIdentities.max);
      const part = target.subarray(i * blockSize, end * blockSize);
      if (await this.#tryReadLater(part, first + i)) continue;
      // Overwritten or moved meanwhile; if it is damaged, this is who says so.
      this.#check(first * blockSize, 0);
      this.#readBlocks(part, first + i);
    }
  }

  /** Reads up to {@link BlockIdentities.max} blocks; false if they are not what they were. */
  async #tryReadLater(target: Uint8Array, first: number): Promise<boolean> {
    const { blocks } = this.#core;
    const count = target.length / blockSize;
    const spans: { from: number; who: BlockIdentities }[] = [];
    const runs: { from: number; place: number; count: number }[] = [];
    for (let i = 0; i < count; i++) {
      const leaf = this.#tree.leafFor(first + i);
      const slot = (first + i) % pointerFanout;
      const id = leaf === undefined ? 0 : leaf.idAt(slot);
      if (leaf === undefined || id === 0) {
        target.fill(0, i * blockSize, (i + 1) * blockSize);
        continue;
      }
      let span = spans.at(-1);
      if (span === undefined || span.from + span.who.count !== i) {
        span = { from: i, who: new BlockIdentities() };
        spans.push(span);
      }
      span.who.add(id, leaf.birthAt(slot), leaf.checkLow(slot), leaf.checkHigh(slot));
      const place = blocks.placeOf(id);
      const run = runs.at(-1);
      const next = run !== undefined && run.from + run.count === i;
      if (next && run.place + run.count === place) run.count++;
      else runs.push({ from: i, place, count: 1 });
    }
    const reads = runs.map((run) => {
      const bytes = target.subarray(run.from * blockSize, (run.from + run.count) * blockSize);
      return blocks.file.tryReadLater(bytes, run.place);
    });
    const read = await Promise.all(reads);
    if (read.includes(false)) return false;
    return spans.every(({ from, who }) => {
      const stored = target.subarray(from * blockSize, (from + who.count) * blockSize);
      return blocks.file.sealer.openBlocks(stored, who) < 0;
    });
  }

  #readBlock(target: Uint8Array, index: number): void {
    const leaf = this.#tree.leafFor(index);
    const slot = index % pointerFanout;
    const id = leaf === undefined ? 0 : leaf.idAt(slot);
    if (leaf === undefined || id === 0) {
      target.fill(0);
      return;
    }
    const { blocks } = this.#core;
    const { sealer } = blocks.file;
    if (!blocks.file.tryRead(target, blocks.placeOf(id))) throw this.#damaged(index);
    const birth = leaf.birthAt(slot);
    if (!sealer.open(target, id, birth, leaf.checkLow(slot), leaf.checkHigh(slot))) {
      throw this.#damaged(index);
    }
  }

  /** Whole blocks. Neighbours on the device are read in one go; what is not a hole is checked. */
  #readBlocks(target: Uint8Array, first: number): void {
    const count = target.length / blockSize;
    if (count === 1) {
      this.#readBlock(target, first);
      return;
    }
    identities.count = 0;
    for (let i = 0; i < count; ) {
      const leaf = this.#tree.leafFor(first + i);
      const slot = (first + i) % pointerFanout;
      if (leaf === undefined || leaf.idAt(slot) === 0) {
        this.#openBlocks(target, first, i);
        target.fill(0, i * blockSize, (i + 1) * blockSize);
        i++;
      } else {
        const room = BlockIdentities.max - identities.count;
        const most = Math.min(count - i, room, pointerFanout - slot);
        i += this.#readRun(target, i, leaf, slot, most);
      }
      if (identities.full || i === count) this.#openBlocks(target, first, i);
    }
  }

  /** Reads up to `most` blocks that follow each other on the device; returns how many. */
  #readRun(target: Uint8Array, at: number, leaf: VolumeNode, slot: number, most: number): number {
    const { blocks } = this.#core;
    const place = blocks.placeOf(leaf.idAt(slot));
    let run = 1;
    while (run < most) {
      const next = leaf.idAt(slot + run);
      if (next === 0 || blocks.placeOf(next) !== place + run) break;
      run++;
    }
    const bytes = target.subarray(at * blockSize, (at + run) * blockSize);
    if (!blocks.file.tryRead(bytes, place)) throw this.#damaged(leaf.position + slot);
    for (let k = slot; k < slot + run; k++) {
      identities.add(leaf.idAt(k), leaf.birthAt(k), leaf.checkLow(k), leaf.checkHigh(k));
    }
    return run;
  }

  /** Checks, and decrypts, the blocks of `target` before `end` whose identities were collected. */
  #openBlocks(target: Uint8Array, first: number, end: number): void {
    if (identities.count === 0) return;
    const from = end - identities.count;
    const stored = target.subarray(from * blockSize, end * blockSize);
    const bad = this.#core.blocks.file.sealer.openBlocks(stored, identities);
    identities.count = 0;
    if (bad >= 0) throw this.#damaged(first + from + bad);
  }

  #damaged(index: number): QuernError {
    return damaged(`volume '${this.name}' at byte ${index * blockSize}`, this.#core.blocks.file);
  }

  // --- writing ---------------------------------------------------------------------------------

  /**
   * Replaces the bytes from `offset` on. After a crash a write of up to 4 MiB is there as a whole
   * or not at all; what it changes of a block at either end is read first.
   */
  write(source: Uint8Array, offset: number): void {
    const head = this.#checkWritable(offset, source.length);
    const end = offset + source.length;
    const before = offset % blockSize;
    const after = (blockSize - (end % blockSize)) % blockSize;
    if (before + after === 0) {
      this.#writeAligned(head, source, offset / blockSize);
    } else if (source.length > 0) {
      const first = (offset - before) / blockSize;
      const widened = new Uint8Array(before + source.length + after);
      if (before > 0) this.#readBlocks(widened.subarray(0, blockSize), first);
      if (after > 0 && (before === 0 || widened.length > blockSize)) {
        const last = (end + after) / blockSize - 1;
        this.#readBlocks(widened.subarray(widened.length - blockSize), last);
      }
      widened.set(source, before);
      this.#writeAligned(head, widened, first);
    }
  }

  #writeAligned(head: Head, source: Uint8Array, first: number): void {
    const count = source.length / blockSize;
    for (let i = 0; i < count; i += blocksPerOperation) {
      const end = Math.min(count, i + blocksPerOperation);
      this.#writeBlocks(head, source.subarray(i * blockSize, end * blockSize), first + i);
    }
  }

  #writeBlocks(head: Head, source: Uint8Array, first: number): void {
    const core = this.#core;
    const { file } = core.blocks;
    const count = source.length / blockSize;
    core.admit('write');
    for (let i = 0; i < count; i += pointerFanout) this.#tree.prepare(first + i);
    this.#tree.prepare(first + count - 1);
    const checks =
      count === blocksPerOperation ? checkScratch : checkScratch.subarray(0, 2 * count);
    const { runs, birth } = writeData(core, count, (run, at, born) => {
      const whole = run.count === count;
      const end = at + run.count;
      const plain = whole ? source : source.subarray(at * blockSize, end * blockSize);
      const theirs = whole ? checks : checks.subarray(2 * at, 2 * end);
      const bytes = file.sealer.sealBlocks(plain, run.id, born, theirs);
      file.write(bytes, run.place, 'dataWritten');
    });
    core.change(() => {
      let at = 0;
      for (const { id, place, count: length } of runs) {
        const operation = {
          type: 'write' as const,
          object: head.objectId,
          index: first + at,
          id,
          place,
          birth,
          checks: length === count ? checks : checks.subarray(2 * at, 2 * (at + length)),
        };
        core.apply(operation);
        core.journal.appendOperation(operation);
        at += length;
      }
    });
  }

  /** Makes the range read as zeros and gives its blocks back, as far as they are whole. */
  zero(offset: number, length: number): void {
    const head = this.#checkWritable(offset, length);
    const end = offset + length;
    // The last block may be a partial one of the volume: nothing of it is outside the range then.
    const last = end === this.size ? Math.ceil(end / blockSize) : Math.floor(end / blockSize);
    const first = Math.ceil(offset / blockSize);
    if (first >= last) {
      this.#writeZeros(offset, length);
      return;
    }
    this.#writeZeros(offset, first * blockSize - offset);
    this.#writeZeros(last * blockSize, end - last * blockSize);
    if (!this.#hasData(first, last)) return;
    this.#tree.prepare(first);
    this.#tree.prepare(last - 1);
    const object = head.objectId;
    this.#core.perform({ type: 'clear', object, from: first, to: last }, 'delete');
  }

  #hasData(first: number, last: number): boolean {
    for (const range of this.#tree.ranges(first, last)) if (range.data) return true;
    return false;
  }

  /** Part of a block: written, unless it is a hole already. */
  #writeZeros(offset: number, length: number): void {
    if (length <= 0) return;
    const first = Math.floor(offset / blockSize);
    if (!this.#hasData(first, Math.floor((offset + length - 1) / blockSize) + 1)) return;
    this.write(new Uint8Array(length), offset);
  }

  /**
   * Gives back the whole blocks in the range, which then read as zeros; the rest keeps its bytes.
   */
  trim(offset: number, length: number): void {
    const head = this.#checkWritable(offset, length);
    const end = offset + length;
    const first = Math.ceil(offset / blockSize);
    const last = end === this.size ? Math.ceil(end / blockSize) : Math.floor(end / blockSize);
    if (first < last)
      this.zero(first * blockSize, Math.min(last * blockSize, head.size) - first * blockSize);
  }

  /**
   * Runs a change of this volume at once; if it is refused because the disk is full, once more when
   * what has died so far has become free: then the result is a promise. That is what gets a trim
   * through on a full disk, or a write after one.
   */
  withRoom(change: () => void): Promise<void> | undefined {
    return this.#core.withRoom(change);
  }

  /** Resolves when every write so far, through whatever handle, survives a crash. */
  flush(): Promise<void> {
    return this.#core.sync();
  }

  // --- what is where ---------------------------------------------------------------------------

  /**
   * Data and holes in a range, maximal and in order; as of the first step, whatever is written
   * before the last.
   */
  *ranges(offset = 0, length = this.size - offset): Generator<AllocationRange> {
    this.#check(offset, length);
    const end = offset + length;
    const to = Math.ceil(end / blockSize);
    const [tree, close] = this.#still();
    try {
      for (const range of tree.ranges(Math.floor(offset / blockSize), to)) {
        const from = Math.max(offset, range.from * blockSize);
        const until = Math.min(end, range.to * blockSize);
        yield { offset: from, length: until - from, data: range.data };
      }
    } finally {
      close();
    }
  }

  /**
   * The ranges whose contents may differ from another state of the same volume, in whole blocks.
   * Costs what was changed, not what is there. As of the first step, like {@link ranges}.
   */
  *changes(since: Volume, offset = 0, length = this.size - offset): Generator<VolumeRange> {
    this.#check(offset, length);
    const end = offset + length;
    const from = Math.floor(offset / blockSize);
    const to = Math.ceil(end / blockSize);
    const [before, closeBefore] = since.#still();
    const [after, closeAfter] = this.#still();
    try {
      for (const range of VolumeTree.differences(before, after, from, to)) {
        const start = Math.max(offset, range.from * blockSize);
        yield { offset: start, length: Math.min(end, range.to * blockSize) - start };
      }
    } finally {
      closeBefore();
      closeAfter();
    }
  }

  /** The tree as it is now, to be walked while others may write. */
  #still(): [VolumeTree, () => void] {
    const { root, objectId, name } = this.#holder;
    return [new VolumeTree(this.#core.pool, { root, objectId, name }), this.#core.openView()];
  }
}
