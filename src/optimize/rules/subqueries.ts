import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import { makeFilter, makeJoin, makeNot, makeSelection } from '../../plan/build.ts';
import {
  call,
  columnRef,
  conjunction,
  conjuncts,
  constant,
  type Expression,
  type SubqueryExpression,
  trueConstant,
} from '../../plan/expression.ts';
import { columnIds, freeColumns, hasSubquery, usedColumns } from '../../plan/free-columns.ts';
import type { Join, JoinType, Plan } from '../../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../../plan/rewrite.ts';
import { substitute } from '../../plan/substitute.ts';
import { booleanType } from '../../value/type.ts';
import type { OptimizerContext } from '../context.ts';
import { type Decorrelated, decorrelate } from './decorrelate.ts';
import { type ByBounds, compareBounds } from './quantified.ts';
import { refreshPlan } from './refresh.ts';
import { SharedTable } from './shared-table.ts';

/**
 * Turns every subquery into a join, and every correlated join into a plain one. Afterwards the plan
 * has neither subquery expressions nor dependent joins.
 *
 * Conditions that need only the existence of a row become semi and anti joins; a subquery whose
 * truth value is used otherwise becomes a mark join; one whose value is used becomes a `single`
 * join.
 */
export function unnestSubqueries(context: OptimizerContext, plan: Plan): Plan {
  const unnest = (input: Plan): Plan => unnestSubqueries(context, input);
  if (plan.kind === 'filter') return unnestFilter(context, plan.predicate, unnest(plan.input));
  if (plan.kind === 'join') return unnestJoin(context, mapInputs(plan, unnest) as Join);
  return unnestNode(context, mapInputs(plan, unnest));
}

function unnestFilter(context: OptimizerContext, predicate: Expression, start: Plan): Plan {
  const conditions = conjuncts(predicate);
  // What subqueries are computed for had better be few rows, and know what outer columns equal.
  let input = makeFilter(
    start,
    conditions.filter((condition) => !hasSubquery(condition)),
  );
  const rest: Expression[] = [];
  const { columns } = start;
  for (const condition of conditions.filter(hasSubquery)) {
    const joined = joinCondition(context, input, condition);
    if (joined !== undefined) {
      input = joined;
      continue;
    }
    const replaced = replaceSubqueries(context, input, condition);
    input = replaced.input;
    rest.push(replaced.expression);
  }
  const filtered = makeFilter(input, rest);
  return sameColumns(filtered, columns) ? filtered : makeSelection(filtered, columns);
}

/**
 * The plan of a subquery without subqueries. An expression may hold the same one twice, as NULLIF
 * and BETWEEN do with their argument: the second has columns of its own.
 */
function unnestSubquery(context: OptimizerContext, plan: Plan): Plan {
  const unnested = unnestSubqueries(context, plan);
  const known = unnested.columns.filter((column) => !context.claim(column));
  return known.length === 0 ? unnested : refreshPlan(context, unnested, new Set());
}

function sameColumns(plan: Plan, columns: Plan['columns']): boolean {
  return plan.columns.length === columns.length;
}

/** A conjunct that is just EXISTS, IN, ANY or ALL, or NOT of one: a semi or an anti join. */
function joinCondition(
  context: OptimizerContext,
  input: Plan,
  condition: Expression,
): Plan | undefined {
  const negated = condition.kind === 'call' && condition.name === 'not';
  const inner = negated ? condition.args[0] : condition;
  if (inner.kind !== 'subquery' || inner.mode === 'scalar') return undefined;
  if (inner.operands.some(hasSubquery)) return undefined;
  if (inner.mode === 'exists') {
    if (isSingleRow(inner.plan)) return undefined;
    return existsJoin(context, negated ? 'anti' : 'semi', input, inner);
  }
  // x op ALL (…) holds if there is no row for which NOT (x op row) holds or is unknown.
  const wantsNone = (inner.mode === 'all') !== negated;
  const right = unnestSubquery(context, inner.plan);
  const byBounds = compareBounds(context, input, inner, right);
  if (byBounds !== undefined) return filterByBounds(byBounds, wantsNone);
  const matches = comparisons(inner, right);
  if (!wantsNone) {
    const wanted = inner.mode === 'all' ? matches.map(makeNot) : matches;
    return dependentJoin(context, 'semi', input, right, wanted);
  }
  const offending = inner.mode === 'all' ? negate(matches) : matches;
  if (offending.every((match) => !match.nullable)) {
    return dependentJoin(context, 'anti', input, right, offending);
  }
  if (freeColumns(right).size === 0) return undefined;
  // One row for which it is not known keeps the whole from being TRUE.
  const possible = call(
    'is_distinct_from',
    [conjunction(offending)!, constant(false, booleanType)],
    booleanType,
    false,
  );
  return dependentJoin(context, 'anti', input, right, [possible]);
}

/** The outer rows for which some row compares so, or for which certainly none does. */
function filterByBounds({ input, matches, unknown }: ByBounds, wantsNone: boolean): Plan {
  if (!wantsNone) return makeFilter(input, [matches]);
  const fails = call('is_distinct_from', [matches, trueConstant], booleanType, false);
  return makeFilter(input, [fails, ...unknown.map(makeNot)]);
}

/** NOT (a AND b), as one condition. */
function negate(conditions: readonly Expression[]): Expression[] {
  return [makeNot(conjunction(conditions)!)];
}

function comparisons(node: SubqueryExpression, right: Plan): Expression[] {
  const name = node.comparison;
  assert(name !== undefined, 'ANY and ALL have a comparison');
  const parts = node.operands.map((operand, i) =>
    call(name, [operand, columnRef(right.columns[i])], booleanType),
  );
  // (a, b) <> ANY: some column differs.
  return name === 'ne' && parts.length > 1 ? [call('or', parts, booleanType)] : parts;
}

function existsJoin(
  context: OptimizerContext,
  type: 'semi' | 'anti',
  input: Plan,
  node: SubqueryExpression,
): Plan {
  const right = unnestSubquery(context, existenceOf(node.plan));
  return dependentJoin(context, type, input, right, []);
}

/**
 * A plan that has rows just where this one has: order, a limit, groups and the select list
 * mean nothing to EXISTS, and what the list refers to need not be unnested.
 */
function existenceOf(plan: Plan): Plan {
  switch (plan.kind) {
    case 'sort':
    case 'project':
    case 'window':
      return existenceOf(plan.input);
    case 'aggregate':
      return plan.groups.length > 0 && plan.groupingSets === undefined
        ? existenceOf(plan.input)
        : plan;
    case 'limit': {
      const { limit, offset } = plan;
      if (limit?.kind !== 'constant' || limit.value === null) return plan;
      if (limit.value === 0n) return { kind: 'values', rows: [], columns: plan.columns };
      return offset === undefined ? existenceOf(plan.input) : plan;
    }
    default:
      return plan;
  }
}

/** Whether the plan gives one row exactly, whatever its input: an aggregate without groups. */
export function isSingleRow(plan: Plan): boolean {
  switch (plan.kind) {
    case 'aggregate':
      return plan.groups.length === 0 && plan.groupingSets === undefined;
    case 'project':
    case 'sort':
      return isSingleRow(plan.input);
    case 'with':
      return isSingleRow(plan.body);
    case 'values':
      return plan.rows.length === 1;
    default:
      return false;
  }
}

interface Replaced {
  readonly input: Plan;
  readonly expression: Expression;
}

/** Replaces the subqueries in an expression by columns that joins add to the input. */
function replaceSubqueries(
  context: OptimizerContext,
  start: Plan,
  expression: Expression,
): Replaced {
  let input = start;
  const replace = (node: Expression): Expression => {
    const inner = mapChildren(node, replace);
    if (inner.kind !== 'subquery') return inner;
    const added =
      inner.mode === 'scalar' ? addScalar(context, input, inner) : addMark(context, input, inner);
    input = added.input;
    return added.expression;
  };
  const replaced = replace(expression);
  return { input, expression: replaced };
}

function addScalar(context: OptimizerContext, input: Plan, node: SubqueryExpression): Replaced {
  const right = unnestSubquery(context, node.plan);
  const [value] = right.columns;
  const correlated = isCorrelated(input, right);
  if (!correlated && isSingleRow(right)) {
    const join = makeJoin('inner', input, right, undefined);
    return { input: join, expression: columnRef(value) };
  }
  if (!correlated) {
    const join = makeJoin('single', input, right, undefined);
    return { input: join, expression: columnRef({ ...value, nullable: true }) };
  }
  let decorrelated = decorrelate(context, input, right, { mayDefault: true });
  let fallback = missingValue(decorrelated.missing, value.id);
  if (fallback !== undefined && value.nullable) {
    // NULL would not tell a row that is missing from a value that is NULL.
    decorrelated = decorrelate(context, input, right, { mayDefault: false });
    fallback = undefined;
  }
  const joined = joinDecorrelated('single', decorrelated, []);
  const column = columnRef({ ...value, nullable: true });
  if (fallback === undefined) return { input: joined, expression: column };
  // COUNT of no rows is 0, not NULL.
  const expression = call('coalesce', [column, fallback], value.type, false);
  return { input: joined, expression };
}

/** What a column is when an aggregate without groups has no rows, if that is not NULL. */
function missingValue(
  missing: ReadonlyMap<number, Expression> | undefined,
  id: number,
): Expression | undefined {
  const value = missing?.get(id);
  return value?.kind === 'constant' && value.value !== null ? value : undefined;
}

/** The truth value of EXISTS, ANY or ALL as an expression over columns that joins add. */
function addMark(context: OptimizerContext, input: Plan, node: SubqueryExpression): Replaced {
  if (node.mode === 'exists') {
    if (isSingleRow(node.plan)) return { input, expression: trueConstant };
    const right = unnestSubquery(context, existenceOf(node.plan));
    return markJoin(context, input, right, [], false);
  }
  const right = unnestSubquery(context, node.plan);
  const byBounds = compareBounds(context, input, node, right);
  if (byBounds !== undefined) {
    const { matches, unknown } = byBounds;
    const expression = someMatches([matches, ...unknown]);
    const isAll = node.mode === 'all';
    return { input: byBounds.input, expression: isAll ? makeNot(expression) : expression };
  }
  const matches = comparisons(node, right);
  const conditions = node.mode === 'all' ? negate(matches) : matches;
  const marked = threeValued(context, input, right, conditions, node.operands);
  return node.mode === 'all' ? { ...marked, expression: makeNot(marked.expression) } : marked;
}

/** Whether some row meets the conditions: NULL if none does, but for some it is not known. */
function threeValued(
  context: OptimizerContext,
  input: Plan,
  right: Plan,
  conditions: readonly Expression[],
  operands: readonly Expression[],
): Replaced {
  const [first] = conditions;
  if (conditions.every((condition) => !condition.nullable)) {
    return markJoin(context, input, right, conditions, false);
  }
  // A mark join finds unknowns by itself where they come from one key, without any correlation.
  const plain = conditions.length === 1 && first.kind === 'call' && first.name === 'eq';
  if (plain && freeColumns(right).size === 0) {
    return markJoin(context, input, right, conditions, true);
  }
  const unknown = isNull(conjunction(conditions)!);
  const found = isCorrelated(input, right)
    ? decorrelate(context, input, right, { mayDefault: false })
    : undefined;
  const inner = found?.plan ?? right;
  const always = found === undefined ? [] : [...found.equalities, ...found.residual];
  const table = new SharedTable(context, inner, 'subquery');
  const outer = found?.outer ?? input;
  const known = markJoin(context, outer, table.original(), [...conditions, ...always], false);
  let joined = known.input;
  const marks = [known.expression];
  const compared = right.columns.slice(0, operands.length).map(columnRef);
  for (const [onRight, onLeft] of unknownCases(right, compared, operands)) {
    const { plan: copy, by } = table.copy();
    const ofCopy = (part: Expression): Expression => substitute(part, by);
    const filtered = makeFilter(copy, onRight.map(ofCopy));
    const parts = [...onLeft, ...[unknown, ...always].map(ofCopy)];
    const maybe = markJoin(context, joined, filtered, parts, false);
    joined = maybe.input;
    marks.push(maybe.expression);
  }
  const shared = table.define(joined);
  const expression = someMatches(marks);
  return { input: found?.define(shared) ?? shared, expression };
}

/** TRUE if the first condition holds, else NULL if one of the others does. */
function someMatches(conditions: readonly Expression[]): Expression {
  const branches = conditions.map((when, i) => {
    const then = i === 0 ? trueConstant : constant(null, booleanType);
    return { when, then };
  });
  const otherwise = constant(false, booleanType);
  const nullable = conditions.length > 1;
  return { kind: 'case', branches, otherwise, type: booleanType, nullable };
}

type ConditionsOfSides = readonly [onRight: readonly Expression[], onLeft: readonly Expression[]];

/**
 * Which rows of either side to look at for a comparison that is NULL. It is so for a NULL on the
 * right, of which there are few, or for a NULL on the left, for which any row will do: no row of
 * one side has to be compared with all of the other. Correlated subqueries are looked up anyway.
 */
function unknownCases(
  right: Plan,
  compared: readonly Expression[],
  operands: readonly Expression[],
): ConditionsOfSides[] {
  if (freeColumns(right).size > 0) return [[[], []]];
  const anyNull = (items: readonly Expression[]): Expression[] => {
    const flags = items.filter(({ nullable }) => nullable).map(isNull);
    return flags.length < 2 ? flags : [call('or', flags, booleanType)];
  };
  const cases: ConditionsOfSides[] = [
    [anyNull(compared), []],
    [[], anyNull(operands)],
  ];
  return cases.filter(([onRight, onLeft]) => onRight.length + onLeft.length > 0);
}

function isNull(expression: Expression): Expression {
  return call('is_null', [expression], booleanType, false);
}

function markJoin(
  context: OptimizerContext,
  input: Plan,
  right: Plan,
  conditions: readonly Expression[],
  nullable: boolean,
): Replaced {
  const mark = context.column('mark', booleanType, nullable);
  const join = dependentJoin(context, 'mark', input, right, conditions, mark);
  return { input: join, expression: columnRef(mark) };
}

function isCorrelated(left: Plan, right: Plan): boolean {
  const free = freeColumns(right);
  return free.size > 0 && left.columns.some((column) => free.has(column.id));
}

/** The join of two plans, the right one of which may refer to columns of the left one. */
function dependentJoin(
  context: OptimizerContext,
  type: JoinType,
  left: Plan,
  right: Plan,
  conditions: readonly Expression[],
  mark?: Join['mark'],
): Plan {
  if (!isCorrelated(left, right)) {
    return makeJoin(type, left, right, conjunction(conditions), mark);
  }
  const decorrelated = decorrelate(context, left, right, { mayDefault: false });
  return joinDecorrelated(type, decorrelated, conditions, mark);
}

function joinDecorrelated(
  type: JoinType,
  { outer, plan, equalities, residual, define }: Decorrelated,
  conditions: readonly Expression[],
  mark?: Join['mark'],
): Plan {
  const all = conjunction([...conditions, ...equalities, ...residual]);
  return define(makeJoin(type, outer, plan, all, mark));
}

function unnestJoin(context: OptimizerContext, join: Join): Plan {
  const { left, right, type } = join;
  const parts = join.condition === undefined ? [] : conjuncts(join.condition);
  const nested = parts.filter(hasSubquery);
  const plain = parts.filter((part) => !hasSubquery(part));
  if (nested.length === 0) {
    if (!isCorrelated(left, right)) return join;
    if (type === 'right' || type === 'full') lateralOuter();
    return dependentJoin(context, type, left, right, plain, join.mark);
  }
  if (type === 'inner') {
    const inner = dependentJoin(context, 'inner', left, right, plain);
    return unnestFilter(context, conjunction(nested)!, inner);
  }
  const rightIds = columnIds(right);
  const onRight = nested.every((part) => {
    for (const id of usedColumns(part).keys()) {
      if (!rightIds.has(id) && columnIds(left).has(id)) return false;
    }
    return true;
  });
  if (type === 'left' && onRight) {
    const filtered = unnestFilter(context, conjunction(nested)!, right);
    return dependentJoin(context, 'left', left, filtered, plain);
  }
  throw new QuernError(
    sqlState.featureNotSupported,
    'a subquery in the condition of this outer join is not supported yet',
  );
}

function lateralOuter(): never {
  throw new QuernError(
    sqlState.featureNotSupported,
    'a RIGHT or FULL JOIN with a LATERAL subquery is not supported yet',
  );
}

/** Any other node: its subqueries become joins below it. */
function unnestNode(context: OptimizerContext, plan: Plan): Plan {
  let found = false;
  eachExpression(plan, (expression) => {
    found ||= hasSubquery(expression);
  });
  if (!found) return plan;
  if (plan.kind === 'values') return unnestValues(context, plan);
  assert('input' in plan, `a subquery in ${plan.kind}`);
  let { input } = plan;
  const changed = mapExpressions(plan, (expression) => {
    const replaced = replaceSubqueries(context, input, expression);
    input = replaced.input;
    return replaced.expression;
  });
  const rebuilt = mapInputs(changed, () => input);
  if (plan.kind === 'project' || plan.kind === 'aggregate') return rebuilt;
  // These pass all columns of their input on, windows with more behind them: drop what joins added.
  const own = plan.columns.slice(plan.input.columns.length);
  return makeSelection({ ...rebuilt, columns: [...input.columns, ...own] }, plan.columns);
}

/** One row with subqueries is a projection of one row without. */
function unnestValues(context: OptimizerContext, plan: Extract<Plan, { kind: 'values' }>): Plan {
  if (plan.rows.length !== 1) {
    throw new QuernError(
      sqlState.featureNotSupported,
      'a subquery in VALUES of several rows is not supported yet',
    );
  }
  const empty: Plan = { kind: 'values', rows: [[]], columns: [] };
  const expressions = plan.rows[0];
  return unnestNode(context, { kind: 'project', input: empty, expressions, columns: plan.columns });
}
