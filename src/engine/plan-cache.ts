import type { Program } from '../compile/index.ts';
import type { SqlType } from '../value/type.ts';

/** A query that can run again as it is while the catalog stays the same. Never holds results. */
export interface CachedQuery {
  readonly program: Program;
  readonly parameterTypes: readonly SqlType[];
  readonly parameterNames: readonly string[];
}

const entriesMax = 200;

/**
 * Compiled queries by their text and the types of their parameters, for one version of the catalog.
 */
export class PlanCache {
  readonly #entries = new Map<string, CachedQuery>();
  #catalogVersion = -1;

  get(key: string, catalogVersion: number): CachedQuery | undefined {
    if (catalogVersion !== this.#catalogVersion) return undefined;
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // The last key is the one used last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, catalogVersion: number, entry: CachedQuery): void {
    if (catalogVersion !== this.#catalogVersion) {
      this.#entries.clear();
      this.#catalogVersion = catalogVersion;
    }
    if (this.#entries.size >= entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(key, entry);
  }

  clear(): void {
    this.#entries.clear();
  }
}
