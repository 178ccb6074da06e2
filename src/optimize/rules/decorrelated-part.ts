import { makeEqual } from '../../plan/build.ts';
import { type Column, call, columnRef, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { booleanType } from '../../value/type.ts';

export interface Representative {
  readonly column: Column;
  /** Whether NULL stands for an outer NULL, as in a domain; else NULL matches nothing. */
  readonly nullSafe: boolean;
}

export function equality(outer: Expression, { column, nullSafe }: Representative): Expression {
  const inner = columnRef(column);
  if (!nullSafe || !outer.nullable) return makeEqual(outer, inner);
  return call('is_not_distinct_from', [outer, inner], booleanType, false);
}

/** A representative by its place among the columns of a common table. */
export interface PlacedRepresentative {
  readonly at: number;
  readonly nullSafe: boolean;
}

/** A part of the plan without references to outer columns. */
export interface Part {
  readonly plan: Plan;
  readonly representatives: ReadonlyMap<number, Representative>;
  readonly residual: readonly Expression[];
  readonly missing: ReadonlyMap<number, Expression> | undefined;
}

export interface Allowed {
  /** Whether conditions may be handed up to the join. */
  readonly mayPull: boolean;
  readonly mayDefault: boolean;
}

export const nothingAllowed: Allowed = { mayPull: false, mayDefault: false };

export function whole(plan: Plan): Part {
  return { plan, representatives: new Map(), residual: [], missing: undefined };
}
