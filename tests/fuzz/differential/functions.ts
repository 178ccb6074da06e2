import type { Family } from './tables.ts';

/**
 * What functions the tester offers, as templates: `{int}` is any expression of that family, and
 * `{text:1}` the same one wherever it is written. A function that is new in the engine gets a line
 * here. Whatever gives other results for the same input by rights, or for rows in another order,
 * must stay out.
 */
export const scalarFunctions: Readonly<Record<Family, readonly string[]>> = {
  int: [
    'sign({int})',
    'sign({dec})',
    'ascii({text})',
    'bit_length({text})',
    'instr({text}, {text})',
    'position({text} IN {text})',
    'levenshtein({text}, {text})',
    'gcd({int}, {int})',
    '(CAST({int} AS BIGINT) & {int})',
    '(CAST({int} AS BIGINT) | {int})',
    'xor(CAST({int} AS BIGINT), {int})',
    'bit_count(CAST({int} AS BIGINT))',
    'year({date})',
    'month({timestamp})',
    'EXTRACT(QUARTER FROM {date})',
    'EXTRACT(DOW FROM {date})',
    'EXTRACT(ISODOW FROM {timestamp})',
    'EXTRACT(DOY FROM {date})',
    'EXTRACT(WEEK FROM {date})',
    'EXTRACT(HOUR FROM {timestamp})',
    'EXTRACT(MINUTE FROM {timestamp})',
    '({date} - {date})',
    "date_diff('month', {date}, {date})",
    "date_diff('day', {timestamp}, {timestamp})",
    'GREATEST({int}, {int}, {int})',
    'LEAST({int}, {int})',
    'CAST(round({double}) AS BIGINT)',
    'CAST({text} AS INTEGER)',
    'TRY_CAST({text} AS INTEGER)',
  ],
  dec: [
    'round({dec}, 1)',
    'round({dec}, 0)',
    'floor({dec})',
    'ceil({dec})',
    'trunc({dec})',
    'GREATEST({dec}, {dec})',
    'LEAST({dec}, {dec})',
    'TRY_CAST({text} AS DECIMAL(9, 2))',
    'CAST({double} AS DECIMAL(28, 2))',
  ],
  double: [
    'sqrt(abs({double}))',
    'floor({double})',
    'ceil({double})',
    'abs({double})',
    'round({double})',
    'trunc({double})',
    'cbrt({double})',
    'exp(LEAST({double}, 10e0))',
    'ln(abs({double}) + 1)',
    'log10(abs({double}) + 1)',
    'power({double}, 2)',
    'degrees({double})',
    'radians({double})',
    'sin({double})',
    'atan({double})',
    'atan2({double}, {double})',
    'GREATEST({double}, {double})',
    // Arithmetic of REAL with other numbers is in DOUBLE for us, as in PostgreSQL.
    'CAST(CAST({double} AS REAL) AS DOUBLE)',
    'TRY_CAST({text} AS DOUBLE)',
  ],
  text: [
    'upper({text})',
    'lower({text})',
    'replace({text}, {text}, {text})',
    'right({text}, 2)',
    'left({text}, -1)',
    "lpad({text}, 5, 'xy')",
    "rpad({text}, 3, 'xy')",
    'reverse({text})',
    'repeat({text}, 2)',
    'ltrim({text})',
    'rtrim({text})',
    "trim({text}, 'ab')",
    "split_part({text}, 'b', 2)",
    "concat_ws('-', {text}, {text})",
    "translate({text}, 'ab', 'xy')",
    "regexp_replace({text}, '[ab]', 'z')",
    'chr(65 + abs(CAST({int} AS BIGINT)) % 20)',
    'md5({text})',
    'CAST({int} AS VARCHAR)',
    'CAST({dec} AS VARCHAR)',
    'CAST({date} AS VARCHAR)',
    'CAST({timestamp} AS VARCHAR)',
    'CAST({bool} AS VARCHAR)',
    "strftime({date}, '%Y-%m')",
    'GREATEST({text}, {text})',
    'LEAST({text}, {text})',
  ],
  date: [
    '({date} + 3)',
    '({date} - 40)',
    'last_day({date})',
    "CAST(date_trunc('month', {timestamp}) AS DATE)",
    "CAST({date} + INTERVAL '1' MONTH AS DATE)",
    'GREATEST({date}, {date})',
    'LEAST({date}, {date})',
  ],
  timestamp: [
    "date_trunc('hour', {timestamp})",
    "date_trunc('year', {timestamp})",
    "({timestamp} + INTERVAL '13' MONTH)",
    "({date} + INTERVAL '90' MINUTE)",
    'GREATEST({timestamp}, {timestamp})',
  ],
  bool: [
    'ends_with({text}, {text})',
    "({text} LIKE '%!%%' ESCAPE '!')",
    "({text} LIKE 'a!_%' ESCAPE '!')",
    "({text} NOT LIKE '_%_')",
    '({text} LIKE {text})',
    "regexp_matches({text}, 'a.?b')",
    "regexp_matches({text}, '^[a-c ]*$')",
    'isnan({double})',
    'isfinite({double})',
    'CAST({int} AS BOOLEAN)',
  ],
};

export interface AggregateTemplate {
  readonly family: Family;
  readonly template: string;
  /** Whether rounding depends on the order of rows. */
  readonly inexact?: boolean;
}

/** Aggregates beyond count, sum, avg, min and max, which are made by hand. */
export const aggregateFunctions: readonly AggregateTemplate[] = [
  { family: 'double', template: 'stddev_samp({double})', inexact: true },
  { family: 'double', template: 'stddev_pop({int})', inexact: true },
  { family: 'double', template: 'var_samp({dec})', inexact: true },
  { family: 'double', template: 'var_pop({double})', inexact: true },
  { family: 'double', template: 'covar_pop({double}, {double})', inexact: true },
  { family: 'double', template: 'median({double})' },
  { family: 'double', template: 'median({int})' },
  { family: 'double', template: 'quantile_cont({double}, 0.25)', inexact: true },
  { family: 'int', template: 'quantile_disc({int}, 0.5)' },
  { family: 'text', template: 'quantile_disc({text}, 0.75)' },
  { family: 'int', template: 'bit_and({int})' },
  { family: 'int', template: 'bit_or({int})' },
  { family: 'int', template: 'bit_xor({int})' },
  { family: 'text', template: "string_agg({text:1}, ',' ORDER BY {text:1})" },
  { family: 'text', template: "string_agg(DISTINCT {text:1}, '' ORDER BY {text:1} DESC)" },
  { family: 'int', template: 'sum(DISTINCT {int}) FILTER (WHERE {bool})' },
  { family: 'int', template: 'count(DISTINCT {text})' },
];

export interface WindowTemplate {
  readonly family: Family;
  readonly template: string;
  /** Whether it tells rows apart that the order does not: the order must then name all columns. */
  readonly total: boolean;
  /** Whether a frame means something to it. */
  readonly framed: boolean;
}

export const windowFunctions: readonly WindowTemplate[] = [
  { family: 'int', template: 'row_number()', total: true, framed: false },
  { family: 'int', template: 'rank()', total: false, framed: false },
  { family: 'int', template: 'dense_rank()', total: false, framed: false },
  { family: 'double', template: 'percent_rank()', total: false, framed: false },
  { family: 'double', template: 'cume_dist()', total: false, framed: false },
  { family: 'int', template: 'ntile(3)', total: true, framed: false },
  { family: 'int', template: 'lag({int})', total: true, framed: false },
  { family: 'text', template: 'lead({text}, 2)', total: true, framed: false },
  { family: 'date', template: 'lead({date:1}, 1, {date:1})', total: true, framed: false },
  { family: 'text', template: 'first_value({text})', total: true, framed: true },
  { family: 'dec', template: 'last_value({dec})', total: true, framed: true },
  { family: 'int', template: 'nth_value({int}, 2)', total: true, framed: true },
  { family: 'int', template: 'count(*)', total: true, framed: true },
  { family: 'int', template: 'count({text})', total: true, framed: true },
  { family: 'int', template: 'sum({int})', total: true, framed: true },
  { family: 'int', template: 'min({int})', total: true, framed: true },
  { family: 'text', template: 'max({text})', total: true, framed: true },
  { family: 'int', template: 'sum({int}) FILTER (WHERE {bool})', total: true, framed: true },
];

export const windowFrames: readonly string[] = [
  '',
  '',
  'ROWS UNBOUNDED PRECEDING',
  'ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING',
  'ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING',
  'ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
  'RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING',
  'RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
  'GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW',
  'ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW',
];

/** A template with expressions in its places. */
export function fill<T>(template: string, make: (family: Family) => T): (string | T)[] {
  const named = new Map<string, T>();
  return template.split(/(\{\w+(?::\d)?\})/).map((part) => {
    const place = /^\{(\w+)(:\d)?\}$/.exec(part);
    if (place === null) return part;
    const known = named.get(part);
    if (known !== undefined) return known;
    const made = make(place[1] as Family);
    if (place[2] !== undefined) named.set(part, made);
    return made;
  });
}
