/** Morsel descriptors of a step, laid out by the main thread for all workers to read. */
import { morselField, type ScanStep, type ZoneTest } from '../compile/program.ts';
import type { RowGroup } from '../table/layout.ts';
import type { EngineMemory } from './memory.ts';

/** The morsels of a step: descriptors at `address`, `stride` bytes apart. */
export interface Morsels {
  readonly address: number;
  readonly stride: number;
  readonly count: number;
  readonly rows: number;
  readonly pruned: number;
}

/** Rows of a buffer in order: address and number of rows of each contiguous run, flat. */
export type RowRuns = readonly number[];

/** Most rows of a morsel over a buffer. */
const rowsPerMorsel = 32768;

/** A morsel for each row group that the zone maps cannot rule out. */
export function scanMorsels(memory: EngineMemory, owner: number, step: ScanStep): Morsels {
  const groups = step.table.data.rowGroups.filter((group) => mayMatch(group, step.prune));
  const stride = morselField.columns + 16 * step.ordinals.length;
  const address = memory.pages.allocate(groups.length * stride, owner);
  const words = memory.u32;
  let rows = 0;
  groups.forEach((group, sequence) => {
    const at = (address + sequence * stride) >>> 2;
    writeHeader(words, at, group.rowCount, group.firstRow, sequence, 0);
    let column = at + morselField.columns / 4;
    for (const ordinal of step.ordinals) {
      const segment = group.segments[ordinal];
      words[column] = segment.data;
      words[column + 1] = segment.heap;
      words[column + 2] = segment.nulls;
      words[column + 3] = 0;
      column += 4;
    }
    rows += group.rowCount;
  });
  const pruned = step.table.data.rowGroups.length - groups.length;
  return { address, stride, count: groups.length, rows, pruned };
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
): Morsels {
  let count = 0;
  for (let i = 1; i < runs.length; i += 2) count += Math.ceil(runs[i] / rowsPerMorsel);
  const stride = morselField.columns;
  const address = memory.pages.allocate(count * stride, owner);
  const words = memory.u32;
  let sequence = 0;
  let first = 0;
  for (let i = 0; i < runs.length; i += 2) {
    for (let done = 0; done < runs[i + 1]; done += rowsPerMorsel) {
      const rows = Math.min(rowsPerMorsel, runs[i + 1] - done);
      const at = (address + sequence * stride) >>> 2;
      writeHeader(words, at, rows, first, sequence, runs[i] + done * rowBytes);
      first += rows;
      sequence++;
    }
  }
  return { address, stride, count, rows: first, pruned: 0 };
}

/** The numbers 0 to total - 1, `grain` of them a morsel. */
export function rangeMorsels(
  memory: EngineMemory,
  owner: number,
  total: number,
  grain: number,
): Morsels {
  const count = Math.ceil(total / grain);
  const stride = morselField.columns;
  const address = memory.pages.allocate(count * stride, owner);
  const words = memory.u32;
  for (let sequence = 0; sequence < count; sequence++) {
    const first = sequence * grain;
    const at = (address + sequence * stride) >>> 2;
    writeHeader(words, at, Math.min(grain, total - first), first, sequence, 0);
  }
  return { address, stride, count, rows: total, pruned: 0 };
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
  words[at + morselField.sequence / 4] = sequence;
  words[at + morselField.rows / 4] = rows;
}
