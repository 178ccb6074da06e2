import { sparseOrderKey } from './constants.ts';
import type { Scale, UnitRange } from './scale.ts';

/**
 * Refresh sets (clauses 2.5 and 4.2.5, dbgen -U): set U inserts orders beyond the initial data and
 * deletes as many old ones. Inserted orders get keys that the initial data leaves free, with one
 * more than U / 1000 in the sequence bits; deleted keys have one less, so that after the initial
 * orders those of earlier sets go.
 */
export interface RefreshSet {
  /** From 1. */
  readonly number: number;
  /** Where the streams of the inserted orders are. */
  readonly orders: UnitRange;
  /** Index of the first order of both halves, as keys are made from. */
  readonly firstIndex: number;
  readonly insertSequence: number;
  readonly deleteSequence: number;
}

/** How many pairs of sets there are before keys are used again. */
export const refreshSetsMax = 4000;

export function refreshSet(scale: Scale, number: number): RefreshSet {
  const before = (number - 1) * scale.refreshOrders;
  return {
    number,
    orders: { start: scale.orders + before, count: scale.refreshOrders },
    firstIndex: before + 1,
    insertSequence: 1 + Math.floor(number / 1000),
    deleteSequence: Math.floor(number / 1000),
  };
}

/** Cuts inserts as dbgen -i does: equal segments, the first ones longer by one if need be. */
export function insertSegments(count: number, segments: number): UnitRange[] {
  const size = Math.floor(count / segments);
  const longer = count % segments;
  const ranges: UnitRange[] = [];
  for (let start = 0; start < count; ) {
    const length = size + (ranges.length < longer ? 1 : 0);
    ranges.push({ start, count: length });
    start += length;
  }
  return ranges;
}

/** Cuts deletes as dbgen -d does: every segment has one more, so the last ones may be missing. */
export function deleteSegments(count: number, segments: number): UnitRange[] {
  const size = Math.floor(count / segments) + 1;
  const ranges: UnitRange[] = [];
  for (let start = 0; start < count; start += size) {
    ranges.push({ start, count: Math.min(size, count - start) });
  }
  return ranges;
}

/** The keys to delete, a line each, for a piece of a set. */
export function deleteLines(set: RefreshSet, piece: UnitRange): string {
  let text = '';
  for (let i = 0; i < piece.count; i++) {
    text += `${sparseOrderKey(set.firstIndex + piece.start + i, set.deleteSequence)}|\n`;
  }
  return text;
}
