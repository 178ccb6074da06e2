import { call, constant, type Expression } from '../../plan/expression.ts';
import { typeName, varcharType } from '../../value/type.ts';
import { compare } from '../expression/arithmetic.ts';
import { unifyAll } from '../types/cast.ts';
import { type CallSite, custom, define } from './overload.ts';

const some = (args: readonly Expression[]): boolean => args.length > 0;

export const conditionFunctions = [
  define(
    'coalesce',
    'the first argument that is not NULL',
    ['coalesce(NULL, 2, 3)', '2'],
    custom('(any, …)', some, bindCoalesce),
  ),
  define(
    'ifnull',
    'the second argument where the first is NULL',
    ['ifnull(NULL, 2)', '2'],
    custom('(any, any)', (args) => args.length === 2, bindCoalesce),
  ),
  define(
    'nullif',
    'NULL where both are equal, else the first',
    ["nullif('n/a', 'n/a')", 'NULL'],
    custom('(any, any)', (args) => args.length === 2, bindNullIf),
  ),
  define(
    'if iff',
    'the second argument where the first is true, else the third',
    ["if(1 < 2, 'less', 'more')", 'less'],
    custom('(BOOLEAN, any, any)', isCondition, bindIf),
  ),
  define(
    'greatest',
    'the greatest of the arguments that are not NULL',
    ['greatest(1, NULL, 3)', '3'],
    custom('(any, …)', some, (site) => extreme('greatest', site)),
  ),
  define(
    'least',
    'the least of the arguments that are not NULL',
    ['least(1, NULL, 3)', '1'],
    custom('(any, …)', some, (site) => extreme('least', site)),
  ),
  define(
    'typeof',
    'the name of the type of an expression',
    ['typeof(1.50)', 'DECIMAL(3,2)'],
    custom('(any)', (args) => args.length === 1, bindTypeOf),
  ),
];

function bindCoalesce({ context, args, span }: CallSite): Expression {
  const parts = unifyAll(context, args, () => span);
  if (parts.length === 1) return parts[0];
  const nullable = parts.every((part) => part.nullable);
  return call('coalesce', parts, parts[0].type, nullable);
}

function extreme(lowered: string, { context, args, span }: CallSite): Expression {
  const parts = unifyAll(context, args, () => span);
  if (parts.length === 1) return parts[0];
  const nullable = parts.every((part) => part.nullable);
  return call(lowered, parts, parts[0].type, nullable);
}

/** nullif(a, b) is CASE WHEN a = b THEN NULL ELSE a END. */
function bindNullIf({ context, args, span }: CallSite): Expression {
  const [value] = args;
  const when = compare(context, 'eq', value, args[1], span);
  const { type } = value;
  const then = constant(null, type);
  const branches = [{ when, then }];
  return { kind: 'case', branches, otherwise: value, type, nullable: true };
}

function isCondition(args: readonly Expression[]): boolean {
  return args.length === 3 && (args[0].type.kind === 'boolean' || args[0].type.kind === 'null');
}

function bindIf({ context, args, span }: CallSite): Expression {
  const [then, otherwise] = unifyAll(context, args.slice(1), () => span);
  const branches = [{ when: args[0], then }];
  const nullable = then.nullable || otherwise.nullable;
  return { kind: 'case', branches, otherwise, type: then.type, nullable };
}

function bindTypeOf({ args }: CallSite): Expression {
  return constant(typeName(args[0].type), varcharType);
}
