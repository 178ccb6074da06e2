/** The statistics of a column after rows were added. */
import { type ColumnSummary, joinOrder, sameValue } from './choose-layout.ts';
import { estimateDistinct } from './distinct.ts';
import type { ColumnLayout, RowGroup } from './layout.ts';
import { layoutWidth, rowsPerGroup } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { ColumnStatistics } from './statistics.ts';
import type { StoredSegment } from './stored-segment.ts';
import type { Table } from './table.ts';

type Bound = bigint | number | undefined;

/** `added`: what the new rows are like; `rowGroups`: those of the new version. */
export function joinStatistics(
  memory: LinearMemory,
  table: Table,
  ordinal: number,
  layout: ColumnLayout,
  added: ColumnSummary,
  rowGroups: readonly RowGroup[],
  isLast: boolean,
): ColumnStatistics {
  const old = table.columns[ordinal].statistics;
  const rowCount = rowsOf(rowGroups);
  const nullCount = old.nullCount + added.nullCount;
  const [min, max] = joinBounds(table, old, added, layout, rowCount - table.rowCount);
  const order =
    table.rowCount === 0
      ? added.order
      : joinOrder(old.order, lastValue(memory, table, ordinal, old), added.order, added.first);
  const statistics = {
    nullCount,
    min,
    max,
    order: nullCount > 0 ? ('none' as const) : order,
    averageWidth: averageWidth(layout, rowGroups, ordinal, rowCount - nullCount),
  };
  const distinctCount = distinct(
    memory,
    table,
    ordinal,
    layout,
    added,
    rowGroups,
    statistics,
    isLast,
  );
  return { ...statistics, distinctCount };
}

/**
 * Whether a table has changed so much that estimates of it are to be made anew: of many small
 * appends that is so whenever it has grown by about a quarter.
 */
export function hasGrown(rowsBefore: number, rows: number): boolean {
  const step = (count: number) => Math.floor(3 * Math.log2(count + 1));
  return step(rows) !== step(rowsBefore) || rows - rowsBefore >= rowsPerGroup;
}

function rowsOf(rowGroups: readonly RowGroup[]): number {
  const last = rowGroups.at(-1);
  return last === undefined ? 0 : last.firstRow + last.rowCount;
}

/** Both bounds or none: where some values have no order, nothing is known of all. */
function joinBounds(
  table: Table,
  old: ColumnStatistics,
  added: ColumnSummary,
  layout: ColumnLayout,
  addedRows: number,
): [Bound, Bound] {
  if (layout.kind === 'string' || layout.kind === 'dictionary') return [undefined, undefined];
  const oldUnknown = old.min === undefined && old.nullCount < table.rowCount;
  const addedUnknown = added.min === undefined && added.nullCount < addedRows;
  if (oldUnknown || addedUnknown) return [undefined, undefined];
  const exact = (value: Bound) =>
    value === undefined || layout.kind === 'float' ? value : BigInt(value);
  const min = old.min === undefined || added.min! < old.min ? (added.min ?? old.min) : old.min;
  const max = old.max === undefined || added.max! > old.max ? (added.max ?? old.max) : old.max;
  return [exact(min), exact(max)];
}

/** The value of the table's last row, where its order matters. */
function lastValue(
  memory: LinearMemory,
  table: Table,
  ordinal: number,
  statistics: ColumnStatistics,
): Bound {
  if (statistics.order === 'none') return undefined;
  const group = table.rowGroups[table.rowGroups.length - 1];
  const { layout } = table.columns[ordinal];
  const { data } = group.segments[ordinal];
  const row = group.rowCount - 1;
  if (layout.kind === 'float') {
    return layout.width === 4 ? memory.f32[data / 4 + row] : memory.f64[data / 8 + row];
  }
  if (layout.kind === 'wide') {
    const low = BigInt.asUintN(64, memory.i64[data / 8 + 2 * row]);
    return (memory.i64[data / 8 + 2 * row + 1] << 64n) | low;
  }
  if (layout.kind !== 'int') return undefined;
  if (layout.width === 8) return memory.i64[data / 8 + row];
  const values = layout.width === 1 ? memory.u8 : layout.width === 2 ? memory.u16 : memory.u32;
  return layout.base + BigInt(values[data / layout.width + row]);
}

function averageWidth(
  layout: ColumnLayout,
  rowGroups: readonly RowGroup[],
  ordinal: number,
  values: number,
): number {
  if (values === 0) return 0;
  if (layout.kind === 'string') {
    let bytes = 0;
    for (const group of rowGroups) bytes += (group.segments[ordinal] as StoredSegment).heapBytes;
    return bytes / values;
  }
  if (layout.kind === 'dictionary') {
    const { values: entries } = layout.dictionary;
    let length = 0;
    for (const entry of entries) length += entry.length;
    return length / Math.max(1, entries.length);
  }
  return layoutWidth(layout);
}

function distinct(
  memory: LinearMemory,
  table: Table,
  ordinal: number,
  layout: ColumnLayout,
  added: ColumnSummary,
  rowGroups: readonly RowGroup[],
  now: Omit<ColumnStatistics, 'distinctCount'>,
  isLast: boolean,
): number {
  const rowCount = rowsOf(rowGroups);
  const addedRows = rowCount - table.rowCount;
  if (layout.kind === 'dictionary') return layout.dictionary.count;
  if (now.order === 'strict') return rowCount;
  const old = table.columns[ordinal].statistics;
  if (now.order === 'ascending') {
    const shared = sameValue(old.max, added.first) ? 1 : 0;
    return old.distinctCount + added.distinct! - shared;
  }
  if (!isLast || !hasGrown(table.rowCount, rowCount)) {
    const domain = now.max === undefined ? Infinity : Number(now.max) - Number(now.min) + 1;
    const bounded = layout.kind === 'float' ? Infinity : domain;
    return Math.min(rowCount - now.nullCount, bounded, old.distinctCount + addedRows);
  }
  const base = layout.kind === 'int' ? layout.base : 0n;
  const storedMax = layout.kind === 'int' && now.max !== undefined ? BigInt(now.max) - base : 0n;
  return estimateDistinct(memory, layout, rowGroups, ordinal, Number(storedMax));
}
