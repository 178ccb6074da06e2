import { QuernError, sqlState } from '../../base/error.ts';
import type { Store } from '../../store/index.ts';
import type { BlockExport, ExportCatalog, ExportListing } from '../nbd/block-export.ts';
import { StoreExport } from './store-export.ts';

/**
 * The volumes of a store as exports: `volume`, writable, and `volume@snapshot`, read-only. The
 * default export is the only volume, where there is only one.
 */
export class StoreCatalog implements ExportCatalog {
  readonly #store: Store;
  /** Users by the name of what they use. */
  readonly #open = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  list(): ExportListing[] {
    const volumes = this.#store.list().filter(({ kind }) => kind === 'volume');
    const snapshots = this.#store.snapshots().filter(({ kind }) => kind === 'volume');
    return [
      ...volumes.map(({ name }) => ({ name, description: 'a volume' })),
      ...snapshots.map(({ name, snapshot }) => ({
        name: `${name}@${snapshot}`,
        description: 'a snapshot',
      })),
    ];
  }

  open(wanted: string): BlockExport | undefined {
    const name = wanted === '' ? this.#onlyVolume() : wanted;
    if (name === undefined) return undefined;
    let blocks: BlockExport;
    try {
      const volume = this.#store.volume(name);
      blocks = new StoreExport(this.#store, volume, () => this.#close(name, volume.readOnly));
    } catch (error) {
      const { code } = error as QuernError;
      const absent = code === sqlState.undefinedTable || code === sqlState.invalidParameterValue;
      if (error instanceof QuernError && absent) return undefined;
      throw error;
    }
    this.hold(name);
    return blocks;
  }

  /** Counts another user of `volume` or `volume@snapshot`, who must not lose it. */
  hold(name: string): void {
    this.#open.set(name, this.connections(name) + 1);
  }

  /** Takes back a {@link hold}; returns how many are left. */
  release(name: string): number {
    const left = this.connections(name) - 1;
    if (left > 0) this.#open.set(name, left);
    else this.#open.delete(name);
    return left;
  }

  /** Who uses `volume`, or `volume@snapshot`: clients of NBD, and backups that are being read. */
  connections(name: string): number {
    return this.#open.get(name) ?? 0;
  }

  #onlyVolume(): string | undefined {
    const volumes = this.#store.list().filter(({ kind }) => kind === 'volume');
    return volumes.length === 1 ? volumes[0].name : undefined;
  }

  /** What a client wrote and did not flush is made durable when the last one goes. */
  async #close(name: string, readOnly: boolean): Promise<void> {
    const left = this.release(name);
    if (left === 0 && !readOnly) await this.#store.sync();
  }
}
