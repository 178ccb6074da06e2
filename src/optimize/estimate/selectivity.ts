import { conjuncts, type Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import { asNumber, type ColumnFigures, shareBelow } from './figures.ts';

/** Looks up what is known of a column. */
export type FiguresOf = (id: number) => ColumnFigures | undefined;

/** Shares of rows that pass where nothing better is known; the usual guesses of the field. */
const guess = {
  equality: 0.01,
  range: 1 / 3,
  prefix: 0.03,
  contains: 0.06,
  other: 0.25,
} as const;

/**
 * The share of rows that pass all predicates, taken to be independent, except that several ranges
 * of one column are intersected first.
 */
export function selectivity(predicates: readonly Expression[], figures: FiguresOf): number {
  const ranges = new Map<number, Range>();
  let share = 1;
  for (const predicate of predicates.flatMap(conjuncts)) {
    const range = asRange(predicate, figures);
    if (range === undefined) {
      share *= predicateShare(predicate, figures);
      continue;
    }
    const known = ranges.get(range.id);
    if (known === undefined) ranges.set(range.id, range);
    else {
      known.low = Math.max(known.low, range.low);
      known.high = Math.min(known.high, range.high);
    }
  }
  for (const range of ranges.values()) share *= rangeShare(range, figures);
  return clamp(share);
}

function clamp(share: number): number {
  return Math.min(1, Math.max(share, 1e-9));
}

/** `column` within [low, high]. */
interface Range {
  readonly id: number;
  low: number;
  high: number;
}

/** A comparison of a column that has bounds with a constant. */
function asRange(predicate: Expression, figures: FiguresOf): Range | undefined {
  if (predicate.kind !== 'call' || predicate.args.length !== 2) return undefined;
  const [column, bound] = predicate.args;
  if (column.kind !== 'column' || bound.kind !== 'constant') return undefined;
  const value = asNumber(bound.value);
  const known = figures(column.column.id);
  if (value === undefined || (known?.min === undefined && !known?.normal)) return undefined;
  const { id } = column.column;
  switch (predicate.name) {
    case 'lt':
    case 'le':
      return { id, low: Number.NEGATIVE_INFINITY, high: value };
    case 'gt':
    case 'ge':
      return { id, low: value, high: Number.POSITIVE_INFINITY };
    default:
      return undefined;
  }
}

function rangeShare(range: Range, figures: FiguresOf): number {
  const { min = 0, max = 0, distinct, nullShare, normal } = figures(range.id)!;
  if (normal !== undefined) {
    const below = (bound: number): number => shareBelow(bound, normal.mean, normal.deviation);
    return Math.max(1e-5, below(range.high) - below(range.low));
  }
  const low = Math.max(range.low, min);
  const high = Math.min(range.high, max);
  if (low > high) return 1e-6;
  const width = max - min;
  const share = width === 0 ? 1 : (high - low) / width;
  // A range of one point is an equality.
  return Math.max(share, 1 / distinct) * (1 - nullShare);
}

function predicateShare(predicate: Expression, figures: FiguresOf): number {
  switch (predicate.kind) {
    case 'constant':
      return predicate.value === true ? 1 : 0;
    case 'inList':
      return clamp(predicate.list.length * equalityShare(predicate.input, figures));
    case 'call':
      return callShare(predicate, figures);
    default:
      return guess.other;
  }
}

function callShare(predicate: Extract<Expression, { kind: 'call' }>, figures: FiguresOf): number {
  const [a, b] = predicate.args;
  switch (predicate.name) {
    case 'and':
      return selectivity(predicate.args, figures);
    case 'or':
      return 1 - predicate.args.reduce((none, arg) => none * (1 - selectivity([arg], figures)), 1);
    case 'not':
      return clamp(1 - selectivity([a], figures));
    case 'eq':
    case 'is_not_distinct_from':
      return Math.min(equalityShare(a, figures, b), equalityShare(b, figures, a));
    case 'ne':
    case 'is_distinct_from':
      return clamp(1 - Math.min(equalityShare(a, figures, b), equalityShare(b, figures, a)));
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return usedColumns(a).size > 0 && usedColumns(b).size > 0 ? 0.5 : guess.range;
    case 'like':
    case 'ilike':
      return likeShare(b, a, figures);
    case 'starts_with':
      return guess.prefix;
    case 'is_null':
      return nullShare(a, figures);
    case 'is_not_null':
      return clamp(1 - nullShare(a, figures));
    default:
      return guess.other;
  }
}

/** The share of rows in which the expression has one given value. */
function equalityShare(expression: Expression, figures: FiguresOf, other?: Expression): number {
  const distinct = distinctOf(expression, figures);
  if (distinct === undefined) return other === undefined ? guess.equality : 1;
  if (other?.kind === 'constant' && expression.kind === 'column') {
    const { min, max } = figures(expression.column.id)!;
    const value = asNumber(other.value);
    if (min !== undefined && max !== undefined && value !== undefined) {
      if (value < min || value > max) return 1e-6;
    }
  }
  return 1 / distinct;
}

/** Distinct values of an expression: of a column, or of a function of one column at most its. */
export function distinctOf(expression: Expression, figures: FiguresOf): number | undefined {
  if (expression.kind === 'column') return figures(expression.column.id)?.distinct;
  if (expression.kind === 'cast') return distinctOf(expression.input, figures);
  if (expression.kind !== 'call') return undefined;
  const known = extractDistinct[expression.name];
  if (known !== undefined) return known;
  const columns = [...usedColumns(expression).keys()];
  if (columns.length !== 1) return undefined;
  const distinct = figures(columns[0])?.distinct;
  // A part of a text, a rounded number and the like have fewer values than what they come from.
  return distinct === undefined ? undefined : Math.max(1, Math.sqrt(distinct));
}

const extractDistinct: Readonly<Record<string, number>> = {
  extract_year: 10,
  extract_month: 12,
  extract_day: 31,
  extract_quarter: 4,
  extract_dow: 7,
  extract_isodow: 7,
  extract_doy: 366,
  extract_hour: 24,
  extract_minute: 60,
  extract_second: 60,
};

function nullShare(expression: Expression, figures: FiguresOf): number {
  if (!expression.nullable) return 1e-9;
  if (expression.kind !== 'column') return guess.equality;
  return figures(expression.column.id)?.nullShare ?? guess.equality;
}

function likeShare(pattern: Expression, text: Expression, figures: FiguresOf): number {
  const distinct = distinctOf(text, figures) ?? 1000;
  const floor = 1 / distinct;
  if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') {
    return Math.max(floor, guess.contains);
  }
  const words = pattern.value.split(/[%_]+/).filter((word) => word !== '');
  if (words.length === 0) return 1;
  if (!/[%_]/.test(pattern.value)) return floor;
  const anchored = !/^[%_]/.test(pattern.value);
  const share = anchored ? guess.prefix : guess.contains;
  return Math.max(floor, share / 4 ** (words.length - 1));
}
