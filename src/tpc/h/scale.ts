import { QuernError, sqlState } from '../../base/error.ts';

/** The smallest and largest scale factor; one thousandth is also the step between them. */
export const scaleFactorMin = 0.001;
export const scaleFactorMax = 100_000;

export const tableNames = [
  'customer',
  'lineitem',
  'nation',
  'orders',
  'part',
  'partsupp',
  'region',
  'supplier',
] as const;
export type TableName = (typeof tableNames)[number];

/** What a scale factor means: row counts and the ranges of the keys. */
export interface Scale {
  readonly factor: number;
  readonly parts: number;
  readonly suppliers: number;
  readonly customers: number;
  readonly orders: number;
  readonly clerks: number;
  /** Orders of one refresh set. */
  readonly refreshOrders: number;
  /** Customer and part keys of orders come from 64-bit streams. */
  readonly longStreams: boolean;
}

/**
 * Resolves a scale factor. Below 1 and at whole numbers the counts are dbgen's. Between whole
 * numbers dbgen silently drops the fraction; we scale the counts instead, as tpchgen-rs does.
 */
export function scaleOf(factor: number): Scale {
  const thousandths = Math.round(factor * 1000);
  if (
    !(factor >= scaleFactorMin && factor <= scaleFactorMax) ||
    Math.abs(thousandths - factor * 1000) > 1e-6 * Math.max(1, thousandths)
  ) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `the scale factor must be from ${scaleFactorMin} to ${scaleFactorMax}, in steps of 0.001; ` +
        `got ${factor}`,
    );
  }
  const scaled = (base: number): number =>
    Math.max(1, Number((BigInt(base) * BigInt(thousandths)) / 1000n));
  const orders = scaled(1_500_000);
  return {
    factor: thousandths / 1000,
    parts: scaled(200_000),
    suppliers: scaled(10_000),
    customers: scaled(150_000),
    orders,
    clerks: Math.max(scaled(1000), 1000),
    // dbgen divides the base by 10000 before it multiplies: small scales lose the remainder.
    refreshOrders: factor < 1 ? Math.floor(orders / 10_000) * 10 : Math.floor(orders / 1000),
    longStreams: factor >= 30_000,
  };
}

/** Rows (for lineitem: orders) that the generator counts and divides a table by. */
export function unitCount(table: TableName, scale: Scale): number {
  switch (table) {
    case 'customer':
      return scale.customers;
    case 'lineitem':
    case 'orders':
      return scale.orders;
    case 'part':
    case 'partsupp':
      return scale.parts;
    case 'supplier':
      return scale.suppliers;
    case 'nation':
      return 25;
    case 'region':
      return 5;
  }
}

/** A range of units, counted from 0. */
export interface UnitRange {
  readonly start: number;
  readonly count: number;
}

/** Part `part` of `parts` (from 1), cut as dbgen does: equal parts, the last one takes the rest. */
export function partRange(total: number, part: number, parts: number): UnitRange {
  const rows = Math.floor(total / parts);
  const start = rows * (part - 1);
  return { start, count: part === parts ? total - start : rows };
}
