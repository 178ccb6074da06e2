/** Writing a vector to memory in a layout that was chosen before its values were seen. */
import type { ColumnVector } from '../value/batch.ts';
import type { SqlType } from '../value/type.ts';
import { heapBytesOf, type SegmentTarget, writePiece } from './encode.ts';
import { type ColumnLayout, layoutWidth, rowsPerGroup, stringPadding } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import { StagedColumn } from './staged-column.ts';

/** Where the rows of a column lie; see `Segment`. */
export interface PlacedColumn {
  readonly data: number;
  readonly heap: number;
  readonly heapBytes: number;
  readonly nulls: number;
}

/** What all values must lie within; a layout alone has room for more. */
export interface PlaceBounds {
  readonly min: bigint;
  readonly max: bigint;
}

/**
 * Writes `rowCount` rows in the layout (any but a dictionary's), in memory that `allocate` gives.
 * Undefined when a value is out of bounds.
 */
export function placeVector(
  memory: LinearMemory,
  allocate: (bytes: number) => number,
  type: SqlType,
  layout: ColumnLayout,
  bounds: PlaceBounds | undefined,
  vector: ColumnVector,
  rowCount: number,
): PlacedColumn | undefined {
  const staged = new StagedColumn(type);
  // Their texts are wanted as they are, not numbered.
  staged.strings = undefined;
  staged.add(vector, rowCount);
  let nullCount = 0;
  let heapBytes = 0;
  for (const piece of staged.pieces) {
    nullCount += piece.nullCount;
    if (layout.kind === 'string') heapBytes += heapBytesOf(piece, undefined);
    if (piece.kind !== 'fixed' || bounds === undefined) continue;
    const { min, max } = piece.summary;
    if (min !== undefined && max !== undefined && (min < bounds.min || max > bounds.max)) {
      return undefined;
    }
  }
  const width = layoutWidth(layout);
  const data = allocate((rowCount + 1) * width + stringPadding);
  const heap = layout.kind === 'string' ? allocate(heapBytes + stringPadding) : 0;
  const nulls = nullCount > 0 ? allocate(rowCount + stringPadding) : 0;
  if (layout.kind === 'string') memory.u32[data >>> 2] = 0;
  let target: SegmentTarget = { data, heap, nulls, heapBytes: 0, codeMin: 0, codeMax: 0 };
  for (const piece of staged.pieces) {
    const first = piece.group * rowsPerGroup;
    target = {
      ...target,
      data: data + first * width,
      nulls: nulls === 0 ? 0 : nulls + first,
    };
    writePiece(memory, layout, target, piece, undefined, undefined);
  }
  return { data, heap, heapBytes, nulls };
}
