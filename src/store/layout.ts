import { assert } from '../base/assert.ts';

/**
 * The measures of the file format; docs/store-format.md draws them. All numbers are little-endian,
 * which is the byte order of every machine that runs WebAssembly, so blocks are read as words.
 */
export const blockSize = 4096;
export const blockWords = blockSize / 4;

/** The header every block of a tree or a table begins with; see {@link writeHeader}. */
export const headerSize = 56;
export const headerWords = headerSize / 4;
export const payloadSize = blockSize - headerSize;

/** A pointer: id 48 bits, birth 48 bits, checksum 64 bits. */
export const pointerWords = 5;
export const pointerSize = pointerWords * 4;
/** Pointers in one inner node of a volume or a table. */
export const pointerFanout = payloadSize / pointerSize;

/** The first places of the file hold the copies of the superblock and nothing else. */
export const reservedPlaces = 16;
export const superblockPlaces = [0, 4, 8, 12] as const;

/** Places are handed out by the segment: 1 MiB. */
export const segmentPlaces = 256;
/** The journal grows by runs of this many places; a record takes at most a quarter of one. */
export const journalRunPlaces = 64;
export const recordPlacesMax = 16;

export const idMax = 2 ** 47 - 1;
export const formatVersion = 1;

assert(pointerFanout === 202, 'a block holds 202 pointers');
assert(headerSize % 8 === 0 && payloadSize % 8 === 0, 'records of 8 bytes stay aligned');
assert(
  new Uint8Array(new Uint32Array([1]).buffer)[0] === 1,
  'the store reads blocks as words: the machine must be little-endian',
);

/** What a block with a header holds. */
export const blockType = {
  mapNode: 1,
  volumeNode: 2,
  table: 3,
  journal: 4,
} as const;

const headerMagic = 0x4e525551; // 'QURN'

export interface Header {
  type: number;
  level: number;
  id: number;
  birth: number;
  /** The object (tree nodes) or the table (table pages) the block was written for. */
  owner: number;
  /** First logical index the block covers; 0 for nodes of maps. */
  position: number;
  count: number;
  used: number;
}

export function lowWord(x: number): number {
  return x >>> 0;
}

export function highWord(x: number): number {
  return Math.floor(x / 4294967296);
}

/**
 * ```
 * word 0       'QURN'
 * word 1       type (byte 0), level (byte 1), format version (bytes 2 and 3)
 * words 2-3    id (of a table page: its place)
 * words 4-5    birth
 * words 6-7    owner
 * words 8-9    position
 * word 10      count of entries
 * word 11      bytes of payload in use
 * words 12-13  zero
 * ```
 */
export function writeHeader(words: Uint32Array, header: Header): void {
  assert(words.length === blockWords, 'a header belongs to a whole block');
  words[0] = headerMagic;
  words[1] = header.type | (header.level << 8) | (formatVersion << 16);
  words[2] = lowWord(header.id);
  words[3] = highWord(header.id);
  words[4] = lowWord(header.birth);
  words[5] = highWord(header.birth);
  words[6] = lowWord(header.owner);
  words[7] = highWord(header.owner);
  words[8] = lowWord(header.position);
  words[9] = highWord(header.position);
  words[10] = header.count;
  words[11] = header.used;
  words[12] = 0;
  words[13] = 0;
}

/** Undefined when the block does not begin with a header of this format. */
export function readHeader(words: Uint32Array): Header | undefined {
  if (words[0] !== headerMagic || words[1] >>> 16 !== formatVersion) return undefined;
  return {
    type: words[1] & 0xff,
    level: (words[1] >>> 8) & 0xff,
    id: words[2] + words[3] * 4294967296,
    birth: words[4] + words[5] * 4294967296,
    owner: words[6] + words[7] * 4294967296,
    position: words[8] + words[9] * 4294967296,
    count: words[10],
    used: words[11],
  };
}

/**
 * A pointer to a block: who it is (id), when it was born, and the checksum of what it must contain.
 * `low` and `high` are 0 while the block exists only in memory. Immutable.
 */
export interface Pointer {
  readonly id: number;
  readonly birth: number;
  readonly low: number;
  readonly high: number;
}

/** Writes a pointer at word `at`: id low, id high | birth high << 16, birth low, checksum. */
export function writePointer(words: Uint32Array, at: number, pointer: Pointer): void {
  words[at] = lowWord(pointer.id);
  words[at + 1] = highWord(pointer.id) | (highWord(pointer.birth) << 16);
  words[at + 2] = lowWord(pointer.birth);
  words[at + 3] = pointer.low;
  words[at + 4] = pointer.high;
}

export function pointerId(words: Uint32Array, at: number): number {
  return words[at] + (words[at + 1] & 0xffff) * 4294967296;
}

export function pointerBirth(words: Uint32Array, at: number): number {
  return words[at + 2] + (words[at + 1] >>> 16) * 4294967296;
}

export function readPointer(words: Uint32Array, at: number): Pointer {
  return {
    id: pointerId(words, at),
    birth: pointerBirth(words, at),
    low: words[at + 3],
    high: words[at + 4],
  };
}

export function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}

export function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
