import { QuernError, sqlState } from '../../base/error.ts';
import { type ObjectInfo, receive, type Store, send } from '../../store/index.ts';
import type { StoreCatalog } from './store-catalog.ts';
import type {
  ChangePage,
  ChangeQuery,
  SnapshotInfo,
  StoreUsage,
  VolumeInfo,
  VolumeService,
  VolumeSource,
  VolumeUsage,
} from './volume-service.ts';

/** The volumes of one store, for those who manage them while others use them. */
export class StoreVolumes implements VolumeService {
  readonly #store: Store;
  readonly #catalog: StoreCatalog;

  constructor(store: Store, catalog: StoreCatalog) {
    this.#store = store;
    this.#catalog = catalog;
  }

  async list(): Promise<VolumeInfo[]> {
    const counts = new Map<string, number>();
    for (const { name } of this.#store.snapshots()) counts.set(name, (counts.get(name) ?? 0) + 1);
    return this.#store
      .list()
      .filter(({ kind }) => kind === 'volume')
      .map((object) => this.#describe(object, counts.get(object.name) ?? 0));
  }

  async get(volume: string): Promise<VolumeInfo> {
    const object = this.#store
      .list()
      .find(({ name, kind }) => name === volume && kind === 'volume');
    if (object === undefined) throw unknown(volume);
    return this.#describe(object, this.#store.snapshots(volume).length);
  }

  async create(volume: string, size: number): Promise<VolumeInfo> {
    await this.#store.createVolume(volume, size);
    return this.get(volume);
  }

  async clone(volume: string, source: VolumeSource): Promise<VolumeInfo> {
    await this.get(source.volume);
    const { snapshot } = source;
    const from = snapshot === undefined ? source.volume : `${source.volume}@${snapshot}`;
    await this.#store.branch(from, volume);
    return this.get(volume);
  }

  async resize(volume: string, size: number): Promise<VolumeInfo> {
    const { size: before } = await this.get(volume);
    if (size < before) this.#checkUnused(volume);
    await this.#store.resizeVolume(volume, size);
    return this.get(volume);
  }

  async delete(volume: string): Promise<void> {
    await this.get(volume);
    this.#checkUnused(volume);
    for (const { snapshot } of this.#store.snapshots(volume)) {
      this.#checkUnused(`${volume}@${snapshot}`);
    }
    await this.#store.delete(volume, { snapshots: true });
  }

  async snapshots(volume: string): Promise<SnapshotInfo[]> {
    await this.get(volume);
    return this.#store.snapshots(volume).map(({ snapshot, size, created }) => {
      return { name: snapshot, size, created: new Date(created).toISOString() };
    });
  }

  async takeSnapshot(volume: string, snapshot: string): Promise<SnapshotInfo> {
    await this.get(volume);
    await this.#store.snapshot(volume, snapshot);
    return (await this.snapshots(volume)).find(({ name }) => name === snapshot)!;
  }

  async deleteSnapshot(volume: string, snapshot: string): Promise<void> {
    await this.get(volume);
    this.#checkUnused(`${volume}@${snapshot}`);
    await this.#store.deleteSnapshot(volume, snapshot);
  }

  async usage(): Promise<StoreUsage> {
    const { size, live, reclaimable, free } = this.#store.space();
    return { fileBytes: size, liveBytes: live, reclaimableBytes: reclaimable, freeBytes: free };
  }

  async volumeUsage(volume: string, snapshot: string | undefined): Promise<VolumeUsage> {
    await this.get(volume);
    const name = snapshot === undefined ? volume : `${volume}@${snapshot}`;
    const { referenced, exclusive, shared } = await this.#store.usage(name);
    return { referencedBytes: referenced, exclusiveBytes: exclusive, sharedBytes: shared };
  }

  async changes(volume: string, query: ChangeQuery): Promise<ChangePage> {
    await this.get(volume);
    const to = query.to === undefined ? volume : `${volume}@${query.to}`;
    const state = this.#store.volume(to);
    const since = this.#store.volume(`${volume}@${query.since}`);
    const offset = Math.min(query.offset, state.size);
    const ranges: ChangePage['ranges'] = [];
    for (const range of state.changes(since, offset)) {
      if (ranges.length === query.limit) return { ranges, nextOffset: range.offset };
      ranges.push({ offset: range.offset, length: range.length });
    }
    return { ranges };
  }

  async *backup(volume: string, snapshot: string, since?: string): AsyncGenerator<Uint8Array> {
    await this.get(volume);
    const used = [snapshot, ...(since === undefined ? [] : [since])].map((s) => `${volume}@${s}`);
    for (const name of used) this.#catalog.hold(name);
    try {
      for (const frame of send(this.#store, volume, snapshot, since)) {
        yield frame;
        // Reading is not waiting: clients have their turn between the frames.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      for (const name of used) this.#catalog.release(name);
    }
  }

  async restore(volume: string, stream: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    this.#checkUnused(volume);
    this.#catalog.hold(volume);
    try {
      const { snapshot } = await receive(this.#store, volume, stream);
      return (await this.snapshots(volume)).find(({ name }) => name === snapshot)!;
    } finally {
      this.#catalog.release(volume);
    }
  }

  #describe(object: ObjectInfo, snapshots: number): VolumeInfo {
    const info: VolumeInfo = {
      name: object.name,
      size: object.size,
      created: new Date(object.created).toISOString(),
      snapshots,
      connections: this.#catalog.connections(object.name),
    };
    if (object.origin !== '') info.origin = object.origin;
    return info;
  }

  #checkUnused(name: string): void {
    const count = this.#catalog.connections(name);
    if (count === 0) return;
    const users = count === 1 ? 'a client uses' : `${count} clients use`;
    throw new QuernError(sqlState.objectInUse, `${users} '${name}'`);
  }
}

function unknown(volume: string): QuernError {
  return new QuernError(sqlState.undefinedTable, `there is no volume '${volume}'`);
}
