import { QuernError, sqlState } from '../base/error.ts';
import type { Blocks } from './block/blocks.ts';
import {
  type CatalogEntry,
  catalogPrefix,
  decodeEntry,
  encodeEntry,
  type Head,
  headKey,
  headName,
  nodeType,
  prefixOnly,
  prefixRange,
  type SnapshotHolder,
  snapshotKey,
} from './catalog.ts';
import type { ObjectKind, Operation } from './journal/operation.ts';
import { blockSize, type Pointer } from './layout.ts';
import { MapTree } from './tree/map-tree.ts';
import { isIncomplete, type Pool } from './tree/pool.ts';
import { VolumeTree } from './tree/volume-tree.ts';
import type { Views } from './views.ts';

/** Objects and snapshots, so that a count of references fits 16 bits. */
const rootsMax = 65000;

/**
 * The named things of a store, and what each operation does to them, in memory. The catalog is a
 * map like any other, from names to roots; the heads that are in use are kept beside it, because
 * their roots change with every write, and are written to it when it matters.
 */
export class Objects {
  readonly views: Views;
  readonly blocks: Blocks;
  readonly pool: Pool;
  readonly catalogHolder: { root: Pointer | undefined; objectId: number; name: string };
  readonly catalog: MapTree;
  nextObject = 1;
  /** Heads that were looked up, by name and by object id. */
  readonly heads = new Map<string, Head>();
  readonly headsById = new Map<number, Head>();
  /** Heads whose entry in the catalog is out of date. */
  readonly changed = new Set<Head>();
  /** Catalog keys of snapshots whose root has not been sealed yet. */
  readonly unsealed = new Map<string, Uint8Array>();
  /** The roots of snapshots that someone reads, by `name@snapshot`. */
  readonly openSnapshots = new Map<string, SnapshotHolder>();

  constructor(blocks: Blocks, pool: Pool, views: Views) {
    this.blocks = blocks;
    this.pool = pool;
    this.views = views;
    this.catalogHolder = { root: undefined, objectId: 0, name: 'the catalog' };
    this.catalog = new MapTree(pool, this.catalogHolder);
  }

  // --- objects ---------------------------------------------------------------------------------

  entry(key: Uint8Array): CatalogEntry | undefined {
    const value = this.catalog.get(key);
    return value === undefined ? undefined : decodeEntry(value);
  }

  /** Keeps everything that is reachable now until the returned function is called. */
  openView(): () => void {
    const { pool, views, blocks } = this;
    // Nothing born from here on is visible. The clock need not move for views that see the same.
    if (pool.lastBirth === pool.now) pool.now++;
    const transaction = pool.now - 1;
    views.open(transaction);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      views.close(transaction);
      if (views.count === 0) pool.forgetSealed();
      blocks.releaseWithheld();
    };
  }

  /** The head with this name, undefined if there is none. */
  findHead(name: string): Head | undefined {
    const known = this.heads.get(name);
    if (known !== undefined) return known;
    const entry = this.entry(headKey(name));
    return entry === undefined ? undefined : this.#addHead(name, entry);
  }

  head(name: string): Head {
    const head = this.findHead(name);
    if (head === undefined) throw unknownObject(name);
    return head;
  }

  /** Recovery: the journal names objects by id, so all heads must be known. */
  loadHeads(): void {
    const [from, to] = prefixRange(prefixOnly(catalogPrefix.head));
    for (const [key] of [...this.catalog.entries(from, to)]) this.findHead(headName(key));
  }

  #addHead(name: string, entry: CatalogEntry): Head {
    const head = {
      name,
      kind: entry.kind,
      objectId: entry.objectId,
      root: entry.root,
      size: entry.size,
      created: entry.created,
      origin: entry.origin,
      gone: false,
      map: undefined as MapTree | undefined,
      volume: undefined as VolumeTree | undefined,
    };
    if (entry.kind === 'map') head.map = new MapTree(this.pool, head);
    else head.volume = new VolumeTree(this.pool, head);
    this.heads.set(name, head);
    this.headsById.set(head.objectId, head);
    return head;
  }

  /** What a snapshot keeps, kept up to date while the store is open. */
  snapshot(object: string, snapshot: string): SnapshotHolder {
    const name = `${object}@${snapshot}`;
    const known = this.openSnapshots.get(name);
    if (known !== undefined) return known;
    const entry = this.entry(snapshotKey(object, snapshot));
    if (entry === undefined) throw unknownObject(name);
    const { kind, root, objectId, size } = entry;
    const holder = { name, kind, root, objectId, size, gone: false };
    this.openSnapshots.set(name, holder);
    return holder;
  }

  entryOf(head: Head): CatalogEntry {
    const { kind, objectId, size, root, created, origin } = head;
    return { kind, objectId, size, root, created, origin, guid: new Uint8Array(0) };
  }

  /** Brings the catalog up to date with the heads, as before a view is taken. */
  writeHeads(): void {
    for (const head of this.changed) {
      this.catalog.put(headKey(head.name), encodeEntry(this.entryOf(head)));
    }
  }

  // --- operations ------------------------------------------------------------------------------

  #byId(object: number): Head {
    const head = this.headsById.get(object);
    if (head === undefined || head.gone) {
      throw new QuernError(sqlState.dataCorrupted, `the journal names object ${object}, unknown`);
    }
    return head;
  }

  /** Heads and snapshots; counted when it is first needed. */
  #roots: number | undefined;

  /** Throws if one more object or snapshot could make a count of references overflow. */
  checkRoots(): void {
    if (this.#roots === undefined) {
      this.#roots = 0;
      for (const prefix of [catalogPrefix.head, catalogPrefix.snapshot]) {
        const [from, to] = prefixRange(prefixOnly(prefix));
        for (const _ of this.catalog.entries(from, to)) this.#roots++;
      }
    }
    // A tree points to a block once at most, and one that is being taken apart does too.
    if (this.#roots + this.pool.doomed.length < rootsMax) return;
    throw new QuernError(
      sqlState.programLimitExceeded,
      `a store can have ${rootsMax} objects and snapshots`,
    );
  }

  /** One object or snapshot more, or less. */
  #countRoots(change: 1 | -1): void {
    if (this.#roots !== undefined) this.#roots += change;
  }

  /** Changes the trees in memory; the same code runs when the journal is replayed. */
  apply(operation: Operation): void {
    switch (operation.type) {
      case 'put': {
        const head = this.#byId(operation.object);
        head.map!.put(operation.key, operation.value);
        this.changed.add(head);
        return;
      }
      case 'delete': {
        const head = this.#byId(operation.object);
        head.map!.delete(operation.key);
        this.changed.add(head);
        return;
      }
      case 'write': {
        const head = this.#byId(operation.object);
        head.volume!.set(operation.index, operation.id, operation.birth, operation.checks);
        this.changed.add(head);
        return;
      }
      case 'clear': {
        const head = this.#byId(operation.object);
        head.volume!.clear(operation.from, operation.to);
        this.changed.add(head);
        return;
      }
      case 'resize': {
        const head = this.#byId(operation.object);
        const blocks = Math.ceil(operation.size / blockSize);
        head.volume!.clear(blocks, Math.max(blocks, Math.ceil(head.size / blockSize)));
        head.size = operation.size;
        this.changed.add(head);
        return;
      }
      case 'create':
        this.#create(operation.kind, operation.object, operation.name, {
          size: operation.size,
          created: operation.time,
        });
        return;
      case 'remove':
        this.#remove(this.#byId(operation.object));
        return;
      case 'snapshot':
        this.#snapshot(this.#byId(operation.object), operation.name, operation);
        return;
      case 'branch':
        this.#branch(operation);
        return;
      case 'removeSnapshot':
        this.#removeSnapshot(operation.source, operation.snapshot);
        return;
      case 'restore': {
        const head = this.#byId(operation.object);
        const entry = this.entry(snapshotKey(head.name, operation.snapshot));
        if (entry === undefined) throw unknownObject(`${head.name}@${operation.snapshot}`);
        this.#replace(head, entry);
        return;
      }
      case 'adopt':
        this.#replace(this.#byId(operation.object), this.head(operation.source));
        return;
    }
  }

  #create(
    kind: ObjectKind,
    objectId: number,
    name: string,
    made: { size: number; created: number; root?: Pointer | undefined; origin?: string },
  ): void {
    const head = this.#addHead(name, {
      kind,
      objectId,
      size: made.size,
      root: made.root,
      created: made.created,
      guid: new Uint8Array(0),
      origin: made.origin ?? '',
    });
    this.nextObject = Math.max(this.nextObject, objectId + 1);
    this.changed.add(head);
    this.catalog.put(headKey(name), encodeEntry(this.entryOf(head)));
    this.#countRoots(1);
  }

  #remove(head: Head): void {
    head.gone = true;
    if (head.root !== undefined) this.pool.release(head.root, nodeType(head.kind));
    head.root = undefined;
    this.heads.delete(head.name);
    this.headsById.delete(head.objectId);
    this.changed.delete(head);
    this.catalog.delete(headKey(head.name));
    this.#countRoots(-1);
  }

  #snapshot(head: Head, name: string, made: { guid: Uint8Array; time: number }): void {
    const key = snapshotKey(head.name, name);
    const entry = { ...this.entryOf(head), guid: made.guid, created: made.time };
    if (head.root !== undefined) {
      this.pool.blocks.addReference(head.root.id);
      if (isIncomplete(head.root)) this.unsealed.set(`${head.name}@${name}`, key);
    }
    this.catalog.put(key, encodeEntry(entry));
    this.#countRoots(1);
  }

  #branch(operation: Operation & { type: 'branch' }): void {
    const { source, snapshot, object, name, time } = operation;
    const from =
      snapshot === '' ? this.entryOf(this.head(source)) : this.entry(snapshotKey(source, snapshot));
    if (from === undefined) throw unknownObject(`${source}@${snapshot}`);
    if (from.root !== undefined) this.pool.blocks.addReference(from.root.id);
    const origin = snapshot === '' ? source : `${source}@${snapshot}`;
    this.#create(from.kind, object, name, {
      size: from.size,
      created: time,
      root: from.root,
      origin,
    });
  }

  #removeSnapshot(source: string, snapshot: string): void {
    const key = snapshotKey(source, snapshot);
    const entry = this.entry(key);
    if (entry === undefined) throw unknownObject(`${source}@${snapshot}`);
    if (entry.root !== undefined) this.pool.release(entry.root, nodeType(entry.kind));
    const name = `${source}@${snapshot}`;
    this.unsealed.delete(name);
    const holder = this.openSnapshots.get(name);
    if (holder !== undefined) holder.gone = true;
    this.openSnapshots.delete(name);
    this.catalog.delete(key);
    this.#countRoots(-1);
  }

  /** Makes a head what another state is. */
  #replace(head: Head, entry: { root: Pointer | undefined; size: number }): void {
    if (entry.root !== undefined) this.pool.blocks.addReference(entry.root.id);
    if (head.root !== undefined) this.pool.release(head.root, nodeType(head.kind));
    head.root = entry.root;
    head.size = entry.size;
    this.changed.add(head);
  }
}

export function unknownObject(name: string): QuernError {
  return new QuernError(sqlState.undefinedTable, `there is no '${name}' in this store`);
}
