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
import { compressedBytesMax, hashTableBytes } from './snappy-compress-code.ts';

export function snappyCompress(input: Uint8Array): Uint8Array<ArrayBuffer> {
  const { memory, compress } = (instance ??= loadModule());
  const table = (input.length + snappySlack + 15) & ~15;
  const out = table + hashTableBytes;
  growTo(memory, out + compressedBytesMax(input.length) + snappySlack);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(input);
  let at = out;
  for (let rest = input.length; ; rest >>>= 7) {
    bytes[at++] = rest < 128 ? rest : (rest & 127) | 128;
    if (rest < 128) break;
  }
  return bytes.slice(out, compress(0, input.length, at, table));
}

function broken(): QuernError {
  return new QuernError(sqlState.dataCorrupted, 'broken Snappy data');
}

interface SnappyExports {
  readonly memory: WebAssembly.Memory;
  decompress(from: number, to: number, out: number, outEnd: number): number;
  compress(from: number, to: number, out: number, table: number): number;
}

function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
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
  growTo(memory, out + size + 2 * snappySlack);
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
