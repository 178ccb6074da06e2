import { children, columnRef, type Expression } from '../../plan/expression.ts';
import { inputs, type Plan, type With } from '../../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';

/** Puts common tables that are read once where they are read, and drops those that are not read. */
export function inlineWith(plan: Plan): Plan {
  const inner = mapExpressions(mapInputs(plan, inlineWith), inlineInExpression);
  if (inner.kind !== 'with') return inner;
  const uses = countReferences(inner.body, inner.id);
  if (uses > 1) return inner;
  return uses === 0 ? inner.body : replaceReference(inner.body, inner);
}

function inlineInExpression(expression: Expression): Expression {
  return mapChildren(expression, inlineInExpression, inlineWith);
}

export function countReferences(plan: Plan, id: number): number {
  let count = plan.kind === 'withReference' && plan.id === id ? 1 : 0;
  for (const input of inputs(plan)) count += countReferences(input, id);
  eachExpression(plan, (expression) => {
    count += countInExpression(expression, id);
  });
  return count;
}

function countInExpression(expression: Expression, id: number): number {
  let count = expression.kind === 'subquery' ? countReferences(expression.plan, id) : 0;
  for (const child of children(expression)) count += countInExpression(child, id);
  return count;
}

export function replaceReference(plan: Plan, table: With): Plan {
  if (plan.kind === 'withReference' && plan.id === table.id) {
    const expressions = table.definition.columns.map(columnRef);
    return { kind: 'project', input: table.definition, expressions, columns: plan.columns };
  }
  const inner = mapInputs(plan, (input) => replaceReference(input, table));
  const change = (expression: Expression): Expression =>
    mapChildren(expression, change, (subplan) => replaceReference(subplan, table));
  return mapExpressions(inner, change);
}
