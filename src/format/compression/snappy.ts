/**
 * Snappy's raw format, as Parquet uses it (google/snappy, format_description.txt): the length as a
 * varint, then elements, each a tag byte with two low bits for its kind:
 *
 *     00  literal; length - 1 in the upper six bits, or in the 1 to 4 bytes that follow (60..63)
 *     01  copy, length 4..11 in three bits, offset in 11 bits: three of the tag and the next byte
 *     10  copy, length 1..64 in the upper six bits, offset in the next two bytes
 *     11  copy, as 10 with four bytes of offset
 */
import { QuernError, sqlState } from '../../base/error.ts';
import { snappyCode, snappySlack } from './snappy-code.ts';

const hashBits = 14;
/** Copies reach back so far at most; so blocks of this size need no check of the distance. */
const blockBytes = 65536;

export function snappyCompress(input: Uint8Array): Uint8Array {
  const output = new Uint8Array(32 + input.length + Math.ceil(input.length / 6));
  let at = 0;
  for (let rest = input.length; ; rest >>>= 7) {
    output[at++] = rest < 128 ? rest : (rest & 127) | 128;
    if (rest < 128) break;
  }
  const table = new Uint16Array(1 << hashBits);
  for (let from = 0; from < input.length; from += blockBytes) {
    table.fill(0);
    at = compressBlock(input, from, Math.min(input.length, from + blockBytes), output, at, table);
  }
  return output.subarray(0, at);
}

function load32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/**
 * Greedy matching of four bytes by a hash table of positions; strides grow where nothing matches.
 */
function compressBlock(
  input: Uint8Array,
  from: number,
  to: number,
  output: Uint8Array,
  outputAt: number,
  table: Uint16Array,
): number {
  let out = outputAt;
  let literal = from;
  let misses = 32;
  for (let at = from + 1; at + 4 <= to; ) {
    const word = load32(input, at);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - hashBits);
    const candidate = from + table[slot];
    table[slot] = at - from;
    if (candidate >= at || load32(input, candidate) !== word) {
      at += misses++ >>> 5;
      continue;
    }
    misses = 32;
    let length = 4;
    while (at + length < to && input[at + length] === input[candidate + length]) length++;
    out = putLiteral(input, literal, at, output, out);
    out = putCopy(output, out, at - candidate, length);
    at += length;
    literal = at;
  }
  return putLiteral(input, literal, to, output, out);
}

function putLiteral(
  input: Uint8Array,
  from: number,
  to: number,
  output: Uint8Array,
  outputAt: number,
): number {
  const length = to - from;
  let out = outputAt;
  if (length === 0) return out;
  if (length <= 60) output[out++] = (length - 1) << 2;
  else if (length <= 256) {
    output[out++] = 60 << 2;
    output[out++] = length - 1;
  } else {
    output[out++] = 61 << 2;
    output[out++] = length - 1;
    output[out++] = (length - 1) >>> 8;
  }
  if (length > 32) output.set(input.subarray(from, to), out);
  else for (let i = 0; i < length; i++) output[out + i] = input[from + i];
  return out + length;
}

function putCopy(output: Uint8Array, outputAt: number, offset: number, copied: number): number {
  let out = outputAt;
  let length = copied;
  while (length > 0) {
    // What remains must be at least four bytes long or nothing.
    const part = length <= 64 ? length : Math.min(64, length - 4);
    if (part >= 4 && part <= 11 && offset < 2048) {
      output[out++] = 1 | ((part - 4) << 2) | ((offset >>> 8) << 5);
      output[out++] = offset;
    } else {
      output[out++] = 2 | ((part - 1) << 2);
      output[out++] = offset;
      output[out++] = offset >>> 8;
    }
    length -= part;
  }
  return out;
}

function broken(): QuernError {
  return new QuernError(sqlState.dataCorrupted, 'broken Snappy data');
}

interface SnappyExports {
  readonly memory: WebAssembly.Memory;
  decompress(from: number, to: number, out: number, outEnd: number): number;
}

let instance: SnappyExports | undefined;

/** The module is a few hundred bytes: compiling it here and now takes less than a millisecond. */
function loadModule(): SnappyExports {
  const module = new WebAssembly.Module(snappyCode());
  return new WebAssembly.Instance(module).exports as unknown as SnappyExports;
}

/** `size` is the length of the result, which the data must agree with. */
export function snappyDecompress(input: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const dataStart = snappyBodyStart(input, size);
  const { memory, decompress } = (instance ??= loadModule());
  const out = (input.length + snappySlack + 15) & ~15;
  const missing = out + size + 2 * snappySlack - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(input);
  if (decompress(dataStart, input.length, out, out + size) !== 1) throw broken();
  return bytes.slice(out, out + size);
}

/** Index behind the length at the start of the data, which must be `size`. */
export function snappyBodyStart(input: Uint8Array, size: number): number {
  let length = 0;
  for (let at = 0; at < 5 && at < input.length; at++) {
    length += (input[at] & 127) * 2 ** (7 * at);
    if (input[at] < 128) {
      if (length === size) return at + 1;
      break;
    }
  }
  throw broken();
}
