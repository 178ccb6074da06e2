import { type Column, children, type Expression } from '../../plan/expression.ts';
import { inputs, type Plan } from '../../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';

/**
 * Makes each column one object throughout the plan. Binding makes copies of a column under other
 * names; from here on what has one id is one object, so that columns can be compared, and kept in
 * sets, as they are.
 */
export function internColumns(plan: Plan): Plan {
  const columns = new Map<number, Column>();
  gather(plan, columns);
  return replace(plan, columns);
}

function note(column: Column, columns: Map<number, Column>): void {
  const known = columns.get(column.id);
  if (known === undefined) columns.set(column.id, column);
  else if (column.nullable && !known.nullable) columns.set(column.id, { ...known, nullable: true });
}

function gather(plan: Plan, columns: Map<number, Column>): void {
  for (const input of inputs(plan)) gather(input, columns);
  const visit = (expression: Expression): void => {
    if (expression.kind === 'column') note(expression.column, columns);
    if (expression.kind === 'subquery') gather(expression.plan, columns);
    for (const child of children(expression)) visit(child);
  };
  eachExpression(plan, visit);
  for (const column of plan.columns) note(column, columns);
  if (plan.kind === 'join' && plan.mark !== undefined) note(plan.mark, columns);
}

function replace(plan: Plan, columns: ReadonlyMap<number, Column>): Plan {
  const intern = (column: Column): Column => columns.get(column.id) ?? column;
  const within = (expression: Expression): Expression => {
    if (expression.kind === 'column') {
      const column = intern(expression.column);
      return column === expression.column ? expression : { ...expression, column };
    }
    return mapChildren(expression, within, (inner) => replace(inner, columns));
  };
  const changed = mapExpressions(
    mapInputs(plan, (input) => replace(input, columns)),
    within,
  );
  const made = { ...changed, columns: plan.columns.map(intern) };
  if (made.kind === 'join' && made.mark !== undefined) return { ...made, mark: intern(made.mark) };
  return made;
}
