/**
 * Letters beyond ASCII in ILIKE. Which letters are the same but for their case is what the host's
 * regular expressions say with the flags `iu`: the simple case folding of Unicode.
 */
import type { LikeItem, LikePattern } from './like-pattern.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Letters with two cases end before this code point. */
const caseEnd = 0x1f000;

let casedLetters: string[] | undefined;

/** All letters that have another case, as code points of one character. */
function cased(): readonly string[] {
  if (casedLetters !== undefined) return casedLetters;
  casedLetters = [];
  for (let code = 0; code < caseEnd; code++) {
    const letter = String.fromCodePoint(code);
    if (/\p{Changes_When_Casemapped}/u.test(letter)) casedLetters.push(letter);
  }
  return casedLetters;
}

/**
 * The letters outside of ASCII that are letters of ASCII in another case: long s and the Kelvin
 * sign.
 */
const asciiLookalikes = new Map([
  ['s', 'ſ'],
  ['k', '\u212a'],
]);

const known = new Map<string, readonly Uint8Array[]>();

/** What a character matches besides itself and, in ASCII, its other case; undefined for nothing. */
function variants(character: string): readonly Uint8Array[] | undefined {
  const isAscii = character < '\x80';
  if (isAscii && !asciiLookalikes.has(character.toLowerCase())) return undefined;
  if (!isAscii && !/\p{Changes_When_Casemapped}/u.test(character)) return undefined;
  let letters = known.get(character);
  if (letters === undefined) {
    const same = new RegExp(`^${character}$`, 'iu');
    const lower = character.toLowerCase();
    const candidates = isAscii
      ? [lower, lower.toUpperCase(), asciiLookalikes.get(lower)!]
      : cased().filter((letter) => same.test(letter));
    letters = candidates.map((letter) => encoder.encode(letter));
    known.set(character, letters);
  }
  return letters;
}

/** How much of Unicode a pattern needs to be matched in any case. */
export type FoldNeed =
  /** No more than ASCII. */
  | 'ascii'
  /** ASCII, unless the string has other characters. */
  | 'lookalikes'
  | 'unicode';

/** See {@link FoldNeed}. */
export function foldNeed({ head, middle, tail }: LikePattern): FoldNeed {
  let need: FoldNeed = 'ascii';
  for (const item of [...head, ...middle.flat(), ...(tail ?? [])]) {
    if (item.kind !== 'bytes') continue;
    for (const character of decoder.decode(item.bytes)) {
      if (variants(character) === undefined) continue;
      if (character >= '\x80') return 'unicode';
      need = 'lookalikes';
    }
  }
  return need;
}

/** `items` with every letter that ASCII folding does not match in all its cases as an item. */
function withLetters(items: readonly LikeItem[]): LikeItem[] {
  return items.flatMap((item): LikeItem[] => {
    if (item.kind !== 'bytes') return [item];
    const split: LikeItem[] = [];
    let run = '';
    const endRun = () => {
      if (run !== '') split.push({ kind: 'bytes', bytes: encoder.encode(run) });
      run = '';
    };
    for (const character of decoder.decode(item.bytes)) {
      const letters = variants(character);
      if (letters === undefined) {
        run += character;
      } else {
        endRun();
        split.push({ kind: 'letter', variants: letters });
      }
    }
    endRun();
    return split;
  });
}

/** The pattern for matching in any case, exactly. */
export function foldedPattern({ head, middle, tail }: LikePattern): LikePattern {
  return {
    head: withLetters(head),
    middle: middle.map(withLetters),
    tail: tail && withLetters(tail),
  };
}
