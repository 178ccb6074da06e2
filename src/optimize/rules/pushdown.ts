import { makeFilter, makeJoin } from '../../plan/build.ts';
import { sameExpression } from '../../plan/equal.ts';
import {
  type Column,
  columnRef,
  conjunction,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import { columnIds, isCovered, usedColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Join, JoinType, Plan, Window } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { isUniqueOn, rightKeys } from '../../plan/uniqueness.ts';
import { booleanType } from '../../value/type.ts';
import { factorOr, impliedBy } from './factor-or.ts';
import { foldExpression } from './fold.ts';
import { rejectsNulls } from './null-rejecting.ts';

/**
 * Moves predicates down to where their columns come from, into scans at last, and simplifies outer
 * joins on the way: one whose missing rows cannot pass becomes an inner join.
 */
export function pushDown(plan: Plan): Plan {
  return push(plan, []);
}

/** The plan with the predicates applied as far down as they can be. */
function push(plan: Plan, predicates: readonly Expression[]): Plan {
  switch (plan.kind) {
    case 'filter': {
      const own = conjuncts(plan.predicate).map(foldExpression).flatMap(conjuncts);
      return push(plan.input, [...predicates, ...own.flatMap(factorOr)]);
    }
    case 'project':
      return pushThroughProject(plan, predicates);
    case 'join':
      return pushIntoJoin(plan, predicates);
    case 'aggregate':
      return pushThroughAggregate(plan, predicates);
    case 'window':
      return pushThroughWindow(plan, predicates);
    case 'sort':
      return { ...plan, input: push(plan.input, predicates) };
    case 'setOperation': {
      const into = (side: Plan): Plan => {
        const by = columnSubstitution(plan.columns, side.columns);
        return push(
          side,
          predicates.map((predicate) => substitute(predicate, by)),
        );
      };
      return { ...plan, left: into(plan.left), right: into(plan.right) };
    }
    case 'with':
      return { ...plan, definition: push(plan.definition, []), body: push(plan.body, predicates) };
    case 'scan': {
      const open = predicates.filter((item, i) => {
        if (item.kind === 'constant' && item.value === true) return false;
        // What follows in several ways would count several times where rows are estimated.
        return ![...plan.filters, ...predicates.slice(0, i)].some((other) =>
          sameExpression(other, item),
        );
      });
      return open.length === 0 ? plan : { ...plan, filters: [...plan.filters, ...open] };
    }
    default:
      return makeFilter(
        mapInputs(plan, (input) => push(input, [])),
        predicates,
      );
  }
}

function pushThroughProject(
  plan: Extract<Plan, { kind: 'project' }>,
  predicates: readonly Expression[],
): Plan {
  const by: Map<number, Expression> = new Map();
  plan.columns.forEach((column, i) => by.set(column.id, plan.expressions[i]));
  const below = predicates.map((predicate) => foldExpression(substitute(predicate, by)));
  return { ...plan, input: push(plan.input, below.flatMap(conjuncts)) };
}

/** Predicates on groups hold for all rows of a group or for none. */
function pushThroughAggregate(plan: Aggregate, predicates: readonly Expression[]): Plan {
  const groups: Map<number, Expression> = new Map();
  plan.groups.forEach((group, i) => groups.set(plan.columns[i].id, group));
  const movable = plan.groupingSets === undefined && plan.groups.length > 0;
  const isBelow = (predicate: Expression): boolean =>
    movable && usedColumns(predicate).size > 0 && isCovered(predicate, groups);
  const below = predicates.filter(isBelow).map((predicate) => substitute(predicate, groups));
  const above = predicates.filter((predicate) => !isBelow(predicate));
  return makeFilter({ ...plan, input: push(plan.input, below) }, above);
}

/** Predicates on what is partitioned by hold for all rows of a partition or for none. */
function pushThroughWindow(plan: Window, predicates: readonly Expression[]): Plan {
  const keys = new Set<number>();
  for (const key of plan.partition) if (key.kind === 'column') keys.add(key.column.id);
  const isBelow = (predicate: Expression): boolean =>
    usedColumns(predicate).size > 0 && isCovered(predicate, keys);
  const below = predicates.filter(isBelow);
  const above = predicates.filter((predicate) => !isBelow(predicate));
  const input = push(plan.input, below);
  const added = plan.columns.slice(plan.columns.length - plan.calls.length);
  return makeFilter({ ...plan, input, columns: [...input.columns, ...added] }, above);
}

/** Which side of a join predicates go to, and what stays. */
class Sides {
  readonly left: Expression[] = [];
  readonly right: Expression[] = [];
  readonly on: Expression[] = [];
  readonly above: Expression[] = [];
}

function pushIntoJoin(original: Join, predicates: readonly Expression[]): Plan {
  const { join, rest } = simplifyOuter(original, predicates);
  const sides = new Sides();
  const leftIds = columnIds(join.left);
  const rightIds = columnIds(join.right);
  const conditions = join.condition === undefined ? [] : conjuncts(foldExpression(join.condition));
  const own = conditions.flatMap(factorOr);
  const { type } = join;
  if (type === 'inner') {
    placeInner(sides, [...own, ...rest], leftIds, rightIds);
  } else {
    placeOuter(sides, join, own, rest, leftIds, rightIds);
  }
  const left = push(join.left, sides.left);
  const right = push(join.right, sides.right);
  const rebuilt = makeJoin(type, left, right, conjunction(sides.on), join.mark);
  const filtered = makeFilter(rebuilt, sides.above);
  return original.type === 'mark' && type !== 'mark'
    ? withMark(filtered, original, type)
    : filtered;
}

/** A mark that all rows left have alike, for what else may use it; mostly nothing does. */
function withMark(plan: Plan, original: Join, type: JoinType): Plan {
  const mark = original.mark!;
  const { columns } = plan;
  const value = constant(type === 'semi', booleanType);
  return {
    kind: 'project',
    input: plan,
    expressions: [...columns.map(columnRef), value],
    columns: [...columns, mark],
  };
}

function placeInner(
  sides: Sides,
  predicates: readonly Expression[],
  leftIds: ReadonlySet<number>,
  rightIds: ReadonlySet<number>,
): void {
  for (const predicate of withEqualConstants(predicates)) {
    if (isCovered(predicate, leftIds)) sides.left.push(predicate);
    else if (isCovered(predicate, rightIds)) sides.right.push(predicate);
    else {
      sides.on.push(predicate);
      const left = impliedBy(predicate, leftIds);
      if (left !== undefined) sides.left.push(left);
      const right = impliedBy(predicate, rightIds);
      if (right !== undefined) sides.right.push(right);
    }
  }
}

/** Adds `b = 5` to `a = b` and `a = 5`; `b` may be an expression. */
function withEqualConstants(predicates: readonly Expression[]): readonly Expression[] {
  const added: Expression[] = [];
  for (const predicate of predicates) {
    if (predicate.kind !== 'call' || predicate.name !== 'eq') continue;
    const [a, b] = predicate.args;
    if (a.kind !== 'column' || b.kind !== 'constant') continue;
    for (const other of predicates) {
      const partner = partnerOf(other, a.column);
      if (partner === undefined) continue;
      const implied = foldExpression(substitute(predicate, new Map([[a.column.id, partner]])));
      const known = [...predicates, ...added].some((item) => sameExpression(item, implied));
      if (!known) added.push(implied);
    }
  }
  return added.length === 0 ? predicates : [...predicates, ...added];
}

/** What a column equals by a predicate, if that has other columns. */
function partnerOf(predicate: Expression, column: Column): Expression | undefined {
  if (predicate.kind !== 'call' || predicate.name !== 'eq') return undefined;
  const isColumn = (side: Expression): boolean =>
    side.kind === 'column' && side.column.id === column.id;
  const [x, y] = predicate.args;
  const partner = isColumn(x) ? y : isColumn(y) ? x : undefined;
  if (partner === undefined) return undefined;
  const used = usedColumns(partner);
  return used.size > 0 && !used.has(column.id) ? partner : undefined;
}

function placeOuter(
  sides: Sides,
  join: Join,
  own: readonly Expression[],
  rest: readonly Expression[],
  leftIds: ReadonlySet<number>,
  rightIds: ReadonlySet<number>,
): void {
  const { type } = join;
  // Rows of the left side that match nothing are kept (or, anti, are all there is).
  const keepsLeft = type === 'left' || type === 'single' || type === 'mark' || type === 'anti';
  for (const predicate of own) {
    const onRight = isCovered(predicate, rightIds) && usedColumns(predicate).size > 0;
    if (onRight && type !== 'right' && type !== 'full' && !needsNullMark(join, predicate)) {
      sides.right.push(predicate);
    } else if (isCovered(predicate, leftIds) && (type === 'semi' || type === 'right')) {
      sides.left.push(predicate);
    } else {
      sides.on.push(predicate);
    }
    if (keepsLeft || type === 'semi') {
      const implied = type === 'mark' ? undefined : impliedBy(predicate, rightIds);
      if (implied !== undefined) sides.right.push(implied);
    }
  }
  for (const predicate of rest) {
    if ((keepsLeft || type === 'semi') && isCovered(predicate, leftIds)) sides.left.push(predicate);
    else if (type === 'right' && isCovered(predicate, rightIds)) sides.right.push(predicate);
    else sides.above.push(predicate);
  }
}

/** A mark is NULL where a condition is: one that can be must stay with the join. */
function needsNullMark(join: Join, predicate: Expression): boolean {
  return join.type === 'mark' && predicate.nullable;
}

interface Simplified {
  readonly join: Join;
  readonly rest: readonly Expression[];
}

/** Outer joins whose missing rows no predicate lets through become inner ones. */
function simplifyOuter(join: Join, predicates: readonly Expression[]): Simplified {
  const rejects = (side: Plan): boolean => {
    const ids = columnIds(side);
    return predicates.some((predicate) => rejectsNulls(predicate, ids));
  };
  const change = (type: JoinType): Simplified => ({
    join: makeJoin(type, join.left, join.right, join.condition, join.mark),
    rest: predicates,
  });
  switch (join.type) {
    case 'left':
      return rejects(join.right) ? change('inner') : { join, rest: predicates };
    case 'right':
      return rejects(join.left) ? change('inner') : { join, rest: predicates };
    case 'full': {
      const noLeft = rejects(join.left);
      const noRight = rejects(join.right);
      if (noLeft && noRight) return change('inner');
      if (noLeft) return change('left');
      return noRight ? change('right') : { join, rest: predicates };
    }
    case 'single': {
      // Without the check for a second match it is a left join, or even an inner one.
      if (!isUniqueOn(join.right, rightKeys(join))) return { join, rest: predicates };
      return change(rejects(join.right) ? 'inner' : 'left');
    }
    case 'mark':
      return simplifyMark(join, predicates);
    default:
      return { join, rest: predicates };
  }
}

/**
 * A mark that must be TRUE is a semi join; one that must be FALSE, and is never NULL, an anti join.
 */
function simplifyMark(join: Join, predicates: readonly Expression[]): Simplified {
  const mark = join.mark!;
  const isMark = (expression: Expression): boolean =>
    expression.kind === 'column' && expression.column.id === mark.id;
  const without = (at: number): Expression[] => predicates.filter((_, i) => i !== at);
  const used = (rest: readonly Expression[]): boolean =>
    rest.some((predicate) => usedColumns(predicate).has(mark.id));
  const semi = predicates.findIndex(isMark);
  if (semi >= 0 && !used(without(semi))) {
    return { join: keepColumns(join, 'semi'), rest: without(semi) };
  }
  const anti = predicates.findIndex(
    (item) => item.kind === 'call' && item.name === 'not' && isMark(item.args[0]),
  );
  if (anti >= 0 && !mark.nullable && !used(without(anti))) {
    return { join: keepColumns(join, 'anti'), rest: without(anti) };
  }
  return { join, rest: predicates };
}

function keepColumns(join: Join, type: JoinType): Join {
  return makeJoin(type, join.left, join.right, join.condition);
}
