import { QuernError, sqlState } from '../../../src/base/error.ts';
import type { Cell } from '../../../src/bench/result-table.ts';
import { sameCell, showCell } from '../../../src/bench/result-table.ts';

type Row = readonly Cell[];

/** What a statement gave on one engine. */
export type Outcome =
  | { readonly kind: 'rows'; readonly classes: string; readonly rows: readonly Row[] }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  /** More rows than are worth comparing. */
  | { readonly kind: 'large' }
  /** Something that is no answer: an assertion of ours, a trap. */
  | { readonly kind: 'broken'; readonly message: string };

export async function outcomeOf(ours: boolean, run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const internal = error instanceof QuernError && error.code === sqlState.internalError;
    if (internal) return { kind: 'broken', message };
    if (error instanceof QuernError) return { kind: 'error', code: error.code, message };
    if (ours) return { kind: 'broken', message: (error as Error).stack ?? message };
    return { kind: 'error', code: '', message };
  }
}

/** The first difference of two results, or undefined. */
export function rowsDifference(
  ours: readonly Row[],
  theirs: readonly Row[],
  ordered: boolean,
): string | undefined {
  if (ours.length !== theirs.length) return `${ours.length} rows instead of ${theirs.length}`;
  const [a, b] = ordered ? [ours, theirs] : [sorted(ours), sorted(theirs)];
  for (let i = 0; i < a.length; i++) {
    for (let column = 0; column < a[i].length; column++) {
      if (same(a[i][column], b[i][column])) continue;
      const cells = `${showCell(a[i][column])} instead of ${showCell(b[i][column])}`;
      return `row ${i + 1}, column ${column + 1}: ${cells}`;
    }
  }
  return undefined;
}

function same(a: Cell, b: Cell): boolean {
  return sameCell(a, b) || (Number.isNaN(a) && Number.isNaN(b));
}

/** Rows in an order that the last digits of doubles change as little as possible. */
function sorted(rows: readonly Row[]): Row[] {
  const keyed = rows.map((row) => ({
    row,
    exact: row.map((cell) => (typeof cell === 'number' ? '' : exactKey(cell))).join('\0'),
    doubles: row.filter((cell) => typeof cell === 'number'),
  }));
  keyed.sort((a, b) => {
    if (a.exact !== b.exact) return a.exact < b.exact ? -1 : 1;
    for (let i = 0; i < Math.min(a.doubles.length, b.doubles.length); i++) {
      if (!same(a.doubles[i], b.doubles[i])) return isBefore(a.doubles[i], b.doubles[i]) ? -1 : 1;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}

/** In PostgreSQL's order: NaN is larger than infinity. */
function isBefore(a: number, b: number): boolean {
  return Number.isNaN(b) ? !Number.isNaN(a) : a < b;
}

function exactKey(cell: Exclude<Cell, number>): string {
  if (cell === null) return '\x01';
  if (typeof cell === 'string') return cell;
  const text = showCell(cell);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
