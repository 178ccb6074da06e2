/**
 * Grapheme clusters, what a reader takes for one character: a letter with its accents, an emoji of
 * several. By the main rules of Unicode Standard Annex 29, with the Unicode data of the host; not
 * those for Hangul that is written in single jamo and for Indic conjuncts.
 */

/** Marks and joiners, which belong to the character before them (GB9, GB9a). */
const extending = /[\p{Grapheme_Extend}\p{Mc}\p{Emoji_Modifier}\u200d]/u;
const pictograph = /\p{Extended_Pictographic}/u;
const joiner = 0x200d;

export function isExtending(code: number): boolean {
  return extending.test(String.fromCodePoint(code));
}

/** What follows a joiner without a break. */
export function isPictograph(code: number): boolean {
  return pictograph.test(String.fromCodePoint(code));
}

/** Letters that make flags in pairs. */
export const regionalIndicator = { first: 0x1f1e6, last: 0x1f1ff } as const;

function isRegional(code: number): boolean {
  return code >= regionalIndicator.first && code <= regionalIndicator.last;
}

/** The clusters of a text, in order. */
export function clusters(text: string): string[] {
  const found: string[] = [];
  let before = -1;
  let indicators = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const joined =
      (before > 0x1f && code > 0x7f && isExtending(code)) ||
      (before === joiner && isPictograph(code)) ||
      (isRegional(code) && indicators % 2 === 1);
    if (joined && found.length > 0) found[found.length - 1] += character;
    else found.push(character);
    indicators = isRegional(code) ? indicators + 1 : 0;
    before = code;
  }
  return found;
}
