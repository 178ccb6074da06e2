import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import { Blocks, pagesPerChange } from './block/blocks.ts';
import type { Sealer } from './block/sealer.ts';
import { ByteWriter } from './bytes.ts';
import { writeCheckpoint } from './checkpoint.ts';
import type { BlockDevice } from './device/device.ts';
import { Journal } from './journal/journal.ts';
import { encodeOperation, type Operation } from './journal/operation.ts';
import { blockSize, pointerFanout } from './layout.ts';
import { Objects } from './objects.ts';
import type { Superblock } from './superblock.ts';
import { Pool } from './tree/pool.ts';
import { Views } from './views.ts';

/** Tunables of an open store; the defaults are in `store.ts`. */
export interface CoreOptions {
  readOnly: boolean;
  /** The store never makes the device larger than this. */
  bytesMax: number;
  cacheNodes: number;
  /** A checkpoint is made when the journal has grown by so many bytes. */
  journalBytes: number;
  /** Or when so many nodes are dirty. */
  dirtyNodes: number;
  /** New extents go through the compressor. */
  compress: boolean;
  /** Runs a task soon, not now. */
  defer: (task: () => void) => void;
  /** Nodes or pages that a checkpoint handles before others have their turn. */
  portion: number;
  /** Resolves when others had their turn. */
  pause: () => Promise<void>;
  /** Bytes of table pages that are kept in memory. */
  tableCache: number;
}

/** Compresses extents; the store only records that it was used. */
export interface Compressor {
  compress(bytes: Uint8Array): Uint8Array;
  /** `length` is what the result must have. */
  decompress(bytes: Uint8Array, length: number): Uint8Array;
}

/** Transactions a checkpoint may cover; after a crash the clock jumps past all of them. */
export const transactionsPerCheckpoint = 2 ** 20;

/** Free places for metadata that deletions may use and other changes may not. */
const deletionReserve = 56;

interface Waiter {
  sequence: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * The state of an open store and the rules by which it changes: an operation is admitted (there is
 * room to record it), applied to the trees in memory, and appended to the journal; when someone
 * needs it durable the journal is flushed; from time to time a checkpoint writes the trees.
 * Everything between two `await`s is one step, seen by others wholly or not at all.
 */
export class StoreCore extends Objects {
  readonly device: BlockDevice;
  readonly options: CoreOptions;
  readonly journal: Journal;
  readonly compressor: Compressor | undefined;
  storeId: Uint32Array = new Uint32Array(4);
  generation = 0;
  /** Extents that were written for a transaction that has not committed. */
  readonly uncommitted = new Set<Uint8Array>();
  /** Keys of the catalog's notes about unfinished work, rewritten by every checkpoint. */
  notes: Uint8Array[] = [];
  /** Subtrees that could not be taken apart because they are damaged. */
  leaks: unknown[] = [];
  #failure: unknown;
  closed = false;
  #waiters: Waiter[] = [];
  #pumping = false;
  #checkpoint: Promise<void> | undefined;
  /** Records from here on must not be written before the running checkpoint is durable. */
  #holdFrom = Number.MAX_SAFE_INTEGER;
  #reclaimScheduled = false;
  #confirmationScheduled = false;
  lastFreeze = 0;

  constructor(
    device: BlockDevice,
    sealer: Sealer,
    options: CoreOptions,
    compressor: Compressor | undefined,
  ) {
    const views = new Views();
    const blocks = new Blocks(device, sealer, views, {
      bytes: options.bytesMax,
      // Nearly all of it goes to the two large tables.
      tableLeaves: Math.max(1, Math.floor(options.tableCache / 2 / blockSize)),
    });
    super(blocks, new Pool(blocks, views, options.cacheNodes), views);
    this.device = device;
    this.options = options;
    this.compressor = compressor;
    this.journal = new Journal(blocks, () => this.pool.now);
  }

  // --- failure ---------------------------------------------------------------------------------

  /** After this nothing is acknowledged any more; what was durable is there at the next opening. */
  fail(error: unknown): QuernError {
    if (this.#failure === undefined) {
      this.#failure = error;
      for (const waiter of this.#waiters.splice(0)) waiter.reject(this.stopped());
    }
    return this.stopped();
  }

  /** The error for whoever comes after a failure. */
  stopped(): QuernError {
    const why = this.#failure instanceof Error ? this.#failure.message : String(this.#failure);
    return new QuernError(sqlState.ioError, `the store has stopped: ${why}`, {
      cause: this.#failure,
      hint: 'Open it again: it continues from everything that was acknowledged.',
    });
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  checkOpen(): void {
    if (this.closed)
      throw new QuernError(sqlState.objectNotInPrerequisiteState, 'the store is closed');
  }

  checkWritable(): void {
    this.checkOpen();
    if (this.options.readOnly) {
      throw new QuernError(sqlState.objectNotInPrerequisiteState, 'the store is open for reading');
    }
    if (this.failed) throw this.stopped();
  }

  // --- admission -------------------------------------------------------------------------------

  /** Places the next checkpoint will need at most, as things are. */
  #metaNeeded(): number {
    const { pool, blocks } = this;
    const entries = this.changed.size + this.unsealed.size + pool.doomed.length;
    const nodes = pool.dirtyCount + 3 * entries + 24;
    // Where the nodes go must be recorded in tables too; two segments share a page of owners.
    return nodes + blocks.tablePlacesNeeded() + Math.min(nodes, blocks.space.segments / 2);
  }

  /**
   * Makes sure that a change can be recorded and will fit the next checkpoint. Throws 53100 when it
   * will not, with nothing changed. `nodes`: how many it may make dirty, if that is more than a
   * few.
   */
  admit(purpose: 'write' | 'delete', nodes = 0): void {
    this.checkWritable();
    this.#reclaimSome(64);
    const reserve = purpose === 'write' ? deletionReserve : 0;
    const { space } = this.blocks;
    this.journal.ensureRoom(purpose);
    const needed = this.#metaNeeded() + nodes;
    let tight = false;
    try {
      space.ensureMeta(needed + deletionReserve);
    } catch (error) {
      if (!isDiskFull(error) || space.metaFree < needed + reserve) throw error;
      tight = true;
    }
    if (this.#checkpoint === undefined && (tight || this.wantsCheckpoint())) {
      this.startCheckpoint();
    }
  }

  /**
   * After a change was refused with 53100: makes a checkpoint, so that what has died since the last
   * one becomes free. False if nothing will be: then it is of no use to try again.
   */
  async makeRoom(): Promise<boolean> {
    this.checkWritable();
    const { pool, blocks } = this;
    const running = this.#checkpoint !== undefined;
    if (!running && pool.dirtyCount + pool.doomed.length + blocks.dying === 0) return false;
    await this.settle();
    await this.checkpoint();
    return true;
  }

  /**
   * Runs a change at once; if it is refused with 53100, once more when there is room: then the
   * result is a promise.
   */
  withRoom(change: () => void): Promise<void> | undefined {
    try {
      change();
      return undefined;
    } catch (error) {
      if (!isDiskFull(error) || this.failed) throw error;
      return this.makeRoom().then((made) => {
        if (!made) throw error;
        change();
      });
    }
  }

  /** Will the next change begin a checkpoint? */
  wantsCheckpoint(): boolean {
    return (
      this.journal.bytesSinceCheckpoint > this.options.journalBytes ||
      this.pool.dirtyCount > this.options.dirtyNodes ||
      this.blocks.dirtyPages > this.options.dirtyNodes ||
      this.pool.now - this.lastFreeze > transactionsPerCheckpoint / 2 ||
      // What died takes space until a checkpoint: keep that below an eighth of what lives.
      this.blocks.dying > Math.max(4096, this.blocks.space.used.count / 8)
    );
  }

  /** Runs a change of the trees that must not stop halfway. */
  change(apply: () => void): void {
    try {
      apply();
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** Admits, journals and applies one operation; durable after the next {@link sync}. */
  perform(operation: Operation, purpose: 'write' | 'delete' = 'write'): void {
    this.admit(purpose);
    this.change(() => {
      this.apply(operation);
      this.journal.appendOperation(operation);
    });
    this.scheduleReclaim();
  }

  /** Like {@link perform}, for a few operations that a crash leaves all or none of. */
  performTogether(operations: Operation[]): void {
    this.admit('write');
    this.change(() => {
      const writer = new ByteWriter();
      for (const operation of operations) {
        this.apply(operation);
        encodeOperation(writer, operation);
      }
      this.journal.append(writer.view());
    });
    this.scheduleReclaim();
  }

  // --- reclaiming ------------------------------------------------------------------------------

  /**
   * Takes deleted trees apart, as much as there is certainly room to record. False if there is none
   * before the next checkpoint.
   */
  #reclaimSome(budget: number): boolean {
    if (this.pool.doomed.length === 0 || this.options.readOnly) return true;
    try {
      this.blocks.space.ensureMeta(this.#metaNeeded());
    } catch {
      return false;
    }
    try {
      this.pool.reclaim(Math.min(budget, pagesPerChange - 2 * pointerFanout));
    } catch (error) {
      // What is damaged cannot be walked; its blocks stay allocated and `verify` reports them.
      this.leaks.push(error);
    }
    return true;
  }

  /** Deleted trees are taken apart in steps, between other work. */
  scheduleReclaim(): void {
    if (this.#reclaimScheduled || this.options.readOnly || this.pool.doomed.length === 0) return;
    this.#reclaimScheduled = true;
    this.options.defer(() => {
      this.#reclaimScheduled = false;
      if (this.closed || this.failed) return;
      if (this.#reclaimSome(pagesPerChange)) this.scheduleReclaim();
      else this.checkpoint().catch(() => {}); // What it frees makes room; the next change goes on.
    });
  }

  /** Takes everything that was deleted apart. */
  async settle(): Promise<void> {
    for (let stuck = 0; this.pool.doomed.length > 0 && stuck < 3; ) {
      this.checkWritable();
      if (this.#reclaimSome(pagesPerChange)) {
        stuck = 0;
        await Promise.resolve();
      } else {
        stuck++;
        await this.checkpoint();
      }
    }
  }

  // --- durability ------------------------------------------------------------------------------

  /** Resolves when everything done so far survives a crash. */
  sync(): Promise<void> {
    this.checkOpen();
    if (this.failed) return Promise.reject(this.stopped());
    const sequence = this.journal.wanted;
    // A change that is too large for the journal is only in the checkpoint that is being written.
    if (sequence < this.#holdFrom && this.#holdFrom < Number.MAX_SAFE_INTEGER) {
      return this.#checkpoint!;
    }
    if (sequence <= this.journal.durable) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ sequence, resolve, reject });
      if (this.#pumping) return;
      this.#pumping = true;
      // Whoever else commits in this turn of the event loop shares the flush.
      queueMicrotask(() => {
        this.#pump().catch((error) => this.fail(error));
      });
    });
  }

  async #pump(): Promise<void> {
    try {
      while (this.#waiters.length > 0 && !this.failed) {
        this.journal.seal();
        if (this.#holdFrom < Number.MAX_SAFE_INTEGER) {
          const first = Math.min(...this.#waiters.map((w) => w.sequence));
          if (first >= this.#holdFrom) {
            await this.#checkpoint;
            continue;
          }
        }
        const written = this.journal.write(this.#holdFrom - 1);
        await this.blocks.file.flush();
        if (this.failed) return;
        this.journal.settle(written);
        const done = this.#waiters.filter((waiter) => waiter.sequence <= written);
        this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > written);
        for (const waiter of done) waiter.resolve();
      }
    } finally {
      this.#pumping = false;
    }
    this.#scheduleConfirmation();
  }

  /**
   * What has been acknowledged must not look like the torn end of the journal if it is damaged
   * later. The next record will see to that; if there is none soon, one is written for it. It need
   * not be flushed: until it has reached the medium by itself, it takes a loss of power and damage
   * together to lose anything unnoticed.
   */
  #scheduleConfirmation(): void {
    if (this.#confirmationScheduled || !this.journal.unconfirmed) return;
    this.#confirmationScheduled = true;
    this.options.defer(() => {
      this.#confirmationScheduled = false;
      if (this.closed || this.failed || this.#pumping || !this.journal.unconfirmed) return;
      // A checkpoint that records wait for confirms as well.
      if (this.#holdFrom < Number.MAX_SAFE_INTEGER) return;
      try {
        this.journal.confirm();
        this.journal.write();
      } catch (error) {
        // On a full disk there may be no next run: then the next checkpoint confirms.
        if (!isDiskFull(error)) this.fail(error);
      }
    });
  }

  /**
   * Applies a change that is too large for the journal: it becomes durable with a checkpoint, and
   * nothing later becomes durable before.
   */
  async performLarge(apply: () => void): Promise<void> {
    while (this.#checkpoint !== undefined) await this.#checkpoint;
    this.checkWritable();
    this.change(() => {
      this.journal.seal();
      apply();
    });
    this.#holdFrom = this.journal.sealed + 1;
    await this.startCheckpoint();
  }

  // --- checkpoints -----------------------------------------------------------------------------

  /** Makes a checkpoint of everything done so far. */
  async checkpoint(): Promise<void> {
    this.checkWritable();
    while (this.#checkpoint !== undefined) await this.#checkpoint;
    this.checkWritable();
    await this.startCheckpoint();
  }

  get checkpointing(): Promise<void> | undefined {
    return this.#checkpoint;
  }

  /** Begins to write the present state; work goes on meanwhile. */
  startCheckpoint(): Promise<void> {
    assert(this.#checkpoint === undefined, 'one checkpoint at a time');
    try {
      this.blocks.space.ensureMeta(this.#metaNeeded());
    } catch {
      // The disk is full; what was admitted has its room all the same.
    }
    const done = writeCheckpoint(this)
      .then((sequence) => this.#finishCheckpoint(sequence))
      .catch((error) => {
        this.#checkpoint = undefined;
        throw this.fail(error);
      });
    done.catch(() => {}); // Whoever waits sees the failure; nobody has to wait.
    this.#checkpoint = done;
    return done;
  }

  /** `sequence`: the first record of the journal that the checkpoint does not cover. */
  #finishCheckpoint(sequence: number): void {
    const { space } = this.blocks;
    this.#checkpoint = undefined;
    this.#holdFrom = Number.MAX_SAFE_INTEGER;
    this.pool.pinned = false;
    this.pool.forgetSealed();
    this.blocks.release();
    this.journal.cover(sequence - 1);
    const settled = this.#waiters.filter((w) => w.sequence <= this.journal.durable);
    this.#waiters = this.#waiters.filter((w) => w.sequence > this.journal.durable);
    for (const waiter of settled) waiter.resolve();
    space.frozen = false;
    space.trimMeta(this.#metaNeeded() * 2 + 512);
    this.#truncate();
  }

  /** Gives free segments at the end back to the file system. */
  #truncate(): void {
    const places = this.blocks.space.shrink();
    // The durable superblock may still count more places; those beyond the end are free.
    if (this.device.size() > places * blockSize) this.device.truncate(places * blockSize);
  }

  superblock(): Omit<Superblock, 'blocks' | 'catalog'> {
    const runs = this.journal.places;
    const current = runs[runs.length - (this.journal.hasSpare ? 2 : 1)];
    return {
      storeId: this.storeId,
      generation: this.generation,
      transaction: this.pool.now,
      nextObject: this.nextObject,
      encrypted: this.blocks.file.sealer.authenticate !== undefined,
      journal: this.journal.start(),
      journalRuns: [current.place, this.journal.hasSpare ? runs[runs.length - 1].place : 0],
    };
  }
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof QuernError && error.code === sqlState.diskFull;
}
