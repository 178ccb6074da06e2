import { conjuncts, type Expression } from './expression.ts';
import { columnIds, isCovered } from './free-columns.ts';
import type { Join, Plan } from './plan.ts';

/**
 * Whether no two rows of the plan agree in all of these columns, NULL agreeing with NULL. Sums,
 * joins without checks and rewrites rely on it: it is proven from declared keys, strictly ascending
 * columns, groups, and joins that cannot repeat a row.
 */
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
    case 'aggregate':
      return (
        plan.groupingSets === undefined && plan.groups.every((_, i) => keys.has(plan.columns[i].id))
      );
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
    case 'with':
      return isUniqueOn(plan.body, keys);
    case 'withReference':
      return plan.unique?.some((id) => keys.has(id)) === true;
    case 'values':
      return plan.rows.length <= 1;
    default:
      return false;
  }
}

/** The columns by each of which alone the rows of a plan are unique, by their places. */
export function uniquePlaces(plan: Plan): number[] {
  return plan.columns.flatMap(({ id }, i) => (isUniqueOn(plan, new Set([id])) ? [i] : []));
}

function isUniqueJoin(join: Join, keys: ReadonlySet<number>): boolean {
  const { type, left, right } = join;
  switch (type) {
    case 'semi':
    case 'anti':
    case 'mark':
    case 'single':
      return isUniqueOn(left, keys);
    case 'full':
      return false;
    default:
  }
  // Where each row of one side meets at most one of the other, what is unique there stays so.
  const byLeft = type !== 'right' && isUniqueOn(left, keys) && isUniqueOn(right, rightKeys(join));
  return byLeft || (type !== 'left' && isUniqueOn(right, keys) && isUniqueOn(left, leftKeys(join)));
}

type Sides = Pick<Join, 'left' | 'right' | 'condition'>;

/** The columns of the right side that a join equates with something of the left side. */
export function rightKeys({ left, right, condition }: Sides): Set<number> {
  return equatedColumns(condition, right, left);
}

/** The columns of the left side that a join equates with something of the right side. */
export function leftKeys({ left, right, condition }: Sides): Set<number> {
  return equatedColumns(condition, left, right);
}

function equatedColumns(condition: Expression | undefined, inner: Plan, outer: Plan): Set<number> {
  const innerIds = columnIds(inner);
  const outerIds = columnIds(outer);
  const keys = new Set<number>();
  for (const part of condition === undefined ? [] : conjuncts(condition)) {
    const key = equatedColumn(part, innerIds, outerIds);
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
  if (predicate.kind !== 'call') return undefined;
  if (predicate.name !== 'eq' && predicate.name !== 'is_not_distinct_from') return undefined;
  const [a, b] = predicate.args;
  if (a.kind === 'column' && inner.has(a.column.id) && isCovered(b, outer)) return a.column.id;
  if (b.kind === 'column' && inner.has(b.column.id) && isCovered(a, outer)) return b.column.id;
  return undefined;
}
