/**
 * The meaning of scalar functions, a value at a time, by the names that calls of plans have. Three
 * lists know a function: this one what it gives, that of the binder what a user calls it and with
 * what, that of the compiler its code. A test holds them against each other.
 */
import { codeMeanings } from './codes.ts';
import { distanceMeanings } from './distances.ts';
import { formatMeanings } from './formats.ts';
import type { Strict } from './meaning.ts';
import { numberMeanings } from './numbers.ts';
import { regexMeanings } from './regexes.ts';
import { textMeanings } from './texts.ts';
import { timeMeanings } from './times.ts';

/** Functions that give NULL where an argument is NULL. */
export const strictFunctions: ReadonlyMap<string, Strict> = new Map(
  Object.entries({
    ...numberMeanings,
    ...textMeanings,
    ...regexMeanings,
    ...codeMeanings,
    ...distanceMeanings,
    ...formatMeanings,
    ...timeMeanings,
  }),
);

/** Functions that are not NULL just because an argument is; all others are. */
export const nullTolerantFunctions: ReadonlySet<string> = new Set([
  'and',
  'or',
  'is_null',
  'is_not_null',
  'is_distinct_from',
  'is_not_distinct_from',
  'coalesce',
  'concat_ws',
  'greatest',
  'least',
]);

/** Whether `evaluate` knows a function of that name. */
export function isEvaluable(name: string): boolean {
  return strictFunctions.has(name) || nullTolerantFunctions.has(name);
}
