import { type Column, columnRef, type Expression } from './expression.ts';
import { freeColumns, usedColumns } from './free-columns.ts';
import type { Plan } from './plan.ts';
import { mapChildren, mapExpressions, mapInputs } from './rewrite.ts';

/** What to put in the place of columns, by their id. */
export type Substitution = ReadonlyMap<number, Expression>;

export function substitute(expression: Expression, by: Substitution): Expression {
  if (by.size === 0 || !touches(usedColumns(expression), by)) return expression;
  if (expression.kind === 'column') return by.get(expression.column.id) ?? expression;
  return mapChildren(
    expression,
    (child) => substitute(child, by),
    (plan) => substituteFree(plan, by),
  );
}

/** Replaces free columns of a plan: those that come from outside of it. */
export function substituteFree(plan: Plan, by: Substitution): Plan {
  if (!touches(freeColumns(plan), by)) return plan;
  const inner = mapInputs(plan, (input) => substituteFree(input, by));
  return mapExpressions(inner, (expression) => substitute(expression, by));
}

function touches(columns: ReadonlyMap<number, Column>, by: Substitution): boolean {
  for (const id of columns.keys()) if (by.has(id)) return true;
  return false;
}

/** Each column of `from` replaced by the one at the same place in `to`. */
export function columnSubstitution(from: readonly Column[], to: readonly Column[]): Substitution {
  return new Map(from.map((column, i) => [column.id, columnRef(to[i])]));
}
