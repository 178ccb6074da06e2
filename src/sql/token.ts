export type TokenKind =
  /** A word without quotes; `text` is upper case. */
  | 'word'
  /** A name in double quotes; `text` is the name. */
  | 'quoted'
  /** `text` is the value. */
  | 'string'
  /** X'…'; `text` is the digits in lower case. */
  | 'blob'
  /** `text` has no underscores. */
  | 'number'
  /** $1 or $name; `text` has no dollar sign. */
  | 'parameter'
  /** An operator or a punctuation mark. */
  | 'symbol'
  /** Could not be read; a diagnostic says why. */
  | 'invalid'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}
