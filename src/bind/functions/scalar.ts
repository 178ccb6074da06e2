import { conditionFunctions } from './condition.ts';
import { numberFunctions } from './number.ts';
import type { ScalarFunction } from './overload.ts';
import { textFunctions } from './text.ts';
import { timeFunctions } from './time.ts';

/** All scalar functions, by topic, for people. */
export const functionTopics: readonly (readonly [
  topic: string,
  functions: readonly ScalarFunction[],
])[] = [
  ['Numbers', numberFunctions],
  ['Texts', textFunctions],
  ['Dates and times', timeFunctions],
  ['Conditions and types', conditionFunctions],
];

/** All scalar functions by each of their lower-case names. */
export const scalarFunctions: ReadonlyMap<string, ScalarFunction> = new Map(
  functionTopics.flatMap(([, functions]) =>
    functions.flatMap((item) => item.names.map((name): [string, ScalarFunction] => [name, item])),
  ),
);
