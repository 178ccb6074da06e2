import { evaluate } from '../../plan/evaluate.ts';
import { type Column, conjuncts, type Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { Dictionary } from '../../table/layout.ts';
import type { ColumnStatistics } from '../../table/statistics.ts';

/** What is known of a column where a predicate is applied. */
export interface ColumnFacts {
  readonly statistics: ColumnStatistics;
  readonly rowCount: number;
  readonly dictionary: Dictionary | undefined;
}

export type FactsOf = (column: Column) => ColumnFacts | undefined;

/** Guesses for predicates about which nothing is known. */
const unknownSelectivity = 0.3;
const likeSelectivity = 0.08;
const equalitySelectivity = 0.05;

/** Estimated share of rows, in [0, 1], for which the predicate is TRUE. */
export function selectivity(predicate: Expression, facts: FactsOf): number {
  const parts = conjuncts(predicate);
  const ranges = new Map<number, { column: Column; low: number; high: number }>();
  let share = 1;
  for (const part of parts) {
    const bound = boundOf(part);
    const known = bound && facts(bound.column);
    if (bound === undefined || known === undefined || dictionaryOf(part, facts)) {
      share *= single(part, facts);
      continue;
    }
    // Both ends of a range belong together: they are anything but independent.
    const range = ranges.get(bound.column.id) ?? {
      column: bound.column,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    };
    range.low = Math.max(range.low, bound.low);
    range.high = Math.min(range.high, bound.high);
    ranges.set(bound.column.id, range);
  }
  for (const range of ranges.values()) share *= rangeShare(range, facts);
  return share;
}

function rangeShare(range: { column: Column; low: number; high: number }, facts: FactsOf): number {
  const known = facts(range.column);
  const min = known?.statistics.min;
  const max = known?.statistics.max;
  if (known === undefined || min === undefined || max === undefined) return unknownSelectivity;
  const low = Math.max(range.low, Number(min));
  const high = Math.min(range.high, Number(max));
  if (low > high) return 1 / Math.max(known.rowCount, 1);
  const unit = typeof min === 'bigint' ? 1 : 0;
  const span = Number(max) - Number(min) + unit;
  const share = span <= 0 ? 1 : (high - low + unit) / span;
  return (
    notNull(known) * Math.min(Math.max(share, 1 / Math.max(known.statistics.distinctCount, 1)), 1)
  );
}

function notNull(facts: ColumnFacts): number {
  return facts.rowCount === 0 ? 1 : 1 - facts.statistics.nullCount / facts.rowCount;
}

/** column OP constant as an interval of numbers, both ends included. */
function boundOf(part: Expression): { column: Column; low: number; high: number } | undefined {
  if (part.kind !== 'call' || part.args.length !== 2) return undefined;
  const [left, right] = part.args;
  if (left.kind !== 'column' || right.kind !== 'constant') return undefined;
  const { value } = right;
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined;
  const unit = typeof value === 'bigint' ? 1 : 0;
  const x = Number(value);
  const low = Number.NEGATIVE_INFINITY;
  const high = Number.POSITIVE_INFINITY;
  const { column } = left;
  switch (part.name) {
    case 'lt':
      return { column, low, high: x - unit };
    case 'le':
      return { column, low, high: x };
    case 'gt':
      return { column, low: x + unit, high };
    case 'ge':
      return { column, low: x, high };
    default:
      return undefined;
  }
}

/** The dictionary when the predicate is about one dictionary-coded column and nothing else. */
function dictionaryOf(part: Expression, facts: FactsOf): Dictionary | undefined {
  const columns = [...usedColumns(part).values()];
  if (columns.length !== 1 || columns[0].type.kind !== 'varchar') return undefined;
  return facts(columns[0])?.dictionary;
}

/** More entries than this are sampled. */
const entriesMax = 2000;

/** The share of a dictionary's entries that pass, which assumes that all are equally frequent. */
function dictionaryShare(part: Expression, dictionary: Dictionary): number {
  const { values } = dictionary;
  const step = Math.max(1, Math.floor(values.length / entriesMax));
  let passed = 0;
  let tried = 0;
  for (let i = 0; i < values.length; i += step) {
    tried++;
    const environment = { column: () => values[i], parameter: () => null };
    if (evaluate(part, environment) === true) passed++;
  }
  return tried === 0 ? unknownSelectivity : Math.max(passed, 0.5) / tried;
}

function single(part: Expression, facts: FactsOf): number {
  if (part.kind === 'constant') return part.value === true ? 1 : 0;
  const dictionary = dictionaryOf(part, facts);
  if (dictionary !== undefined && isClosed(part)) return dictionaryShare(part, dictionary);
  if (part.kind === 'inList') {
    const each = equality(part.input, facts);
    return Math.min(each * part.list.length, 0.9);
  }
  if (part.kind !== 'call') return unknownSelectivity;
  const [left, right] = part.args;
  switch (part.name) {
    case 'and':
      return selectivity(part, facts);
    case 'or':
      return 1 - part.args.reduce((rest, arg) => rest * (1 - single(arg, facts)), 1);
    case 'not':
      return 1 - single(left, facts);
    case 'eq':
    case 'is_not_distinct_from':
      return right.kind === 'constant' || right.kind === 'parameter'
        ? equality(left, facts)
        : Math.min(equality(left, facts), equality(right, facts));
    case 'ne':
    case 'is_distinct_from':
      return 1 - equality(left, facts);
    case 'like':
    case 'ilike':
      return likeSelectivity;
    case 'is_null':
      return left.kind === 'column' ? 1 - notNullOf(left.column, facts) : 0.1;
    case 'is_not_null':
      return left.kind === 'column' ? notNullOf(left.column, facts) : 0.9;
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge': {
      const bound = boundOf(part);
      if (bound !== undefined) return rangeShare(bound, facts);
      return left.kind === 'column' && right.kind === 'column' ? 0.5 : unknownSelectivity;
    }
    default:
      return unknownSelectivity;
  }
}

/** Whether the predicate has a value for each value of its one column. */
function isClosed(part: Expression): boolean {
  if (part.kind === 'parameter' || part.kind === 'subquery') return false;
  return part.kind !== 'call' || part.args.every(isClosed);
}

function notNullOf(column: Column, facts: FactsOf): number {
  const known = facts(column);
  return known === undefined ? 1 : notNull(known);
}

function equality(side: Expression, facts: FactsOf): number {
  if (side.kind !== 'column') return equalitySelectivity;
  const known = facts(side.column);
  if (known === undefined) return equalitySelectivity;
  return 1 / Math.max(known.statistics.distinctCount, 1);
}
