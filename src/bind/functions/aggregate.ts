import { sqlState } from '../../base/error.ts';
import { constant, type Expression, type SortKey } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import {
  bigintType,
  booleanType,
  decimalPrecisionMax,
  decimalType,
  doubleType,
  hugeintType,
  integerType,
  isInteger,
  isNumeric,
  type SqlType,
  timestampType,
  typeName,
  varcharType,
} from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, notSupported } from '../error.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';

export interface BoundAggregate {
  readonly name: string;
  readonly args: readonly Expression[];
  readonly type: SqlType;
  /** A condition that is part of the function, as of count_if. */
  readonly filter?: Expression;
  /** An order that is part of the function, as of quantiles. */
  readonly order?: readonly SortKey[];
  readonly distinct?: boolean;
}

type Resolve = (site: AggregateSite) => BoundAggregate;

interface AggregateSite {
  readonly context: BindContext;
  readonly name: string;
  readonly args: readonly Expression[];
  /** ORDER BY inside the call, or WITHIN GROUP. */
  readonly order: readonly SortKey[];
  readonly span: Span;
}

/** All aggregate functions by lower-case name. */
const aggregates: ReadonlyMap<string, Resolve> = new Map<string, Resolve>([
  ['count', (site) => ({ ...one(site, 'count'), type: bigintType })],
  ['count_if', bindCountIf],
  ['countif', bindCountIf],
  ['approx_count_distinct', bindCountDistinct],
  ['sum', bindSum],
  ...alias(['fsum', 'kahan_sum', 'sumkahan'], (site) => double(site, 'sum')),
  ...alias(['avg', 'mean'], (site) => number(site, 'avg', doubleType)),
  ['favg', (site) => double(site, 'avg')],
  ['product', (site) => number(site, 'product', doubleType)],
  ['min', (site) => one(site, 'min')],
  ['max', (site) => one(site, 'max')],
  ['any_value', (site) => one(site, 'any_value')],
  ...alias(['first', 'arbitrary'], (site) => one(site, 'first')),
  ['last', (site) => one(site, 'last')],
  ...alias(['min_by', 'arg_min', 'argmin'], (site) => extremeBy(site, 'min_by')),
  ...alias(['max_by', 'arg_max', 'argmax'], (site) => extremeBy(site, 'max_by')),
  ...alias(['bool_and', 'every'], (site) => booleans(site, 'min')),
  ['bool_or', (site) => booleans(site, 'max')],
  ...['bit_and', 'bit_or', 'bit_xor'].map((name): [string, Resolve] => [
    name,
    (site) => bits(site, name),
  ]),
  ...['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop'].map((name): [string, Resolve] => [
    name,
    (site) => number(site, name, doubleType),
  ]),
  ['stddev', (site) => number(site, 'stddev_samp', doubleType)],
  ['variance', (site) => number(site, 'var_samp', doubleType)],
  ...['covar_samp', 'covar_pop', 'corr', 'regr_slope', 'regr_intercept', 'regr_r2'].map(pairOf),
  ...['regr_avgx', 'regr_avgy', 'regr_sxx', 'regr_syy', 'regr_sxy'].map(pairOf),
  ['regr_count', bindPairCount],
  ...alias(['string_agg', 'listagg', 'group_concat'], bindStringAggregate),
  ['median', (site) => quantile({ ...site, args: [...site.args, half] }, true)],
  ...alias(['quantile_cont', 'percentile_cont'], (site) => quantile(site, true)),
  ...alias(['quantile', 'quantile_disc', 'percentile_disc'], (site) => quantile(site, false)),
  ['mode', bindMode],
  ...alias(['grouping', 'grouping_id'], bindGrouping),
]);

const half = constant(0.5, doubleType);

function alias(names: readonly string[], resolve: Resolve): [string, Resolve][] {
  return names.map((name) => [name, resolve]);
}

function pairOf(name: string): [string, Resolve] {
  return [name, (site) => ({ name, args: numbers(site, 2), type: doubleType })];
}

export function isAggregate(name: string): boolean {
  return aggregates.has(name.toLowerCase());
}

export function aggregateNames(): Iterable<string> {
  return aggregates.keys();
}

export function bindAggregateFunction(site: AggregateSite): BoundAggregate {
  return aggregates.get(site.name.toLowerCase())!(site);
}

function one(site: AggregateSite, name: string): BoundAggregate {
  if (site.args.length !== 1) wrongArguments(site, 'one argument');
  const [arg] = site.args;
  return { name, args: [arg], type: arg.type };
}

/** The arguments as numbers of the types they have; texts as doubles. */
function numbers(site: AggregateSite, count: number): Expression[] {
  const wanted = count === 1 ? 'a number' : `${count} numbers`;
  if (site.args.length !== count) wrongArguments(site, count === 1 ? 'one argument' : wanted);
  return site.args.map((arg) => {
    if (isOpen(arg)) return castTo(site.context, arg, doubleType, site.span);
    if (!isNumeric(arg.type)) wrongArguments(site, wanted);
    return arg;
  });
}

function number(site: AggregateSite, name: string, type: SqlType): BoundAggregate {
  return { name, args: numbers(site, 1), type };
}

/** Over the argument as a double. */
function double(site: AggregateSite, name: string): BoundAggregate {
  const [arg] = numbers(site, 1);
  return { name, args: [castTo(site.context, arg, doubleType, site.span)], type: doubleType };
}

/** Sums are wide enough for any number of rows: HUGEINT of integers, 38 digits of decimals. */
function bindSum(site: AggregateSite): BoundAggregate {
  if (site.args.length === 1 && site.args[0].type.kind === 'boolean') {
    const args = [castTo(site.context, site.args[0], integerType, site.span)];
    return { name: 'sum', args, type: hugeintType };
  }
  const bound = number(site, 'sum', doubleType);
  const { type } = bound.args[0];
  if (isInteger(type)) return { ...bound, type: hugeintType };
  if (type.kind !== 'decimal') return bound;
  return { ...bound, type: decimalType(decimalPrecisionMax, type.scale) };
}

function bindCountIf(site: AggregateSite): BoundAggregate {
  const [arg] = one(site, 'count').args;
  const filter = castTo(site.context, arg, booleanType, site.span);
  return { name: 'count', args: [], type: bigintType, filter };
}

/** Exact: as fast as a sketch where it matters, and never wrong. */
function bindCountDistinct(site: AggregateSite): BoundAggregate {
  return { ...one(site, 'count'), type: bigintType, distinct: true };
}

/** The rows where neither is NULL. */
function bindPairCount(site: AggregateSite): BoundAggregate {
  const [y, x] = numbers(site, 2);
  const filter: Expression = {
    kind: 'call',
    name: 'is_not_null',
    args: [x],
    type: booleanType,
    nullable: false,
  };
  return { name: 'count', args: [y], type: bigintType, filter };
}

function booleans(site: AggregateSite, name: string): BoundAggregate {
  const bound = one(site, name);
  const args = [castTo(site.context, bound.args[0], booleanType, site.span)];
  return { ...bound, args, type: booleanType };
}

function bits(site: AggregateSite, name: string): BoundAggregate {
  const bound = one(site, name);
  if (!isInteger(bound.type)) wrongArguments(site, 'an integer');
  return bound;
}

function extremeBy(site: AggregateSite, name: string): BoundAggregate {
  if (site.args.length === 3) notSupported(`${site.name} of several rows`, site.span);
  if (site.args.length !== 2) wrongArguments(site, 'a value and what it is chosen by');
  return { name, args: site.args, type: site.args[0].type };
}

function bindStringAggregate(site: AggregateSite): BoundAggregate {
  if (site.args.length < 1 || site.args.length > 2) wrongArguments(site, 'a text and a separator');
  const text = castTo(site.context, site.args[0], varcharType, site.span);
  const [, given = constant(',', varcharType)] = site.args;
  const separator = castTo(site.context, given, varcharType, site.span);
  if (separator.kind !== 'constant') {
    throw new BindError(
      sqlState.syntaxError,
      `the separator of ${site.name} must be a constant`,
      site.span,
    );
  }
  return { name: 'string_agg', args: [text, separator], type: varcharType };
}

/**
 * A quantile of what the call orders by: its argument, or that of WITHIN GROUP. The share is from
 * 0 to 1; a negative one counts from the other end.
 */
function quantile(site: AggregateSite, continuous: boolean): BoundAggregate {
  const within = site.args.length === 1 ? site.order[0] : undefined;
  const [arg, given] = within === undefined ? site.args : [within.expression, site.args[0]];
  if (site.args.length > 2 || arg === undefined || given === undefined) {
    wrongArguments(site, 'a value and a share from 0 to 1');
  }
  const share = castTo(site.context, given, doubleType, site.span);
  if (share.kind !== 'constant') notSupported(`${site.name} with a share that varies`, site.span);
  const { value } = share;
  if (value === null || Math.abs(value as number) > 1 || Number.isNaN(value)) {
    throw new BindError('22003', `the share of ${site.name} must be from 0 to 1`, site.span);
  }
  const fromEnd = (value as number) < 0 || Object.is(value, -0);
  const descending = (within?.descending ?? false) !== fromEnd;
  const input = continuous ? interpolated(site, arg) : arg;
  const args = [input, constant(Math.abs(value as number), doubleType)];
  const order = [{ expression: input, descending, nullsFirst: false }];
  const isContinuous = continuous && (isNumeric(input.type) || input.type.kind === 'timestamp');
  return { name: isContinuous ? 'quantile_cont' : 'quantile_disc', args, type: input.type, order };
}

/** What values can be halfway between: doubles, decimals of the same scale, moments. */
function interpolated(site: AggregateSite, arg: Expression): Expression {
  if (arg.type.kind === 'date') return castTo(site.context, arg, timestampType, site.span);
  if (isOpen(arg) || (isNumeric(arg.type) && arg.type.kind !== 'decimal')) {
    return castTo(site.context, arg, doubleType, site.span);
  }
  return arg;
}

/** The most frequent value, of several the one that came first. */
function bindMode(site: AggregateSite): BoundAggregate {
  const arg = site.args.length === 0 ? site.order[0]?.expression : site.args[0];
  if (site.args.length > 1 || arg === undefined) wrongArguments(site, 'one argument');
  const order = [{ expression: arg, descending: false, nullsFirst: false }];
  return { name: 'mode', args: [arg], type: arg.type, order };
}

/** Which of the arguments the row's grouping set does not group by. */
function bindGrouping(site: AggregateSite): BoundAggregate {
  if (site.args.length === 0) wrongArguments(site, 'expressions of GROUP BY');
  if (site.args.length > 62) wrongArguments(site, 'at most 62 expressions of GROUP BY');
  return { name: 'grouping', args: site.args, type: bigintType };
}

function wrongArguments(site: AggregateSite, wanted: string): never {
  const given = site.args.map((arg) => typeName(arg.type)).join(', ');
  throw new BindError(
    sqlState.undefinedFunction,
    `${site.name} takes ${wanted}, not (${given})`,
    site.span,
  );
}
