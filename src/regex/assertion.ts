import type { Ranges } from './ranges.ts';
import { type Assertion, newline, type Regex, someNode, wordCharacters } from './syntax.ts';

/** What lies before a place, as far as assertions look at it: a sum of these. */
export const before = { textStart: 1, newline: 2, wordCharacter: 4 } as const;

/** The byte behind the end of a text. */
export const endOfText = -1;

const isWord = new Uint8Array(256);
for (const [first, last] of wordCharacters) isWord.fill(1, first, last + 1);

/** Whether an assertion holds between what lies before and the byte that follows. */
export function holds(assertion: Assertion, left: number, next: number): boolean {
  const wordFollows = next >= 0 && isWord[next] === 1;
  switch (assertion) {
    case 'textStart':
      return (left & before.textStart) !== 0;
    case 'lineStart':
      return (left & (before.textStart | before.newline)) !== 0;
    case 'textEnd':
      return next === endOfText;
    case 'lineEnd':
      return next === endOfText || next === newline[0][0];
    case 'wordBoundary':
      return ((left & before.wordCharacter) !== 0) !== wordFollows;
    case 'noWordBoundary':
      return ((left & before.wordCharacter) !== 0) === wordFollows;
  }
}

/** Whether an expression has one of some assertions. */
export function asserts(root: Regex, ...wanted: Assertion[]): boolean {
  return someNode(root, (node) => node.kind === 'assertion' && wanted.includes(node.assertion));
}

/** What of the places before a regular expression looks at. */
export function contextMask(root: Regex): number {
  return (
    (asserts(root, 'textStart', 'lineStart') ? before.textStart : 0) |
    (asserts(root, 'lineStart') ? before.newline : 0) |
    (asserts(root, 'wordBoundary', 'noWordBoundary') ? before.wordCharacter : 0)
  );
}

/** What lies behind a byte, or, for {@link endOfText}, at the beginning of a text. */
export function contextBehind(byte: number): number {
  if (byte === endOfText) return before.textStart;
  return (byte === newline[0][0] ? before.newline : 0) | (isWord[byte] ? before.wordCharacter : 0);
}

/** Bytes that assertions look at, which need not be on edges of the automaton. */
export function bytesLookedAt(root: Regex): Ranges {
  return [
    ...(asserts(root, 'lineStart', 'lineEnd') ? newline : []),
    ...(asserts(root, 'wordBoundary', 'noWordBoundary') ? wordCharacters : []),
  ];
}
