/** Making segments out of staged pieces, and extending the last one of a table. */
import type { StringVector } from '../value/batch.ts';
import type { BlockHeap } from './block-heap.ts';
import { greatest, least } from './choose-layout.ts';
import { type CodeMap, heapBytesOf, type SegmentTarget, writePiece } from './encode.ts';
import type { ColumnLayout, Zone } from './layout.ts';
import { layoutWidth, rowsPerGroup, stringPadding } from './layout.ts';
import type { Piece } from './staged-column.ts';
import { StoredSegment } from './stored-segment.ts';

/** How the pieces of one column are to be written. */
export interface ColumnEncoding {
  readonly layout: ColumnLayout;
  /** The strings that code pieces number. */
  readonly strings: StringVector | undefined;
  readonly codes: CodeMap | undefined;
}

/** A new segment of exactly these rows. */
export function newSegment(
  heap: BlockHeap,
  encoding: ColumnEncoding,
  pieces: readonly Piece[],
  rowCount: number,
): StoredSegment {
  const { layout, strings } = encoding;
  const width = layoutWidth(layout);
  const isString = layout.kind === 'string';
  const dataBytes = padded(rowCount * width + (isString ? 4 : 0));
  let heapCapacity = 0;
  if (isString) for (const piece of pieces) heapCapacity += heapBytesOf(piece, strings);
  const data = heap.allocate(dataBytes + (isString ? heapCapacity + stringPadding : 0));
  const nulls = pieces.some((piece) => piece.nullCount > 0) ? heap.allocate(padded(rowCount)) : 0;
  const target = newTarget(data, isString ? data + dataBytes : 0, nulls, 0);
  if (isString) heap.memory.u32[data >>> 2] = 0;
  for (const piece of pieces) {
    writePiece(heap.memory, layout, target, piece, strings, encoding.codes);
  }
  return new StoredSegment(heap, {
    data,
    heap: target.heap,
    nulls,
    zone: zoneOf(layout, pieces, target),
    capacity: rowCount,
    heapBytes: target.heapBytes,
    heapCapacity,
    ownHeap: false,
  });
}

/**
 * The segment with `pieces` added behind its first `rowCount` rows. Readers of the old segment
 * never look beyond their own rows, so where `inPlace` and the blocks have room the two share them.
 */
export function extendSegment(
  heap: BlockHeap,
  encoding: ColumnEncoding,
  old: StoredSegment,
  rowCount: number,
  pieces: readonly Piece[],
  added: number,
  inPlace: boolean,
): StoredSegment {
  const { layout, strings } = encoding;
  const rows = rowCount + added;
  const capacity = inPlace && rows <= old.capacity ? old.capacity : roomFor(rows);
  const data = ownData(heap, layout, old, rowCount, capacity, inPlace);
  const nulls = ownNulls(heap, old, rowCount, capacity, inPlace, pieces);
  let heapCapacity = old.heapCapacity;
  let heapAddress = 0;
  if (layout.kind === 'string') {
    let more = 0;
    for (const piece of pieces) more += heapBytesOf(piece, strings);
    const share = inPlace && old.ownHeap && old.heapBytes + more <= heapCapacity;
    if (!share) heapCapacity = 2 * (old.heapBytes + more);
    heapAddress = ownHeap(heap, old, heapCapacity, share);
  }
  const target = newTarget(data, heapAddress, nulls, old.heapBytes);
  if (layout.kind === 'dictionary' && old.zone !== undefined) {
    target.codeMin = Number(old.zone.min);
    target.codeMax = Number(old.zone.max);
  }
  for (const piece of pieces) {
    writePiece(heap.memory, layout, target, piece, strings, encoding.codes);
  }
  return new StoredSegment(heap, {
    data,
    heap: heapAddress,
    nulls,
    zone: joinZones(layout, old.zone, zoneOf(layout, pieces, target), rowCount),
    capacity,
    heapBytes: target.heapBytes,
    heapCapacity,
    ownHeap: layout.kind === 'string',
  });
}

function newTarget(data: number, heap: number, nulls: number, heapBytes: number): SegmentTarget {
  return { data, heap, nulls, heapBytes, codeMin: 0x7fffffff, codeMax: -1 };
}

/** Room for as many rows again, up to a full group. */
function roomFor(rows: number): number {
  return Math.min(rowsPerGroup, Math.max(64, 2 * rows));
}

/** Kernels read 16 bytes at a time: whole vectors are always readable. */
function padded(bytes: number): number {
  return (bytes + 15) & ~15;
}

function ownData(
  heap: BlockHeap,
  layout: ColumnLayout,
  old: StoredSegment,
  rowCount: number,
  capacity: number,
  inPlace: boolean,
): number {
  if (inPlace && capacity === old.capacity) {
    heap.retain(old.data);
    return old.data;
  }
  const extra = layout.kind === 'string' ? 4 : 0;
  const width = layoutWidth(layout);
  const data = heap.allocate(padded(capacity * width + extra));
  heap.memory.u8.copyWithin(data, old.data, old.data + rowCount * width + extra);
  return data;
}

function ownNulls(
  heap: BlockHeap,
  old: StoredSegment,
  rowCount: number,
  capacity: number,
  inPlace: boolean,
  pieces: readonly Piece[],
): number {
  if (old.nulls === 0 && pieces.every((piece) => piece.nullCount === 0)) return 0;
  if (old.nulls !== 0 && inPlace && capacity === old.capacity) {
    heap.retain(old.nulls);
    return old.nulls;
  }
  const nulls = heap.allocate(padded(capacity));
  const bytes = heap.memory.u8;
  if (old.nulls === 0) bytes.fill(0, nulls, nulls + rowCount);
  else bytes.copyWithin(nulls, old.nulls, old.nulls + rowCount);
  return nulls;
}

function ownHeap(heap: BlockHeap, old: StoredSegment, capacity: number, share: boolean): number {
  if (share) {
    heap.retain(old.heap);
    return old.heap;
  }
  const address = heap.allocate(capacity + stringPadding);
  heap.memory.u8.copyWithin(address, old.heap, old.heap + old.heapBytes);
  return address;
}

/** Least and greatest stored value of the pieces. */
function zoneOf(
  layout: ColumnLayout,
  pieces: readonly Piece[],
  target: SegmentTarget,
): Zone | undefined {
  if (layout.kind === 'dictionary') {
    return target.codeMax < 0 ? undefined : { min: target.codeMin, max: target.codeMax };
  }
  if (layout.kind !== 'int' && layout.kind !== 'float') return undefined;
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  for (const piece of pieces) {
    if (piece.kind !== 'fixed') return undefined;
    const { summary } = piece;
    if (summary.min === undefined || summary.max === undefined) {
      if (piece.nullCount < piece.to - piece.from) return undefined;
      continue;
    }
    if (min === undefined || summary.min < min) min = summary.min;
    if (max === undefined || summary.max > max) max = summary.max;
  }
  if (min === undefined || max === undefined) return undefined;
  if (layout.kind === 'float') return { min: Number(min), max: Number(max) };
  if (layout.width === 8) return { min: BigInt(min), max: BigInt(max) };
  return { min: Number(BigInt(min) - layout.base), max: Number(BigInt(max) - layout.base) };
}

function joinZones(
  layout: ColumnLayout,
  old: Zone | undefined,
  added: Zone | undefined,
  rowCount: number,
): Zone | undefined {
  // Codes were joined while they were written.
  if (rowCount === 0 || layout.kind === 'dictionary') return added;
  if (old === undefined || added === undefined) return undefined;
  return { min: least(added.min, old.min), max: greatest(added.max, old.max) };
}
