import { type Column, conjunction, conjuncts, type Expression } from '../../plan/expression.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { probeSide } from '../../plan/row-order.ts';
import { isFloat } from '../../value/type.ts';
import { columnsOf } from '../expressions/compile.ts';
import type { Query } from '../query.ts';

/** A join condition taken apart. */
export interface JoinKeys {
  /** left[i] = right[i], each of columns of its side alone. */
  readonly left: readonly Expression[];
  readonly right: readonly Expression[];
  /** Whether NULL matches NULL: IS NOT DISTINCT FROM of sides that both may be NULL. */
  readonly nullSafe: readonly boolean[];
  /** What else must hold. */
  readonly residual: readonly Expression[];
}

function isOf(expression: Expression, side: ReadonlySet<Column>): boolean {
  const columns = columnsOf(expression);
  return columns.size > 0 && [...columns].every((column) => side.has(column));
}

export function splitCondition(
  condition: Expression | undefined,
  left: Plan,
  right: Plan,
): JoinKeys {
  const leftColumns = new Set(left.columns);
  const rightColumns = new Set(right.columns);
  const keys = {
    left: [] as Expression[],
    right: [] as Expression[],
    nullSafe: [] as boolean[],
    residual: [] as Expression[],
  };
  for (const part of condition === undefined ? [] : conjuncts(condition)) {
    const sides = equatedSides(part, leftColumns, rightColumns);
    if (sides === undefined) {
      keys.residual.push(part);
      continue;
    }
    const [ofLeft, ofRight] = sides;
    keys.left.push(ofLeft);
    keys.right.push(ofRight);
    keys.nullSafe.push(isNullSafe(part) && ofLeft.nullable && ofRight.nullable);
  }
  return keys;
}

function isNullSafe(expression: Expression): boolean {
  return expression.kind === 'call' && expression.name === 'is_not_distinct_from';
}

/** The operands of an equation between the two sides, the left side's first. */
function equatedSides(
  part: Expression,
  left: ReadonlySet<Column>,
  right: ReadonlySet<Column>,
): readonly [Expression, Expression] | undefined {
  if (part.kind !== 'call' || (part.name !== 'eq' && !isNullSafe(part))) return undefined;
  const [a, b] = part.args;
  if (isOf(a, left) && isOf(b, right)) return [a, b];
  return isOf(b, left) && isOf(a, right) ? [b, a] : undefined;
}

/** How a join finds the matches of a row of its left side. */
export interface LookUp extends JoinKeys {
  /** Conditions on the left row alone: without them nothing need be looked up. */
  readonly before: readonly Expression[];
  /** A mark that is NULL without a match when a key was: its condition is one equality. */
  readonly nullDecides: boolean;
  /** A mark that is NULL without a match when `residual` was for a row found. */
  readonly evaluated: boolean;
}

/**
 * A mark is NULL where its condition is NULL for some row and TRUE for none. One equality shows
 * that by the NULLs among its keys. Of other conditions, those parts that are never NULL choose the
 * rows on which the rest is evaluated. Where NULL counts as FALSE all equalities are looked up.
 */
export function lookUpOf(join: Join): LookUp {
  const { condition, left, right } = join;
  const keys = splitCondition(condition, left, right);
  if (join.type !== 'mark' || join.mark?.nullable === false) {
    const leftColumns = new Set(left.columns);
    const isBefore = (part: Expression): boolean => isOf(part, leftColumns);
    const before = keys.residual.filter(isBefore);
    const residual = keys.residual.filter((part) => !isBefore(part));
    return { ...keys, residual, before, nullDecides: false, evaluated: false };
  }
  const parts = condition === undefined ? [] : conjuncts(condition);
  const one = parts.length === 1 && keys.left.length === 1 && !isNullSafe(parts[0]);
  if (one) return { ...keys, before: [], nullDecides: true, evaluated: false };
  const known = splitCondition(conjunction(parts.filter(isNeverNull)), left, right);
  const open = parts.filter((part) => !isNeverNull(part));
  const residual = [...known.residual, ...open];
  return { ...known, residual, before: [], nullDecides: false, evaluated: residual.length > 0 };
}

function isNeverNull(part: Expression): boolean {
  if (isNullSafe(part)) return true;
  return part.kind === 'call' && part.name === 'eq' && part.args.every((arg) => !arg.nullable);
}

/** Puts the side to build on the right. */
export function orient(join: Join): Join {
  if (probeSide(join) === join.left) return join;
  const type = join.type === 'right' ? 'left' : join.type;
  return { ...join, type, left: join.right, right: join.left };
}

/** Columns that are used above a join, or above the one that it is a turned copy of. */
export function requiredOf(join: Join, query: Query): Set<number> {
  const ids = new Set<number>();
  for (const [plan, required] of query.required) {
    if (plan !== join && !(plan.kind === 'join' && plan.columns === join.columns)) continue;
    for (const id of required) ids.add(id);
  }
  return ids;
}

/** Columns of the right side that are needed once a match is found. */
export function payloadOf(join: Join, keys: LookUp, query: Query): Column[] {
  const producesRight = join.type === 'inner' || join.type === 'left' || join.type === 'single';
  const ids = producesRight ? requiredOf(join, query) : new Set<number>();
  for (const right of sharedKeys(join, keys)) if (right !== undefined) ids.delete(right.id);
  for (const residual of keys.residual) {
    for (const column of columnsOf(residual)) ids.add(column.id);
  }
  return join.right.columns.filter(({ id }) => ids.has(id));
}

/**
 * In an inner join, columns that equal the probe's key, which is at hand. Not doubles: 0 and -0
 * are equal.
 */
export function sharedKeys(join: Join, keys: LookUp): (Column | undefined)[] {
  return keys.right.map((right) =>
    join.type === 'inner' && right.kind === 'column' && !isFloat(right.type)
      ? right.column
      : undefined,
  );
}
