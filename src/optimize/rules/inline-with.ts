import { children, columnRef, type Expression } from '../../plan/expression.ts';
import { inputs, type Plan, type With } from '../../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';
import type { OptimizerContext } from '../context.ts';
import type { Estimator } from '../estimate/estimator.ts';
import { refreshPlan } from './refresh.ts';

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

function replaceReference(plan: Plan, table: With): Plan {
  if (plan.kind === 'withReference' && plan.id === table.id) {
    const expressions = table.definition.columns.map(columnRef);
    return { kind: 'project', input: table.definition, expressions, columns: plan.columns };
  }
  const inner = mapInputs(plan, (input) => replaceReference(input, table));
  const change = (expression: Expression): Expression =>
    mapChildren(expression, change, (subplan) => replaceReference(subplan, table));
  return mapExpressions(inner, change);
}

/**
 * What an operation costs for each row, in the time that reading a row of a stored table takes, as
 * measured in compiled code: a filter, putting a row into a common table, reading it from there.
 */
const filterWeight = 1;
const storeWeight = 6;
const readWeight = 2;

/**
 * Puts common tables where they are read if that is cheaper than to keep their rows: those that are
 * read once by now, and those that are just filtered rows of one stored table.
 */
export function inlineCheap(context: OptimizerContext, plan: Plan, estimator: Estimator): Plan {
  const inner = mapInputs(plan, (input) => inlineCheap(context, input, estimator));
  if (inner.kind !== 'with') return inner;
  const uses = countReferences(inner.body, inner.id);
  if (uses === 0) return inner.body;
  if (uses === 1) return replaceReference(inner.body, inner);
  const again = scanCost(inner.definition);
  if (again === undefined) return inner;
  const rows = estimator.rows(inner.definition);
  if (again * uses > again + rows * (storeWeight + readWeight * uses)) return inner;
  return replaceReferences(context, inner.body, inner);
}

/** What reading a stored table costs; undefined if there is more to be computed. */
function scanCost(plan: Plan): number | undefined {
  switch (plan.kind) {
    case 'project':
      return plan.expressions.every(({ kind }) => kind === 'column')
        ? scanCost(plan.input)
        : undefined;
    case 'scan':
      return plan.table.rowCount * (1 + filterWeight * plan.filters.length);
    default:
      return undefined;
  }
}

function replaceReferences(context: OptimizerContext, plan: Plan, table: With): Plan {
  if (plan.kind === 'withReference' && plan.id === table.id) {
    const copy = refreshPlan(context, table.definition, new Set());
    const expressions = copy.columns.map(columnRef);
    return { kind: 'project', input: copy, expressions, columns: plan.columns };
  }
  return mapInputs(plan, (input) => replaceReferences(context, input, table));
}
