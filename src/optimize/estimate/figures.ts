import type { ConstantValue } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';

/** What is known of the values of a column, for estimates only. */
export interface ColumnFigures {
  /** Distinct values in the whole table, or among all rows of where the column is made. */
  readonly distinct: number;
  /** Least and greatest value as numbers: scaled decimals, days, microseconds. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly nullShare: number;
  /** For sums and counts: values are taken to be distributed normally. */
  readonly normal?: { readonly mean: number; readonly deviation: number };
}

/** Assumed when nothing is known. */
export const unknownDistinctShare = 0.1;

/** The figures of the columns of a table. */
export function scanFigures(plan: Extract<Plan, { kind: 'scan' }>): Map<number, ColumnFigures> {
  const { table } = plan;
  const rows = Math.max(table.rowCount, 1);
  const figures = new Map<number, ColumnFigures>();
  plan.columns.forEach((column, i) => {
    const { statistics } = table.columns[plan.ordinals[i]];
    const single = table.primaryKey?.length === 1 && table.primaryKey[0] === plan.ordinals[i];
    const unique = statistics.order === 'strict' || single;
    const distinct = unique ? rows : statistics.distinctCount || rows * unknownDistinctShare;
    figures.set(column.id, {
      distinct: Math.max(1, Math.min(distinct, rows)),
      min: statistics.min === undefined ? undefined : Number(statistics.min),
      max: statistics.max === undefined ? undefined : Number(statistics.max),
      nullShare: statistics.nullCount / rows,
    });
  });
  return figures;
}

/** A constant on the scale of min and max. */
export function asNumber(value: ConstantValue): number | undefined {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * The figures of COUNT or SUM in groups of `size` rows on average, sizes being distributed as
 * Poisson has it and the summed values evenly between `low` and `high`.
 */
export function totalFigures(
  size: number,
  low: number,
  high: number,
  distinct: number,
): ColumnFigures {
  const middle = (low + high) / 2;
  const variance = (high - low) ** 2 / 12;
  const deviation = Math.sqrt(size * (middle ** 2 + variance));
  const normal = { mean: size * middle, deviation };
  return { distinct, min: undefined, max: undefined, nullShare: 0, normal };
}

/** The share of a normal distribution that lies below `value` (Abramowitz and Stegun 26.2.17). */
export function shareBelow(value: number, mean: number, deviation: number): number {
  if (deviation === 0) return value > mean ? 1 : 0;
  const x = Math.abs(value - mean) / deviation;
  const t = 1 / (1 + 0.2316419 * x);
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return value > mean ? 1 - above : above;
}
