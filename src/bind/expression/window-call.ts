import { sqlState } from '../../base/error.ts';
import type { AggregateCall, Expression, SortKey } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { FrameBound, WindowFrame } from '../../plan/plan.ts';
import type {
  Call,
  FrameBound as FrameBoundSyntax,
  WindowFrame as FrameSyntax,
  WindowSpecification,
} from '../../sql/ast/expression.ts';
import type { Identifier, Span } from '../../sql/ast/node.ts';
import { bigintType, doubleType, type SqlType } from '../../value/type.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';
import { castTo, unifyPair } from '../types/cast.ts';
import { aggregateCall, bindKeys } from './aggregate-call.ts';
import { bindArithmetic } from './arithmetic.ts';
import { forbid, inside, type Place } from './binder.ts';
import { bindExpression } from './expression.ts';

interface Signature {
  /** Undefined: that of the first argument. */
  readonly type: SqlType | undefined;
  readonly arguments: readonly [least: number, most: number];
}

/** Window functions that are no aggregates. */
const windowFunctions: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ...['row_number', 'rank', 'dense_rank'].map((name): [string, Signature] => [
    name,
    { type: bigintType, arguments: [0, 0] },
  ]),
  ['ntile', { type: bigintType, arguments: [1, 1] }],
  ['percent_rank', { type: doubleType, arguments: [0, 0] }],
  ['cume_dist', { type: doubleType, arguments: [0, 0] }],
  ['lag', { type: undefined, arguments: [1, 3] }],
  ['lead', { type: undefined, arguments: [1, 3] }],
  ['first_value', { type: undefined, arguments: [1, 1] }],
  ['last_value', { type: undefined, arguments: [1, 1] }],
  ['nth_value', { type: undefined, arguments: [2, 2] }],
]);

/** Other names, and aggregates that are simpler as a window function. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ['rank_dense', 'dense_rank'],
  ['first', 'first_value'],
  ['arbitrary', 'first_value'],
  ['last', 'last_value'],
]);

export function isWindowFunction(name: string): boolean {
  return windowFunctions.has(name) || synonyms.has(name);
}

export function windowFunctionNames(): Iterable<string> {
  return windowFunctions.keys();
}

export function bindWindowCall(place: Place, node: Call, given: string): Expression {
  if (place.windows === undefined) forbid(place, 'a window function', node.span);
  const inner = inside(place, 'a window function');
  const window = resolveWindow(place, node.over!);
  const partition = window.partitionBy.map((item) => bindExpression(inner, item));
  const bound = bindKeys(inner, window.orderBy);
  const name = node.filter === undefined ? (synonyms.get(given) ?? given) : given;
  const isPure = windowFunctions.has(name);
  const call = isPure ? pureWindowCall(inner, node, name) : aggregateCall(inner, node, name);
  if (!isPure && node.nullTreatment === 'IGNORE') {
    throw new BindError(sqlState.syntaxError, `${name} takes no IGNORE NULLS`, node.span);
  }
  const { frame, order } =
    window.frame === undefined
      ? { frame: undefined, order: bound }
      : bindFrame(inner, window.frame, bound, window.span);
  const ignoreNulls = node.nullTreatment === 'IGNORE';
  const made = { partition, order, call: { call, frame, ignoreNulls } };
  return place.windows.add(place.context, made, name);
}

function pureWindowCall(place: Place, node: Call, name: string): AggregateCall {
  const { type: fixed, arguments: counts } = windowFunctions.get(name)!;
  if (node.filter !== undefined || node.distinct || node.star) {
    throw new BindError(sqlState.syntaxError, `${name} takes no DISTINCT or FILTER`, node.span);
  }
  if (node.orderBy.length > 0 || node.withinGroup.length > 0) {
    notSupported(`ORDER BY inside ${name}`, node.span);
  }
  const count = node.arguments.length;
  if (count < counts[0] || count > counts[1]) {
    const wanted = counts[0] === counts[1] ? `${counts[0]}` : `${counts[0]} to ${counts[1]}`;
    throw new BindError(
      sqlState.undefinedFunction,
      `${name} takes ${wanted} arguments, not ${count}`,
      node.span,
    );
  }
  const args = node.arguments.map(({ value }) => bindExpression(place, value));
  const { span } = node;
  const number = (arg: Expression) => castTo(place.context, arg, bigintType, span);
  if (name === 'ntile') args[0] = number(args[0]);
  if (count > 1) args[1] = number(args[1]);
  if (count > 2) args[2] = castTo(place.context, args[2], args[0].type, span);
  const type = fixed ?? args[0].type;
  const nullable = fixed === undefined || args.some((arg) => arg.nullable);
  return { name, args, distinct: false, filter: undefined, order: [], type, nullable };
}

/**
 * A window by its name, or in place; one that refines a named window takes what it does not say.
 */
function resolveWindow(place: Place, over: Identifier | WindowSpecification): WindowSpecification {
  if (over.kind === 'identifier') return resolveWindow(place, namedWindow(place, over));
  if (over.base === undefined) return over;
  const base = resolveWindow(place, namedWindow(place, over.base));
  if (over.partitionBy.length > 0 || (over.orderBy.length > 0 && base.orderBy.length > 0)) {
    throw new BindError(
      '42P20',
      `cannot override the PARTITION BY or ORDER BY of window "${over.base.name}"`,
      over.span,
    );
  }
  if (base.frame !== undefined) {
    throw new BindError(
      '42P20',
      `cannot refine window "${over.base.name}", because it has a frame`,
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

interface BoundFrame {
  readonly frame: WindowFrame;
  /** RANGE may compare the key in another type. */
  readonly order: SortKey[];
}

function bindFrame(
  place: Place,
  frame: FrameSyntax,
  order: readonly SortKey[],
  span: Span,
): BoundFrame {
  const unit = frame.unit.toLowerCase() as WindowFrame['unit'];
  const to: FrameBoundSyntax = frame.to ?? { bound: 'CURRENT ROW', offset: undefined };
  checkBounds(frame.from, to, frame.span);
  const exclude = excludes[frame.exclude ?? 'NO OTHERS'];
  if (unit !== 'range') {
    const start = bindBound(place, frame.from);
    return { frame: { unit, start, end: bindBound(place, to), exclude }, order: [...order] };
  }
  const bounds = [frame.from, to];
  if (bounds.every(({ offset }) => offset === undefined)) {
    const [start, end] = bounds.map(plainBound);
    return { frame: { unit, start, end, exclude }, order: [...order] };
  }
  if (order.length !== 1) {
    throw new BindError('42P20', 'RANGE with an offset needs exactly one key in ORDER BY', span);
  }
  let [key] = order;
  const offsets = bounds.map((bound) => {
    if (bound.offset === undefined) return undefined;
    const value = rangeBound(place, bound, key);
    const [ordered, limit] = unifyPair(place.context, key.expression, value, bound.offset.span);
    key = { ...key, expression: ordered };
    return limit;
  });
  const [start, end] = bounds.map((bound, i): FrameBound => {
    const value = offsets[i];
    if (value === undefined) return plainBound(bound);
    const kind = bound.bound === 'PRECEDING' ? 'preceding' : 'following';
    return { kind, offset: castTo(place.context, value, key.expression.type, span) };
  });
  return { frame: { unit, start, end, exclude }, order: [key] };
}

function checkBounds(from: FrameBoundSyntax, to: FrameBoundSyntax, span: Span): void {
  const rank = [
    'UNBOUNDED PRECEDING',
    'PRECEDING',
    'CURRENT ROW',
    'FOLLOWING',
    'UNBOUNDED FOLLOWING',
  ];
  const wrong =
    from.bound === 'UNBOUNDED FOLLOWING' ||
    to.bound === 'UNBOUNDED PRECEDING' ||
    rank.indexOf(from.bound) > rank.indexOf(to.bound);
  if (!wrong) return;
  const message = `a frame cannot go from ${from.bound} to ${to.bound}`;
  throw new BindError('42P20', message, span);
}

function plainBound({ bound }: FrameBoundSyntax): FrameBound {
  switch (bound) {
    case 'UNBOUNDED PRECEDING':
      return { kind: 'unboundedPreceding' };
    case 'UNBOUNDED FOLLOWING':
      return { kind: 'unboundedFollowing' };
    default:
      return { kind: 'currentRow' };
  }
}

/** A bound of ROWS or GROUPS: so many before or after. */
function bindBound(place: Place, bound: FrameBoundSyntax): FrameBound {
  if (bound.offset === undefined) return plainBound(bound);
  const value = bindExpression(place, bound.offset);
  const offset = castTo(place.context, value, bigintType, bound.offset.span);
  return { kind: bound.bound === 'PRECEDING' ? 'preceding' : 'following', offset };
}

/** The value at which a RANGE ends: the key plus or minus the distance. */
function rangeBound(place: Place, bound: FrameBoundSyntax, key: SortKey): Expression {
  const syntax = bound.offset!;
  const distance = bindExpression(place, syntax);
  if (usedColumns(distance).size > 0) notSupported('a RANGE that varies by row', syntax.span);
  if (distance.kind === 'constant') checkDistance(distance, syntax.span);
  const forward = (bound.bound === 'FOLLOWING') !== key.descending;
  const operator = forward ? '+' : '-';
  return bindArithmetic(place.context, operator, key.expression, distance, syntax.span);
}

function checkDistance(distance: Extract<Expression, { kind: 'constant' }>, span: Span): void {
  const { value } = distance;
  if (value === null) throw new BindError('22004', 'the distance of RANGE must not be NULL', span);
  const negative =
    (typeof value === 'bigint' && value < 0n) ||
    (typeof value === 'number' && value < 0) ||
    (typeof value === 'object' &&
      'months' in value &&
      (value.months < 0 || value.days < 0 || value.micros < 0));
  if (negative) throw new BindError('22013', 'the distance of RANGE must not be negative', span);
}
