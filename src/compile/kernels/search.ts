/** Searching for constant bytes, inlined into the function under construction. */
import {
  type Expr,
  type FunctionBuilder,
  i8x16,
  i32,
  i64,
  type Label,
  type Local,
  v128,
} from '../../wasm/index.ts';

/** Bytes to be found; with `foldCase`, ASCII letters match in either case. */
export interface Word {
  readonly bytes: Uint8Array;
  readonly foldCase: boolean;
}

/** Bit 5, which tells upper from lower case letters in ASCII. */
const caseBit = 0x20;

function isLetter(byte: number): boolean {
  const lower = byte | caseBit;
  return lower >= 0x61 && lower <= 0x7a;
}

/** A word whose letters are in lower case if case does not matter. */
export function word(bytes: Uint8Array, foldCase: boolean): Word {
  if (!foldCase || !bytes.some(isLetter)) return { bytes, foldCase: false };
  return { bytes: bytes.map((byte) => (isLetter(byte) ? byte | caseBit : byte)), foldCase };
}

/** The characters of plain text, from the commonest to the rarest; others count as rare. */
const byFrequency = new TextEncoder().encode(' etaoinsrhldcumfpgwybvkxjqz0123456789-.,');

function rarity(byte: number): number {
  const rank = byFrequency.indexOf(byte);
  return rank < 0 ? byFrequency.length : rank;
}

/** The positions of the two bytes of a word that are rarest in plain text. */
function probes({ bytes }: Word): [number, number] {
  let first = 0;
  for (let i = 1; i < bytes.length; i++) {
    if (rarity(bytes[i]) > rarity(bytes[first])) first = i;
  }
  let second = first === 0 ? bytes.length - 1 : 0;
  for (let i = 0; i < bytes.length; i++) {
    if (i !== first && rarity(bytes[i]) > rarity(bytes[second])) second = i;
  }
  return [first, second];
}

/** A vector with all bits set where the byte at `address + position` is that of the word. */
function probe(word: Word, position: number, address: Expr): Expr {
  const byte = word.bytes[position];
  const loaded = v128.load(address, position, 1);
  const folded = word.foldCase && isLetter(byte) ? v128.or(loaded, i8x16.const(caseBit)) : loaded;
  return i8x16.eq(folded, i8x16.const(byte));
}

/**
 * The parts of `length` bytes that are compared at once: [offset, width], overlapping at the end.
 */
function chunks(length: number): [offset: number, width: number][] {
  if (length === 0) return [];
  const width = length >= 8 ? 8 : length >= 4 ? 4 : length >= 2 ? 2 : 1;
  const list: [number, number][] = [];
  for (let offset = 0; offset < length; offset += width) {
    list.push([Math.min(offset, length - width), width]);
  }
  return list;
}

function littleEndian(bytes: Uint8Array, offset: number, width: number): bigint {
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[offset + i]);
  return value;
}

/** Not zero unless the bytes at `address` are those of the word; reads no others. */
function difference(word: Word, address: Expr): Expr {
  const { bytes } = word;
  const caseBits = bytes.map((byte) => (isLetter(byte) ? caseBit : 0));
  let all: Expr | undefined;
  for (const [offset, width] of chunks(bytes.length)) {
    const load = { 8: i64.load, 4: i64.load32U, 2: i64.load16U, 1: i64.load8U }[width]!;
    let value = load(address, offset, 1);
    if (word.foldCase) value = i64.or(value, littleEndian(caseBits, offset, width));
    const part = i64.xor(value, littleEndian(bytes, offset, width));
    all = all === undefined ? part : i64.or(all, part);
  }
  return all ?? i64.const(0n);
}

/** An i32 that is not zero if the bytes at `address` are those of the word; reads no others. */
export function equalsWord(word: Word, address: Expr): Expr {
  return i64.eqz(difference(word, address));
}

/**
 * Finds the first `word`, not empty, in the bytes from `from` to before `end`: sets `found` to its
 * address, or branches to `missing`. Compares its two rarest bytes with 16 places at once (after
 * W. Muła, "SIMD-friendly algorithms for substring searching"). Reads up to 15 bytes past `end`.
 */
export function emitFind(
  f: FunctionBuilder,
  word: Word,
  from: Expr,
  end: Expr,
  found: Local,
  missing: Label,
): void {
  const { length } = word.bytes;
  const place = f.let(from, 'place');
  const hits = f.local('i32', 'hits');
  const [first, second] = probes(word);
  const mask =
    length === 1
      ? probe(word, 0, place)
      : v128.and(probe(word, first, place), probe(word, second, place));
  f.block((done) => {
    f.loop((nextPlaces) => {
      f.brIf(missing, i32.gtU(i32.add(place, length), end));
      f.if(f.tee(hits, i8x16.bitmask(mask)), () => {
        f.loop((nextHit) => {
          f.set(found, i32.add(place, i32.ctz(hits)));
          f.brIf(missing, i32.gtU(i32.add(found, length), end));
          if (length <= 2) {
            f.br(done);
          } else {
            f.brIf(done, equalsWord(word, found));
            f.brIf(nextHit, f.tee(hits, i32.and(hits, i32.sub(hits, 1))));
          }
        });
      });
      f.set(place, i32.add(place, 16));
      f.br(nextPlaces);
    });
  });
}

/** The length in bytes of the UTF-8 character at `address`, from its first byte. */
export function characterLength(f: FunctionBuilder, address: Expr): Expr {
  const byte = f.let(i32.load8U(address), 'byte');
  const steps = i32.add(i32.geU(byte, 0xc0), i32.add(i32.geU(byte, 0xe0), i32.geU(byte, 0xf0)));
  return i32.add(steps, 1);
}
