/**
 * What is known of a column's values, gathered on load. The optimizer estimates from it, and the
 * compiler relies on `min`, `max`, `nullCount` and `order` for correctness (which width a sum
 * needs, whether a key is unique): these four are exact, `distinctCount` is an estimate unless the
 * order is strict.
 */
export interface ColumnStatistics {
  readonly nullCount: number;
  /**
   * Least and greatest value that is not NULL: for integers, decimals (scaled), dates and
   * timestamps a bigint, for REAL and DOUBLE a number, for strings absent. Absent as well when the
   * column has no value.
   */
  readonly min: bigint | number | undefined;
  readonly max: bigint | number | undefined;
  readonly distinctCount: number;
  /** Mean length of a string in bytes; the width of the values otherwise. */
  readonly averageWidth: number;
  /**
   * `strict`: each value greater than the one before (so all are distinct); NULLs make it `none`.
   */
  readonly order: 'strict' | 'ascending' | 'none';
}

export const noStatistics: ColumnStatistics = Object.freeze({
  nullCount: 0,
  min: undefined,
  max: undefined,
  distinctCount: 0,
  averageWidth: 0,
  order: 'none',
});
