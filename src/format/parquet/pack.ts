/**
 * Parquet's ways to write integers in few bits: the hybrid of runs and bit-packed groups for levels
 * and dictionary codes, and packed deltas (apache/parquet-format, Encodings.md).
 */

/** A growing buffer of bytes. */
export class PageBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    new DataView(this.bytes.buffer).setUint32(this.length, value, true);
    this.length += 4;
  }

  /** A safe integer, at least 0. */
  varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** Any safe integer. */
  zigzag(value: number): void {
    // Twice the value must be safe too.
    if (Math.abs(value) < 2 ** 52) this.varint(value < 0 ? -2 * value - 1 : 2 * value);
    else this.#bigVarint(value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value));
  }

  #bigVarint(value: bigint): void {
    this.reserve(10);
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.bytes[this.length++] = Number(rest & 127n) | 128;
    this.bytes[this.length++] = Number(rest);
  }

  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }
}

/** Bits that hold every integer from 0 to `max`. */
export function bitWidthOf(max: number): number {
  return max >= 0x80000000 ? 32 : 32 - Math.clz32(max);
}

/**
 * Appends `count` integers of `width` bits, least significant bit first; `count * width` in bytes.
 */
export function packBits(
  out: PageBuffer,
  values: Uint32Array | Uint16Array | Uint8Array,
  from: number,
  count: number,
  width: number,
): void {
  const size = Math.ceil((count * width) / 8);
  out.reserve(size + 8);
  const { bytes } = out;
  let at = out.length;
  out.length += size;
  if (width === 0) return;
  if (width <= 24) {
    let held = 0;
    let bits = 0;
    for (let i = from; i < from + count; i++) {
      held |= values[i] << bits;
      bits += width;
      while (bits >= 8) {
        bytes[at++] = held;
        held >>>= 8;
        bits -= 8;
      }
    }
    if (bits > 0) bytes[at] = held;
    return;
  }
  packWide(bytes, at, values, from, count, width);
}

/** As above for widths beyond 24, in two halves that each fit beside seven bits left over. */
function packWide(
  bytes: Uint8Array,
  start: number,
  values: Uint32Array | Uint16Array | Uint8Array,
  from: number,
  count: number,
  width: number,
): void {
  let at = start;
  let held = 0;
  let bits = 0;
  const put = (value: number, some: number) => {
    held |= value << bits;
    bits += some;
    while (bits >= 8) {
      bytes[at++] = held;
      held >>>= 8;
      bits -= 8;
    }
  };
  for (let i = from; i < from + count; i++) {
    put(values[i] & 0xffff, 16);
    put(values[i] >>> 16, width - 16);
  }
  if (bits > 0) bytes[at] = held;
}

/** The hybrid: runs of eight or more equal values, and bit-packed groups of eight between them. */
export function putHybrid(
  out: PageBuffer,
  values: Uint32Array | Uint16Array | Uint8Array,
  count: number,
  width: number,
): void {
  let packedFrom = 0;
  let at = 0;
  while (at < count) {
    let end = at + 1;
    while (end < count && values[end] === values[at]) end++;
    if (end - at < 16) {
      // Groups are of eight: go on behind this one.
      at = Math.min(count, packedFrom + ((end - packedFrom + 7) & ~7));
      continue;
    }
    const runFrom = Math.min(end, packedFrom + ((at - packedFrom + 7) & ~7));
    putGroups(out, values, packedFrom, runFrom, width);
    putRun(out, values[runFrom], end - runFrom, width);
    packedFrom = at = end;
  }
  putGroups(out, values, packedFrom, count, width);
}

export function putRun(out: PageBuffer, value: number, count: number, width: number): void {
  if (count === 0) return;
  out.varint(count * 2);
  for (let bits = 0; bits < width; bits += 8) out.byte(value >>> bits);
}

function putGroups(
  out: PageBuffer,
  values: Uint32Array | Uint16Array | Uint8Array,
  from: number,
  to: number,
  width: number,
): void {
  if (to === from) return;
  const groups = Math.ceil((to - from) / 8);
  out.varint(groups * 2 + 1);
  const end = out.length + groups * width;
  packBits(out, values, from, to - from, width);
  out.reserve(end - out.length);
  out.bytes.fill(0, out.length, end);
  out.length = end;
}

/** Definition levels of a flat column: one bit a row, as in the validity bitmap. */
export function putValidity(
  out: PageBuffer,
  validity: Uint8Array | undefined,
  rowCount: number,
): void {
  const at = out.length;
  out.u32(0);
  if (validity === undefined) putRun(out, 1, rowCount, 1);
  else {
    const bytes = Math.ceil(rowCount / 8);
    out.varint(bytes * 2 + 1);
    out.append(validity.subarray(0, bytes));
    // Bits beyond the last row are zero.
    if ((rowCount & 7) !== 0) out.bytes[out.length - 1] &= (1 << (rowCount & 7)) - 1;
  }
  new DataView(out.bytes.buffer).setUint32(at, out.length - at - 4, true);
}

const blockSize = 128;
const miniblockSize = 32;
const miniblocks = blockSize / miniblockSize;

/**
 * DELTA_BINARY_PACKED. `valueAt` gives safe integers, and any two neighbours differ by less than
 * 2^31: then the differences of deltas fit in 32 bits.
 */
export function putDeltas(
  out: PageBuffer,
  values: Float64Array | Int32Array | Uint32Array,
  count: number,
): void {
  out.varint(blockSize);
  out.varint(miniblocks);
  out.varint(count);
  out.zigzag(count === 0 ? 0 : values[0]);
  const deltas = new Uint32Array(blockSize);
  const raw = new Float64Array(blockSize);
  for (let from = 1; from < count; from += blockSize) {
    const size = Math.min(blockSize, count - from);
    let min = Infinity;
    for (let i = 0; i < size; i++) {
      const delta = values[from + i] - values[from + i - 1];
      raw[i] = delta;
      if (delta < min) min = delta;
    }
    for (let i = 0; i < size; i++) deltas[i] = raw[i] - min;
    deltas.fill(0, size);
    out.zigzag(min);
    putMiniblocks(out, deltas, size);
  }
}

function putMiniblocks(out: PageBuffer, deltas: Uint32Array, size: number): void {
  const widthsAt = out.length;
  for (let k = 0; k < miniblocks; k++) out.byte(0);
  for (let k = 0; k * miniblockSize < size; k++) {
    let any = 0;
    for (let i = k * miniblockSize; i < (k + 1) * miniblockSize; i++) any |= deltas[i];
    const width = bitWidthOf(any >>> 0);
    out.bytes[widthsAt + k] = width;
    packBits(out, deltas, k * miniblockSize, miniblockSize, width);
  }
}
