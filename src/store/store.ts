import { QuernError, sqlState } from '../base/error.ts';
import { ChecksumSealer, type Sealer, type SealerFactory } from './block/sealer.ts';
import {
  type CatalogEntry,
  catalogPrefix,
  checkName,
  headName,
  prefixOnly,
  prefixRange,
  snapshotKey,
  snapshotName,
} from './catalog.ts';
import { Compaction, type CompactionReport } from './compaction.ts';
import { StoreCore } from './core.ts';
import type { BlockDevice } from './device/device.ts';
import type { ObjectKind, Operation } from './journal/operation.ts';
import { blockSize, bytesOf, type Pointer } from './layout.ts';
import { StoreMap, View } from './map.ts';
import { unknownObject } from './objects.ts';
import { coreOptionsOf, type StoreOptions } from './options.ts';
import { type RecoveryReport, recover } from './recovery.ts';
import {
  checkKey,
  chooseSuperblock,
  isUnborn,
  repairCopies,
  type SuperblockCopy,
} from './superblock.ts';
import { Transaction } from './transaction.ts';
import { MapTree } from './tree/map-tree.ts';
import { type Usage, UsageWalk } from './usage.ts';
import { type VerifyReport, verify } from './verify.ts';
import { Volume } from './volume.ts';

export interface ObjectInfo {
  name: string;
  kind: ObjectKind;
  /** Bytes, of a volume. */
  size: number;
  /** Milliseconds since 1970. */
  created: number;
  /** What a branch was made from, else empty. */
  origin: string;
}

export interface SnapshotInfo extends ObjectInfo {
  /** The name after the `@`. */
  snapshot: string;
  /** Hexadecimal; the same in every store that received this snapshot. */
  guid: string;
}

export interface StoreSpace {
  /** Bytes of the device. */
  size: number;
  /** Bytes of blocks that the state or a snapshot reaches, superblocks and journal included. */
  live: number;
  /** Bytes of deleted trees that have not been taken apart, an estimate of none or some. */
  doomed: boolean;
  /** Bytes that are dead and become free with the next checkpoint or when views close. */
  reclaimable: number;
  /** Bytes free inside the device. */
  free: number;
}

/** How often a reader tries to catch a moment at which the writer has not just moved on. */
const openAttempts = 20;

/** A store on a block device: volumes and maps, their snapshots and branches. */
export class Store {
  /** @internal */
  readonly core: StoreCore;
  readonly #random: (count: number) => Uint8Array;
  readonly #clock: () => number;
  /** Resolves when the transaction that is open now is over. */
  #writer: Promise<void> = Promise.resolve();
  /** The copies of the superblock as they were found. */
  readonly superblocks: SuperblockCopy[];

  /** What opening found in the journal. */
  readonly recovery: RecoveryReport;

  private constructor(
    core: StoreCore,
    options: StoreOptions,
    superblocks: SuperblockCopy[],
    recovery: RecoveryReport,
  ) {
    this.core = core;
    this.recovery = recovery;
    this.superblocks = superblocks;
    this.#random = options.random ?? randomBytes;
    this.#clock = options.clock ?? Date.now;
  }

  /**
   * Opens the store on `device`, or makes one if the device is empty. Closes the device if it
   * fails.
   */
  static async open(device: BlockDevice, options: StoreOptions = {}): Promise<Store> {
    try {
      return await Store.#open(device, options);
    } catch (error) {
      device.close();
      throw error;
    }
  }

  static async #open(device: BlockDevice, options: StoreOptions): Promise<Store> {
    const readOnly = options.readOnly ?? false;
    const coreOptions = coreOptionsOf(options);
    const random = options.random ?? randomBytes;
    if (!readOnly && isUnborn(device)) {
      device.truncate(0);
      const storeId = new Uint32Array(random(16).slice().buffer);
      const sealer = sealerFor(storeId, options.encryption);
      const core = new StoreCore(device, sealer, coreOptions, options.compressor);
      core.storeId = storeId;
      core.blocks.create();
      core.journal.begin();
      await core.checkpoint();
      return new Store(core, options, [], { records: 0, incomplete: false });
    }
    for (let attempt = 1; ; attempt++) {
      const choice = chooseSuperblock(device);
      const { superblock, copies } = choice;
      const sealer = sealerFor(superblock.storeId, options.encryption);
      checkKey(superblock, sealer, device.name);
      const core = new StoreCore(device, sealer, coreOptions, options.compressor);
      let recovery: RecoveryReport;
      try {
        recovery = recover(core, superblock);
        const again = readOnly && attempt < openAttempts;
        if (again && core.blocks.file.outdated()) continue;
      } catch (error) {
        // A reader may have looked while another process was writing.
        if (readOnly && attempt < openAttempts) continue;
        throw error;
      }
      if (!readOnly) {
        await repairCopies(core.blocks.file, choice);
        await core.checkpoint();
      }
      core.scheduleReclaim();
      return new Store(core, options, copies, recovery);
    }
  }

  /** Makes a checkpoint, so that the next opening is quick, and closes the device. */
  async close(): Promise<void> {
    const { core } = this;
    if (core.closed) return;
    try {
      if (!core.options.readOnly && !core.failed) await core.checkpoint();
    } finally {
      core.closed = true;
      core.device.close();
    }
  }

  /** Resolves when everything done so far survives a crash. */
  sync(): Promise<void> {
    return this.core.sync();
  }

  /** Folds the journal into the trees. Happens by itself as well. */
  checkpoint(): Promise<void> {
    return this.core.checkpoint();
  }

  // --- objects ---------------------------------------------------------------------------------

  /** The objects, by name. */
  list(): ObjectInfo[] {
    this.core.checkOpen();
    this.core.writeHeads();
    const [from, to] = prefixRange(prefixOnly(catalogPrefix.head));
    const keys = [...this.core.catalog.entries(from, to)].map(([key]) => key);
    return keys.map((key) => info(headName(key), this.core.entry(key)!));
  }

  /** The snapshots of one object, or of all, by name. */
  snapshots(object?: string): SnapshotInfo[] {
    this.core.checkOpen();
    const prefix =
      object === undefined ? prefixOnly(catalogPrefix.snapshot) : snapshotKey(object, '');
    const [from, to] = prefixRange(prefix);
    const list: SnapshotInfo[] = [];
    for (const [key] of this.core.catalog.entries(from, to)) {
      const name = snapshotName(key);
      const entry = this.core.entry(key)!;
      const guid = Array.from(entry.guid, (b) => b.toString(16).padStart(2, '0')).join('');
      list.push({ ...info(name.object, entry), snapshot: name.snapshot, guid });
    }
    return list;
  }

  /** Makes an empty volume; it takes no space until it is written to. */
  async createVolume(name: string, size: number): Promise<Volume> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new QuernError(sqlState.invalidParameterValue, `${size} cannot be a size`);
    }
    this.#create('volume', name, size);
    const volume = this.volume(name);
    await this.sync();
    return volume;
  }

  #create(kind: ObjectKind, name: string, size: number): void {
    this.#checkFree(name);
    const { nextObject } = this.core;
    const time = this.#clock();
    this.core.perform({ type: 'create', object: nextObject, kind, name, size, time });
  }

  #checkFree(name: string): void {
    this.core.checkWritable();
    checkName(name);
    this.core.checkRoots();
    if (this.core.findHead(name) === undefined) return;
    throw new QuernError(sqlState.duplicateTable, `'${name}' exists already`);
  }

  /** Makes an empty map. */
  async createMap(name: string): Promise<StoreMap> {
    this.#create('map', name, 0);
    const map = this.map(name);
    await this.sync();
    return map;
  }

  /** A map (`name`) or a snapshot of one (`name@snapshot`), for reading. */
  map(name: string): StoreMap {
    this.core.checkOpen();
    const [object, snapshot] = splitName(name);
    if (snapshot === undefined) {
      const head = this.core.head(object);
      if (head.map === undefined) throw wrongKind(name, 'map');
      return new StoreMap(this.core, head.map, () => head.gone);
    }
    const holder = this.core.snapshot(object, snapshot);
    if (holder.kind !== 'map') throw wrongKind(name, 'map');
    return new StoreMap(this.core, new MapTree(this.core.pool, holder), () => holder.gone);
  }

  /** The store as it is now, for as long as the view is open. */
  view(): View {
    this.core.checkOpen();
    return new View(this.core);
  }

  /** A transaction over maps, when it is its turn. */
  async begin(): Promise<Transaction> {
    this.core.checkWritable();
    const before = this.#writer;
    let done = (): void => {};
    this.#writer = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      this.core.checkWritable();
    } catch (error) {
      done();
      throw error;
    }
    return new Transaction(this.core, done);
  }

  /** @internal A transaction at once; only where it is known that none is open. */
  beginNow(): Transaction {
    this.core.checkWritable();
    return new Transaction(this.core, () => {});
  }

  /** Runs `work` in a transaction and commits it; gives it up if `work` throws. */
  async transact<T>(work: (transaction: Transaction) => T | Promise<T>): Promise<T> {
    const transaction = await this.begin();
    let result: T;
    try {
      result = await work(transaction);
    } catch (error) {
      transaction.rollback();
      throw error;
    }
    await transaction.commit();
    return result;
  }

  /** A volume (`name`, writable) or a snapshot of one (`name@snapshot`). */
  volume(name: string): Volume {
    this.core.checkOpen();
    const [object, snapshot] = splitName(name);
    if (snapshot === undefined) {
      const head = this.core.head(object);
      if (head.kind !== 'volume') throw wrongKind(name, 'volume');
      return new Volume(this.core, head);
    }
    const holder = this.core.snapshot(object, snapshot);
    if (holder.kind !== 'volume') throw wrongKind(name, 'volume');
    return new Volume(this.core, holder);
  }

  #snapshotEntry(object: string, snapshot: string): CatalogEntry {
    const entry = this.core.entry(snapshotKey(object, snapshot));
    if (entry === undefined) throw unknownObject(`${object}@${snapshot}`);
    return entry;
  }

  /** Changes the size of a volume. What is cut off is gone, what is added reads as zeros. */
  async resizeVolume(name: string, size: number): Promise<void> {
    const head = this.core.head(name);
    if (head.kind !== 'volume') throw wrongKind(name, 'volume');
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new QuernError(sqlState.invalidParameterValue, `${size} cannot be a size`);
    }
    const partial = size % blockSize;
    if (size < head.size && partial > 0) {
      // The rest of the last block must not come back when the volume grows again.
      const rest = Math.min(head.size, size - partial + blockSize) - size;
      this.volume(name).zero(size, rest);
    }
    this.core.perform({ type: 'resize', object: head.objectId, size });
    await this.sync();
  }

  /** Deletes an object. One that has snapshots is kept unless they are to go as well. */
  async delete(name: string, options: { snapshots?: boolean } = {}): Promise<void> {
    this.core.checkWritable();
    const head = this.core.head(name);
    const snapshots = this.snapshots(name);
    if (snapshots.length > 0 && options.snapshots !== true) {
      const count = snapshots.length === 1 ? 'a snapshot' : `${snapshots.length} snapshots`;
      throw new QuernError(sqlState.objectInUse, `'${name}' has ${count}`, {
        hint: 'Delete them first, or ask for them to be deleted too.',
      });
    }
    const operations: Operation[] = [];
    for (const { snapshot } of snapshots) {
      operations.push({ type: 'removeSnapshot', source: name, snapshot });
    }
    operations.push({ type: 'remove', object: head.objectId });
    await this.#performDeletions(operations);
  }

  async #performDeletions(operations: Operation[]): Promise<void> {
    for (const operation of operations) {
      const waiting = this.core.withRoom(() => this.core.perform(operation, 'delete'));
      if (waiting !== undefined) await waiting;
    }
    await this.sync();
  }

  // --- snapshots and branches ------------------------------------------------------------------

  /** Keeps the present state of an object as `name@snapshot`. Costs the same for any size. */
  async snapshot(name: string, snapshot: string): Promise<void> {
    this.core.checkWritable();
    checkName(snapshot);
    this.core.checkRoots();
    const head = this.core.head(name);
    if (this.core.entry(snapshotKey(name, snapshot)) !== undefined) {
      throw new QuernError(sqlState.duplicateTable, `'${name}@${snapshot}' exists already`);
    }
    const guid = this.#random(16);
    const { objectId: object } = head;
    this.core.perform({ type: 'snapshot', object, name: snapshot, guid, time: this.#clock() });
    await this.sync();
  }

  /** Deletes a snapshot; what only it held becomes free. */
  async deleteSnapshot(name: string, snapshot: string): Promise<void> {
    this.core.checkWritable();
    this.#snapshotEntry(name, snapshot);
    await this.#performDeletions([{ type: 'removeSnapshot', source: name, snapshot }]);
  }

  /** Makes a writable object that begins as `source` (`name` or `name@snapshot`) is. */
  async branch(source: string, name: string): Promise<void> {
    this.#checkFree(name);
    const [object, snapshot] = splitName(source);
    if (snapshot === undefined) this.core.head(object);
    else this.#snapshotEntry(object, snapshot);
    this.core.perform({
      type: 'branch',
      source: object,
      snapshot: snapshot ?? '',
      object: this.core.nextObject,
      name,
      time: this.#clock(),
    });
    await this.sync();
  }

  /** Sets an object back to one of its snapshots. */
  async restore(name: string, snapshot: string): Promise<void> {
    this.core.checkWritable();
    const head = this.core.head(name);
    this.#snapshotEntry(name, snapshot);
    this.core.perform({ type: 'restore', object: head.objectId, snapshot });
    await this.sync();
  }

  /**
   * Moves blocks from the end of the file into holes and cuts the file, until at most a fraction
   * `free` of it is free. Works in steps; others can work meanwhile.
   */
  compact(free?: number): Promise<CompactionReport> {
    return new Compaction(this.core).run(free);
  }

  /** The space of one object or snapshot (`name` or `name@snapshot`). Walks its tree. */
  async usage(name: string): Promise<Usage> {
    const { root, kind } = this.#rootOf(name);
    return await new UsageWalk(this.core).usage(root, kind);
  }

  /** The space of every object and snapshot, by name. What they share is walked once. */
  async usages(): Promise<Map<string, Usage>> {
    const snapshots = this.snapshots().map(({ name, snapshot }) => `${name}@${snapshot}`);
    const walk = new UsageWalk(this.core);
    const usages = new Map<string, Usage>();
    for (const name of [...this.list().map((object) => object.name), ...snapshots]) {
      const { root, kind } = this.#rootOf(name);
      usages.set(name, await walk.usage(root, kind));
    }
    return usages;
  }

  #rootOf(name: string): { root: Pointer | undefined; kind: ObjectKind } {
    this.core.checkOpen();
    const [object, snapshot] = splitName(name);
    return snapshot === undefined ? this.core.head(object) : this.core.snapshot(object, snapshot);
  }

  /** Reads and checks everything; see `verify.ts`. */
  verify(): VerifyReport {
    return verify(this.core);
  }

  /**
   * Makes `name` (new, or an existing object) what the branch `draft` is, and keeps that as a
   * snapshot; the branch is gone afterwards. @internal
   */
  async adoptBranch(
    draft: string,
    name: string,
    snapshot: string,
    guid: Uint8Array,
  ): Promise<void> {
    const { core } = this;
    const { objectId, kind, size } = core.head(draft);
    if (core.entry(snapshotKey(name, snapshot)) !== undefined) {
      throw new QuernError(sqlState.duplicateTable, `'${name}@${snapshot}' exists already`);
    }
    const time = this.#clock();
    const known = core.findHead(name);
    const object = known?.objectId ?? core.nextObject;
    const make: Operation = { type: 'create', object, kind, name, size, time };
    core.performTogether([
      ...(known === undefined ? [make] : []),
      { type: 'adopt', object, source: draft },
      { type: 'snapshot', object, name: snapshot, guid, time },
      { type: 'remove', object: objectId },
    ]);
    await this.sync();
  }

  // --- space -----------------------------------------------------------------------------------

  space(): StoreSpace {
    const { blocks, pool, device } = this.core;
    const { space } = blocks;
    const retired = blocks.retired;
    const inFile = Math.min(space.places, Math.floor(device.size() / blockSize));
    return {
      size: device.size(),
      live: space.used.count * blockSize,
      doomed: pool.doomed.length > 0,
      reclaimable: retired * blockSize,
      free: Math.max(0, inFile - space.used.count - retired) * blockSize,
    };
  }
}

function info(name: string, entry: CatalogEntry): ObjectInfo {
  const { kind, size, created, origin } = entry;
  return { name, kind, size, created, origin };
}

function splitName(name: string): [string, string | undefined] {
  const at = name.indexOf('@');
  return at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
}

function wrongKind(name: string, kind: ObjectKind): QuernError {
  return new QuernError(sqlState.invalidParameterValue, `'${name}' is not a ${kind}`);
}

function sealerFor(storeId: Uint32Array, encryption: SealerFactory | undefined): Sealer {
  if (encryption !== undefined) return encryption(bytesOf(storeId));
  return new ChecksumSealer(storeId[0] ^ storeId[1] ^ storeId[2] ^ storeId[3]);
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
