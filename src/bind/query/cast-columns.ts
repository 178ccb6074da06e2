import { cast, columnRef } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { type SqlType, sameType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';

/** The plan with its columns converted to these types; the same plan if they have them already. */
export function castColumns(context: BindContext, plan: Plan, types: readonly SqlType[]): Plan {
  if (plan.columns.every((column, i) => sameType(column.type, types[i]))) return plan;
  const expressions = plan.columns.map((column, i) => cast(columnRef(column), types[i]));
  const columns = expressions.map((expression, i) =>
    context.columnFor(expression, plan.columns[i].name, plan),
  );
  return { kind: 'project', input: plan, expressions, columns };
}
