import { conjuncts, type Expression } from '../../plan/expression.ts';
import { columnIds, isCovered } from '../../plan/free-columns.ts';
import type { Join, Plan } from '../../plan/plan.ts';

/**
 * The columns of the right side that a join's condition equates with something of the left side.
 */
export function rightKeys(join: Pick<Join, 'left' | 'right' | 'condition'>): Set<number> {
  const left = columnIds(join.left);
  const right = columnIds(join.right);
  const keys = new Set<number>();
  for (const part of join.condition === undefined ? [] : conjuncts(join.condition)) {
    const key = equatedColumn(part, right, left);
    if (key !== undefined) keys.add(key);
  }
  return keys;
}

/** For `inner = other`: the column of `inner`, the other side being covered by `outer`. */
function equatedColumn(
  predicate: Expression,
  inner: ReadonlySet<number>,
  outer: ReadonlySet<number>,
): number | undefined {
  if (predicate.kind !== 'call' || predicate.name !== 'eq') return undefined;
  const [a, b] = predicate.args;
  if (a.kind === 'column' && inner.has(a.column.id) && isCovered(b, outer)) return a.column.id;
  if (b.kind === 'column' && inner.has(b.column.id) && isCovered(a, outer)) return b.column.id;
  return undefined;
}

/** Whether no two rows of the plan agree in all these columns. */
export function isUniqueOn(plan: Plan, keys: ReadonlySet<number>): boolean {
  switch (plan.kind) {
    case 'scan': {
      const has = (ordinal: number): boolean => {
        const at = plan.ordinals.indexOf(ordinal);
        return at >= 0 && keys.has(plan.columns[at].id);
      };
      const { primaryKey = [] } = plan.table;
      if (primaryKey.length > 0 && primaryKey.every(has)) return true;
      return plan.table.columns.some(
        (column, ordinal) => column.statistics.order === 'strict' && has(ordinal),
      );
    }
    case 'aggregate': {
      if (plan.groupingSets !== undefined) return false;
      return plan.groups.every((_, i) => keys.has(plan.columns[i].id));
    }
    case 'filter':
    case 'sort':
    case 'limit':
      return isUniqueOn(plan.input, keys);
    case 'project': {
      const inner = new Set<number>();
      plan.expressions.forEach((expression, i) => {
        if (expression.kind === 'column' && keys.has(plan.columns[i].id)) {
          inner.add(expression.column.id);
        }
      });
      return isUniqueOn(plan.input, inner);
    }
    case 'join':
      return isUniqueJoin(plan, keys);
    case 'values':
      return plan.rows.length <= 1;
    default:
      return false;
  }
}

function isUniqueJoin(join: Join, keys: ReadonlySet<number>): boolean {
  switch (join.type) {
    case 'semi':
    case 'anti':
    case 'mark':
    case 'single':
      return isUniqueOn(join.left, keys);
    case 'inner':
    case 'left':
      return isUniqueOn(join.right, rightKeys(join)) && isUniqueOn(join.left, keys);
    default:
      return false;
  }
}
