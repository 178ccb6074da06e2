import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { BlockDevice } from '../device/device.ts';
import { blockSize, type Pointer } from '../layout.ts';
import type { Sealer } from './sealer.ts';

/** How many bytes went to and came from the device, by purpose; for figures of amplification. */
export interface Traffic {
  dataWritten: number;
  metadataWritten: number;
  journalWritten: number;
  compactionWritten: number;
  bytesRead: number;
  flushes: number;
}

/** Places that are written together: blocks that follow each other become one write. */
export interface PlacedBlock {
  place: number;
  bytes: Uint8Array;
}

/** Something is not what its pointer says. */
export function damaged(what: string, file?: BlockFile): QuernError {
  if (file?.outdated()) {
    return new QuernError(
      sqlState.objectNotInPrerequisiteState,
      `${what} has been overwritten by the process that writes the store`,
      { hint: 'Open the store again to read its present state.' },
    );
  }
  return new QuernError(sqlState.dataCorrupted, `${what} is damaged`, {
    hint: 'Run `quern store verify` to list what is damaged, and restore it from a copy.',
  });
}

/** Blocks that are written in one go at most. */
const joinedMax = 256;

/** A device seen as numbered places of one block each, and the sealer of its store. */
export class BlockFile {
  readonly device: BlockDevice;
  sealer: Sealer;
  readonly traffic: Traffic = {
    dataWritten: 0,
    metadataWritten: 0,
    journalWritten: 0,
    compactionWritten: 0,
    bytesRead: 0,
    flushes: 0,
  };
  /** Where neighbours are joined; the device is done with it when its write returns. */
  #joined: Uint8Array | undefined;

  constructor(device: BlockDevice, sealer: Sealer) {
    this.device = device;
    this.sealer = sealer;
  }

  /**
   * For readers beside a writer: has it made a checkpoint since the store was opened? Then blocks
   * that this reader knows may have been reused.
   */
  outdated: () => boolean = () => false;

  /** Places the device reaches, a last partial one not counted. */
  places(): number {
    return Math.floor(this.device.size() / blockSize);
  }

  /** Raw, unverified. False if the device ends before. */
  tryRead(target: Uint8Array, place: number): boolean {
    const offset = place * blockSize;
    if (offset + target.length > this.device.size()) return false;
    this.device.read(target, offset);
    this.traffic.bytesRead += target.length;
    return true;
  }

  /** The same without holding anybody up, where the device can. */
  async tryReadLater(target: Uint8Array, place: number): Promise<boolean> {
    const { device } = this;
    const offset = place * blockSize;
    if (device.readLater === undefined) return this.tryRead(target, place);
    if (offset + target.length > device.size()) return false;
    await device.readLater(target, offset);
    this.traffic.bytesRead += target.length;
    return true;
  }

  /** Reads one block and checks it; false if it is not what `pointer` vouches for. */
  readVerified(target: Uint8Array, place: number, id: number, pointer: Pointer): boolean {
    assert(target.length === blockSize, 'blocks are read whole');
    if (!this.tryRead(target, place)) return false;
    return this.sealer.open(target, id, pointer.birth, pointer.low, pointer.high);
  }

  write(bytes: Uint8Array, place: number, purpose: keyof Traffic): void {
    this.device.write(bytes, place * blockSize);
    this.traffic[purpose] += bytes.length;
  }

  /** Writes single blocks, neighbours in one go. Sorts `blocks` by place. */
  writeAll(blocks: PlacedBlock[], purpose: keyof Traffic): void {
    blocks.sort((a, b) => a.place - b.place);
    for (let i = 0; i < blocks.length; ) {
      let end = i + 1;
      while (end < blocks.length && end - i < joinedMax) {
        if (blocks[end].place !== blocks[i].place + (end - i)) break;
        end++;
      }
      if (end === i + 1) {
        this.write(blocks[i].bytes, blocks[i].place, purpose);
      } else {
        this.#joined ??= new Uint8Array(joinedMax * blockSize);
        for (let k = i; k < end; k++) this.#joined.set(blocks[k].bytes, (k - i) * blockSize);
        const bytes = this.#joined.subarray(0, (end - i) * blockSize);
        this.write(bytes, blocks[i].place, purpose);
      }
      i = end;
    }
  }

  async flush(): Promise<void> {
    await this.device.flush();
    this.traffic.flushes++;
  }
}
