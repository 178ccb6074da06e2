import { sqlState } from '../../base/error.ts';
import type { Expression } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import {
  bigintType,
  booleanType,
  decimalPrecisionMax,
  decimalType,
  doubleType,
  hugeintType,
  isInteger,
  isNumeric,
  type SqlType,
  typeName,
  varcharType,
} from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError } from '../error.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';

export interface BoundAggregate {
  readonly name: string;
  readonly args: readonly Expression[];
  readonly type: SqlType;
  /** Whether a group with rows can give NULL; a group without rows gives NULL for all but count. */
  readonly nullable: boolean;
}

type Resolve = (site: AggregateSite) => BoundAggregate;

interface AggregateSite {
  readonly context: BindContext;
  readonly name: string;
  readonly args: readonly Expression[];
  readonly span: Span;
}

/** All aggregate functions by lower-case name. */
const aggregates: ReadonlyMap<string, Resolve> = new Map<string, Resolve>([
  ['count', (site) => ({ ...one(site, 'count'), type: bigintType, nullable: false })],
  ['sum', bindSum],
  ['avg', (site) => number(site, 'avg', doubleType)],
  ['mean', (site) => number(site, 'avg', doubleType)],
  ['min', (site) => one(site, 'min')],
  ['max', (site) => one(site, 'max')],
  ['any_value', (site) => one(site, 'any_value')],
  ['first', (site) => one(site, 'first')],
  ['last', (site) => one(site, 'last')],
  ['bool_and', (site) => booleans(site, 'min')],
  ['every', (site) => booleans(site, 'min')],
  ['bool_or', (site) => booleans(site, 'max')],
  ...['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop'].map((name): [string, Resolve] => [
    name,
    (site) => number(site, name, doubleType),
  ]),
  ['stddev', (site) => number(site, 'stddev_samp', doubleType)],
  ['variance', (site) => number(site, 'var_samp', doubleType)],
  ['string_agg', bindStringAggregate],
  ['listagg', bindStringAggregate],
  ['group_concat', bindStringAggregate],
]);

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
  return { name, args: [arg], type: arg.type, nullable: arg.nullable };
}

/** The argument as `type`, which must be a number before. */
function number(site: AggregateSite, name: string, type: SqlType): BoundAggregate {
  const bound = one(site, name);
  const [arg] = bound.args;
  if (isOpen(arg)) {
    return { ...bound, args: [castTo(site.context, arg, doubleType, site.span)], type };
  }
  if (!isNumeric(arg.type)) wrongArguments(site, 'a number');
  return { ...bound, type };
}

/** Sums are wide enough for any number of rows: HUGEINT of integers, 38 digits of decimals. */
function bindSum(site: AggregateSite): BoundAggregate {
  const bound = number(site, 'sum', doubleType);
  const { type } = bound.args[0];
  if (isInteger(type)) return { ...bound, type: hugeintType };
  if (type.kind !== 'decimal') return bound;
  return { ...bound, type: decimalType(decimalPrecisionMax, type.scale) };
}

function booleans(site: AggregateSite, name: string): BoundAggregate {
  const bound = one(site, name);
  const args = [castTo(site.context, bound.args[0], booleanType, site.span)];
  return { ...bound, args, type: booleanType };
}

function bindStringAggregate(site: AggregateSite): BoundAggregate {
  if (site.args.length < 1 || site.args.length > 2) wrongArguments(site, 'a text and a separator');
  const args = site.args.map((arg) => castTo(site.context, arg, varcharType, site.span));
  return { name: 'string_agg', args, type: varcharType, nullable: args[0].nullable };
}

function wrongArguments(site: AggregateSite, wanted: string): never {
  const given = site.args.map((arg) => typeName(arg.type)).join(', ');
  throw new BindError(
    sqlState.undefinedFunction,
    `${site.name} takes ${wanted}, not (${given})`,
    site.span,
  );
}
