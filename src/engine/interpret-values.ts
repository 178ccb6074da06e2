/** VALUES without compiling: for a handful of rows, making a module would be most of the work. */

import { assert } from '../base/assert.ts';
import { plainValue } from '../plan/constant.ts';
import { evaluate } from '../plan/evaluate.ts';
import type { ConstantValue, Expression } from '../plan/expression.ts';
import { children } from '../plan/expression.ts';
import type { Plan } from '../plan/plan.ts';
import type { ParameterValue } from '../run/parameters.ts';
import type { ColumnBatch } from '../value/batch.ts';
import { ColumnBuilder } from '../value/column-builder.ts';

/** The rows of a plan that is VALUES of scalars; undefined for any other plan. */
export function interpretValues(
  plan: Plan,
  parameters: readonly ParameterValue[],
): ColumnBatch | undefined {
  if (plan.kind !== 'values' || plan.rows.some((row) => row.some(hasSubquery))) return undefined;
  const builders = plan.columns.map((column) => new ColumnBuilder(column.type));
  const environment = {
    column: () => assert(false, 'VALUES refers to no column') as never,
    // Parameters are checked values of their types by now.
    parameter: (index: number) => parameters[index] as ConstantValue,
  };
  for (const row of plan.rows) {
    row.forEach((expression, i) => {
      const value = evaluate(expression, environment);
      builders[i].append(value === null ? null : plainValue(plan.columns[i].type, value));
    });
  }
  return { rowCount: plan.rows.length, columns: builders.map((builder) => builder.finish()) };
}

function hasSubquery(expression: Expression): boolean {
  return expression.kind === 'subquery' || children(expression).some(hasSubquery);
}
