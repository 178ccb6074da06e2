import { QuernError, sqlState } from '../../base/error.ts';
import type { Store } from '../../store/index.ts';
import type { RequestArchive, RequestRecord } from '../http/idempotency.ts';

/** The map in the store; its keys are the ids of requests, its values JSON. */
const mapName = '.http-requests';

/** Keeps records of requests beside the volumes that they were about. */
export class RequestMap implements RequestArchive {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async load(): Promise<Map<string, RequestRecord>> {
    const records = new Map<string, RequestRecord>();
    if (!this.#exists()) return records;
    for (const [key, value] of this.#store.map(mapName).entries()) {
      records.set(keyText(key), JSON.parse(new TextDecoder().decode(value)));
    }
    return records;
  }

  async save(id: string, record: RequestRecord): Promise<void> {
    try {
      if (!this.#exists()) await this.#store.createMap(mapName);
      const value = new TextEncoder().encode(JSON.stringify(record));
      await this.#store.transact((transaction) => transaction.put(mapName, keyBytes(id), value));
    } catch (error) {
      // What deletes must work on a full disk; then the record lasts only as long as the server.
      if (!(error instanceof QuernError && error.code === sqlState.diskFull)) throw error;
    }
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (!this.#exists()) return;
    await this.#store.transact((transaction) => {
      for (const id of ids) transaction.delete(mapName, keyBytes(id));
    });
  }

  #exists(): boolean {
    return this.#store.list().some(({ name }) => name === mapName);
  }
}

function keyBytes(id: string): Uint8Array {
  return new TextEncoder().encode(id);
}

function keyText(key: Uint8Array): string {
  return new TextDecoder().decode(key);
}
