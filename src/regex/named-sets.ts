/** Sets of characters that have names: \d, [[:alpha:]], \p{Greek}. */
import { codePointMax, complement, type Range, type Ranges, unite } from './ranges.ts';
import { digits, wordCharacters } from './syntax.ts';

const spaces: Ranges = unite([...'\t\n\f\r '].map(single));

function single(character: string): Range {
  const code = character.codePointAt(0)!;
  return [code, code];
}

const upper: Ranges = [[0x41, 0x5a]];
const lower: Ranges = [[0x61, 0x7a]];

/** \d, \s, \w and their negations, which are of ASCII. */
export const perlSets: Readonly<Record<string, Ranges>> = {
  d: digits,
  D: complement(digits),
  s: spaces,
  S: complement(spaces),
  w: wordCharacters,
  W: complement(wordCharacters),
};

/** What may stand between [: and :] in a bracket; of ASCII. */
export const posixSets: Readonly<Record<string, Ranges>> = {
  alnum: unite([...digits, ...upper, ...lower]),
  alpha: unite([...upper, ...lower]),
  ascii: [[0, 0x7f]],
  blank: unite([single('\t'), single(' ')]),
  cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: digits,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
  ],
  upper,
  word: wordCharacters,
  xdigit: unite([...digits, [0x41, 0x46], [0x61, 0x66]]),
};

const generalCategories = new Set(
  (
    'C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So ' +
    'Z Zl Zp Zs'
  ).split(' '),
);

const known = new Map<string, Ranges | undefined>();

/**
 * The characters of a general category or a script of Unicode, by the data of the host; undefined
 * for a name that is neither.
 */
export function unicodeSet(name: string): Ranges | undefined {
  if (name === 'Any') return [[0, codePointMax]];
  if (!known.has(name)) known.set(name, findUnicodeSet(name));
  return known.get(name);
}

function findUnicodeSet(name: string): Ranges | undefined {
  const property = generalCategories.has(name) ? name : `Script=${name}`;
  if (!/^[A-Z][A-Za-z_]*$/.test(name)) return undefined;
  try {
    return charactersLike(new RegExp(`\\p{${property}}+`, 'gu'));
  } catch {
    return undefined;
  }
}

const chunkSize = 0x4000;

/** All characters that an expression of the host matches, one or several. */
export function charactersLike(expression: RegExp): Ranges {
  const found: Range[] = [];
  for (let start = 0; start <= codePointMax; start += chunkSize) {
    // Surrogates are no characters, and two of them would be one.
    if (start >= 0xd800 && start < 0xe000) continue;
    const size = start === 0xd800 - (0xd800 % chunkSize) ? 0xd800 - start : chunkSize;
    for (const match of textOf(start, size).matchAll(expression)) {
      const [run] = match;
      const first = run.codePointAt(0)!;
      const width = start > 0xffff ? 2 : 1;
      found.push([first, first + run.length / width - 1]);
    }
  }
  return unite(found);
}

function textOf(start: number, size: number): string {
  return String.fromCodePoint(...Array.from({ length: size }, (_, i) => start + i));
}
