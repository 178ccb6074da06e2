import { sqlState } from '../../base/error.ts';
import { type Column, columnRef, type Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { Plan } from '../../plan/plan.ts';
import { mapChildren } from '../../plan/rewrite.ts';
import { substituteFree } from '../../plan/substitute.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { GroupBy, GroupElement } from '../../sql/ast/query.ts';
import { BindError } from '../error.ts';
import { indexOfSame, type Place } from '../expression/binder.ts';
import { bindExpression } from '../expression/expression.ts';
import { ordinalOf } from './query.ts';
import { containsAggregate } from './syntax.ts';

/** The expressions of GROUP BY, and which of them each grouping set has. */
export interface Groups {
  readonly expressions: Expression[];
  readonly sets: readonly (readonly number[])[] | undefined;
}

/** What stands in the select list, for ordinals, aliases and GROUP BY ALL. */
export interface SelectListItem {
  readonly name: string;
  /** undefined for a column that came from a star. */
  readonly syntax: Syntax | undefined;
  readonly value: Expression;
}

/** More sets than this come only from CUBE over many columns. */
const groupingSetsMax = 4096;

export function bindGroupBy(
  place: Place,
  groupBy: GroupBy,
  items: readonly SelectListItem[],
): Groups {
  const expressions: Expression[] = [];
  const add = (expression: Expression): number => {
    const known = indexOfSame(expressions, expression);
    return known >= 0 ? known : expressions.push(expression) - 1;
  };
  if (groupBy.all) {
    for (const item of items) {
      if (item.syntax === undefined || !containsAggregate(item.syntax)) add(item.value);
    }
    return { expressions, sets: undefined };
  }
  const bindOne = (syntax: Syntax): number => add(bindGroup(place, syntax, items));
  const factors = groupBy.elements.map((element) => expandElement(element, bindOne));
  const sets = factors.reduce(crossSets, [[]]);
  if (sets.length > groupingSetsMax) {
    throw new BindError(
      sqlState.programLimitExceeded,
      `these are ${sets.length} grouping sets, more than ${groupingSetsMax}`,
      groupBy.span,
    );
  }
  const simple = groupBy.elements.every((element) => element.kind !== 'groupingSets');
  return { expressions, sets: simple ? undefined : sets };
}

/** Each set of the one combined with each of the other. */
function crossSets(left: number[][], right: number[][]): number[][] {
  return left.flatMap((a) => right.map((b) => [...new Set([...a, ...b])]));
}

/** The grouping sets an element stands for. */
function expandElement(element: GroupElement, bind: (syntax: Syntax) => number): number[][] {
  if (element.kind !== 'groupingSets') return [elementSet(element, bind)];
  if (element.form === 'GROUPING SETS') {
    return element.sets.flatMap((set) => expandElement(set, bind));
  }
  const parts = element.sets.flatMap((set) => expandElement(set, bind));
  if (element.form === 'ROLLUP') {
    return Array.from({ length: parts.length + 1 }, (_, i) =>
      parts.slice(0, parts.length - i).flat(),
    );
  }
  let sets: number[][] = [[]];
  for (const part of parts) sets = [...sets.map((set) => [...set, ...part]), ...sets];
  return sets;
}

function elementSet(element: Syntax, bind: (syntax: Syntax) => number): number[] {
  return element.kind === 'row' ? element.items.map(bind) : [bind(element)];
}

/** A number means a select item; a name a column first, then an alias. */
function bindGroup(place: Place, syntax: Syntax, items: readonly SelectListItem[]): Expression {
  const ordinal = ordinalOf(syntax, items.length);
  if (ordinal === undefined) return bindExpression(place, syntax);
  const item = items[ordinal];
  if (item.syntax !== undefined && containsAggregate(item.syntax)) {
    throw new BindError(sqlState.groupingError, 'an aggregate cannot be grouped by', syntax.span);
  }
  return item.value;
}

/**
 * The step from rows to groups: the plan, and how expressions over rows become ones over groups.
 */
export interface Grouping {
  readonly plan: Plan;
  readonly rewrite: (expression: Expression) => Expression;
  /** Fails if an expression still needs a column that groups do not have. */
  readonly check: (expression: Expression) => void;
}

export function groupPlan(place: Place, input: Plan, groups: Groups): Grouping {
  const { context } = place;
  const { expressions, sets } = groups;
  const groupColumns = expressions.map((expression, i): Column => {
    const name = expression.kind === 'column' ? expression.column.name : `group ${i + 1}`;
    // In some grouping sets the column is NULL, so it is not the one of the input any more.
    return sets === undefined
      ? context.columnFor(expression, name, input)
      : context.column(name, expression.type, true);
  });
  const collector = place.aggregates!;
  for (const call of collector.calls) {
    if (call.name === 'grouping') checkGrouping(call.args, expressions, place);
  }
  const plan: Plan = {
    kind: 'aggregate',
    input,
    groups: expressions,
    aggregates: collector.calls,
    groupingSets: sets,
    columns: [...groupColumns, ...collector.columns],
  };
  const changed = new Map<number, Expression>();
  expressions.forEach((expression, i) => {
    if (expression.kind === 'column' && expression.column.id !== groupColumns[i].id) {
      changed.set(expression.column.id, columnRef(groupColumns[i]));
    }
  });
  const rewrite = (expression: Expression): Expression => {
    if (expression.kind === 'constant') return expression;
    const at = indexOfSame(expressions, expression);
    if (at >= 0) return columnRef(groupColumns[at]);
    return mapChildren(expression, rewrite, (inner) => substituteFree(inner, changed));
  };
  const available = new Set(plan.columns.map((column) => column.id));
  const lost = new Set(input.columns.map((column) => column.id));
  const check = (expression: Expression): void => {
    for (const column of usedColumns(expression).values()) {
      if (!lost.has(column.id) || available.has(column.id)) continue;
      ungrouped(place, column);
    }
  };
  return { plan, rewrite, check };
}

function checkGrouping(
  args: readonly Expression[],
  groups: readonly Expression[],
  place: Place,
): void {
  for (const arg of args) {
    if (indexOfSame(groups, arg) >= 0) continue;
    const [column] = usedColumns(arg).values();
    throw new BindError(
      sqlState.groupingError,
      'the arguments of GROUPING must be expressions of GROUP BY',
      (column && place.spans.get(column.id)) ?? { start: 0, end: 0 },
    );
  }
}

function ungrouped(place: Place, column: Column): never {
  throw new BindError(
    sqlState.groupingError,
    `column "${column.name}" must be in GROUP BY or inside an aggregate`,
    place.spans.get(column.id) ?? { start: 0, end: 0 },
    `add it to GROUP BY, or use any_value(${column.name})`,
  );
}

/** GROUP BY nothing at all, for aggregates without GROUP BY. */
export const noGroups: Groups = { expressions: [], sets: undefined };
