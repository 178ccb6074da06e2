import { sqlState } from '../../base/error.ts';
import {
  type AggregateCall,
  constant,
  type Expression,
  type SortKey,
} from '../../plan/expression.ts';
import type { FrameBound, WindowFrame } from '../../plan/plan.ts';
import type {
  Call,
  FrameBound as FrameBoundSyntax,
  WindowFrame as FrameSyntax,
  WindowSpecification,
} from '../../sql/ast/expression.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import { nameText } from '../../sql/ast/node.ts';
import type { OrderItem } from '../../sql/ast/query.ts';
import {
  bigintType,
  dateType,
  doubleType,
  type SqlType,
  timestamptzType,
} from '../../value/type.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';
import { aggregateNames, bindAggregateFunction, isAggregate } from '../functions/aggregate.ts';
import { resolveOverload } from '../functions/overload.ts';
import { extractFields, extractFunction, scalarFunctions } from '../functions/scalar.ts';
import { castTo } from '../types/cast.ts';
import { forbid, inside, type Place } from './binder.ts';
import { bindCondition, bindExpression } from './expression.ts';

/** Window functions that are no aggregates, and their types; undefined: that of the argument. */
const windowFunctions: ReadonlyMap<string, SqlType | undefined> = new Map([
  ...['row_number', 'rank', 'dense_rank', 'ntile'].map((name): [string, SqlType] => [
    name,
    bigintType,
  ]),
  ['percent_rank', doubleType],
  ['cume_dist', doubleType],
  ...['lag', 'lead', 'first_value', 'last_value', 'nth_value'].map((name): [string, undefined] => [
    name,
    undefined,
  ]),
]);

export function bindCall(place: Place, node: Call): Expression {
  const name = node.name.parts[node.name.parts.length - 1].name.toLowerCase();
  for (const argument of node.arguments) {
    if (argument.name !== undefined) notSupported('an argument by name', argument.name.span);
  }
  if (node.withinGroup.length > 0) notSupported('WITHIN GROUP', node.span);
  if (node.nullTreatment === 'IGNORE') notSupported('IGNORE NULLS', node.span);
  if (node.over !== undefined) return bindWindowCall(place, node, name);
  if (isAggregate(name)) return bindAggregate(place, node, name);
  if (node.distinct || node.star || node.orderBy.length > 0 || node.filter !== undefined) {
    const known = scalarFunctions.has(name) ? `${name} is not an aggregate` : undefined;
    if (known === undefined) unknownFunction(node);
    throw new BindError(sqlState.syntaxError, known, node.span);
  }
  return bindScalarCall(place, node, name);
}

function bindScalarCall(place: Place, node: Call, name: string): Expression {
  if (name === 'date_part' || name === 'datepart') return bindDatePart(place, node);
  const moment = bindMoment(place, node, name);
  if (moment !== undefined) return moment;
  const overloads = scalarFunctions.get(name);
  if (overloads === undefined) unknownFunction(node);
  const args = node.arguments.map((argument) => bindExpression(place, argument.value));
  return resolveOverload(overloads, { context: place.context, name, args, span: node.span });
}

/** The moment the statement started. */
function bindMoment(place: Place, node: Call, name: string): Expression | undefined {
  const isDate = name === 'current_date' || name === 'today';
  if (!isDate && name !== 'now' && name !== 'current_timestamp') return undefined;
  if (node.arguments.length > 0) return undefined;
  const { now } = place.context;
  if (now === undefined) notSupported(name, node.span);
  if (!isDate) return constant(now, timestamptzType);
  const day = 86_400_000_000n;
  return constant((now - (((now % day) + day) % day)) / day, dateType);
}

/** date_part('year', d): the field must be known when the statement is bound. */
function bindDatePart(place: Place, node: Call): Expression {
  const field = node.arguments[0]?.value;
  if (field?.kind !== 'stringLiteral' || node.arguments.length !== 2) {
    notSupported('date_part without a literal field', node.span);
  }
  const lowered = extractFunction(field.value.toLowerCase());
  if (lowered === undefined) {
    notSupported(
      `the field "${field.value}"`,
      field.span,
      didYouMean(field.value, extractFields()),
    );
  }
  const name = lowered.slice('extract_'.length);
  const args = [bindExpression(place, node.arguments[1].value)];
  const site = { context: place.context, name, args, span: node.span };
  return resolveOverload(scalarFunctions.get(name)!, site);
}

function unknownFunction(node: Call): never {
  const name = nameText(node.name);
  const known = [...scalarFunctions.keys(), ...aggregateNames(), ...windowFunctions.keys()];
  throw new BindError(
    sqlState.undefinedFunction,
    `there is no function "${name}"`,
    node.name.span,
    didYouMean(name, known),
  );
}

function bindAggregate(place: Place, node: Call, name: string): Expression {
  if (place.aggregates === undefined) forbid(place, `the aggregate ${name}`, node.span);
  const call = aggregateCall(inside(place, 'an aggregate'), node, name);
  return place.aggregates.add(place.context, call, columnName(node, name));
}

/** As DuckDB calls it: `count_star()`, `sum(a)`. */
function columnName(node: Call, name: string): string {
  if (node.star) return 'count_star()';
  const [first] = node.arguments;
  const simple = first?.value.kind === 'columnReference' ? first.value.parts.at(-1)?.name : '…';
  return `${name}(${node.distinct ? 'DISTINCT ' : ''}${first === undefined ? '' : simple})`;
}

function aggregateCall(place: Place, node: Call, name: string): AggregateCall {
  const filter = node.filter === undefined ? undefined : bindCondition(place, node.filter);
  const order = bindKeys(place, node.orderBy);
  if (node.star || (name === 'count' && node.arguments.length === 0)) {
    if (name !== 'count') unknownFunction(node);
    const type = bigintType;
    return { name, args: [], distinct: false, filter, order, type, nullable: false };
  }
  const args = node.arguments.map((argument) => bindExpression(place, argument.value));
  const bound = bindAggregateFunction({ context: place.context, name, args, span: node.span });
  // Duplicates make no difference to these.
  const distinct = node.distinct && bound.name !== 'min' && bound.name !== 'max';
  const nullable = bound.name !== 'count';
  return {
    name: bound.name,
    args: bound.args,
    distinct,
    filter,
    order,
    type: bound.type,
    nullable,
  };
}

export function bindKeys(place: Place, items: readonly OrderItem[]): SortKey[] {
  return items.map((item) => ({
    expression: bindExpression(place, item.value),
    descending: item.descending,
    nullsFirst: item.nullsFirst ?? item.descending,
  }));
}

function bindWindowCall(place: Place, node: Call, name: string): Expression {
  if (place.windows === undefined) forbid(place, 'a window function', node.span);
  const inner = inside(place, 'a window function');
  const window = resolveWindow(place, node.over!);
  const call = windowFunctions.has(name)
    ? pureWindowCall(inner, node, name)
    : isAggregate(name)
      ? aggregateCall(inner, node, name)
      : unknownFunction(node);
  const frame = window.frame === undefined ? undefined : bindFrame(inner, window.frame);
  const partition = window.partitionBy.map((item) => bindExpression(inner, item));
  const order = bindKeys(inner, window.orderBy);
  return place.windows.add(place.context, { call, partition, order, frame }, name);
}

function pureWindowCall(place: Place, node: Call, name: string): AggregateCall {
  if (node.filter !== undefined || node.distinct || node.star) {
    throw new BindError(sqlState.syntaxError, `${name} takes no DISTINCT or FILTER`, node.span);
  }
  const args = node.arguments.map((argument) => bindExpression(place, argument.value));
  const given = windowFunctions.get(name);
  if (given === undefined && args.length === 0) {
    throw new BindError(sqlState.undefinedFunction, `${name} needs an argument`, node.span);
  }
  const type = given ?? args[0].type;
  const nullable = given === undefined;
  return { name, args, distinct: false, filter: undefined, order: [], type, nullable };
}

/**
 * A window by its name, or in place; one that refines a named window takes what it does not say.
 */
function resolveWindow(place: Place, over: Identifier | WindowSpecification): WindowSpecification {
  if (over.kind === 'identifier') return namedWindow(place, over);
  if (over.base === undefined) return over;
  const base = resolveWindow(place, namedWindow(place, over.base));
  if (over.partitionBy.length > 0 || (over.orderBy.length > 0 && base.orderBy.length > 0)) {
    throw new BindError(
      '42P20',
      `cannot override the PARTITION BY or ORDER BY of window "${over.base.name}"`,
      over.span,
    );
  }
  const orderBy = over.orderBy.length > 0 ? over.orderBy : base.orderBy;
  return { ...over, base: undefined, partitionBy: base.partitionBy, orderBy };
}

function namedWindow(place: Place, name: Identifier): WindowSpecification {
  const windows = place.windows!.named;
  const found = windows.find((item) => item.name.name.toLowerCase() === name.name.toLowerCase());
  if (found !== undefined) return found.window;
  throw new BindError(
    '42704',
    `there is no window "${name.name}"`,
    name.span,
    didYouMean(
      name.name,
      windows.map((item) => item.name.name),
    ),
  );
}

const excludes = {
  'CURRENT ROW': 'currentRow',
  GROUP: 'group',
  TIES: 'ties',
  'NO OTHERS': 'none',
} as const;

function bindFrame(place: Place, frame: FrameSyntax): WindowFrame {
  const unit = frame.unit.toLowerCase() as WindowFrame['unit'];
  const start = bindBound(place, frame.from, unit);
  const end: FrameBound = frame.to ? bindBound(place, frame.to, unit) : { kind: 'currentRow' };
  return { unit, start, end, exclude: excludes[frame.exclude ?? 'NO OTHERS'] };
}

function bindBound(place: Place, bound: FrameBoundSyntax, unit: string): FrameBound {
  switch (bound.bound) {
    case 'UNBOUNDED PRECEDING':
      return { kind: 'unboundedPreceding' };
    case 'UNBOUNDED FOLLOWING':
      return { kind: 'unboundedFollowing' };
    case 'CURRENT ROW':
      return { kind: 'currentRow' };
    default: {
      const kind = bound.bound === 'PRECEDING' ? 'preceding' : 'following';
      const value = bindExpression(place, bound.offset!);
      const span = bound.offset!.span;
      const offset = unit === 'range' ? value : castTo(place.context, value, bigintType, span);
      return { kind, offset };
    }
  }
}
