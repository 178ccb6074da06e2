/** Which layout a column gets, from what is known of all its values. */
import type { SqlType } from '../value/type.ts';
import type { ColumnLayout } from './layout.ts';
import { dictionarySizeMax, type StagedColumn } from './staged-column.ts';

/** What the pieces of a column say together. */
export interface ColumnSummary {
  readonly nullCount: number;
  readonly min: number | bigint | undefined;
  readonly max: number | bigint | undefined;
  readonly order: 'strict' | 'ascending' | 'none';
  /** Distinct values, if the column ascends. */
  readonly distinct: number | undefined;
  /** The first value, if the column ascends. */
  readonly first: number | bigint | undefined;
}

export function summarizeColumn(staged: StagedColumn): ColumnSummary {
  let nullCount = 0;
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  let order: ColumnSummary['order'] = 'strict';
  let first: number | bigint | undefined;
  let last: number | bigint | undefined;
  let distinct = 0;
  let unknown = false;
  for (const piece of staged.pieces) {
    nullCount += piece.nullCount;
    if (piece.kind !== 'fixed') {
      order = 'none';
      continue;
    }
    const { summary } = piece;
    if (summary.min === undefined || summary.max === undefined) {
      // All rows NULL, or values that have no order.
      unknown ||= piece.nullCount < piece.to - piece.from;
      order = 'none';
      continue;
    }
    if (min === undefined || summary.min < min) min = summary.min;
    if (max === undefined || summary.max > max) max = summary.max;
    order = joinOrder(order, last, summary.order, summary.first);
    distinct += (summary.distinct ?? 0) - (sameValue(last, summary.first) ? 1 : 0);
    first ??= summary.first;
    last = summary.last;
  }
  const nothing = { nullCount, order: 'none', distinct: undefined, first: undefined } as const;
  if (unknown) return { ...nothing, min: undefined, max: undefined };
  if (nullCount > 0 || order === 'none') return { ...nothing, min, max };
  return { nullCount, min, max, order, distinct, first };
}

/** The order of two runs, one after the other; `last` of the first, `first` of the second. */
export function joinOrder(
  a: ColumnSummary['order'],
  last: number | bigint | undefined,
  b: ColumnSummary['order'],
  first: number | bigint | undefined,
): ColumnSummary['order'] {
  if (a === 'none' || b === 'none') return 'none';
  if (last === undefined || first === undefined) return b;
  if (first < last) return 'none';
  if (a === 'ascending' || b === 'ascending' || sameValue(first, last)) return 'ascending';
  return 'strict';
}

/** Whether both are known and the same, be they numbers or bigints. */
export function sameValue(a: number | bigint | undefined, b: number | bigint | undefined): boolean {
  return a !== undefined && b !== undefined && !(a < b) && !(a > b);
}

/** Types whose values take 16 bytes and have no order of their own. */
export function isOpaque(type: SqlType): boolean {
  return type.kind === 'interval' || type.kind === 'uuid';
}

export function isText(type: SqlType): boolean {
  return type.kind === 'varchar' || type.kind === 'blob';
}

/** The layout of a column of fixed-width type. */
export function chooseFixedLayout(
  type: SqlType,
  min: number | bigint | undefined,
  max: number | bigint | undefined,
): ColumnLayout {
  if (isOpaque(type)) return { kind: 'wide' };
  if (type.kind === 'real') return { kind: 'float', width: 4 };
  if (type.kind === 'double') return { kind: 'float', width: 8 };
  if (min === undefined || max === undefined) return { kind: 'int', width: 1, base: 0n };
  return chooseIntLayout(BigInt(min), BigInt(max));
}

const widths = [1, 2, 4] as const;

function chooseIntLayout(min: bigint, max: bigint): ColumnLayout {
  // Values are computed in 64 bits, so a base beyond them would be of no use.
  const fits = BigInt.asIntN(64, min) === min && BigInt.asIntN(64, max) === max;
  if (!fits) return { kind: 'wide' };
  for (const width of widths) {
    const span = (1n << BigInt(8 * width)) - 1n;
    // Without a base the code that reads the column has nothing to add.
    if (min >= 0n && max <= span) return { kind: 'int', width, base: 0n };
    if (max - min <= span) return { kind: 'int', width, base: min };
  }
  return { kind: 'int', width: 8, base: 0n };
}

/**
 * The layout of a column that values from `min` to `max` have outgrown while rows are added: leaves
 * room in the direction it grew, so that a column that grows steadily is rewritten a few times
 * only.
 */
export function regrownLayout(
  type: SqlType,
  old: { readonly min: bigint | number | undefined; readonly max: bigint | number | undefined },
  min: number | bigint | undefined,
  max: number | bigint | undefined,
): ColumnLayout {
  const layout = chooseFixedLayout(type, min, max);
  if (layout.kind !== 'int' || layout.base === 0n || min === undefined || max === undefined) {
    return layout;
  }
  if (old.min === undefined || min >= old.min) return layout;
  const least = BigInt(min);
  const span = BigInt(max) - least;
  return chooseIntLayout(least >= 0n ? greatest(0n, least - span) : least - span, BigInt(max));
}

export function least<T extends number | bigint>(a: T, b: T): T {
  return b < a ? b : a;
}

export function greatest<T extends number | bigint>(a: T, b: T): T {
  return b > a ? b : a;
}

/** Whether all values from `min` to `max` can be stored in the layout. */
export function fitsLayout(
  layout: ColumnLayout,
  min: number | bigint | undefined,
  max: number | bigint | undefined,
): boolean {
  if (layout.kind !== 'int') return true;
  if (min === undefined || max === undefined) return true;
  if (layout.width === 8) return chooseIntLayout(BigInt(min), BigInt(max)).kind === 'int';
  return min >= layout.base && max < layout.base + (1n << BigInt(8 * layout.width));
}

/** Few distinct strings are always worth a dictionary; more only when each occurs often. */
export function worthDictionary(distinct: number, rows: number): boolean {
  return distinct > 0 && distinct <= dictionarySizeMax && distinct <= Math.max(256, rows / 4);
}

export function codeWidth(count: number): 1 | 2 | 4 {
  return count <= 256 ? 1 : count <= 65536 ? 2 : 4;
}
