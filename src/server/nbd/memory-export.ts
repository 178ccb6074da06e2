import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type {
  BlockExport,
  ExportCatalog,
  ExportListing,
  ReadResult,
  StatusCollector,
  ZeroOptions,
} from './block-export.ts';
import {
  allocationContext,
  allocationFlag,
  changedContextPrefix,
  changedFlag,
} from './protocol.ts';

/** Bytes of one page: the grain of holes and of change tracking. */
export const memoryPageBytes = 64 * 1024;

/**
 * A sparse volume in memory: pages of 64 KiB that come into being when written. For tests, and as
 * the yardstick that shows what the protocol itself costs. It can remember points in time by name,
 * to answer which pages changed since.
 */
export class MemoryExport implements BlockExport {
  readonly size: number;
  readonly readOnly: boolean;
  readonly preferredBlockSize = 4096;
  readonly description: string;
  readonly #pages = new Map<number, Uint8Array>();
  /** The epoch in which a page last changed; absent if never. */
  readonly #changed = new Map<number, number>();
  readonly #marks = new Map<string, number>();
  #epoch = 0;

  constructor(size: number, options: { readOnly?: boolean; description?: string } = {}) {
    assert(Number.isSafeInteger(size) && size >= 0, 'the size of a volume is a safe integer');
    this.size = size;
    this.readOnly = options.readOnly ?? false;
    this.description = options.description ?? 'in memory';
  }

  /** Remembers this moment as `name`, for the context `x-quern:changed:<name>`. */
  mark(name: string): void {
    this.#marks.set(name, this.#epoch);
    this.#epoch++;
  }

  /** Bytes of memory its pages take. */
  get allocatedBytes(): number {
    return this.#pages.size * memoryPageBytes;
  }

  tryRead(offset: number, target: Uint8Array): ReadResult {
    let zeroBytes = 0;
    let done = 0;
    while (done < target.length) {
      const at = (offset + done) % memoryPageBytes;
      const count = Math.min(memoryPageBytes - at, target.length - done);
      const page = this.#pages.get((offset + done - at) / memoryPageBytes);
      if (page === undefined) {
        // Zeroes are only worth writing if there is data beside them.
        if (zeroBytes < done) target.fill(0, done, done + count);
        zeroBytes += count;
      } else {
        if (zeroBytes === done && done > 0) target.fill(0, 0, done);
        target.set(
          at === 0 && count === memoryPageBytes ? page : page.subarray(at, at + count),
          done,
        );
      }
      done += count;
    }
    return zeroBytes === target.length ? 'zero' : 'data';
  }

  read(offset: number, target: Uint8Array): Promise<ReadResult> {
    return Promise.resolve(this.tryRead(offset, target));
  }

  tryWrite(offset: number, data: Uint8Array): boolean {
    let done = 0;
    while (done < data.length) {
      const at = (offset + done) % memoryPageBytes;
      const count = Math.min(memoryPageBytes - at, data.length - done);
      const page = this.#pageForWriting((offset + done - at) / memoryPageBytes);
      page.set(count === data.length ? data : data.subarray(done, done + count), at);
      done += count;
    }
    return true;
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    this.tryWrite(offset, data);
    return Promise.resolve();
  }

  zero(offset: number, length: number, options: ZeroOptions): void {
    if (options.fast && options.allocate) {
      throw new QuernError(
        sqlState.featureNotSupported,
        'allocating zeroes is no faster than writing',
      );
    }
    this.#clear(offset, length, options.allocate);
  }

  trim(offset: number, length: number): void {
    this.#clear(offset, length, false);
  }

  flush(): void {}

  prefetch(): void {}

  contexts(): readonly string[] {
    return [
      allocationContext,
      ...[...this.#marks.keys()].map((name) => changedContextPrefix + name),
    ];
  }

  status(context: string, offset: number, length: number, collector: StatusCollector): void {
    const flagsOf = this.#flagsOf(context);
    const end = offset + length;
    for (let at = offset; at < end && !collector.full; ) {
      const page = Math.floor(at / memoryPageBytes);
      const next = Math.min(end, (page + 1) * memoryPageBytes);
      collector.add(next - at, flagsOf(page));
      at = next;
    }
  }

  close(): void {}

  #flagsOf(context: string): (page: number) => number {
    if (context === allocationContext) {
      const hole = allocationFlag.hole | allocationFlag.zero;
      return (page) => (this.#pages.has(page) ? 0 : hole);
    }
    const since = this.#marks.get(context.slice(changedContextPrefix.length));
    if (since === undefined) {
      throw new QuernError(sqlState.invalidParameterValue, `there is no context '${context}'`);
    }
    return (page) => ((this.#changed.get(page) ?? -1) > since ? changedFlag.changed : 0);
  }

  #pageForWriting(index: number): Uint8Array {
    let page = this.#pages.get(index);
    if (page === undefined) {
      page = new Uint8Array(memoryPageBytes);
      this.#pages.set(index, page);
    }
    this.#changed.set(index, this.#epoch);
    return page;
  }

  #clear(offset: number, length: number, allocate: boolean): void {
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / memoryPageBytes);
      const start = index * memoryPageBytes;
      const next = Math.min(end, start + memoryPageBytes);
      const whole = at === start && (next === start + memoryPageBytes || next === this.size);
      if (allocate) {
        this.#pageForWriting(index).fill(0, at - start, next - start);
      } else if (this.#pages.has(index)) {
        if (whole) this.#pages.delete(index);
        else this.#pages.get(index)?.fill(0, at - start, next - start);
        this.#changed.set(index, this.#epoch);
      }
      at = next;
    }
  }
}

/** A fixed set of exports, each one object shared by all its clients. */
export class StaticCatalog implements ExportCatalog {
  readonly #exports: ReadonlyMap<string, BlockExport>;

  constructor(exports: Iterable<readonly [string, BlockExport]>) {
    this.#exports = new Map(exports);
  }

  list(): readonly ExportListing[] {
    return [...this.#exports].map(([name, { description }]) => ({ name, description }));
  }

  open(name: string): BlockExport | undefined {
    return this.#exports.get(name);
  }
}
