/** A query result that can be compared across engines, whatever types they give their columns. */
export interface ResultTable {
  readonly columns: readonly string[];
  /** SQL names of the columns' types, as the engine calls them. */
  readonly types: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * One value: doubles are numbers, whole numbers bigint; decimals are texts of the form `-12.50`
 * marked as such, so that they compare as numbers; everything else is its SQL text.
 */
export type Cell = null | boolean | number | bigint | string | { readonly decimal: string };

export interface Tolerance {
  /** Largest difference of doubles relative to the larger of the two. */
  relative: number;
  /** Differences of doubles up to this count as none, for sums that are zero but for rounding. */
  absolute: number;
}

/** Doubles summed in another order differ in their last digits; everything else is exact. */
export const defaultTolerance: Tolerance = { relative: 1e-9, absolute: 1e-9 };

/**
 * The first difference between two results, in words, or undefined. Rows that one engine may order
 * as it likes are no difference: both are compared as multisets, in an order made of all columns.
 * Column names do not count: engines name expressions differently.
 */
export function resultDifference(
  ours: ResultTable,
  theirs: ResultTable,
  tolerance: Tolerance = defaultTolerance,
): string | undefined {
  if (ours.rows.length !== theirs.rows.length) {
    return `${ours.rows.length} rows instead of ${theirs.rows.length}`;
  }
  if (ours.columns.length !== theirs.columns.length) {
    return `${ours.columns.length} columns instead of ${theirs.columns.length}`;
  }
  const [a, b] = [sortRows(ours.rows), sortRows(theirs.rows)];
  for (let row = 0; row < a.length; row++) {
    for (let column = 0; column < a[row].length; column++) {
      if (sameCell(a[row][column], b[row][column], tolerance)) continue;
      const place = `row ${row + 1}, column ${ours.columns[column]}`;
      return `${place}: ${showCell(a[row][column])} instead of ${showCell(b[row][column])}`;
    }
  }
  return undefined;
}

/**
 * Sorts by a key that neither the type of a number nor the last digits of a double change. Rows
 * that differ only beyond them may still pair up wrongly; such a result is reported, never passed.
 */
function sortRows(rows: ResultTable['rows']): (readonly Cell[])[] {
  return rows
    .map((row) => ({ row, key: row.map(sortKey).join('\0') }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ row }) => row);
}

function sortKey(cell: Cell): string {
  if (cell === null) return '\x01';
  if (typeof cell === 'string' || typeof cell === 'boolean') return String(cell);
  return toNumber(cell).toPrecision(7);
}

function toNumber(cell: number | bigint | { readonly decimal: string }): number {
  return Number(typeof cell === 'object' ? cell.decimal : cell);
}

/** Whether two values are the same: exactly, unless one of them is a double. */
export function sameCell(a: Cell, b: Cell, tolerance: Tolerance = defaultTolerance): boolean {
  if (a === null || b === null) return a === b;
  if (isText(a) || isText(b)) return String(a) === String(b);
  if (typeof a === 'number' || typeof b === 'number') {
    return closeEnough(toNumber(a), toNumber(b), tolerance);
  }
  return exactText(a) === exactText(b);
}

function isText(cell: Exclude<Cell, null>): cell is string | boolean {
  return typeof cell === 'string' || typeof cell === 'boolean';
}

function closeEnough(a: number, b: number, tolerance: Tolerance): boolean {
  if (Object.is(a, b) || a === b) return true;
  const difference = Math.abs(a - b);
  const size = Math.max(Math.abs(a), Math.abs(b));
  // Infinity is close to nothing else.
  if (size === Number.POSITIVE_INFINITY) return false;
  return difference <= Math.max(tolerance.absolute, tolerance.relative * size);
}

/** A number without zeros that say nothing: `1.50` and `1.5` are the same value. */
function exactText(cell: bigint | { readonly decimal: string }): string {
  if (typeof cell === 'bigint') return cell.toString();
  const text = cell.decimal.includes('.') ? cell.decimal.replace(/\.?0+$/, '') : cell.decimal;
  return text === '-0' ? '0' : text;
}

/** The value as a person reads it in a message. */
export function showCell(cell: Cell): string {
  if (cell === null) return 'NULL';
  return typeof cell === 'object' ? cell.decimal : String(cell);
}
