import { call, constant, type Expression } from '../../plan/expression.ts';
import {
  bigintType,
  booleanType,
  dateType,
  decimalType,
  doubleType,
  isFloat,
  isInteger,
  isNumeric,
  type SqlType,
  timestampType,
  timestamptzType,
  tinyintType,
  typeName,
  varcharType,
} from '../../value/type.ts';
import { bindArithmetic, compare } from '../expression/arithmetic.ts';
import { castTo, unifyAll } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';
import { type CallSite, custom, fixed, type Overload } from './overload.ts';

type Entry = [name: string, overloads: readonly Overload[]];

function named(names: string, ...overloads: Overload[]): Entry[] {
  return names.split(' ').map((name) => [name, overloads]);
}

function text(): Entry[] {
  const oneText = (lowered: string, result: SqlType): Overload =>
    fixed(lowered, [varcharType], result);
  const substring = fixed('substring', [varcharType, bigintType, bigintType], varcharType, 1);
  const twoTexts = [varcharType, varcharType];
  return [
    ...named('length char_length character_length len', oneText('length', bigintType)),
    ...named('octet_length strlen', oneText('octet_length', bigintType)),
    ...named('upper ucase', oneText('upper', varcharType)),
    ...named('lower lcase', oneText('lower', varcharType)),
    ...named('trim btrim', oneText('trim', varcharType)),
    ...named('ltrim', oneText('ltrim', varcharType)),
    ...named('rtrim', oneText('rtrim', varcharType)),
    ...named('substring substr', substring),
    ...named('left', custom('(VARCHAR, BIGINT)', takesTextAndCount, bindLeft)),
    ...named('right', custom('(VARCHAR, BIGINT)', takesTextAndCount, bindRight)),
    ...named('starts_with prefix', fixed('starts_with', twoTexts, booleanType)),
    ...named('contains', fixed('contains', twoTexts, booleanType)),
    ...named('strpos instr', custom('(VARCHAR, VARCHAR)', takesTwoTexts, bindPosition)),
    ...named('replace', fixed('replace', [varcharType, varcharType, varcharType], varcharType)),
    ...named(
      'concat',
      custom('(any, …)', (args) => args.length > 0, bindConcat),
    ),
  ];
}

function takesTwoTexts(args: readonly Expression[]): boolean {
  return args.length === 2 && args.every((arg) => arg.type.kind === 'varchar' || isOpen(arg));
}

function takesTextAndCount(args: readonly Expression[]): boolean {
  const [value, count] = args;
  if (args.length !== 2 || !isInteger(count.type)) return false;
  return value.type.kind === 'varchar' || isOpen(value);
}

/** left(s, n) for n that is not negative is substring(s, 1, n). */
function bindLeft({ context, args, span }: CallSite): Expression {
  const value = castTo(context, args[0], varcharType, span);
  const zero = constant(0n, bigintType);
  const count = call('greatest', [castTo(context, args[1], bigintType, span), zero], bigintType);
  return call('substring', [value, constant(1n, bigintType), count], varcharType);
}

/** right(s, n) for n that is not negative begins where n characters are left. */
function bindRight({ context, args, span }: CallSite): Expression {
  const value = castTo(context, args[0], varcharType, span);
  const zero = constant(0n, bigintType);
  const count = call('greatest', [castTo(context, args[1], bigintType, span), zero], bigintType);
  const length = call('length', [value], bigintType);
  const skipped = call(
    'greatest',
    [call('subtract', [length, count], bigintType), zero],
    bigintType,
  );
  const start = call('add', [skipped, constant(1n, bigintType)], bigintType);
  return call('substring', [value, start], varcharType);
}

/** strpos(text, part) is position(part, text). */
function bindPosition({ context, args, span }: CallSite): Expression {
  const [value, part] = args.map((arg) => castTo(context, arg, varcharType, span));
  return call('position', [part, value], bigintType);
}

/** The function concat takes NULL for an empty text; the operator || does not. */
function bindConcat({ context, args, span }: CallSite): Expression {
  const empty = constant('', varcharType);
  const parts = args.map((arg) => {
    const part = castTo(context, arg, varcharType, span);
    return part.nullable ? call('coalesce', [part, empty], varcharType, false) : part;
  });
  return parts.length === 1 ? parts[0] : call('concat', parts, varcharType);
}

function numbers(): Entry[] {
  const oneNumber = (args: readonly Expression[]): boolean =>
    args.length === 1 && (isNumeric(args[0].type) || isOpen(args[0]));
  const sameType = (lowered: string): Overload =>
    custom('(number)', oneNumber, (site) => call(lowered, [asNumber(site)], asNumber(site).type));
  return [
    ...named('abs', sameType('abs')),
    ...named(
      'floor',
      custom('(number)', oneNumber, (site) => whole('floor', site)),
    ),
    ...named(
      'ceil ceiling',
      custom('(number)', oneNumber, (site) => whole('ceil', site)),
    ),
    ...named(
      'trunc',
      custom('(number)', oneNumber, (site) => whole('trunc', site)),
    ),
    ...named(
      'round',
      custom('(number)', oneNumber, (site) => whole('round', site)),
      roundTo,
    ),
    ...named('sign', custom('(number)', oneNumber, bindSign)),
    ...named('sqrt', fixed('sqrt', [doubleType], doubleType)),
    ...named(
      'mod',
      custom('(number, number)', takesTwoNumbers, (site) => binary('%', site)),
    ),
    ...named(
      'add',
      custom('(number, number)', takesTwoNumbers, (site) => binary('+', site)),
    ),
    ...named(
      'subtract',
      custom('(number, number)', takesTwoNumbers, (site) => binary('-', site)),
    ),
    ...named(
      'multiply',
      custom('(number, number)', takesTwoNumbers, (site) => binary('*', site)),
    ),
    ...named(
      'divide',
      custom('(number, number)', takesTwoNumbers, (site) => binary('//', site)),
    ),
  ];
}

/** sign(x) is CASE WHEN x > 0 THEN 1 WHEN x < 0 THEN -1 WHEN x = 0 THEN 0 END. */
function bindSign(site: CallSite): Expression {
  const { context, span } = site;
  const value = asNumber(site);
  const zero = constant(0n, tinyintType);
  const type = tinyintType;
  const cases = [
    ['gt', 1n],
    ['lt', -1n],
    ['eq', 0n],
  ] as const;
  const branches = cases.map(([name, result]) => {
    const then = constant(result, type);
    return { when: compare(context, name, value, zero, span), then };
  });
  return {
    kind: 'case',
    branches,
    otherwise: constant(null, type),
    type,
    nullable: value.nullable,
  };
}

function takesTwoNumbers(args: readonly Expression[]): boolean {
  return args.length === 2 && args.every((arg) => isNumeric(arg.type) || isOpen(arg));
}

function binary(operator: string, site: CallSite): Expression {
  return bindArithmetic(site.context, operator, site.args[0], site.args[1], site.span);
}

function asNumber({ context, args, span }: CallSite): Expression {
  return isOpen(args[0]) ? castTo(context, args[0], doubleType, span) : args[0];
}

/** To a whole number: decimals lose their scale, integers stay as they are. */
function whole(lowered: string, site: CallSite): Expression {
  const value = asNumber(site);
  const { type } = value;
  if (isInteger(type)) return value;
  if (type.kind !== 'decimal') return call(lowered, [value], type);
  // Rounding up may take one more digit: 99.9 becomes 100.
  const digits = Math.min(38, Math.max(type.precision - type.scale + 1, 1));
  return call(lowered, [value], decimalType(digits, 0));
}

/** round(x, n): a decimal keeps n digits after the point, when n is a constant. */
const roundTo: Overload = custom(
  '(number, INTEGER)',
  (args) => args.length === 2 && isNumeric(args[0].type) && isInteger(args[1].type),
  ({ context, args, span }) => {
    const [value, digits] = args;
    const { type } = value;
    const count = digits.kind === 'constant' ? Number(digits.value) : undefined;
    if (type.kind !== 'decimal' || count === undefined || count < 0) {
      const input = isFloat(type) ? value : castTo(context, value, doubleType, span);
      return call('round', [input, castTo(context, digits, bigintType, span)], input.type);
    }
    if (count >= type.scale) return value;
    const precision = Math.min(38, type.precision - type.scale + count + 1);
    const result = decimalType(precision, count);
    return call('round', [value, constant(BigInt(count), bigintType)], result);
  },
);

function conditions(): Entry[] {
  const some = (args: readonly Expression[]): boolean => args.length > 0;
  return [
    ...named('coalesce ifnull', custom('(any, …)', some, bindCoalesce)),
    ...named(
      'greatest',
      custom('(any, …)', some, (site) => extreme('greatest', site)),
    ),
    ...named(
      'least',
      custom('(any, …)', some, (site) => extreme('least', site)),
    ),
    ...named(
      'nullif',
      custom('(any, any)', (args) => args.length === 2, bindNullIf),
    ),
    ...named('if iff', custom('(BOOLEAN, any, any)', isCondition, bindIf)),
    ...named(
      'typeof',
      custom('(any)', (args) => args.length === 1, bindTypeOf),
    ),
  ];
}

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
  return args.length === 3 && args[0].type.kind === 'boolean';
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

const dateFields = 'year month day quarter dow isodow doy epoch hour minute second'.split(' ');

/** Other spellings of the fields that EXTRACT and date_part take. */
const fieldSynonyms: Readonly<Record<string, string>> = {
  years: 'year',
  months: 'month',
  days: 'day',
  dayofmonth: 'day',
  dayofweek: 'dow',
  weekday: 'dow',
  dayofyear: 'doy',
  hours: 'hour',
  minutes: 'minute',
  seconds: 'second',
};

/** The name of the function that takes a field from a date, or undefined. */
export function extractFunction(field: string): string | undefined {
  const name = fieldSynonyms[field] ?? field;
  return dateFields.includes(name) ? `extract_${name}` : undefined;
}

/** For hints. */
export function extractFields(): readonly string[] {
  return dateFields;
}

function dates(): Entry[] {
  const fields = [...dateFields, ...Object.keys(fieldSynonyms)];
  return fields.flatMap((field) => {
    const lowered = extractFunction(field)!;
    return named(
      field,
      fixed(lowered, [dateType], bigintType),
      fixed(lowered, [timestampType], bigintType),
      fixed(lowered, [timestamptzType], bigintType),
    );
  });
}

/** All scalar functions by lower-case name. */
export const scalarFunctions: ReadonlyMap<string, readonly Overload[]> = new Map([
  ...text(),
  ...numbers(),
  ...conditions(),
  ...dates(),
]);
