import { assert } from '../../src/base/assert.ts';
import { QuernError, sqlState } from '../../src/base/error.ts';
import type { Random } from '../../src/base/random.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';
import { MemoryDevice } from '../../src/store/device/memory.ts';

const pageSize = 4096;
const zeros = new Uint8Array(1 << 20);

/**
 * The contents of a device as pages that are never changed, only replaced: a copy shares them all,
 * so the thousands of images of one history cost what they differ in.
 */
export class PagedImage {
  #pages: (Uint8Array | undefined)[] = [];
  size = 0;

  clone(): PagedImage {
    const copy = new PagedImage();
    copy.#pages = this.#pages.slice();
    copy.size = this.size;
    return copy;
  }

  read(target: Uint8Array, offset: number): void {
    if (offset + target.length > this.size) {
      throw new QuernError(sqlState.ioError, 'read beyond the end of the image');
    }
    for (let done = 0; done < target.length; ) {
      const at = (offset + done) % pageSize;
      const count = Math.min(target.length - done, pageSize - at);
      const page = this.#pages[Math.floor((offset + done) / pageSize)];
      if (page === undefined) target.fill(0, done, done + count);
      else target.set(count === pageSize ? page : page.subarray(at, at + count), done);
      done += count;
    }
  }

  /** Keeps `source`, which must not be changed afterwards. */
  write(source: Uint8Array, offset: number): void {
    if (offset + source.length > this.size) this.#grow(offset + source.length);
    for (let done = 0; done < source.length; ) {
      const index = Math.floor((offset + done) / pageSize);
      const at = (offset + done) % pageSize;
      const count = Math.min(source.length - done, pageSize - at);
      const part = source.subarray(done, done + count);
      if (count === pageSize) {
        this.#pages[index] = part;
      } else {
        const page = this.#pages[index]?.slice() ?? new Uint8Array(pageSize);
        page.set(part, at);
        this.#pages[index] = page;
      }
      done += count;
    }
  }

  truncate(size: number): void {
    if (size >= this.size) {
      this.#grow(size);
      return;
    }
    this.#pages.length = Math.ceil(size / pageSize);
    const last = this.#pages.at(-1);
    if (size % pageSize > 0 && last !== undefined) {
      const page = last.slice();
      page.fill(0, size % pageSize);
      this.#pages[this.#pages.length - 1] = page;
    }
    this.size = size;
  }

  #grow(size: number): void {
    this.size = size;
    const count = Math.ceil(size / pageSize);
    while (this.#pages.length < count) this.#pages.push(undefined);
  }
}

/** A copy that may be kept; of zeros, which new segments are filled with, always the same one. */
function kept(source: Uint8Array): Uint8Array {
  const isZero = source.length === zeros.length && Buffer.compare(source, zeros) === 0;
  return isZero ? zeros : new Uint8Array(source);
}

/** One thing that reached the device. A flush covers the events before `begun`. */
export type DeviceEvent =
  | { kind: 'write'; offset: number; bytes: Uint8Array }
  | { kind: 'truncate'; size: number }
  | { kind: 'flush'; begun: number };

/**
 * A device in memory that keeps a log of everything done to it, so that afterwards the contents can
 * be made that a crash at any moment may have left. Flushes complete when the simulation says so.
 */
export class RecordedDevice implements BlockDevice {
  readonly name = 'recorded';
  readonly readOnly = false;
  /** What was there before the first event. */
  readonly before: PagedImage;
  readonly events: DeviceEvent[] = [];
  readonly #image: PagedImage;
  #flushes: { begun: number; resolve: () => void }[] = [];

  constructor(before = new PagedImage()) {
    this.before = before;
    this.#image = before.clone();
  }

  size(): number {
    return this.#image.size;
  }

  read(target: Uint8Array, offset: number): void {
    this.#image.read(target, offset);
  }

  write(source: Uint8Array, offset: number): void {
    const bytes = kept(source);
    this.#image.write(bytes, offset);
    this.events.push({ kind: 'write', offset, bytes });
  }

  truncate(size: number): void {
    this.#image.truncate(size);
    this.events.push({ kind: 'truncate', size });
  }

  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushes.push({ begun: this.events.length, resolve });
    });
  }

  /** Completes the oldest flush under way; false if there is none. */
  completeFlush(): boolean {
    const flush = this.#flushes.shift();
    if (flush === undefined) return false;
    this.events.push({ kind: 'flush', begun: flush.begun });
    flush.resolve();
    return true;
  }

  close(): void {}
}

const sectorSize = 512;

/**
 * What a crash leaves of what was not flushed: nothing; all; some writes; some, and those torn by
 * sector; all but the last; every write torn by sector.
 */
export const lossModes = ['none', 'all', 'some', 'torn', 'last', 'shredded'] as const;
export type LossMode = (typeof lossModes)[number];

/** Goes through the log of a device in order and makes the images that crashes may leave. */
export class CrashImages {
  readonly #events: readonly DeviceEvent[];
  /** What is certainly on the device: the events before `#durable`. */
  readonly #image: PagedImage;
  #durable = 0;
  /** The crash happens before this event. */
  #cut = 0;

  constructor(device: RecordedDevice) {
    this.#events = device.events;
    this.#image = device.before.clone();
  }

  /** Moves the crash to just before event `cut`; only forwards. */
  moveTo(cut: number): void {
    assert(cut >= this.#cut, 'crashes are looked at in order');
    for (; this.#cut < cut; this.#cut++) {
      const event = this.#events[this.#cut];
      if (event.kind !== 'flush') continue;
      for (; this.#durable < event.begun; this.#durable++) {
        apply(this.#image, this.#events[this.#durable]);
      }
    }
  }

  /** The contents of the device after the crash. */
  image(mode: LossMode, random: Random): PagedImage {
    const image = this.#image.clone();
    for (let i = this.#durable; i < this.#cut; i++) {
      const event = this.#events[i];
      if (mode === 'none' || event.kind === 'flush') continue;
      if (mode === 'last' && i >= this.#cut - 1) continue;
      if ((mode === 'some' || mode === 'torn') && random.chance(0.4)) continue;
      const torn = mode === 'shredded' || (mode === 'torn' && random.chance(0.5));
      if (torn && event.kind === 'write') {
        applyTorn(image, event.offset, event.bytes, random);
      } else {
        apply(image, event);
      }
    }
    return image;
  }
}

/** Outlives the store that closes it. */
export class KeptMemoryDevice extends MemoryDevice {
  override close(): void {}
}

/**
 * A device that is as full as the number of different blocks that were written, as a file with
 * holes is: a write can find no room although it is within the size.
 */
export class SparseDevice extends KeptMemoryDevice {
  readonly #blocks = new Set<number>();
  readonly #blocksMax: number;

  constructor(capacity: number) {
    super();
    this.#blocksMax = Math.floor(capacity / 4096);
  }

  override write(source: Uint8Array, offset: number): void {
    const last = Math.floor((offset + source.length - 1) / 4096);
    for (let block = Math.floor(offset / 4096); block <= last; block++) {
      if (this.#blocks.size >= this.#blocksMax && !this.#blocks.has(block)) {
        throw new QuernError(sqlState.diskFull, 'the sparse device is full');
      }
      this.#blocks.add(block);
    }
    super.write(source, offset);
  }

  override truncate(size: number): void {
    for (const block of this.#blocks) if (block * 4096 >= size) this.#blocks.delete(block);
    super.truncate(size);
  }
}

function apply(image: PagedImage, event: DeviceEvent): void {
  if (event.kind === 'write') image.write(event.bytes, event.offset);
  else if (event.kind === 'truncate') image.truncate(event.size);
}

/** Each sector of the write is there or not, by itself. */
function applyTorn(image: PagedImage, offset: number, bytes: Uint8Array, random: Random): void {
  for (let at = 0; at < bytes.length; at += sectorSize) {
    if (random.chance(0.5)) continue;
    image.write(bytes.subarray(at, at + sectorSize), offset + at);
  }
}
