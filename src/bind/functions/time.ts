import { sqlState } from '../../base/error.ts';
import { call, constant, type Expression } from '../../plan/expression.ts';
import { splitFormat, truncationUnits, wholeFields } from '../../plan/functions/times.ts';
import type { Span } from '../../sql/ast/node.ts';
import {
  bigintType,
  dateType,
  doubleType,
  intervalType,
  isInteger,
  isNumeric,
  type SqlType,
  timestampType,
  timestamptzType,
  timeType,
  varcharType,
} from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, didYouMean, locate, notSupported } from '../error.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';
import {
  type CallSite,
  custom,
  define,
  fixed,
  type Overload,
  resolveOverload,
  type ScalarFunction,
} from './overload.ts';

/** Every spelling of the parts of dates and times, beside the name they go by here. */
const partNames: ReadonlyMap<string, string> = new Map(
  [
    'microsecond microseconds us usec usecs',
    'millisecond milliseconds ms msec msecs',
    'second seconds s sec secs',
    'minute minutes m min mins',
    'hour hours h hr hrs',
    'day days d dayofmonth',
    'week weeks w weekofyear',
    'month months mon mons',
    'quarter quarters',
    'year years y yr yrs',
    'decade decades dec decs',
    'century centuries cent c',
    'millennium millennia mil millenniums',
    'isoyear',
    'yearweek',
    'dow dayofweek weekday',
    'isodow',
    'doy dayofyear',
    'epoch',
    'julian',
  ].flatMap((line) => {
    const names = line.split(' ');
    return names.map((name): [string, string] => [name, names[0]]);
  }),
);

const fractionFields = ['epoch', 'julian'];
/** What a TIME has. */
const clockFields = ['hour', 'minute', 'second', 'millisecond', 'microsecond', 'epoch'];
/** What an INTERVAL has. */
const intervalFields = [
  ...clockFields,
  ...'day month quarter year decade century millennium'.split(' '),
];

/** EXTRACT(part FROM value). */
export function bindExtractOf(
  context: BindContext,
  part: string,
  value: Expression,
  span: Span,
): Expression {
  const field = partNames.get(part.toLowerCase());
  if (field === undefined) {
    const hint = didYouMean(part, [...wholeFields, ...fractionFields]);
    notSupported(`the field "${part}"`, span, hint);
  }
  return resolveOverload(fieldOverloads(field), { context, name: field, args: [value], span });
}

/** A literal of open type is taken for a date. */
function fieldOverloads(field: string): Overload[] {
  const result = fractionFields.includes(field) ? doubleType : bigintType;
  const types: SqlType[] = [dateType, timestampType, timestamptzType];
  if (clockFields.includes(field)) types.push(timeType);
  if (intervalFields.includes(field)) types.push(intervalType);
  return types.map((type) => fixed(`extract_${field}`, [type], result));
}

function fieldFunctions(): ScalarFunction[] {
  const helps: readonly (readonly [names: string, help: string, result: string])[] = [
    ['year', 'the year', '2024'],
    ['month', 'the month, 1 to 12', '2'],
    ['day dayofmonth', 'the day of the month', '29'],
    ['quarter', 'the quarter, 1 to 4', '1'],
    ['week weekofyear', 'the week of ISO 8601, 1 to 53', '9'],
    ['isoyear', 'the year of the week of ISO 8601', '2024'],
    ['yearweek', 'both as one number', '202409'],
    ['dow dayofweek weekday', 'the day of the week, Sunday 0', '4'],
    ['isodow', 'the day of the week, Monday 1 to Sunday 7', '4'],
    ['doy dayofyear', 'the day of the year', '60'],
    ['decade', 'the year divided by 10', '202'],
    ['century', 'the century, the 21st from 2001 on', '21'],
    ['millennium', 'the millennium', '3'],
    ['hour', 'the hour, 0 to 23', '13'],
    ['minute', 'the minute', '14'],
    ['second', 'the second, without its fraction', '15'],
    ['millisecond', 'the seconds in milliseconds', '15500'],
    ['microsecond', 'the seconds in microseconds', '15500000'],
    ['epoch', 'seconds since 1970-01-01, with a fraction', '1709212455.5'],
    ['julian', 'the Julian day, with a fraction', '2460370.551568287'],
  ];
  return helps.map(([names, help, result]) => {
    const [name] = names.split(' ');
    const example = [`${name}(TIMESTAMP '2024-02-29 13:14:15.5')`, result] as const;
    return define(names, help, example, ...fieldOverloads(partNames.get(name)!));
  });
}

function isInstant(type: SqlType): boolean {
  return type.kind === 'date' || type.kind === 'timestamp' || type.kind === 'timestamptz';
}

/** A date or time; a literal of open type is taken for a timestamp. */
function instant({ context, span }: CallSite, value: Expression): Expression {
  return isOpen(value) ? castTo(context, value, timestampType, span) : value;
}

function textOf(argument: Expression, what: string, span: Span): string {
  if (argument.kind === 'constant' && typeof argument.value === 'string') return argument.value;
  return notSupported(`${what} that is not a literal`, span);
}

function unitOf({ args, span }: CallSite): string {
  const text = textOf(args[0], 'a unit', span);
  const unit = partNames.get(text.toLowerCase());
  if (unit !== undefined && truncationUnits.includes(unit)) return unit;
  return notSupported(`the unit "${text}"`, span, didYouMean(text, truncationUnits));
}

function bindTrunc(site: CallSite): Expression {
  const unit = unitOf(site);
  const value = instant(site, site.args[1]);
  const type = value.type.kind === 'date' ? timestampType : value.type;
  return call(`date_trunc_${unit}`, [value], type);
}

function bindDifference(site: CallSite): Expression {
  const unit = unitOf(site);
  const [from, to] = site.args.slice(1).map((arg) => instant(site, arg));
  return call(`date_diff_${unit}`, [from, to], bigintType);
}

function takesUnitAnd(count: number) {
  return (args: readonly Expression[]): boolean =>
    args.length === count + 1 &&
    (args[0].type.kind === 'varchar' || args[0].type.kind === 'null') &&
    args.slice(1).every((arg) => isInstant(arg.type) || isOpen(arg));
}

function bindFormat(site: CallSite): Expression {
  const { args, span } = site;
  const turned = !isInstant(args[0].type) && isInstant(args[1].type);
  const [value, format] = turned ? [args[1], args[0]] : args;
  const text = textOf(format, 'a format', span);
  locate(span, () => splitFormat(text));
  return call('strftime', [instant(site, value), constant(text, varcharType)], varcharType);
}

/** How an interval is made of a number of units. */
const intervalUnits: Readonly<Record<string, readonly [lowered: string, factor: bigint]>> = {
  microsecond: ['make_micros', 1n],
  millisecond: ['make_micros', 1000n],
  second: ['make_micros', 1_000_000n],
  minute: ['make_micros', 60_000_000n],
  hour: ['make_micros', 3_600_000_000n],
  day: ['make_days', 1n],
  week: ['make_days', 7n],
  month: ['make_months', 1n],
  quarter: ['make_months', 3n],
  year: ['make_months', 12n],
  decade: ['make_months', 120n],
  century: ['make_months', 1200n],
  millennium: ['make_months', 12_000n],
};

/** So many of a unit, as INTERVAL (x) DAY and to_days(x) have it. */
export function intervalOf(
  context: BindContext,
  count: Expression,
  part: string,
  span: Span,
): Expression {
  const [lowered, factor] = intervalUnits[partNames.get(part.toLowerCase()) ?? ''] ?? [];
  if (lowered === undefined || factor === undefined) {
    notSupported(`the unit "${part}"`, span, didYouMean(part, Object.keys(intervalUnits)));
  }
  if (!isNumeric(count.type) && !isOpen(count)) {
    throw new BindError(sqlState.datatypeMismatch, 'the count of units must be a number', span);
  }
  const whole = isInteger(count.type) || lowered !== 'make_micros';
  const type = whole ? bigintType : doubleType;
  const number = castTo(context, count, type, span);
  const by = constant(whole ? factor : Number(factor), type);
  const amount = factor === 1n ? number : call('multiply', [number, by], type);
  return call(lowered, [castTo(context, amount, bigintType, span)], intervalType);
}

function intervalFunctions(): ScalarFunction[] {
  const examples: readonly (readonly [plural: string, unit: string, result: string])[] = [
    ['microseconds', 'microsecond', '00:00:00.000002'],
    ['milliseconds', 'millisecond', '00:00:00.002'],
    ['seconds', 'second', '00:00:02'],
    ['minutes', 'minute', '00:02:00'],
    ['hours', 'hour', '02:00:00'],
    ['days', 'day', '2 days'],
    ['weeks', 'week', '14 days'],
    ['months', 'month', '2 months'],
    ['quarters', 'quarter', '6 months'],
    ['years', 'year', '2 years'],
    ['decades', 'decade', '20 years'],
    ['centuries', 'century', '200 years'],
    ['millennia', 'millennium', '2000 years'],
  ];
  return examples.map(([plural, unit, result]) =>
    define(
      `to_${plural}`,
      `an INTERVAL of so many ${plural}`,
      [`to_${plural}(2)`, result],
      custom(
        '(number)',
        (args) => args.length === 1 && (isNumeric(args[0].type) || isOpen(args[0])),
        ({ context, args, span }) => intervalOf(context, args[0], unit, span),
      ),
    ),
  );
}

function moving(operation: 'date_add' | 'date_subtract'): Overload[] {
  return [dateType, timestampType, timestamptzType].map((type) => {
    const result = type.kind === 'date' ? timestampType : type;
    return fixed(operation, [type, intervalType], result);
  });
}

function ofInstant(lowered: string, result: SqlType): Overload[] {
  return [dateType, timestampType].map((type) => fixed(lowered, [type], result));
}

const six = [bigintType, bigintType, bigintType, bigintType, bigintType, doubleType];

export const timeFunctions = [
  ...fieldFunctions(),
  define(
    'date_part datepart',
    'a field of a date, time or interval by its name; also extract(year from x)',
    ["date_part('year', DATE '2024-02-29')", '2024'],
    custom(
      "('field', date)",
      (args) => args.length === 2 && args[0].type.kind === 'varchar',
      ({ context, args, span }) =>
        bindExtractOf(context, textOf(args[0], 'a field', span), args[1], span),
    ),
  ),
  define(
    'date_trunc datetrunc',
    'the beginning of the year, month, hour … that it lies in, as a TIMESTAMP',
    ["date_trunc('month', DATE '2024-02-29')", '2024-02-01 00:00:00'],
    custom("('unit', date)", takesUnitAnd(1), bindTrunc),
  ),
  define(
    'date_diff datediff',
    'how many borders between units lie between two moments; weeks count as seven days',
    ["date_diff('month', DATE '2024-01-31', DATE '2024-02-01')", '1'],
    custom("('unit', date, date)", takesUnitAnd(2), bindDifference),
  ),
  define(
    'date_add',
    'moved by an INTERVAL; also date + interval. Months keep the day, cut to the month',
    ["date_add(DATE '2024-01-31', INTERVAL '1' MONTH)", '2024-02-29 00:00:00'],
    ...moving('date_add'),
  ),
  define(
    'age',
    'years, months, days and time from the second moment to the first',
    ["age(TIMESTAMP '2024-03-01', TIMESTAMP '2022-01-15')", '2 years 1 month 17 days'],
    fixed('age', [timestampType, timestampType], intervalType),
  ),
  define(
    'last_day',
    'the last day of the month',
    ["last_day(DATE '2024-02-01')", '2024-02-29'],
    ...ofInstant('last_day', dateType),
  ),
  define(
    'monthname',
    'the English name of the month',
    ["monthname(DATE '2024-02-29')", 'February'],
    ...ofInstant('monthname', varcharType),
  ),
  define(
    'dayname',
    'the English name of the day of the week',
    ["dayname(DATE '2024-02-29')", 'Thursday'],
    ...ofInstant('dayname', varcharType),
  ),
  define(
    'strftime',
    'as text, by a literal format: %Y %m %d %H %M %S %f %j %a %A %b %B %p …; %-d leaves zeros out',
    ["strftime(DATE '2024-02-09', '%-d %b %Y')", '9 Feb 2024'],
    custom('(date, format)', (args) => args.length === 2, bindFormat),
  ),
  define(
    'make_date',
    'the date of a year, month and day',
    ['make_date(2024, 2, 29)', '2024-02-29'],
    fixed('make_date', [bigintType, bigintType, bigintType], dateType),
  ),
  define(
    'make_time',
    'the time of an hour, minute and second',
    ['make_time(13, 14, 15.5)', '13:14:15.5'],
    fixed('make_time', [bigintType, bigintType, doubleType], timeType),
  ),
  define(
    'make_timestamp',
    'the timestamp of a year, month, day, hour, minute and second',
    ['make_timestamp(2024, 2, 29, 13, 14, 15.5)', '2024-02-29 13:14:15.5'],
    fixed('make_timestamp', six, timestampType),
  ),
  ...intervalFunctions(),
];
