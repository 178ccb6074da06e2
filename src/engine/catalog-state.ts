/** The tables and views of a database: what is current, as immutable snapshots. */
import type { Catalog, TableEntry, ViewEntry } from '../catalog/catalog.ts';
import type { TableStorage } from '../table/storage.ts';

type Entry = TableEntry | ViewEntry;

/** A snapshot whose tables stay in memory. */
export interface PinnedCatalog extends Catalog {
  tables(): readonly TableEntry[];
}

class Snapshot implements PinnedCatalog {
  readonly version: number;
  readonly entries: ReadonlyMap<string, Entry>;

  constructor(version: number, entries: ReadonlyMap<string, Entry>) {
    this.version = version;
    this.entries = entries;
  }

  table(name: string): TableEntry | undefined {
    const entry = this.entries.get(name.toLowerCase());
    return entry?.kind === 'table' ? entry : undefined;
  }

  view(name: string): ViewEntry | undefined {
    const entry = this.entries.get(name.toLowerCase());
    return entry?.kind === 'view' ? entry : undefined;
  }

  tables(): readonly TableEntry[] {
    return [...this.entries.values()].filter((entry) => entry.kind === 'table');
  }

  names(): readonly string[] {
    return [...this.entries.values()].map((entry) => entry.name);
  }
}

/**
 * Holds the current snapshot, and with it one use of each of its tables' versions. A statement pins
 * the snapshot it was bound against for as long as it runs.
 */
export class CatalogState {
  readonly #storage: TableStorage;
  #current = new Snapshot(0, new Map());

  constructor(storage: TableStorage) {
    this.#storage = storage;
  }

  get current(): Catalog {
    return this.#current;
  }

  /** Rows of all tables, each times its columns. */
  get valueCount(): number {
    let count = 0;
    for (const { rowCount, columns } of this.#current.tables()) count += rowCount * columns.length;
    return count;
  }

  /** The current snapshot, whose tables stay until {@link unpin}. */
  pin(): PinnedCatalog {
    const snapshot = this.#current;
    for (const table of snapshot.tables()) this.#storage.retain(table.data);
    return snapshot;
  }

  unpin(pinned: PinnedCatalog): void {
    for (const table of pinned.tables()) this.#storage.release(table.data);
  }

  /**
   * Adds an entry or replaces the one of its name. Takes over the caller's use of a table's
   * version.
   */
  set(entry: Entry): void {
    const key = entry.name.toLowerCase();
    const old = this.#current.entries.get(key);
    this.#replace(new Map([...this.#current.entries, [key, entry]]));
    if (old?.kind === 'table') this.#storage.release(old.data);
  }

  drop(name: string): void {
    const key = name.toLowerCase();
    const entries = new Map(this.#current.entries);
    const old = entries.get(key);
    entries.delete(key);
    this.#replace(entries);
    if (old?.kind === 'table') this.#storage.release(old.data);
  }

  #replace(entries: ReadonlyMap<string, Entry>): void {
    this.#current = new Snapshot(this.#current.version + 1, entries);
  }
}
