import { type Column, children, columnRef, type Expression } from '../plan/expression.ts';
import { inputs, type Plan } from '../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../plan/rewrite.ts';

/**
 * Makes every column one object wherever it appears, so that later stages can compare columns by
 * identity. While a plan is bound and rewritten, a column may have several names, and be nullable
 * above an outer join but not below: it ends up with the name nearest to the result, and nullable
 * if it is so anywhere.
 */
export function canonicalColumns(plan: Plan): Plan {
  const columns = new Map<number, Column>();
  collect(plan, columns);
  return rename(plan, columns);
}

function note(columns: Map<number, Column>, column: Column): void {
  const known = columns.get(column.id);
  if (known === undefined) columns.set(column.id, column);
  else if (column.nullable && !known.nullable) columns.set(column.id, { ...known, nullable: true });
}

function collect(plan: Plan, columns: Map<number, Column>): void {
  for (const column of plan.columns) note(columns, column);
  if (plan.kind === 'join' && plan.mark !== undefined) note(columns, plan.mark);
  eachExpression(plan, (expression) => collectExpression(expression, columns));
  for (const input of inputs(plan)) collect(input, columns);
}

function collectExpression(expression: Expression, columns: Map<number, Column>): void {
  if (expression.kind === 'column') note(columns, expression.column);
  for (const child of children(expression)) collectExpression(child, columns);
}

function rename(plan: Plan, columns: ReadonlyMap<number, Column>): Plan {
  const change = (expression: Expression): Expression => {
    if (expression.kind !== 'column') return mapChildren(expression, change);
    const column = columns.get(expression.column.id)!;
    return column === expression.column ? expression : columnRef(column);
  };
  const inner = mapExpressions(
    mapInputs(plan, (input) => rename(input, columns)),
    change,
  );
  const renamed = inner.columns.map((column) => columns.get(column.id)!);
  if (inner.kind !== 'join' || inner.mark === undefined) return { ...inner, columns: renamed };
  return { ...inner, columns: renamed, mark: columns.get(inner.mark.id) };
}
