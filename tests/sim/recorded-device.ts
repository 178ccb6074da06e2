import { assert } from '../../src/base/assert.ts';
import { QuernError, sqlState } from '../../src/base/error.ts';
import type { Random } from '../../src/base/random.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';
import { MemoryDevice } from '../../src/store/device/memory.ts';

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
  readonly events: DeviceEvent[] = [];
  readonly #memory: MemoryDevice;
  #flushes: { begun: number; resolve: () => void }[] = [];

  constructor(capacity = Number.MAX_SAFE_INTEGER) {
    this.#memory = new MemoryDevice({ capacity });
  }

  size(): number {
    return this.#memory.size();
  }

  read(target: Uint8Array, offset: number): void {
    this.#memory.read(target, offset);
  }

  write(source: Uint8Array, offset: number): void {
    this.#memory.write(source, offset);
    this.events.push({ kind: 'write', offset, bytes: source.slice() });
  }

  truncate(size: number): void {
    this.#memory.truncate(size);
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

/** What may be lost of what was not flushed. */
export const lossModes = ['none', 'all', 'some', 'torn', 'last'] as const;
export type LossMode = (typeof lossModes)[number];

/** Goes through a log of events in order and makes the images that crashes may leave. */
export class CrashImages {
  readonly #events: readonly DeviceEvent[];
  /** What is certainly on the device: the events before `#durable`. */
  #image: Uint8Array = new Uint8Array(0);
  #durable = 0;
  /** The crash happens before this event. */
  #cut = 0;

  constructor(events: readonly DeviceEvent[]) {
    this.#events = events;
  }

  /** Moves the crash to just before event `cut`; only forwards. */
  moveTo(cut: number): void {
    assert(cut >= this.#cut, 'crashes are looked at in order');
    for (; this.#cut < cut; this.#cut++) {
      const event = this.#events[this.#cut];
      if (event.kind !== 'flush') continue;
      for (; this.#durable < event.begun; this.#durable++) {
        this.#image = apply(this.#image, this.#events[this.#durable]);
      }
    }
  }

  /** The contents of the device after the crash. */
  image(mode: LossMode, random: Random): MemoryDevice {
    let image: Uint8Array = this.#image.slice();
    for (let i = this.#durable; i < this.#cut; i++) {
      const event = this.#events[i];
      if (mode === 'none' || event.kind === 'flush') continue;
      if (mode === 'last' && i >= this.#cut - 1) continue;
      if ((mode === 'some' || mode === 'torn') && random.chance(0.4)) continue;
      if (mode === 'torn' && event.kind === 'write' && random.chance(0.5)) {
        image = applyTorn(image, event.offset, event.bytes, random);
      } else {
        image = apply(image, event);
      }
    }
    const device = new KeptMemoryDevice();
    if (image.length > 0) device.write(image, 0);
    return device;
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

function resized(image: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(size);
  copy.set(image.subarray(0, size));
  return copy;
}

function apply(image: Uint8Array, event: DeviceEvent): Uint8Array {
  if (event.kind === 'flush') return image;
  if (event.kind === 'truncate') return resized(image, event.size);
  const end = event.offset + event.bytes.length;
  if (end > image.length) image = resized(image, end);
  image.set(event.bytes, event.offset);
  return image;
}

/** Each sector of the write is there or not, by itself. */
function applyTorn(
  image: Uint8Array,
  offset: number,
  bytes: Uint8Array,
  random: Random,
): Uint8Array {
  for (let at = 0; at < bytes.length; at += sectorSize) {
    if (random.chance(0.5)) continue;
    const sector = bytes.subarray(at, at + sectorSize);
    image = apply(image, { kind: 'write', offset: offset + at, bytes: sector });
  }
  return image;
}
