import { codeFunctions } from './code.ts';
import { conditionFunctions } from './condition.ts';
import { distanceFunctions } from './distance.ts';
import { formatFunctions } from './format.ts';
import { numberFunctions } from './number.ts';
import type { ScalarFunction } from './overload.ts';
import { regexFunctions } from './regex.ts';
import { textFunctions } from './text.ts';
import { timeFunctions } from './time.ts';

/** All scalar functions, by topic, for people. */
export const functionTopics: readonly (readonly [
  topic: string,
  functions: readonly ScalarFunction[],
])[] = [
  ['Numbers', numberFunctions],
  ['Texts', [...textFunctions, ...formatFunctions]],
  ['Regular expressions', regexFunctions],
  ['Distances of texts', distanceFunctions],
  ['Digests and codes', codeFunctions],
  ['Dates and times', timeFunctions],
  ['Conditions and types', conditionFunctions],
];

/** Functions that others have and we do not yet: an error that says so, not that it is unknown. */
export const missingFunctions: ReadonlySet<string> = new Set(
  (
    'regexp_extract_all regexp_split_to_array string_split hash random setseed ' +
    'strptime try_strptime time_bucket date_sub datesub strip_accents'
  ).split(' '),
);

/** All scalar functions by each of their lower-case names. */
export const scalarFunctions: ReadonlyMap<string, ScalarFunction> = new Map(
  functionTopics.flatMap(([, functions]) =>
    functions.flatMap((item) => item.names.map((name): [string, ScalarFunction] => [name, item])),
  ),
);
