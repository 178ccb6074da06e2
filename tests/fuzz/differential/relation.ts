import type { Scope, ScopeColumn } from './expressions.ts';
import { type Fragment, list, of } from './fragment.ts';
import type { Family } from './tables.ts';

/** A relation that FROM can name. */
export interface Source {
  readonly name: string;
  readonly columns: readonly ScopeColumn[];
  readonly rows: number;
}

/** A part of FROM with the columns it gives. */
export interface Relation {
  readonly fragment: Fragment;
  readonly columns: readonly ScopeColumn[];
  readonly rows: number;
}

export interface Select {
  readonly fragment: Fragment;
  readonly columns: readonly ScopeColumn[];
}

/** Makes queries that others contain. */
export interface SelectMaker {
  /** One that refers to nothing outside, `depth` levels of derived tables deep. */
  derived(depth: number): Select;
  /** One that may refer to the columns of a scope. */
  correlated(scope: Scope): Select;
}

export const noScope: Scope = { columns: [], subqueries: 0 };

/** The columns of a relation under its name. */
export function columnsOf(alias: string, columns: readonly ScopeColumn[]): ScopeColumn[] {
  return columns.map((column) => ({ ...column, text: `${alias}.${column.text}` }));
}

export function exactColumns(columns: readonly ScopeColumn[]): ScopeColumn[] {
  return columns.filter(({ inexact }) => !inexact);
}

/** Columns, and aggregates of them, that no name of a subquery hides: not those of USING. */
export function qualified(columns: readonly ScopeColumn[]): ScopeColumn[] {
  return columns.filter(
    ({ text }) =>
      /\b[a-z]\w*\.(?:id|[crnx]\d*)\b/.test(text) && !/(?<![.\w])(?:id|[cr]\d)\b/.test(text),
  );
}

export function flat(fragment: Fragment): string {
  return fragment.parts
    .map((part) => (typeof part === 'string' ? part : flat(part)))
    .join(fragment.separator ?? '');
}

export function named(items: readonly Fragment[]): Fragment {
  return list(items.map((item, i) => of('item')`${item} AS r${String(i)}`));
}

export function outputs(kinds: readonly Family[]): ScopeColumn[] {
  return kinds.map((family, i) => ({ text: `r${i}`, family }));
}
