import { QuernError, sqlState } from '../base/error.ts';

/** What replaces a match: texts, and the numbers of groups whose match stands there. */
export type Replacement = readonly (string | number)[];

/**
 * Takes a replacement apart: \0 is the match, \1 to \9 are its groups, \\ is a backslash.
 *
 * @throws QuernError for anything else behind a backslash, and groups that there are not.
 */
export function parseReplacement(text: string, groups: number): Replacement {
  const pieces: (string | number)[] = [];
  const append = (literal: string): void => {
    const last = pieces.at(-1);
    if (typeof last === 'string') pieces[pieces.length - 1] = last + literal;
    else pieces.push(literal);
  };
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\\', at);
    const end = found < 0 ? text.length : found;
    if (end > at) append(text.slice(at, end));
    if (found < 0) break;
    const code = text[found + 1] ?? '';
    if (code === '\\') append('\\');
    else if (!/[0-9]/.test(code)) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `a replacement must not have \\${code}: a backslash stands before a digit or a backslash`,
      );
    } else if (Number(code) > groups) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `the replacement has \\${code}, but the pattern ${groups === 0 ? 'no groups' : `only ${groups} groups`}`,
      );
    } else pieces.push(Number(code));
    at = found + 2;
  }
  return pieces;
}

/** The places of a match that a replacement needs: its ends, and those of the groups. */
export function placesOf(replacement: Replacement): number[] {
  const groups = replacement.filter((piece) => typeof piece === 'number');
  const places = [0, 1, ...groups.flatMap((group) => [2 * group, 2 * group + 1])];
  return [...new Set(places)].sort((a, b) => a - b);
}
