import { QuernError, sqlState } from '../base/error.ts';
import type { BlockFile } from './block/block-file.ts';
import type { BlocksRoot } from './block/blocks.ts';
import { checksum, checksumResult } from './block/checksum.ts';
import type { Sealer } from './block/sealer.ts';
import type { TableRoot } from './block/table.ts';
import type { BlockDevice } from './device/device.ts';
import type { JournalStart } from './journal/record.ts';
import {
  blockSize,
  blockWords,
  bytesOf,
  formatVersion,
  highWord,
  lowWord,
  type Pointer,
  readPointer,
  segmentPlaces,
  superblockPlaces,
  wordsOf,
  writePointer,
} from './layout.ts';

/**
 * The root of everything, one block, kept four times. Words (32 bits, little-endian):
 *
 * ```
 *    0-1  'QUERNSTO'              16-17  next object id
 *      2  format version             18  flags: 1 = encrypted
 *      3  block size                 19  how many tables follow
 *    4-7  store id, random        20-24  pointer to the catalog's root, zeros if empty
 *    8-9  generation              25-54  of each table: pointer to its root (5), height (1)
 *  10-11  transaction             56-57  journal: place of the first record
 *  12-13  places                  58-59  its sequence number
 *  14-15  ids                     60-61  checksum of the record before it
 *                                 62-63  place of the journal's current run
 *                                 64-65  place of its next run, 0 if there is none
 *  66-69  if encrypted: code of the key for this block with these and the last words zero
 *  1022-1023  checksum of words 0 to 1021
 * ```
 */
export interface Superblock {
  storeId: Uint32Array;
  generation: number;
  transaction: number;
  nextObject: number;
  encrypted: boolean;
  catalog: Pointer | undefined;
  blocks: BlocksRoot;
  journal: JournalStart;
  journalRuns: [number, number];
}

/** As it was read: with its words, for {@link checkKey}. */
export interface StoredSuperblock extends Superblock {
  words: Uint32Array;
}

const magic = [0x52455551, 0x4f54534e]; // 'QUERNSTO'
const tableCount = 5;
const proofAt = 66;
const checksumAt = blockWords - 2;

function put(words: Uint32Array, at: number, value: number): void {
  words[at] = lowWord(value);
  words[at + 1] = highWord(value);
}

function get(words: Uint32Array, at: number): number {
  return words[at] + words[at + 1] * 4294967296;
}

function optionalPointer(words: Uint32Array, at: number): Pointer | undefined {
  const pointer = readPointer(words, at);
  return pointer.id === 0 ? undefined : pointer;
}

export function encodeSuperblock(superblock: Superblock, sealer: Sealer): Uint8Array {
  const words = new Uint32Array(blockWords);
  words.set(magic);
  words[2] = formatVersion;
  words[3] = blockSize;
  words.set(superblock.storeId, 4);
  put(words, 8, superblock.generation);
  put(words, 10, superblock.transaction);
  put(words, 12, superblock.blocks.places);
  put(words, 14, superblock.blocks.ids);
  put(words, 16, superblock.nextObject);
  words[18] = superblock.encrypted ? 1 : 0;
  words[19] = tableCount;
  if (superblock.catalog !== undefined) writePointer(words, 20, superblock.catalog);
  superblock.blocks.tables.forEach((table, i) => {
    if (table.root !== undefined) writePointer(words, 25 + i * 6, table.root);
    words[30 + i * 6] = table.height;
  });
  put(words, 56, superblock.journal.place);
  put(words, 58, superblock.journal.sequence);
  words[60] = superblock.journal.previousLow;
  words[61] = superblock.journal.previousHigh;
  put(words, 62, superblock.journalRuns[0]);
  put(words, 64, superblock.journalRuns[1]);
  const proof = sealer.authenticate?.(bytesOf(words));
  if (proof !== undefined) bytesOf(words).set(proof, proofAt * 4);
  checksum(bytesOf(words.subarray(0, checksumAt)), 0);
  words.set(checksumResult, checksumAt);
  return bytesOf(words);
}

/**
 * Undefined if the copy is damaged or never was one; throws if it is of a format not known here.
 */
function decodeSuperblock(words: Uint32Array, name: string): StoredSuperblock | undefined {
  if (words[0] !== magic[0] || words[1] !== magic[1]) return undefined;
  checksum(bytesOf(words.subarray(0, checksumAt)), 0);
  if (checksumResult[0] !== words[checksumAt]) return undefined;
  if (checksumResult[1] !== words[checksumAt + 1]) return undefined;
  if (words[2] !== formatVersion || words[3] !== blockSize) {
    throw new QuernError(
      sqlState.featureNotSupported,
      `${name} is a store of format ${words[2]}, this program knows format ${formatVersion}`,
    );
  }
  const tables: TableRoot[] = [];
  for (let i = 0; i < tableCount; i++) {
    tables.push({ root: optionalPointer(words, 25 + i * 6), height: words[30 + i * 6] });
  }
  return {
    storeId: words.slice(4, 8),
    generation: get(words, 8),
    transaction: get(words, 10),
    nextObject: get(words, 16),
    encrypted: words[18] === 1,
    catalog: optionalPointer(words, 20),
    blocks: { tables, places: get(words, 12), ids: get(words, 14) },
    journal: {
      place: get(words, 56),
      sequence: get(words, 58),
      previousLow: words[60],
      previousHigh: words[61],
    },
    journalRuns: [get(words, 62), get(words, 64)],
    words,
  };
}

/**
 * Was the device left by a crash during the making of the store, before its first superblock was
 * whole? Then there is nothing to lose. Each copy is zeros, or the first generation without its
 * last sector.
 */
export function isUnborn(device: BlockDevice): boolean {
  if (device.size() > segmentPlaces * blockSize) return false;
  return superblockPlaces.every((place) => {
    const bytes = new Uint8Array(blockSize);
    const offset = place * blockSize;
    const length = Math.max(0, Math.min(blockSize, device.size() - offset));
    if (length > 0) device.read(bytes.subarray(0, length), offset);
    const zero = (from: number): boolean => bytes.subarray(from, from + 512).every((b) => b === 0);
    if (zero(0)) return true;
    const words = wordsOf(bytes);
    return words[0] === magic[0] && words[1] === magic[1] && get(words, 8) === 1 && zero(3584);
  });
}

/** The state of one copy of the superblock, as `verify` reports it. */
export interface SuperblockCopy {
  place: number;
  generation: number | undefined;
}

export interface SuperblockChoice {
  superblock: StoredSuperblock;
  copies: SuperblockCopy[];
}

/**
 * Reads all copies and takes the newest intact one. One is enough: a superblock is written only
 * after everything it leads to has been flushed, so each intact copy vouches for a whole store.
 * Copies are replaced two at a time with a flush between, so at any moment two of the same
 * generation are safe on the device.
 */
export function chooseSuperblock(device: BlockDevice): SuperblockChoice {
  let best: StoredSuperblock | undefined;
  const copies: SuperblockCopy[] = [];
  for (const place of superblockPlaces) {
    const words = new Uint32Array(blockWords);
    let copy: StoredSuperblock | undefined;
    if ((place + 1) * blockSize <= device.size()) {
      device.read(bytesOf(words), place * blockSize);
      copy = decodeSuperblock(words, device.name);
    }
    copies.push({ place, generation: copy?.generation });
    if (copy !== undefined && (best === undefined || copy.generation > best.generation)) {
      best = copy;
    }
  }
  if (best === undefined) {
    throw new QuernError(
      sqlState.dataCorrupted,
      `${device.name} is not a Quern store, or all copies of its superblock are damaged`,
    );
  }
  return { superblock: best, copies };
}

/**
 * Brings every copy to the chosen generation. Must be done before the next checkpoint: the chosen
 * one may exist once only, and a checkpoint begins by overwriting copies.
 */
export async function repairCopies(file: BlockFile, choice: SuperblockChoice): Promise<void> {
  const { superblock, copies } = choice;
  const stale = copies.filter((copy) => copy.generation !== superblock.generation);
  if (stale.length === 0) return;
  for (const { place } of stale) file.write(bytesOf(superblock.words), place, 'metadataWritten');
  await file.flush();
}

/** Throws unless the sealer has the key that the superblock was written with. */
export function checkKey(superblock: StoredSuperblock, sealer: Sealer, name: string): void {
  const hasKey = sealer.authenticate !== undefined;
  if (superblock.encrypted !== hasKey) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      hasKey ? `${name} is not encrypted` : `${name} is encrypted`,
      { hint: hasKey ? 'Open it without a key.' : 'Open it with its key.' },
    );
  }
  if (!hasKey) return;
  const words = superblock.words.slice();
  const stored = bytesOf(words).slice(proofAt * 4, proofAt * 4 + 16);
  words.fill(0, proofAt, proofAt + 4);
  words.fill(0, checksumAt);
  const proof = sealer.authenticate!(bytesOf(words));
  if (stored.every((byte, i) => byte === proof[i])) return;
  throw new QuernError(sqlState.invalidParameterValue, `the key does not open ${name}`);
}
