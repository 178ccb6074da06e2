/** Dictionaries of texts: taking entries out, and whether they may stand as they are. */
import type { StringVector } from '../value/batch.ts';

/** The entries that `codes` name, back to back. */
export function pickTexts(
  entries: { readonly offsets: Uint32Array; readonly bytes: Uint8Array },
  codes: Uint32Array,
): StringVector {
  const offsets = new Uint32Array(codes.length + 1);
  for (let i = 0; i < codes.length; i++) {
    const length = entries.offsets[codes[i] + 1] - entries.offsets[codes[i]];
    offsets[i + 1] = offsets[i] + length;
  }
  const bytes = new Uint8Array(offsets[codes.length]);
  for (let i = 0; i < codes.length; i++) {
    const from = entries.offsets[codes[i]];
    bytes.set(entries.bytes.subarray(from, entries.offsets[codes[i] + 1]), offsets[i]);
  }
  return { form: 'string', offsets, bytes };
}

/** Dictionaries of batches have distinct entries; those of files usually do too. */
export function areDistinct({ offsets, bytes }: StringVector): boolean {
  const latin1 = new TextDecoder('latin1');
  const seen = new Set<string>();
  for (let i = 1; i < offsets.length; i++) {
    seen.add(latin1.decode(bytes.subarray(offsets[i - 1], offsets[i])));
  }
  return seen.size === offsets.length - 1;
}
