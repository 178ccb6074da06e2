/** Guessing the type of a column from the texts of some of its values, as DuckDB does. */
import * as types from '../value/type.ts';
import { parseValue } from '../value/value.ts';

const wholePattern = /^\s*-?(?:0|[1-9]\d{0,18})\s*$/;
const numberPattern = /^\s*-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?\s*$/i;
const timestampHead = /^\s*\d{4}-\d{1,2}-\d{1,2}/;

/** From narrow to wide; a column gets the first that all its values have. */
const candidates: readonly { type: types.SqlType; accepts(text: string): boolean }[] = [
  { type: types.booleanType, accepts: (text) => /^(?:true|false|t|f)$/i.test(text) },
  {
    type: types.bigintType,
    accepts: (text) => wholePattern.test(text) && isTextOf(types.bigintType, text),
  },
  { type: types.doubleType, accepts: (text) => numberPattern.test(text) },
  {
    type: types.timeType,
    accepts: (text) => /^\d{1,2}:\d{2}:\d{2}/.test(text) && isTextOf(types.timeType, text),
  },
  { type: types.dateType, accepts: (text) => dated(types.dateType, text) },
  {
    type: types.timestampType,
    accepts: (text) =>
      !/(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$/.test(text.slice(10)) && dated(types.timestampType, text),
  },
  { type: types.timestamptzType, accepts: (text) => dated(types.timestamptzType, text) },
  { type: types.varcharType, accepts: () => true },
];

function dated(type: types.SqlType, text: string): boolean {
  return timestampHead.test(text) && isTextOf(type, text);
}

/** Whether `text` reads as a value of `type`. */
export function isTextOf(type: types.SqlType, text: string): boolean {
  try {
    parseValue(type, text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The narrowest type that reads all texts; undefined ones are NULL. VARCHAR when there are none.
 */
export function guessType(texts: readonly (string | undefined)[]): types.SqlType {
  const first = texts.find((text) => text !== undefined);
  if (first === undefined) return types.varcharType;
  const rest = candidates.filter((candidate) => candidate.accepts(first));
  let candidate = 0;
  for (const text of texts) {
    if (text === undefined) continue;
    while (!rest[candidate].accepts(text)) candidate++;
    if (candidate === rest.length - 1) break;
  }
  return rest[candidate].type;
}
