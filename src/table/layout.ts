/**
 * How a column lies in memory. A layout holds for the whole column, so that the compiler can emit
 * code for exactly one width; a segment is the part of a column that belongs to one row group.
 *
 * - `int`: unsigned stored integers of 1, 2 or 4 bytes, value = base + stored (a frame of
 *   reference); of 8 bytes: the signed value itself, base 0. Carries integers, decimals (scaled by
 *   10^scale), dates (days), times and timestamps (microseconds), booleans (0 and 1).
 * - `wide`: 128-bit two's complement, low half first: HUGEINT and decimals that need it.
 * - `float`: IEEE 754 of 4 or 8 bytes.
 * - `dictionary`: codes into the column's dictionary, whose entries ascend in byte order, so that
 *   codes compare as their strings do.
 * - `string`: rowCount + 1 u32 offsets into the segment's heap of UTF-8 bytes. The heap is followed
 *   by at least {@link stringPadding} readable bytes.
 *
 * NULLs: a segment with NULLs has a mask of one byte a row, 1 = NULL. The data of a NULL row is 0.
 */
export type ColumnLayout =
  | { readonly kind: 'int'; readonly width: 1 | 2 | 4 | 8; readonly base: bigint }
  | { readonly kind: 'wide' }
  | { readonly kind: 'float'; readonly width: 4 | 8 }
  | { readonly kind: 'dictionary'; readonly width: 1 | 2 | 4; readonly dictionary: Dictionary }
  | { readonly kind: 'string' };

/** The distinct strings of a column in ascending byte order, in linear memory and as JS strings. */
export interface Dictionary {
  readonly count: number;
  /** Address of count + 1 u32 offsets, relative to `heap`. */
  readonly offsets: number;
  /** Address of the bytes; {@link stringPadding} readable bytes follow them. */
  readonly heap: number;
  /** The entries decoded, for predicates that are evaluated at compile time. */
  readonly values: readonly string[];
}

/** Readable bytes after every string heap, so that kernels may load 16 bytes at a time. */
export const stringPadding = 16;

/** Rows of a full row group, which is also the unit of parallel work (a morsel). */
export const rowsPerGroup = 65536;

/** Bytes of one row in the segment's data array; 4 (the offset) for strings. */
export function layoutWidth(layout: ColumnLayout): number {
  switch (layout.kind) {
    case 'int':
    case 'float':
    case 'dictionary':
      return layout.width;
    case 'wide':
      return 16;
    case 'string':
      return 4;
  }
}

/** A run of rows of one column in linear memory. */
export interface Segment {
  /** Address of the values, codes or offsets; 16-byte aligned. */
  readonly data: number;
  /** Address of the string bytes; 0 for other layouts. */
  readonly heap: number;
  /** Address of the NULL mask, 0 when the segment has no NULLs. */
  readonly nulls: number;
  /** Zone map: least and greatest stored integer, code or double; undefined when unknown. */
  readonly zone: Zone | undefined;
}

export interface Zone {
  readonly min: number | bigint;
  readonly max: number | bigint;
}

export interface RowGroup {
  /** Index of the group's first row in the table. */
  readonly firstRow: number;
  readonly rowCount: number;
  readonly segments: readonly Segment[];
}
