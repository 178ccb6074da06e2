import { type BlockFile, damaged } from './block/block-file.ts';
import type { Run } from './block/space.ts';
import { catalogPrefix, decodeDoomed, prefixOnly, prefixRange } from './catalog.ts';
import { type StoreCore, transactionsPerCheckpoint } from './core.ts';
import type { Operation } from './journal/operation.ts';
import {
  claimsToBe,
  type JournalStart,
  type ReadRecord,
  readAnyRecord,
  readRecord,
} from './journal/record.ts';
import { blockSize, journalRunPlaces } from './layout.ts';
import { chooseSuperblock, type Superblock } from './superblock.ts';
import { decodeExtent, extentBlocks, isExtent } from './tree/extent.ts';

/** What was found at opening. */
export interface RecoveryReport {
  /** Records of the journal that were replayed: 0 after a clean close. */
  records: number;
  /** The journal ended with a record that was not complete, or its data not, and was dropped. */
  incomplete: boolean;
}

/**
 * Brings an opened store to the state of its last acknowledged operation: the trees of the
 * superblock, and on them the operations of the journal, in order. Writes nothing; the checkpoint
 * that follows (when opened for writing) makes the result the new beginning, so a crash during
 * recovery just repeats it.
 */
export function recover(core: StoreCore, superblock: Superblock): RecoveryReport {
  const { blocks, pool } = core;
  if (core.options.readOnly) {
    blocks.file.outdated = () =>
      chooseSuperblock(core.device).superblock.generation !== superblock.generation;
  }
  blocks.open(superblock.blocks);
  core.catalogHolder.root = superblock.catalog;
  core.storeId = superblock.storeId;
  core.generation = superblock.generation;
  core.nextObject = superblock.nextObject;
  // Past everything that an unlucky predecessor may have written under this superblock: no two
  // blocks ever have the same id and birth, even if one of them was lost.
  const { records, incomplete } = readJournal(blocks.file, superblock);
  const seen = records.reduce((max, record) => Math.max(max, record.birth), superblock.transaction);
  pool.now = seen + transactionsPerCheckpoint;
  core.lastFreeze = pool.now;
  if (!core.options.readOnly) resumeJournal(core, superblock, records);
  for (const record of records) {
    for (const operation of record.operations) reserve(core, operation);
  }
  readNotes(core);
  const adopted = new Set<number>();
  if (records.length > 0) core.loadHeads();
  for (const record of records) {
    for (const operation of record.operations) replay(core, operation, adopted);
    pool.now++;
  }
  dropUncommitted(core, adopted);
  return { records: records.length, incomplete };
}

/** The records that are certainly whole, with all the data they speak of. */
export function readJournal(file: BlockFile, superblock: Superblock): JournalContents {
  const records: ReadRecord[] = [];
  let at = superblock.journal;
  const runs = new Set(superblock.journalRuns);
  for (let record = readRecord(file, at); record !== undefined; record = readRecord(file, at)) {
    records.push(record);
    const { low, high, head } = record;
    if (head.next !== at.place + record.places) runs.add(head.next);
    runs.add(head.spare);
    at = {
      place: head.next,
      sequence: record.sequence + 1,
      previousLow: low,
      previousHigh: high,
    };
  }
  checkEnd(file, runs, at);
  // Records that a later one knows to be durable need no look at their data.
  let durable = superblock.journal.sequence - 1;
  for (const record of records) durable = Math.max(durable, record.head.durable);
  const end = records.findIndex(
    (record) => record.sequence > durable && !record.operations.every((op) => dataIntact(file, op)),
  );
  if (end >= 0) return { records: records.slice(0, end), incomplete: true };
  return { records, incomplete: claimsToBe(file, at.place, at.sequence) };
}

export interface JournalContents {
  records: ReadRecord[];
  /** After the last record came one that is torn or whose data is, as a crash leaves it. */
  incomplete: boolean;
}

/**
 * The journal ends at `end`. If a record further on knows the one that should be there to be
 * durable, this is not the end but damage, and opening would silently forget what was acknowledged.
 * Looks at every run a record may be in: those the superblock and the records before the end name,
 * and those that records behind it name.
 */
function checkEnd(file: BlockFile, runs: Set<number>, end: JournalStart): void {
  runs.delete(0);
  // A run is filled with zeros, and that flushed, before anything that is durable leads to it.
  if (end.place >= file.places()) throw damaged('the journal');
  // A set can grow while it is walked.
  for (const run of runs) {
    // The name of a spare run is not sealed: it may be any number.
    if (run >= file.places()) continue;
    for (let place = run; place < run + journalRunPlaces; place++) {
      const record = readAnyRecord(file, place);
      if (record === undefined) continue;
      const { head, places, sequence } = record;
      if (head.durable >= end.sequence) throw damaged(`record ${end.sequence} of the journal`);
      if (sequence > end.sequence) {
        if (head.next !== place + places) runs.add(head.next);
        if (head.spare !== 0) runs.add(head.spare);
      }
      place += places - 1;
    }
  }
}

/** Is the data an operation refers to on the device? It was written without a flush between. */
function dataIntact(file: BlockFile, operation: Operation): boolean {
  if (operation.type === 'write') {
    const bytes = new Uint8Array(blockSize);
    for (let i = 0; i < operation.checks.length / 2; i++) {
      const id = operation.id + i;
      const low = operation.checks[2 * i];
      const high = operation.checks[2 * i + 1];
      const pointer = { id, birth: operation.birth, low, high };
      if (!file.readVerified(bytes, operation.place + i, id, pointer)) return false;
    }
  } else if (operation.type === 'put' && isExtent(operation.value)) {
    const extent = decodeExtent(operation.value);
    const bytes = new Uint8Array(Math.ceil(extent.storedLength / blockSize) * blockSize);
    let at = 0;
    for (let i = 0; i < extent.runs.length; i++) {
      const length = extent.runs[i].count * blockSize;
      if (!file.tryRead(bytes.subarray(at, at + length), operation.places[i])) return false;
      at += length;
    }
    const stored = bytes.subarray(0, extent.storedLength);
    const { birth, low, high } = extent;
    return file.sealer.open(stored, extent.runs[0].id, birth, low, high);
  }
  return true;
}

/**
 * The journal goes on behind its last good record. The superblock knows its current and its next
 * run; runs taken later show as jumps from record to record.
 */
function resumeJournal(core: StoreCore, superblock: Superblock, records: ReadRecord[]): void {
  const { blocks, journal } = core;
  const [current, next] = superblock.journalRuns;
  const runs: Run[] = [{ place: current, count: journalRunPlaces }];
  let end: JournalStart = superblock.journal;
  for (const { head, places, sequence, low, high } of records) {
    if (head.next !== end.place + places) {
      runs.push({ place: head.next, count: journalRunPlaces });
    }
    end = { place: head.next, sequence: sequence + 1, previousLow: low, previousHigh: high };
  }
  const used = runs.some((run) => run.place === next);
  const spare = next === 0 || used ? undefined : { place: next, count: journalRunPlaces };
  for (const run of spare === undefined ? runs : [...runs, spare]) {
    for (let i = 0; i < run.count; i++) blocks.space.claim(run.place + i);
  }
  journal.resume(runs, spare, end);
}

function operationRuns(operation: Operation): { id: number; place: number; count: number }[] {
  if (operation.type === 'write') {
    return [{ id: operation.id, place: operation.place, count: operation.checks.length / 2 }];
  }
  if (operation.type !== 'put' || !isExtent(operation.value)) return [];
  return decodeExtent(operation.value).runs.map((run, i) => ({
    ...run,
    place: operation.places[i],
  }));
}

function reserve(core: StoreCore, operation: Operation): void {
  for (const run of operationRuns(operation)) {
    for (let i = 0; i < run.count; i++) core.blocks.reserve(run.id + i, run.place + i);
  }
}

function replay(core: StoreCore, operation: Operation, adopted: Set<number>): void {
  for (const run of operationRuns(operation)) {
    for (let i = 0; i < run.count; i++) {
      core.blocks.adopt(run.id + i, run.place + i);
      adopted.add(run.id + i);
    }
  }
  core.apply(operation);
}

/** Takes up the unfinished work the checkpoint noted. */
function readNotes(core: StoreCore): void {
  const [from, to] = prefixRange(prefixOnly(catalogPrefix.doomed));
  for (const [key, value] of core.catalog.entries(from, to)) {
    core.pool.doomed.push({ ...decodeDoomed(value), death: core.pool.now });
    core.notes.push(key);
  }
}

/** Extents written for transactions that did not commit are dropped. */
function dropUncommitted(core: StoreCore, adopted: Set<number>): void {
  const [from, to] = prefixRange(prefixOnly(catalogPrefix.uncommitted));
  for (const [key, value] of [...core.catalog.entries(from, to)]) {
    core.notes.push(key);
    extentBlocks(value.subarray(1), (id, birth) => {
      if (!adopted.has(id)) core.blocks.dropReference(id, birth, core.pool.now);
    });
  }
}
