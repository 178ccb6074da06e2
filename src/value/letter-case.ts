/**
 * Upper and lower case letter for letter, by the Unicode data of the host: Unicode's simple case
 * mapping, which ECMAScript does not offer as such.
 */
export type LetterCase =
  | 'upper'
  | 'lower'
  /** The lower case of the upper case: the same for all letters that ILIKE takes for the same. */
  | 'fold';

/** Letters with two cases end before this code point. */
export const letterCaseEnd = 0x1f000;

/** Capitals whose own upper case is several letters: ß is the lower case of ẞ. */
let capitals: ReadonlyMap<number, number> | undefined;

function makeCapitals(): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (let code = 0x80; code < letterCaseEnd; code++) {
    if (code === 0xd800) code = 0xe000;
    const lower = codes(String.fromCodePoint(code).toLowerCase());
    if (lower.length !== 1 || lower[0] === code) continue;
    if (codes(String.fromCodePoint(lower[0]).toUpperCase()).length > 1) found.set(lower[0], code);
  }
  return found;
}

function codes(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0)!);
}

/** The letter of that case for a code point; the code point itself if there is none. */
export function letterOfCase(code: number, which: LetterCase): number {
  if (which === 'fold') {
    // Simple case folding leaves the i with a dot above as a capital, and the small one without,
    // alone.
    if (code === 0x130 || code === 0x131) return code;
    return letterOfCase(letterOfCase(code, 'upper'), 'lower');
  }
  const letter = String.fromCodePoint(code);
  const others = codes(which === 'upper' ? letter.toUpperCase() : letter.toLowerCase());
  // Of the lower cases, only that of İ is several: an i and a dot above it.
  if (others.length === 1 || which === 'lower') return others[0];
  capitals ??= makeCapitals();
  return capitals.get(code) ?? code;
}
