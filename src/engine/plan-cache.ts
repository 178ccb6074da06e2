import { assert } from '../base/assert.ts';
import type { BoundParameter } from '../bind/bind.ts';
import type { Catalog, TableEntry, ViewEntry } from '../catalog/catalog.ts';
import type { Program } from '../compile/index.ts';

/** A query that can run again as it is while what it was made of stays the same. */
export interface CachedQuery {
  readonly program: Program;
  readonly parameters: readonly BoundParameter[];
  readonly read: CatalogReads;
}

const entriesMax = 200;

/**
 * Compiled queries by their text and the types of their parameters; never their results. A query is
 * forgotten when a table or view changed that it looked up: others may change as they like.
 */
export class PlanCache {
  readonly #entries = new Map<string, CachedQuery>();

  get(key: string, catalog: Catalog): CachedQuery | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // The last key is the one used last.
    this.#entries.delete(key);
    if (!entry.read.stillHolds(catalog)) return undefined;
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: CachedQuery): void {
    entry.read.close();
    if (this.#entries.size >= entriesMax) this.#makeRoom();
    this.#entries.set(key, entry);
  }

  entries(): Iterable<CachedQuery> {
    return this.#entries.values();
  }

  clear(): void {
    this.#entries.clear();
  }

  #makeRoom(): void {
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}

/** A catalog that remembers what it was asked, and what it answered. */
export class CatalogReads implements Catalog {
  #catalog: Catalog | undefined;
  readonly #version: number;
  readonly #tables = new Map<string, TableEntry | undefined>();
  readonly #views = new Map<string, ViewEntry | undefined>();
  #listed = false;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#version = catalog.version;
  }

  get version(): number {
    this.#listed = true;
    return this.#version;
  }

  /** Lets go of the snapshot: what is kept are the answers. */
  close(): void {
    this.#catalog = undefined;
  }

  get #open(): Catalog {
    assert(this.#catalog !== undefined, 'what is kept is not asked');
    return this.#catalog;
  }

  table(name: string): TableEntry | undefined {
    const entry = this.#open.table(name);
    this.#tables.set(name, entry);
    return entry;
  }

  view(name: string): ViewEntry | undefined {
    const entry = this.#open.view(name);
    this.#views.set(name, entry);
    return entry;
  }

  names(): readonly string[] {
    this.#listed = true;
    return this.#open.names();
  }

  /** Whether another snapshot would have answered the same. */
  stillHolds(current: Catalog): boolean {
    if (current.version === this.#version) return true;
    if (this.#listed) return false;
    for (const [name, entry] of this.#tables) if (current.table(name) !== entry) return false;
    for (const [name, entry] of this.#views) if (current.view(name) !== entry) return false;
    return true;
  }
}
