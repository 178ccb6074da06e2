import { columnRef, type Expression } from '../../plan/expression.ts';
import { inputs, type Plan, type With } from '../../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';

/** A common table expression that is read once takes the place of its reference. */
export function inlineWith(plan: Plan): Plan {
  const inner = mapEverywhere(plan, inlineWith);
  if (inner.kind !== 'with') return inner;
  const uses = countReferences(inner.body, inner.id);
  if (uses === 0) return inner.body;
  return uses === 1 ? replaceReference(inner.body, inner) : inner;
}

function mapEverywhere(plan: Plan, change: (plan: Plan) => Plan): Plan {
  const within = (expression: Expression): Expression => mapChildren(expression, within, change);
  const changed = mapInputs(plan, change);
  return mapExpressions(changed, (expression) =>
    expression.kind === 'subquery' ? within(expression) : within(expression),
  );
}

function countReferences(plan: Plan, id: number): number {
  if (plan.kind === 'withReference') return plan.id === id ? 1 : 0;
  let count = 0;
  for (const input of inputs(plan)) count += countReferences(input, id);
  const within = (expression: Expression): Expression =>
    mapChildren(expression, within, (inner) => {
      count += countReferences(inner, id);
      return inner;
    });
  eachExpression(plan, within);
  return count;
}

function replaceReference(plan: Plan, definition: With): Plan {
  if (plan.kind === 'withReference' && plan.id === definition.id) {
    const expressions = definition.definition.columns.map(columnRef);
    return { kind: 'project', input: definition.definition, expressions, columns: plan.columns };
  }
  return mapEverywhere(plan, (inner) => replaceReference(inner, definition));
}
