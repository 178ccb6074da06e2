import { makeSelection } from '../../plan/build.ts';
import type { Plan, With } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';

/**
 * Defines all common tables at the root, or at the root of what a recursive table repeats: a
 * definition between two joins would keep them from being reordered together. There must be no
 * correlation left.
 */
export function hoistTables(plan: Plan): Plan {
  const tables: With[] = [];
  const body = lift(plan, tables);
  return tables.reduceRight<Plan>(
    (inner, table) => ({ ...table, body: inner, columns: inner.columns }),
    body,
  );
}

/** The plan without definitions, which are added to `tables`, each behind those that it reads. */
function lift(plan: Plan, tables: With[]): Plan {
  switch (plan.kind) {
    case 'with': {
      const definition = lift(plan.definition, tables);
      tables.push({ ...plan, definition });
      const body = lift(plan.body, tables);
      // Above, columns may be told by their places.
      const same = plan.columns.every((column, i) => body.columns[i]?.id === column.id);
      return same && plan.columns.length === body.columns.length
        ? body
        : makeSelection(body, plan.columns);
    }
    case 'recursive':
      // A definition in a step may read what the step before gave.
      return mapInputs(plan, hoistTables);
    default:
      return mapInputs(plan, (input) => lift(input, tables));
  }
}
