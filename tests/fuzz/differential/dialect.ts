/**
 * Where our dialect differs from DuckDB's on purpose, and what is therefore not held against
 * either. Everything that is not listed here must agree.
 */
import type { Outcome } from './outcome.ts';

/** Makes DuckDB's defaults those of PostgreSQL, which are ours. */
export const duckdbSettings: readonly string[] = [
  // NULLs sort as larger than everything.
  "SET default_null_order = 'postgres'",
];

/** Why two outcomes that differ are no failure. */
export type Excuse =
  /** We say that we do not support the query. */
  | 'not supported'
  /**
   * One engine met a number out of range, a division by zero, or a text that is no number: which
   * rows an expression is evaluated on, and in which type a sum of constants is made, is up to the
   * engine.
   */
  | 'range'
  /** DuckDB refuses the query, for example some correlated subqueries. */
  | 'refused by DuckDB';

const rangeCodes = ['22003', '22008', '22012', '22P02', '22007'];

/** Whether columns of these classes are as good as of one; see `typeClass`. */
export function isSameClass(ours: string, theirs: string): boolean {
  // We keep a decimal of 38 digits where DuckDB, for want of a type that holds both, goes on with
  // doubles.
  return ours === theirs || (ours === 'N' && theirs === 'R');
}

/** Whether we say that something is not there yet, be it a function of the tester's tables. */
export function isUnsupported(outcome: Outcome): boolean {
  if (outcome.kind !== 'error') return false;
  return ['0A000', '42883', '54000'].includes(outcome.code);
}

export function excuseFor(ours: Outcome, theirs: Outcome): Excuse | undefined {
  if (ours.kind === 'error') {
    if (isUnsupported(ours)) return 'not supported';
    if (rangeCodes.includes(ours.code)) return 'range';
    return undefined;
  }
  if (theirs.kind !== 'error' || ours.kind !== 'rows') return undefined;
  if (/^(Out of Range|Conversion) Error/.test(theirs.message)) return 'range';
  return 'refused by DuckDB';
}
