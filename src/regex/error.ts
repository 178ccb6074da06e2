import { QuernError, sqlState } from '../base/error.ts';

/** A regular expression that is none, or one that is too large. */
export class RegexError extends QuernError {
  /** Where in the pattern, in UTF-16 code units from 0. */
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(
      sqlState.invalidRegularExpression,
      `invalid regular expression: ${what}, at character ${offset + 1} of the pattern`,
    );
    this.offset = offset;
  }
}
