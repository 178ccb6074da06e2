import { type Column, columnOf } from './expression.ts';
import type { Join, Plan, Scan } from './plan.ts';

/**
 * The scan whose order the rows of the plan keep within a morsel, if `column` is one that ascends
 * there, so that equal values of it follow each other.
 */
export function clusteringScan(plan: Plan, column: Column): Scan | undefined {
  switch (plan.kind) {
    case 'scan': {
      const index = plan.columns.indexOf(column);
      if (index < 0) return undefined;
      const { statistics } = plan.table.columns[plan.ordinals[index]];
      return statistics.order === 'none' ? undefined : plan;
    }
    case 'filter':
      return clusteringScan(plan.input, column);
    case 'project': {
      const index = plan.columns.indexOf(column);
      const source = index < 0 ? column : columnOf(plan.expressions[index]);
      return source && clusteringScan(plan.input, source);
    }
    case 'join':
      return clusteringScan(probeSide(plan), column);
    default:
      return undefined;
  }
}

/**
 * The side of a join that streams by while the other is looked up: the left one, where the
 * optimizer puts it.
 */
export function probeSide(join: Join): Plan {
  return join.type === 'right' ? join.right : join.left;
}
