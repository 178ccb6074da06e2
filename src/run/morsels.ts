/** Morsel descriptors of a step, laid out by the main thread for all workers to read. */
import {
  morselField,
  morselsPerRowGroupMax,
  partsPerMorselMax,
  type ScanStep,
  type ZoneTest,
} from '../compile/program.ts';
import { layoutWidth, type RowGroup, rowsPerGroup } from '../table/layout.ts';
import type { LoadMemory } from '../table/segment-loader.ts';
import type { EngineMemory } from './memory.ts';
import type { PageAllocator } from './page-allocator.ts';

/** The morsels of a step: descriptors at `address`, `stride` bytes apart. */
export interface Morsels {
  readonly address: number;
  readonly stride: number;
  readonly count: number;
  readonly rows: number;
}

/** Rows of a buffer in order: address and number of rows of each contiguous run, flat. */
export type RowRuns = readonly number[];

/** With fewer row groups for each thread, morsels are parts of them. */
const groupsPerThread = 8;
/** Most rows of a morsel over a buffer. */
const rowsPerMorsel = 32768;

/**
 * The row groups that the zone maps cannot rule out, a morsel each; cut in four where there are few
 * groups for the threads, so that they end at about the same time. Tables in files come in parts:
 * `groups` are then those that are loaded, and `firstSequence` the number of their first morsel.
 */
export function scanMorsels(
  memory: EngineMemory,
  owner: number,
  step: ScanStep,
  groups: readonly RowGroup[],
  threads: number,
  firstSequence = 0,
): Morsels {
  const cut = threads > 1 && groups.length < groupsPerThread * threads;
  const morselRows = cut ? rowsPerGroup / morselsPerRowGroupMax : rowsPerGroup;
  const widths = step.ordinals.map((ordinal) =>
    layoutWidth(step.table.data.columns[ordinal].layout),
  );
  let count = 0;
  for (const group of groups) count += Math.ceil(group.rowCount / morselRows);
  const stride = morselField.columns + 16 * step.ordinals.length;
  const address = memory.pages.allocate(count * stride, owner);
  const words = memory.u32;
  let index = 0;
  let rows = 0;
  for (const group of groups) {
    for (let from = 0; from < group.rowCount; from += morselRows) {
      const at = (address + index * stride) >>> 2;
      const morselCount = Math.min(morselRows, group.rowCount - from);
      const sequence = firstSequence + index;
      writeHeader(words, at, morselCount, group.firstRow + from, sequence, 0);
      step.ordinals.forEach((ordinal, i) => {
        const { data, heap, nulls } = group.segments[ordinal];
        const column = at + morselField.columns / 4 + 4 * i;
        words[column] = data + from * widths[i];
        words[column + 1] = heap;
        words[column + 2] = nulls === 0 ? 0 : nulls + from;
        words[column + 3] = widths[i];
      });
      index++;
    }
    rows += group.rowCount;
  }
  return { address, stride, count, rows };
}

/** Memory of an execution for what a table in a file brings in. */
export function loadMemory(pages: PageAllocator, owner: number): LoadMemory {
  return {
    allocate: (bytes) => pages.allocate(bytes, owner),
    release: (address) => pages.release(address),
  };
}

/** The row groups that the zone maps cannot rule out. */
export function scannedGroups({ table, prune }: ScanStep): RowGroup[] {
  return table.data.rowGroups.filter((group) => mayMatch(group, prune));
}

function mayMatch(group: RowGroup, tests: readonly ZoneTest[]): boolean {
  return tests.every(({ ordinal, min, max }) => {
    const { zone } = group.segments[ordinal];
    if (zone === undefined) return true;
    return !(min !== undefined && zone.max < min) && !(max !== undefined && zone.min > max);
  });
}

/** Runs of adjacent rows, long ones cut. */
export function rowMorsels(
  memory: EngineMemory,
  owner: number,
  runs: RowRuns,
  rowBytes: number,
  firstSequence = 0,
): Morsels {
  let count = 0;
  for (let i = 1; i < runs.length; i += 2) count += Math.ceil(runs[i] / rowsPerMorsel);
  const stride = morselField.columns;
  const address = memory.pages.allocate(count * stride, owner);
  const words = memory.u32;
  let index = 0;
  let first = 0;
  for (let i = 0; i < runs.length; i += 2) {
    for (let done = 0; done < runs[i + 1]; done += rowsPerMorsel) {
      const rows = Math.min(rowsPerMorsel, runs[i + 1] - done);
      const at = (address + index * stride) >>> 2;
      writeHeader(words, at, rows, first, firstSequence + index, runs[i] + done * rowBytes);
      first += rows;
      index++;
    }
  }
  return { address, stride, count, rows: first };
}

/** The numbers 0 to total - 1, `grain` of them a morsel. */
export function rangeMorsels(
  memory: EngineMemory,
  owner: number,
  total: number,
  grain: number,
  firstSequence = 0,
): Morsels {
  const count = Math.ceil(total / grain);
  const stride = morselField.columns;
  const address = memory.pages.allocate(count * stride, owner);
  const words = memory.u32;
  for (let index = 0; index < count; index++) {
    const first = index * grain;
    const at = (address + index * stride) >>> 2;
    writeHeader(words, at, Math.min(grain, total - first), first, firstSequence + index, 0);
  }
  return { address, stride, count, rows: total };
}

function writeHeader(
  words: Uint32Array,
  at: number,
  count: number,
  first: number,
  sequence: number,
  rows: number,
): void {
  words[at + morselField.count / 4] = count;
  words[at + morselField.first / 4] = first;
  words[at + morselField.sequence / 4] = sequence * partsPerMorselMax;
  words[at + morselField.rows / 4] = rows;
}

/** Rows of the smallest part of a morsel of that many rows; other parts are multiples of it. */
export function smallestPart(rows: number): number {
  return (Math.ceil(rows / partsPerMorselMax) + 63) & ~63;
}

/**
 * Writes at `to` the descriptor of a part of the morsel at `from`: `rows` rows from number `first`
 * of the morsel on. `rowBytes`: the distance of rows in a buffer; `columns`: how many a scan has.
 */
export function writePart(
  words: Uint32Array,
  from: number,
  to: number,
  first: number,
  rows: number,
  { rowBytes, columns }: { readonly rowBytes: number; readonly columns: number },
): void {
  const source = from >>> 2;
  const target = to >>> 2;
  const field = (name: 'count' | 'first' | 'sequence' | 'rows') => morselField[name] / 4;
  const count = words[source + field('count')];
  words[target + field('count')] = rows;
  words[target + field('first')] = words[source + field('first')] + first;
  words[target + field('sequence')] =
    words[source + field('sequence')] + first / smallestPart(count);
  words[target + field('rows')] = words[source + field('rows')] + first * rowBytes;
  for (let i = 0; i < columns; i++) {
    const offset = morselField.columns / 4 + 4 * i;
    const [data, heap, nulls, width] = words.subarray(source + offset, source + offset + 4);
    words[target + offset] = data + first * width;
    words[target + offset + 1] = heap;
    words[target + offset + 2] = nulls === 0 ? 0 : nulls + first;
    words[target + offset + 3] = width;
  }
}
