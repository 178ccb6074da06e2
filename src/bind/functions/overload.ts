import { sqlState } from '../../base/error.ts';
import { call, type Expression } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import { type SqlType, typeName } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError } from '../error.ts';
import { castTo } from '../types/cast.ts';
import { implicitCost } from '../types/implicit.ts';

/** The arguments of a call, bound but not yet converted. */
export interface CallSite {
  readonly context: BindContext;
  readonly name: string;
  readonly args: readonly Expression[];
  readonly span: Span;
  /** Where each argument stands; absent in calls that are not written as such. */
  readonly argSpans?: readonly Span[];
}

/** One way to call a function. */
export interface Overload {
  /** As shown in errors: `(VARCHAR, BIGINT)`. */
  readonly signature: string;
  /** How far the arguments are from what it takes; undefined if it cannot be called with them. */
  cost(args: readonly Expression[]): number | undefined;
  build(site: CallSite): Expression;
}

/** A scalar function as its users know it. */
export interface ScalarFunction {
  /** The name by which it is listed first, then its synonyms. */
  readonly names: readonly string[];
  /** What it gives, for people. */
  readonly help: string;
  /** A call, and its result as text. */
  readonly example: readonly [call: string, result: string];
  readonly overloads: readonly Overload[];
}

/** `names` are separated by spaces. */
export function define(
  names: string,
  help: string,
  example: readonly [call: string, result: string],
  ...overloads: Overload[]
): ScalarFunction {
  return { names: names.split(' '), help, example, overloads };
}

/** A function of fixed parameter types, the last `optional` of which may be left out. */
export function fixed(
  lowered: string,
  parameters: readonly SqlType[],
  result: SqlType,
  optional = 0,
): Overload {
  const shown = parameters.map((type, i) => {
    return i < parameters.length - optional ? typeName(type) : `[${typeName(type)}]`;
  });
  return {
    signature: `(${shown.join(', ')})`,
    cost(args) {
      if (args.length > parameters.length || args.length < parameters.length - optional) return;
      let total = 0;
      for (let i = 0; i < args.length; i++) {
        const cost = implicitCost(args[i], parameters[i]);
        if (cost === undefined) return;
        total += cost;
      }
      return total;
    },
    build({ context, args, span }) {
      return call(
        lowered,
        args.map((arg, i) => castTo(context, arg, parameters[i], span)),
        result,
      );
    },
  };
}

/** A function that decides by itself. */
export function custom(
  signature: string,
  accepts: (args: readonly Expression[]) => boolean,
  build: (site: CallSite) => Expression,
): Overload {
  return { signature, cost: (args) => (accepts(args) ? 0 : undefined), build };
}

/** The overload that is nearest to the arguments; the first of equals. */
export function resolveOverload(overloads: readonly Overload[], site: CallSite): Expression {
  let best: Overload | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const overload of overloads) {
    const cost = overload.cost(site.args);
    if (cost === undefined || cost >= bestCost) continue;
    best = overload;
    bestCost = cost;
  }
  if (best !== undefined) return best.build(site);
  const given = site.args.map((arg) => typeName(arg.type)).join(', ');
  const known = overloads.map((overload) => site.name + overload.signature).join(', ');
  throw new BindError(
    sqlState.undefinedFunction,
    `${site.name} cannot be called with (${given})`,
    site.span,
    `it takes ${known}`,
  );
}
