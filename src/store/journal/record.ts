import { assert } from '../../base/assert.ts';
import type { BlockFile } from '../block/block-file.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import {
  blockSize,
  blockType,
  blockWords,
  bytesOf,
  headerSize,
  headerWords,
  readHeader,
  recordPlacesMax,
  wordsOf,
  writeHeader,
} from '../layout.ts';
import { decodeOperation, type Operation } from './operation.ts';

/**
 * A record: a header whose id is the sequence number, count the blocks and used the stored bytes;
 * two words of checksum; then, sealed, the checksum of the record before, the sequence number up to
 * which the journal was durable when this was written, the place of the record that will follow,
 * and the operations. A record takes effect as a whole or not at all. The header's position is a
 * hint that only the search for a lost end uses, so it is not sealed: the place of the run that has
 * been set aside to follow, 0 if there is none.
 */
export interface RecordHead {
  previousLow: number;
  previousHigh: number;
  durable: number;
  next: number;
  spare: number;
}

/** Where a journal begins: what a superblock keeps of it. */
export interface JournalStart {
  place: number;
  sequence: number;
  previousLow: number;
  previousHigh: number;
}

const overhead = headerSize + 8;
const headSize = 20;
/** Bytes of operations one record can hold. */
export const recordBytesMax = recordPlacesMax * blockSize - overhead - headSize;

/** Identities of records are apart from those of blocks and of table pages. */
function recordIdentity(sequence: number): number {
  return (sequence % 2 ** 46) + 2 ** 46 + 2 ** 47;
}

export interface SealedRecord {
  bytes: Uint8Array;
  low: number;
  high: number;
}

export function sealRecord(
  file: BlockFile,
  sequence: number,
  birth: number,
  head: RecordHead,
  operations: Uint8Array,
): SealedRecord {
  assert(operations.length <= recordBytesMax, 'a record has room for its operations');
  const writer = new ByteWriter();
  writer.u32(head.previousLow);
  writer.u32(head.previousHigh);
  writer.u48(head.durable);
  writer.u48(head.next);
  writer.raw(operations);
  const stored = file.sealer.seal(writer.take(), recordIdentity(sequence), birth);
  const { low, high } = file.sealer;
  const count = Math.ceil((overhead + stored.length) / blockSize);
  const bytes = new Uint8Array(count * blockSize);
  const words = wordsOf(bytes);
  writeHeader(words.subarray(0, blockWords), {
    type: blockType.journal,
    level: 0,
    id: sequence,
    birth,
    owner: 0,
    position: head.spare,
    count,
    used: stored.length,
  });
  words[headerWords] = low;
  words[headerWords + 1] = high;
  bytes.set(stored, overhead);
  return { bytes, low, high };
}

/** Does something at `place` claim to be record `sequence`, intact or not? */
export function claimsToBe(file: BlockFile, place: number, sequence: number): boolean {
  if (!file.tryRead(bytesOf(firstBlock), place)) return false;
  const header = readHeader(firstBlock);
  return header?.type === blockType.journal && header.id === sequence;
}

/** How many blocks a record with so many bytes of operations takes. */
export function recordPlaces(operationBytes: number): number {
  return Math.ceil((overhead + headSize + operationBytes) / blockSize);
}

export interface ReadRecord {
  sequence: number;
  birth: number;
  head: RecordHead;
  places: number;
  low: number;
  high: number;
  operations: Operation[];
}

/** The record that continues the journal at `start`, undefined where the journal ends. */
export function readRecord(file: BlockFile, start: JournalStart): ReadRecord | undefined {
  const record = readAnyRecord(file, start.place);
  if (record?.sequence !== start.sequence) return undefined;
  const { previousLow, previousHigh } = record.head;
  // A record of a future that was lost in a crash can have the right number: its past differs.
  if (previousLow !== start.previousLow || previousHigh !== start.previousHigh) return undefined;
  return record;
}

/** Opening looks for records in every block of the journal: this one serves for all of them. */
const firstBlock = new Uint32Array(blockWords);

/** The record at a place, if there is an intact one, wherever it belongs. */
export function readAnyRecord(file: BlockFile, place: number): ReadRecord | undefined {
  const first = firstBlock;
  if (!file.tryRead(bytesOf(first), place)) return undefined;
  const header = readHeader(first);
  if (header?.type !== blockType.journal) return undefined;
  const { count, used } = header;
  if (count < 1 || count > recordPlacesMax || used < headSize) return undefined;
  if (count !== Math.ceil((overhead + used) / blockSize)) return undefined;
  const bytes = new Uint8Array(count * blockSize);
  if (!file.tryRead(bytes, place)) return undefined;
  const low = first[headerWords];
  const high = first[headerWords + 1];
  const plain = bytes.slice(overhead, overhead + used);
  if (!file.sealer.open(plain, recordIdentity(header.id), header.birth, low, high)) {
    return undefined;
  }
  const reader = new ByteReader(plain);
  const head: RecordHead = {
    previousLow: reader.u32(),
    previousHigh: reader.u32(),
    durable: reader.u48(),
    next: reader.u48(),
    spare: header.position,
  };
  const operations: Operation[] = [];
  while (!reader.done) operations.push(decodeOperation(reader));
  return { sequence: header.id, birth: header.birth, head, places: count, low, high, operations };
}
