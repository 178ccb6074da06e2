import { sqlState } from '../../base/error.ts';
import { makeRowNumbers } from '../../plan/build.ts';
import { sameExpression } from '../../plan/equal.ts';
import {
  type Column,
  call,
  columnRef,
  constant,
  type Expression,
  type SortKey,
} from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { mapExpressions, mapInputs } from '../../plan/rewrite.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { OrderDirection, OrderItem, Query, Select } from '../../sql/ast/query.ts';
import { bigintType, booleanType, varcharType } from '../../value/type.ts';
import { BindError, notSupported } from '../error.ts';
import { AggregateCollector, type Place, WindowCollector } from '../expression/binder.ts';
import { bindCondition, bindExpression } from '../expression/expression.ts';
import { Scope } from '../scope.ts';
import { castTo } from '../types/cast.ts';
import { bindFrom } from './from.ts';
import { bindGroupBy, groupPlan, noGroups, type SelectListItem } from './group.ts';
import { ordinalOf, type QueryPlace } from './query.ts';
import { expandStar } from './star.ts';
import { itemName } from './syntax.ts';
import { windowPlan } from './windows.ts';

/** ORDER BY of the query around, which can use what the select list cannot show. */
type Order = Pick<Query, 'orderBy' | 'orderByAll'>;

/**
 * The plan of a SELECT with its ORDER BY, in the order of SQL: FROM, WHERE, GROUP BY, HAVING,
 * windows, QUALIFY, select list, DISTINCT, ORDER BY.
 */
export function bindSelect(query: QueryPlace, node: Select, order: Order | undefined): Plan {
  if (node.sample !== undefined) notSupported('USING SAMPLE', node.sample.span);
  const source = bindFrom(query, node.from);
  const place = selectPlace(query, node, new Scope(source.columns, query.parent));
  const input = filterRows(place, node, source.plan);
  const items = bindItems(place, node);
  const keys = bindOrderKeys(place, order, items);
  const having = node.having && bindCondition({ ...place, clause: 'HAVING' }, node.having);
  const on = node.distinctOn.map((item) => bindDistinctOn(place, item, items));
  const qualify = node.qualify && bindCondition({ ...place, clause: 'QUALIFY' }, node.qualify);
  const parts: Parts = {
    values: items.map((item) => item.value),
    keys: keys.map((key) => key.expression),
    having,
    qualify,
    on,
  };
  const grouped = groupRows(place, node, input, items, parts);
  const windowed = addWindows(place, grouped);
  return finish(place, node, firstOfEach(place, windowed, keys), items, keys);
}

/** The bound expressions of a SELECT, rewritten together from step to step. */
interface Parts {
  readonly values: readonly Expression[];
  readonly keys: readonly Expression[];
  readonly having: Expression | undefined;
  readonly qualify: Expression | undefined;
  /** Of DISTINCT ON. */
  readonly on: readonly Expression[];
}

interface Step {
  readonly plan: Plan;
  readonly parts: Parts;
  /** Applied to window calls as well. */
  readonly rewrite: (expression: Expression) => Expression;
  readonly check: (expression: Expression) => void;
}

function selectPlace(query: QueryPlace, node: Select, scope: Scope): Place {
  const aliases = new Map<string, Syntax>();
  for (const item of node.items) {
    if (item.alias === undefined || item.value.kind === 'star') continue;
    const name = item.alias.name.toLowerCase();
    if (!aliases.has(name)) aliases.set(name, item.value);
  }
  return {
    context: query.context,
    scope: scope.withAliases(aliases),
    commonTables: query.commonTables,
    clause: 'SELECT',
    aggregates: new AggregateCollector(),
    windows: new WindowCollector(node.windows),
    spans: new Map(),
    expanding: [],
  };
}

function filterRows(place: Place, node: Select, input: Plan): Plan {
  if (node.where === undefined) return input;
  const inner: Place = { ...place, clause: 'WHERE', aggregates: undefined, windows: undefined };
  return filter(input, bindCondition(inner, node.where));
}

function filter(input: Plan, predicate: Expression): Plan {
  return { kind: 'filter', input, predicate, columns: input.columns };
}

function bindItems(place: Place, node: Select): SelectListItem[] {
  return node.items.flatMap((item): SelectListItem[] => {
    if (item.value.kind === 'star') {
      return expandStar(place, item.value).map(({ name, value }) => {
        return { name, value, syntax: undefined };
      });
    }
    // An alias does not mean itself within its own expression.
    const own = item.alias?.name.toLowerCase();
    const expanding = own === undefined ? place.expanding : [...place.expanding, own];
    let value = bindExpression({ ...place, expanding }, item.value);
    if (value.type.kind === 'null') {
      if (value.kind === 'parameter') place.context.undecided.add(value.index);
      value = castTo(place.context, value, varcharType, item.span);
    }
    return [{ name: item.alias?.name ?? itemName(item.value), syntax: item.value, value }];
  });
}

interface Key extends OrderDirection {
  readonly expression: Expression;
  /** The select item it names by alias or number. */
  readonly item: number | undefined;
  readonly syntax: Syntax | undefined;
}

function bindOrderKeys(
  place: Place,
  order: Order | undefined,
  items: readonly SelectListItem[],
): Key[] {
  const all = order?.orderByAll;
  if (all !== undefined) {
    return items.map((item, i) => ({
      ...all,
      expression: item.value,
      item: i,
      syntax: undefined,
    }));
  }
  const inner = { ...place, clause: 'ORDER BY' };
  return (order?.orderBy ?? []).map((key) => bindOrderKey(inner, key, items));
}

/** A number or a name of the result first; else an expression over the rows. */
function bindOrderKey(place: Place, key: OrderItem, items: readonly SelectListItem[]): Key {
  const { value, descending, nullsFirst } = key;
  const direction = { descending, nullsFirst, syntax: value };
  let item = ordinalOf(value, items.length);
  if (item === undefined && value.kind === 'columnReference' && value.parts.length === 1) {
    const name = value.parts[0].name.toLowerCase();
    const found = items.findIndex((known) => known.name.toLowerCase() === name);
    if (found >= 0) item = found;
  }
  if (item !== undefined) return { ...direction, item, expression: items[item].value };
  const expression = bindExpression(place, value);
  const same = items.findIndex((known) => sameExpression(known.value, expression));
  return { ...direction, expression, item: same < 0 ? undefined : same };
}

function mapParts(parts: Parts, change: (expression: Expression) => Expression): Parts {
  return {
    values: parts.values.map(change),
    keys: parts.keys.map(change),
    having: parts.having && change(parts.having),
    qualify: parts.qualify && change(parts.qualify),
    on: parts.on.map(change),
  };
}

const unchanged = (expression: Expression): Expression => expression;

function groupRows(
  place: Place,
  node: Select,
  input: Plan,
  items: readonly SelectListItem[],
  parts: Parts,
): Step {
  const isGrouped =
    node.groupBy !== undefined || parts.having !== undefined || place.aggregates!.calls.length > 0;
  if (!isGrouped) return { plan: input, parts, rewrite: unchanged, check: () => {} };
  const inner: Place = { ...place, clause: 'GROUP BY', aggregates: undefined, windows: undefined };
  const groups = node.groupBy === undefined ? noGroups : bindGroupBy(inner, node.groupBy, items);
  const { plan, rewrite, check } = groupPlan(place, input, groups);
  const rewritten = mapParts(parts, rewrite);
  for (const value of [...rewritten.values, ...rewritten.keys, ...rewritten.on]) check(value);
  if (rewritten.having === undefined) return { plan, parts: rewritten, rewrite, check };
  check(rewritten.having);
  return { plan: filter(plan, rewritten.having), parts: rewritten, rewrite, check };
}

/** Computes window calls, then QUALIFY. */
function addWindows(place: Place, step: Step): Step {
  const { calls, columns } = place.windows!;
  let { plan } = step;
  if (calls.length > 0) {
    const change = (expression: Expression): Expression => {
      const rewritten = step.rewrite(expression);
      step.check(rewritten);
      return rewritten;
    };
    const rewriteNode = (node: Plan): Plan =>
      node === step.plan ? node : mapExpressions(mapInputs(node, rewriteNode), change);
    plan = rewriteNode(windowPlan(plan, calls, columns));
  }
  const { qualify } = step.parts;
  return qualify === undefined ? { ...step, plan } : { ...step, plan: filter(plan, qualify) };
}

/** A number or an alias of the select list, or an expression over the rows. */
function bindDistinctOn(place: Place, value: Syntax, items: readonly SelectListItem[]): Expression {
  const ordinal = ordinalOf(value, items.length);
  if (ordinal !== undefined) return items[ordinal].value;
  return bindExpression({ ...place, clause: 'DISTINCT ON' }, value);
}

/** DISTINCT ON: of the rows that agree in its values, the first by ORDER BY. */
function firstOfEach(place: Place, step: Step, keys: readonly Key[]): Step {
  const { on } = step.parts;
  if (on.length === 0) return step;
  const order = keys.map(({ descending, nullsFirst = descending }, i): SortKey => {
    return { expression: step.parts.keys[i], descending, nullsFirst };
  });
  const number = place.context.column('row_number', bigintType, false);
  const numbered = makeRowNumbers(step.plan, on, order, number);
  const isFirst = call('eq', [columnRef(number), constant(1n, bigintType)], booleanType);
  return { ...step, plan: filter(numbered, isFirst) };
}

/**
 * Select list, DISTINCT and ORDER BY. Keys that are not in the list travel beside it for a while.
 */
function finish(
  place: Place,
  node: Select,
  step: Step,
  items: readonly SelectListItem[],
  keys: readonly Key[],
): Plan {
  const { context } = place;
  const { values } = step.parts;
  const isDistinct = node.distinct && node.distinctOn.length === 0;
  const columns = values.map((value, i) => context.columnFor(value, items[i].name, step.plan));
  const expressions = [...values];
  const shown = [...columns];
  const sortKeys = keys.map((key, i): SortKey => {
    const { descending, nullsFirst = descending } = key;
    if (key.item !== undefined) {
      return { expression: columnRef(columns[key.item]), descending, nullsFirst };
    }
    if (isDistinct) notInList(key);
    const expression = step.parts.keys[i];
    const column = context.columnFor(expression, `order ${i + 1}`, step.plan);
    expressions.push(expression);
    shown.push(column);
    return { expression: columnRef(column), descending, nullsFirst };
  });
  let plan: Plan = { kind: 'project', input: step.plan, expressions, columns: shown };
  if (isDistinct) plan = distinct(plan);
  if (sortKeys.length > 0) plan = { kind: 'sort', input: plan, keys: sortKeys, columns: shown };
  if (shown.length === columns.length) return plan;
  return { kind: 'project', input: plan, expressions: columns.map(columnRef), columns };
}

function notInList(key: Key): never {
  throw new BindError(
    sqlState.invalidColumnReference,
    'with SELECT DISTINCT, only what is in the select list can be ordered by',
    key.syntax!.span,
  );
}

/** DISTINCT is grouping by all columns. */
export function distinct(input: Plan): Plan {
  const groups: Expression[] = [];
  const columns: Column[] = [];
  const seen = new Set<number>();
  for (const column of input.columns) {
    if (seen.has(column.id)) continue;
    seen.add(column.id);
    columns.push(column);
    groups.push(columnRef(column));
  }
  const plan: Plan = {
    kind: 'aggregate',
    input,
    groups,
    aggregates: [],
    groupingSets: undefined,
    columns,
  };
  if (columns.length === input.columns.length) return plan;
  // A column that is listed twice is grouped by once, and shown twice again.
  const expressions = input.columns.map(columnRef);
  return { kind: 'project', input: plan, expressions, columns: input.columns };
}
