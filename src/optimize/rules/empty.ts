import { makeDistinct, makeFilter } from '../../plan/build.ts';
import {
  type Column,
  columnRef,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';
import { booleanType } from '../../value/type.ts';

/**
 * Puts an empty relation in the place of every part of a plan that cannot give a row: a table
 * without rows, a condition that is constant and not TRUE, and what is made of these alone. What is
 * joined with nothing is then not computed either.
 */
export function dropEmpty(plan: Plan): Plan {
  return drop(plan, new Set());
}

/** `emptyTables`: common tables known to have no rows. */
function drop(plan: Plan, emptyTables: Set<number>): Plan {
  if (plan.kind === 'with') {
    const definition = drop(plan.definition, emptyTables);
    if (isNothing(definition)) {
      emptyTables.add(plan.id);
      return drop(plan.body, emptyTables);
    }
    const body = drop(plan.body, emptyTables);
    return isNothing(body) ? body : { ...plan, definition, body };
  }
  if (plan.kind === 'withReference') return emptyTables.has(plan.id) ? nothing(plan) : plan;
  const inner = mapInputs(plan, (input) => drop(input, emptyTables));
  if (isEmpty(inner)) return nothing(inner);
  if (inner.kind === 'join') return simplifyJoin(inner);
  if (inner.kind === 'setOperation') return simplifySetOperation(inner);
  return inner.kind === 'filter' ? withoutTrue(inner) : inner;
}

function nothing(plan: Plan): Plan {
  return { kind: 'values', rows: [], columns: plan.columns };
}

function isNothing(plan: Plan): boolean {
  return plan.kind === 'values' && plan.rows.length === 0;
}

/** Whether no row passes, whatever it holds. */
function neverHolds(condition: Expression | undefined): boolean {
  return (
    condition !== undefined &&
    conjuncts(condition).some((part) => part.kind === 'constant' && part.value !== true)
  );
}

/** Whether a node gives no rows, its inputs being simplified already. */
function isEmpty(plan: Plan): boolean {
  switch (plan.kind) {
    case 'scan':
      return plan.table.rowCount === 0 || plan.filters.some(neverHolds);
    case 'filter':
      return isNothing(plan.input) || neverHolds(plan.predicate);
    case 'project':
    case 'sort':
    case 'window':
      return isNothing(plan.input);
    case 'limit':
      return isNothing(plan.input) || (plan.limit?.kind === 'constant' && plan.limit.value === 0n);
    case 'aggregate':
      // Without groups there is a row even for no input.
      return isNothing(plan.input) && plan.groups.length > 0 && plan.groupingSets === undefined;
    case 'join':
      return isEmptyJoin(plan);
    case 'setOperation': {
      const [left, right] = [plan.left, plan.right].map(isNothing);
      if (plan.operation === 'union') return left && right;
      return left || (right && plan.operation === 'intersect');
    }
    default:
      return false;
  }
}

function isEmptyJoin({ type, left, right, condition }: Join): boolean {
  switch (type) {
    case 'inner':
    case 'semi':
      return isNothing(left) || isNothing(right) || neverHolds(condition);
    case 'right':
      return isNothing(right);
    case 'full':
      return isNothing(left) && isNothing(right);
    default:
      return isNothing(left);
  }
}

/** A join of which no pair of rows can match, though it has rows. */
function simplifyJoin(join: Join): Plan {
  const { type, left, right, mark } = join;
  const matchless = isNothing(left) || isNothing(right);
  switch (type) {
    case 'left':
    case 'single':
      return matchless || neverHolds(join.condition) ? extended(join, left) : join;
    case 'right':
      return matchless || neverHolds(join.condition) ? extended(join, right) : join;
    case 'full':
      if (isNothing(left)) return extended(join, right);
      return isNothing(right) ? extended(join, left) : join;
    case 'anti':
      return matchless || neverHolds(join.condition) ? left : join;
    case 'mark': {
      // Where the condition is NULL, so is the mark.
      const fails = neverHolds(join.condition) && mark?.nullable === false;
      if (!matchless && !fails) return join;
      const expressions = [...left.columns.map(columnRef), constant(false, booleanType)];
      return { kind: 'project', input: left, expressions, columns: join.columns };
    }
    default:
      return join;
  }
}

/** The rows of one side of an outer join, with NULLs for the columns of the other. */
function extended(join: Join, side: Plan): Plan {
  const own = new Set(side.columns.map((column) => column.id));
  const expressions = join.columns.map((column) =>
    own.has(column.id) ? columnRef(column) : constant(null, column.type),
  );
  return { kind: 'project', input: side, expressions, columns: join.columns };
}

function simplifySetOperation(plan: Extract<Plan, { kind: 'setOperation' }>): Plan {
  const { left, right, operation, all, columns } = plan;
  const other = isNothing(left) ? right : isNothing(right) ? left : undefined;
  if (other === undefined || operation === 'intersect') return plan;
  const renamed = renameColumns(other, columns);
  return all ? renamed : makeDistinct(renamed);
}

function renameColumns(input: Plan, columns: readonly Column[]): Plan {
  return { kind: 'project', input, expressions: input.columns.map(columnRef), columns };
}

/** Constants that are TRUE decide nothing. */
function withoutTrue(plan: Extract<Plan, { kind: 'filter' }>): Plan {
  const parts = conjuncts(plan.predicate);
  const open = parts.filter((part) => part.kind !== 'constant');
  return open.length === parts.length ? plan : makeFilter(plan.input, open);
}
