import { QuernError, sqlState } from '../base/error.ts';
import { type CatalogEntry, decodeEntry, headKey, snapshotKey } from './catalog.ts';
import type { StoreCore } from './core.ts';
import { loadValue, loadValueInto, valueLength } from './extents.ts';
import type { Pointer } from './layout.ts';
import { unknownObject } from './objects.ts';
import { keyMax } from './tree/map-node.ts';
import { MapTree, type TreeHolder } from './tree/map-tree.ts';
import { Volume } from './volume.ts';

export function checkKey(key: Uint8Array): void {
  if (key.length <= keyMax) return;
  throw new QuernError(
    sqlState.programLimitExceeded,
    `a key of ${key.length} bytes is too long: the limit is ${keyMax}`,
  );
}

/** A key as it is shown in messages. */
export function showKey(key: Uint8Array): string {
  return Array.from(key.subarray(0, 32), (b) => b.toString(16).padStart(2, '0')).join('');
}

/**
 * An ordered map of bytes to bytes, for reading: the present state, a snapshot or a view. Keys are
 * ordered as by memcmp. Do not change what it returns.
 */
export class StoreMap {
  readonly #core: StoreCore;
  readonly #tree: MapTree;
  readonly #gone: () => boolean;

  /** @internal */
  constructor(core: StoreCore, tree: MapTree, gone: () => boolean) {
    this.#core = core;
    this.#tree = tree;
    this.#gone = gone;
  }

  get name(): string {
    return this.#tree.holder.name;
  }

  #check(): void {
    this.#core.checkOpen();
    if (this.#gone()) {
      throw new QuernError(sqlState.undefinedTable, `'${this.name}' is not there any more`);
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check();
    const tagged = this.#tree.get(key);
    return tagged === undefined ? undefined : this.#load(key, tagged);
  }

  #what(key: Uint8Array): () => string {
    return () => `the value of key ${showKey(key)} in map '${this.name}'`;
  }

  #load(key: Uint8Array, tagged: Uint8Array): Uint8Array {
    return loadValue(this.#core, tagged, this.#what(key));
  }

  /** Bytes of the value, which is not read; undefined if there is none. */
  length(key: Uint8Array): number | undefined {
    this.#check();
    const tagged = this.#tree.get(key);
    return tagged === undefined ? undefined : valueLength(tagged);
  }

  /**
   * Puts the value at the beginning of `target` (which may be shared memory) and returns how many
   * bytes it has; undefined if there is none. Large values are read right to where they belong,
   * unless they are compressed. What `target` holds after an error is undefined.
   */
  getInto(key: Uint8Array, target: Uint8Array): number | undefined {
    this.#check();
    const tagged = this.#tree.get(key);
    if (tagged === undefined) return undefined;
    return loadValueInto(this.#core, tagged, target, this.#what(key));
  }

  /**
   * Entries from `from` (included) to `to` (not included); as of the call, whatever is written
   * later.
   */
  *entries(from?: Uint8Array, to?: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
    this.#check();
    const core = this.#core;
    const { root, objectId, name } = this.#tree.holder;
    const tree = new MapTree(core.pool, { root, objectId, name });
    const close = core.openView();
    try {
      for (const [key, tagged] of tree.entries(from, to)) {
        this.#check();
        yield [key, this.#load(key, tagged)];
      }
    } finally {
      close();
    }
  }
}

/**
 * The whole store as it was at one moment. Writers do not wait for it; the blocks it can still
 * reach are not reused until it is closed.
 */
export class View {
  readonly #core: StoreCore;
  readonly #catalog: MapTree;
  readonly #close: () => void;
  #closed = false;

  /** @internal */
  constructor(core: StoreCore) {
    this.#core = core;
    core.writeHeads();
    const { root, objectId, name } = core.catalogHolder;
    this.#catalog = new MapTree(core.pool, { root, objectId, name });
    this.#close = core.openView();
  }

  #holder(name: string): TreeHolder & { entry: CatalogEntry; gone: boolean; size: number } {
    if (this.#closed)
      throw new QuernError(sqlState.objectNotInPrerequisiteState, 'the view is closed');
    const [object, snapshot] = name.split('@', 2);
    const key = snapshot === undefined ? headKey(object) : snapshotKey(object, snapshot);
    const value = this.#catalog.get(key);
    if (value === undefined) throw unknownObject(name);
    const entry = decodeEntry(value);
    const root: Pointer | undefined = entry.root;
    return { root, objectId: entry.objectId, name, entry, gone: false, size: entry.size };
  }

  map(name: string): StoreMap {
    const holder = this.#holder(name);
    if (holder.entry.kind !== 'map') throw unknownObject(name);
    return new StoreMap(this.#core, new MapTree(this.#core.pool, holder), () => this.#closed);
  }

  volume(name: string): Volume {
    const holder = this.#holder(name);
    if (holder.entry.kind !== 'volume') throw unknownObject(name);
    return new Volume(this.#core, { ...holder, kind: 'volume' });
  }

  close(): void {
    this.#closed = true;
    this.#close();
  }
}
