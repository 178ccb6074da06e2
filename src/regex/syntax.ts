import { complement, type Ranges } from './ranges.ts';

/** A regular expression as a tree. */
export type Regex =
  | { readonly kind: 'empty' }
  /** One character of a set. */
  | { readonly kind: 'character'; readonly set: Ranges }
  | { readonly kind: 'sequence'; readonly parts: readonly Regex[] }
  /** The first that leads to a match is taken. */
  | { readonly kind: 'choice'; readonly options: readonly Regex[] }
  | Repeat
  /** A group that captures; the whole match is group 0, which has no node. */
  | { readonly kind: 'group'; readonly index: number; readonly body: Regex }
  | { readonly kind: 'assertion'; readonly assertion: Assertion };

export interface Repeat {
  readonly kind: 'repeat';
  readonly body: Regex;
  readonly min: number;
  /** Infinity for no limit. */
  readonly max: number;
  /** Whether fewer are tried first. */
  readonly lazy: boolean;
}

/** What matches a place between characters. Words and lines are those of ASCII. */
export type Assertion =
  | 'textStart'
  | 'textEnd'
  | 'lineStart'
  | 'lineEnd'
  | 'wordBoundary'
  | 'noWordBoundary';

export const emptyRegex: Regex = { kind: 'empty' };

/** The direct parts of a node. */
export function partsOf(regex: Regex): readonly Regex[] {
  switch (regex.kind) {
    case 'sequence':
      return regex.parts;
    case 'choice':
      return regex.options;
    case 'repeat':
    case 'group':
      return [regex.body];
    default:
      return [];
  }
}

/** Whether it can match no characters at all. */
export function isNullable(regex: Regex): boolean {
  switch (regex.kind) {
    case 'empty':
    case 'assertion':
      return true;
    case 'character':
      return false;
    case 'sequence':
      return regex.parts.every(isNullable);
    case 'choice':
      return regex.options.some(isNullable);
    case 'repeat':
      return regex.min === 0 || isNullable(regex.body);
    case 'group':
      return isNullable(regex.body);
  }
}

/** Whether some node of the tree is as wanted. */
export function someNode(regex: Regex, wanted: (node: Regex) => boolean): boolean {
  return wanted(regex) || partsOf(regex).some((part) => someNode(part, wanted));
}

export const digits: Ranges = [[0x30, 0x39]];
export const wordCharacters: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
export const newline: Ranges = [[0x0a, 0x0a]];
export const notNewline: Ranges = complement(newline);
