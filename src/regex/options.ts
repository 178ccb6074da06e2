import { QuernError, sqlState } from '../base/error.ts';
import type { RegexOptions } from './parse.ts';

export interface CallOptions extends RegexOptions {
  /** Whether all matches are meant, not the first only. */
  readonly global: boolean;
}

/**
 * The letters that calls of regular expressions take: `c` case matters, `i` it does not; `l` the
 * pattern is plain text; `s` the point matches a newline, `m`, `n` or `p` it does not; `g` all
 * matches.
 */
export function parseOptions(letters: string): CallOptions {
  const options = { ignoreCase: false, dotAll: false, literal: false, global: false };
  for (const letter of letters) {
    if (letter === 'c' || letter === 'i') options.ignoreCase = letter === 'i';
    else if (letter === 's' || letter === 'm' || letter === 'n' || letter === 'p') {
      options.dotAll = letter === 's';
    } else if (letter === 'l') options.literal = true;
    else if (letter === 'g') options.global = true;
    else if (!/\s/.test(letter)) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `unknown option "${letter}" of a regular expression`,
        { hint: 'there are c, i, l, s, m, n, p and, to replace all matches, g' },
      );
    }
  }
  return options;
}
