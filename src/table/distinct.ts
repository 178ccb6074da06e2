/** Estimating how many distinct values a column has. */
import type { ColumnLayout, RowGroup } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import { hashBytes } from './string-set.ts';

/** Rows that an estimate looks at. */
const sampleSize = 32768;
/** Domains up to this size, and not much larger than the table, are counted with a flag a value. */
const countedDomainMax = 1 << 24;

/**
 * Distinct values of a column that is not a dictionary. Small integer domains are counted. From
 * others a systematic sample is taken and the estimator of Haas et al. (VLDB 1995, "smoothed" first
 * order jackknife) applied: d / (1 - (1 - q) f1 / n) for a share q of n rows with d distinct
 * values, f1 of them seen once.
 */
export function estimateDistinct(
  memory: LinearMemory,
  layout: ColumnLayout,
  rowGroups: readonly RowGroup[],
  ordinal: number,
  storedMax: number | undefined,
): number {
  const rowCount = rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
  if (layout.kind === 'int' && layout.width < 8 && storedMax !== undefined) {
    if (storedMax < Math.min(countedDomainMax, 8 * rowCount + 1024)) {
      return countValues(memory, layout.width as 1 | 2 | 4, rowGroups, ordinal, storedMax + 1);
    }
  }
  const step = Math.max(1, Math.floor(rowCount / sampleSize));
  const hashes = new Uint32Array(Math.ceil(rowCount / step));
  let sampled = 0;
  for (const group of rowGroups) {
    const { data, heap, nulls } = group.segments[ordinal];
    const first = (step - (group.firstRow % step)) % step;
    for (let row = first; row < group.rowCount; row += step) {
      if (nulls !== 0 && memory.u8[nulls + row] !== 0) continue;
      hashes[sampled++] = hashRow(memory, layout, data, heap, row);
    }
  }
  if (sampled === 0) return 0;
  const estimate = distinctOfSample(hashes.subarray(0, sampled), Math.min(1, sampled / rowCount));
  return Math.max(1, Math.min(rowCount, Math.round(estimate)));
}

/**
 * Distinct values of all rows, from the hashes of a `share` of them, which get sorted (three times
 * as fast as counting in a map).
 */
export function distinctOfSample(hashes: Uint32Array, share: number): number {
  const count = hashes.length;
  hashes.sort();
  let distinct = 0;
  let once = 0;
  for (let i = 0; i < count; ) {
    const first = i;
    while (i < count && hashes[i] === hashes[first]) i++;
    distinct++;
    if (i === first + 1) once++;
  }
  return distinct / (1 - ((1 - share) * once) / count);
}

function hashRow(
  memory: LinearMemory,
  layout: ColumnLayout,
  data: number,
  heap: number,
  row: number,
): number {
  if (layout.kind === 'string') {
    const at = (data >>> 2) + row;
    return hashBytes(memory.u8, heap + memory.u32[at], heap + memory.u32[at + 1]);
  }
  const width = layout.kind === 'wide' ? 16 : layout.width;
  return hashBytes(memory.u8, data + row * width, data + (row + 1) * width);
}

function countValues(
  memory: LinearMemory,
  width: 1 | 2 | 4,
  rowGroups: readonly RowGroup[],
  ordinal: number,
  domain: number,
): number {
  const seen = new Uint8Array(domain);
  let nextLook = 2 * domain;
  for (const { firstRow, rowCount, segments } of rowGroups) {
    const { data, nulls } = segments[ordinal];
    if (nulls !== 0) markValid(memory, width, data, nulls, rowCount, seen);
    else if (width === 1) mark8(memory.u8, data, rowCount, seen);
    else if (width === 2) mark16(memory.u16, data >>> 1, rowCount, seen);
    else mark32(memory.u32, data >>> 2, rowCount, seen);
    // Of a domain far smaller than the table, the first rows mostly have all.
    if (firstRow + rowCount < nextLook) continue;
    if (countSeen(seen) === domain) return domain;
    nextLook *= 2;
  }
  return countSeen(seen);
}

function countSeen(seen: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < seen.length; i++) count += seen[i];
  return count;
}

function markValid(
  memory: LinearMemory,
  width: 1 | 2 | 4,
  data: number,
  nulls: number,
  rowCount: number,
  seen: Uint8Array,
): void {
  const values = width === 1 ? memory.u8 : width === 2 ? memory.u16 : memory.u32;
  const mask = memory.u8;
  const first = data / width;
  for (let row = 0; row < rowCount; row++)
    if (mask[nulls + row] === 0) seen[values[first + row]] = 1;
}

function mark8(values: Uint8Array, first: number, rowCount: number, seen: Uint8Array): void {
  for (let i = first; i < first + rowCount; i++) seen[values[i]] = 1;
}

function mark16(values: Uint16Array, first: number, rowCount: number, seen: Uint8Array): void {
  for (let i = first; i < first + rowCount; i++) seen[values[i]] = 1;
}

function mark32(values: Uint32Array, first: number, rowCount: number, seen: Uint8Array): void {
  for (let i = first; i < first + rowCount; i++) seen[values[i]] = 1;
}
