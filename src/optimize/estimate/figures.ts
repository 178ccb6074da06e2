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
