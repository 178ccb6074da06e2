import { type Column, columnRef, type Expression } from '../../plan/expression.ts';
import { freeColumns } from '../../plan/free-columns.ts';
import { inputs, type Plan } from '../../plan/plan.ts';
import { mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';
import type { OptimizerContext } from '../context.ts';

/**
 * A copy of a plan that computes the same with columns of its own, so that both can stand in one
 * plan. The columns it gives keep their identity if they are named in `keep`.
 */
export function refreshPlan(
  context: OptimizerContext,
  plan: Plan,
  keep: ReadonlySet<number>,
): Plan {
  const copies = new Map<number, Column>();
  const collect = (node: Plan): void => {
    for (const input of inputs(node)) collect(input);
    for (const column of node.columns) {
      if (keep.has(column.id) || copies.has(column.id)) continue;
      copies.set(column.id, context.column(column.name, column.type, column.nullable));
    }
  };
  collect(plan);
  for (const id of freeColumns(plan).keys()) copies.delete(id);
  return rename(context, plan, copies, new Map());
}

function rename(
  context: OptimizerContext,
  original: Plan,
  copies: ReadonlyMap<number, Column>,
  tables: Map<number, number>,
): Plan {
  let plan = original;
  if (plan.kind === 'with' || plan.kind === 'recursive') {
    const id = context.nextWith();
    tables.set(plan.id, id);
    plan = { ...plan, id };
  } else if (plan.kind === 'withReference') {
    const { id, unique } = plan;
    plan = { ...plan, id: tables.get(id) ?? id };
    if (unique !== undefined)
      plan = { ...plan, unique: unique.map((key) => copies.get(key)?.id ?? key) };
  }
  const inner = mapInputs(plan, (input) => rename(context, input, copies, tables));
  const columns = plan.columns.map((column) => {
    const copy = copies.get(column.id);
    return copy === undefined ? column : { ...copy, nullable: column.nullable };
  });
  const mark = plan.kind === 'join' && plan.mark ? copies.get(plan.mark.id) : undefined;
  const renamed = mapExpressions(inner, (expression) => renameIn(expression, copies));
  return mark === undefined ? { ...renamed, columns } : ({ ...renamed, columns, mark } as Plan);
}

/** A column keeps for each use whether it may be NULL there: above an outer join, say. */
function renameIn(expression: Expression, copies: ReadonlyMap<number, Column>): Expression {
  if (expression.kind !== 'column') {
    return mapChildren(expression, (child) => renameIn(child, copies));
  }
  const copy = copies.get(expression.column.id);
  return copy === undefined ? expression : columnRef({ ...copy, nullable: expression.nullable });
}
