/** The reverse of `pack.ts`: levels, dictionary codes and deltas from their few bits. */
import { QuernError, sqlState } from '../../base/error.ts';

export function brokenPage(what = 'a page ends too early'): QuernError {
  return new QuernError(sqlState.dataCorrupted, `broken Parquet data: ${what}`);
}

/** Reads a page from front to back; reading beyond its end is an error. */
export class PageReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Steps over `count` bytes and answers where they began. */
  take(count: number): number {
    const at = this.at;
    if (!(count >= 0 && count <= this.end - at)) throw brokenPage();
    this.at = at + count;
    return at;
  }

  byte(): number {
    return this.bytes[this.take(1)];
  }

  u32(): number {
    const at = this.take(4);
    const { bytes } = this;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  /** A varint that must fit in a double. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 49) throw brokenPage('an integer has too many digits');
    }
  }

  /** A zigzag varint of 64 bits. */
  zigzag64(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
      if (shift > 63n) throw brokenPage('an integer has too many digits');
    }
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }

  rest(): Uint8Array {
    return this.bytes.subarray(this.at, this.end);
  }
}

/**
 * Unpacks `count` integers of `width` bits, 0 to 32, from the bytes at `from`, which must be there.
 */
export function unpackBits(
  bytes: Uint8Array,
  from: number,
  width: number,
  out: Uint32Array,
  outFrom: number,
  count: number,
): void {
  if (width === 0) {
    out.fill(0, outFrom, outFrom + count);
    return;
  }
  if (width > 24) {
    unpackWide(bytes, from, width, out, outFrom, count);
    return;
  }
  const mask = (1 << width) - 1;
  let held = 0;
  let bits = 0;
  let at = from;
  for (let i = outFrom; i < outFrom + count; i++) {
    while (bits < width) {
      held |= bytes[at++] << bits;
      bits += 8;
    }
    out[i] = held & mask;
    held >>>= width;
    bits -= width;
  }
}

function unpackWide(
  bytes: Uint8Array,
  from: number,
  width: number,
  out: Uint32Array,
  outFrom: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const firstBit = i * width;
    const at = from + (firstBit >>> 3);
    let value = 0;
    // Up to 39 bits, which a double holds.
    for (let k = 0; k * 8 < (firstBit & 7) + width; k++) value += bytes[at + k] * 2 ** (8 * k);
    out[outFrom + i] = Math.floor(value / 2 ** (firstBit & 7)) % 2 ** width;
  }
}

/** Reads `count` values of the hybrid of runs and bit-packed groups. */
export function readHybrid(page: PageReader, width: number, out: Uint32Array, count: number): void {
  if (width > 32) throw brokenPage('codes of more than 32 bits');
  const valueBytes = Math.ceil(width / 8);
  for (let done = 0; done < count; ) {
    const head = page.varint();
    const half = Math.floor(head / 2);
    if (head % 2 === 0) {
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value += page.byte() * 2 ** (8 * i);
      if (half === 0) throw brokenPage('an empty run');
      const size = Math.min(half, count - done);
      out.fill(value, done, done + size);
      done += size;
      continue;
    }
    if (half === 0) throw brokenPage('an empty run');
    const size = Math.min(half * 8, count - done);
    // Some writers cut the last group short.
    const bytes = Math.min(half * width, Math.max(page.end - page.at, 0));
    if (bytes * 8 < size * width) throw brokenPage();
    unpackBits(page.bytes, page.take(bytes), width, out, done, size);
    done += size;
  }
}

interface DeltaHead {
  readonly miniblocks: number;
  readonly miniblockSize: number;
  readonly first: bigint;
}

function readDeltaHead(page: PageReader, count: number): DeltaHead {
  const blockSize = page.varint();
  const miniblocks = page.varint();
  const total = page.varint();
  const first = page.zigzag64();
  const miniblockSize = blockSize / miniblocks;
  const valid = miniblocks > 0 && miniblockSize % 8 === 0 && miniblockSize > 0 && blockSize < 65536;
  if (!valid || total < count) throw brokenPage('deltas that do not add up');
  return { miniblocks, miniblockSize, first };
}

/** DELTA_BINARY_PACKED of 32-bit integers. */
export function readDeltas32(page: PageReader, out: Int32Array, count: number): void {
  const { miniblocks, miniblockSize, first } = readDeltaHead(page, count);
  if (count === 0) return;
  const deltas = new Uint32Array(miniblockSize);
  let value = Number(BigInt.asIntN(32, first));
  out[0] = value;
  for (let done = 1; done < count; ) {
    const min = Number(BigInt.asIntN(32, page.zigzag64()));
    const widths = page.take(miniblocks);
    for (let k = 0; k < miniblocks && done < count; k++) {
      const width = page.bytes[widths + k];
      if (width > 64) throw brokenPage('deltas of more than 64 bits');
      const at = page.take((miniblockSize * width) / 8);
      const size = Math.min(miniblockSize, count - done);
      if (width <= 32) unpackBits(page.bytes, at, width, deltas, 0, size);
      else {
        // Some writers reckon in 64 bits; the sums are right modulo 2^32 all the same.
        for (let i = 0; i < size; i++) {
          deltas[i] = Number(BigInt.asUintN(32, wideBits(page.bytes, at, i * width, width)));
        }
      }
      for (let i = 0; i < size; i++) out[done++] = value = (value + min + deltas[i]) | 0;
    }
  }
}

/** DELTA_BINARY_PACKED of 64-bit integers; in doubles while that is exact. */
export function readDeltas64(page: PageReader, out: BigInt64Array, count: number): void {
  const { miniblocks, miniblockSize, first } = readDeltaHead(page, count);
  if (count === 0) return;
  const halves = new Int32Array(out.buffer, out.byteOffset, out.length * 2);
  const deltas = new Uint32Array(miniblockSize);
  let value = first;
  out[0] = first;
  for (let done = 1; done < count; ) {
    const min = page.zigzag64();
    const widths = page.take(miniblocks);
    for (let k = 0; k < miniblocks && done < count; k++) {
      const width = page.bytes[widths + k];
      if (width > 64) throw brokenPage('deltas of more than 64 bits');
      const at = page.take((miniblockSize * width) / 8);
      const size = Math.min(miniblockSize, count - done);
      if (width <= 32 && isSmall(value) && isSmall(min)) {
        unpackBits(page.bytes, at, width, deltas, 0, size);
        let number = Number(value);
        const step = Number(min);
        for (let i = 0; i < size; i++) {
          number += step + deltas[i];
          halves[2 * done] = number;
          halves[2 * done + 1] = Math.floor(number / 4294967296);
          done++;
        }
        value = BigInt(number);
        continue;
      }
      for (let i = 0; i < size; i++) {
        value = BigInt.asIntN(64, value + min + wideBits(page.bytes, at, i * width, width));
        out[done++] = value;
      }
    }
  }
}

/** Small enough that 32-bit steps of a miniblock below 65536 values stay exact in a double. */
function isSmall(value: bigint): boolean {
  return value > -(2n ** 36n) && value < 2n ** 36n;
}

function wideBits(bytes: Uint8Array, from: number, firstBit: number, width: number): bigint {
  let value = 0n;
  const at = from + (firstBit >>> 3);
  for (let k = 0; k * 8 < (firstBit & 7) + width; k++) {
    value |= BigInt(bytes[at + k]) << BigInt(8 * k);
  }
  return (value >> BigInt(firstBit & 7)) & ((1n << BigInt(width)) - 1n);
}
