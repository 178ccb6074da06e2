import { QuernError, sqlState } from '../../base/error.ts';
import type { Store, Volume } from '../../store/index.ts';
import type {
  BlockExport,
  MaybePromise,
  ReadResult,
  StatusCollector,
  ZeroOptions,
} from '../nbd/block-export.ts';
import {
  allocationContext,
  allocationFlag,
  changedContextPrefix,
  changedFlag,
} from '../nbd/protocol.ts';

/** Work on a range is done in steps of this many bytes, between which others have their turn. */
const stepBytes = 4 * 1024 * 1024;
/** From this size on it is worth asking for holes before reading. */
const sparseReadBytes = 32 * 1024;

/**
 * A volume of the store, or a snapshot of one, as an export. The store answers at once as long as
 * what it reads is in the page cache; when reads begin to wait for the disk they are made later.
 */
export class StoreExport implements BlockExport {
  readonly #store: Store;
  readonly #volume: Volume;
  readonly #object: string;
  readonly #onClose: () => MaybePromise<void>;
  readonly preferredBlockSize: number;
  readonly description: string;

  constructor(store: Store, volume: Volume, onClose: () => MaybePromise<void>) {
    this.#store = store;
    this.#volume = volume;
    this.#object = volume.name.split('@')[0];
    this.#onClose = onClose;
    this.preferredBlockSize = volume.blockSize;
    this.description = volume.readOnly ? 'a snapshot' : 'a volume';
  }

  get size(): number {
    return this.#volume.size;
  }

  get readOnly(): boolean {
    return this.#volume.readOnly;
  }

  tryRead(offset: number, target: Uint8Array): ReadResult | 'miss' {
    if (target.length >= sparseReadBytes && this.#isHole(offset, target.length)) return 'zero';
    if (this.#volume.readsWait) return 'miss';
    this.#volume.readInto(target, offset);
    return 'data';
  }

  async read(offset: number, target: Uint8Array): Promise<ReadResult> {
    await this.#volume.readLater(target, offset);
    return 'data';
  }

  tryWrite(offset: number, data: Uint8Array): boolean {
    try {
      this.#volume.write(data, offset);
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false; // `write` makes room first.
      throw error;
    }
  }

  async write(offset: number, data: Uint8Array, durable: boolean): Promise<void> {
    await this.#change(() => this.#volume.write(data, offset), durable);
  }

  zero(offset: number, length: number, options: ZeroOptions): MaybePromise<void> {
    if (options.allocate) return this.#allocate(offset, length, options);
    return this.#change(() => this.#volume.zero(offset, length), options.durable);
  }

  trim(offset: number, length: number, durable: boolean): MaybePromise<void> {
    return this.#change(() => this.#volume.trim(offset, length), durable);
  }

  #change(change: () => void, durable: boolean): MaybePromise<void> {
    const waiting = this.#volume.withRoom(change);
    if (!durable) return waiting;
    return waiting === undefined ? this.flush() : waiting.then(() => this.flush());
  }

  flush(): Promise<void> {
    return this.#volume.flush();
  }

  /** Reading is what brings pages into the cache. */
  async prefetch(offset: number, length: number): Promise<void> {
    const scratch = new Uint8Array(Math.min(length, stepBytes));
    for (let done = 0; done < length; done += scratch.length) {
      const count = Math.min(scratch.length, length - done);
      await this.#volume.readLater(scratch.subarray(0, count), offset + done);
    }
  }

  contexts(): readonly string[] {
    const names = this.#store.snapshots(this.#object).map(({ snapshot }) => snapshot);
    return [allocationContext, ...names.map((name) => changedContextPrefix + name)];
  }

  status(context: string, offset: number, length: number, collector: StatusCollector): void {
    if (context === allocationContext) {
      for (const range of this.#volume.ranges(offset, length)) {
        const flags = range.data ? 0 : allocationFlag.hole | allocationFlag.zero;
        collector.add(range.length, flags);
        if (collector.full) return;
      }
      return;
    }
    const snapshot = context.slice(changedContextPrefix.length);
    const since = this.#store.volume(`${this.#object}@${snapshot}`);
    let at = offset;
    for (const range of this.#volume.changes(since, offset, length)) {
      if (range.offset > at) collector.add(range.offset - at, 0);
      collector.add(range.length, changedFlag.changed);
      if (collector.full) return;
      at = range.offset + range.length;
    }
    if (at < offset + length) collector.add(offset + length - at, 0);
  }

  close(): MaybePromise<void> {
    return this.#onClose();
  }

  #isHole(offset: number, length: number): boolean {
    for (const range of this.#volume.ranges(offset, length)) {
      return !range.data && range.length === length;
    }
    return false;
  }

  /** Zeroes that have their space: written, a step at a time. */
  async #allocate(offset: number, length: number, options: ZeroOptions): Promise<void> {
    if (options.fast) {
      throw new QuernError(sqlState.featureNotSupported, 'zeroes with space are written');
    }
    const zeroes = new Uint8Array(Math.min(length, stepBytes));
    for (let done = 0; done < length; done += zeroes.length) {
      this.#volume.write(zeroes.subarray(0, Math.min(zeroes.length, length - done)), offset + done);
      await turn();
    }
    if (options.durable) await this.#volume.flush();
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof QuernError && error.code === sqlState.diskFull;
}

/** Lets the event loop go round once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
