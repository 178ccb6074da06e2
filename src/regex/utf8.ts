/** Sets of characters as what the bytes of their UTF-8 may be. */
import { type Ranges, within } from './ranges.ts';

/** One character: each of its bytes lies in the range at its place. */
export type ByteSequence = readonly (readonly [first: number, last: number])[];

/** The last code points that take one, two, three and four bytes. */
const lastOfLength = [0x7f, 0x7ff, 0xffff, 0x10ffff];
const leads = [0, 0xc0, 0xe0, 0xf0];

/**
 * Sequences that together are the characters of a set, in order. Two of them begin with the same
 * range of bytes, or with ranges that have nothing in common.
 */
export function byteSequences(set: Ranges): ByteSequence[] {
  const sequences: ByteSequence[] = [];
  let from = 0;
  lastOfLength.forEach((to, more) => {
    for (const [first, last] of within(set, from, to)) split(first, last, more, sequences);
    from = to + 1;
  });
  return sequences;
}

/** `more`: how many bytes follow the first one. */
function split(first: number, last: number, more: number, sequences: ByteSequence[]): void {
  // Where the bytes before the last ones differ, the last ones must be free to be any.
  for (let free = 1; free <= more; free++) {
    const mask = (1 << (6 * free)) - 1;
    if ((first & ~mask) === (last & ~mask)) continue;
    const middle =
      (first & mask) !== 0 ? first | mask : (last & mask) !== mask ? (last & ~mask) - 1 : undefined;
    if (middle === undefined) continue;
    split(first, middle, more, sequences);
    split(middle + 1, last, more, sequences);
    return;
  }
  const low = bytesOf(first, more);
  const high = bytesOf(last, more);
  sequences.push(low.map((byte, i) => [byte, high[i]] as const));
}

function bytesOf(code: number, more: number): number[] {
  const bytes = [leads[more] | (code >>> (6 * more))];
  for (let i = more - 1; i >= 0; i--) bytes.push(0x80 | ((code >>> (6 * i)) & 0x3f));
  return bytes;
}
