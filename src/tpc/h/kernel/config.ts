import type { Scale, TableName } from '../scale.ts';

/** What a kernel writes: lines of text, or columns. */
export type KernelOutput = 'tbl' | 'csv' | 'columns';

/** A kernel is built for one scale factor, one output, and the tables that are wanted. */
export interface KernelConfig {
  readonly scale: Scale;
  readonly output: KernelOutput;
  readonly tables: readonly TableName[];
  /** Generates orders and lineitem one after the other, as one output for both needs it. */
  readonly apart?: boolean;
}

/** The characters of a text format. */
export interface TextStyle {
  readonly separator: string;
  /** Around texts that may contain a separator. */
  readonly quote: string;
  readonly lineEnd: string;
}

/** dbgen ends its lines with a separator. CSV has quotes around comments and addresses, always. */
export const textStyles: Readonly<Record<'tbl' | 'csv', TextStyle>> = {
  tbl: { separator: '|', quote: '', lineEnd: '|\n' },
  csv: { separator: ',', quote: '"', lineEnd: '\n' },
};

/** Largest key of the sparse order keys, with the bits of a refresh set. */
export function orderKeyMax(scale: Scale): number {
  return (Math.floor((scale.orders + 4000 * scale.refreshOrders) / 8) + 1) * 32;
}

/** Whether keys of orders, parts and customers may exceed 31 bits; then their columns are i64. */
export function hasLongKeys(scale: Scale): boolean {
  return Math.max(orderKeyMax(scale), scale.parts, scale.customers) >= 2 ** 31;
}
