/** Sets of characters in any case: the simple case folding of Unicode, by the data of the host. */
import { letterOfCase } from '../value/letter-case.ts';
import { charactersLike } from './named-sets.ts';
import { codePointMax, includes, type Range, type Ranges, unite, within } from './ranges.ts';

/** How far upper and lower case of a letter of ASCII are apart. */
const caseStep = 0x20;
const longS = 0x17f;
const kelvin = 0x212a;

/** The set with every letter in all its cases. */
export function foldCase(set: Ranges): Ranges {
  const more: Range[] = [...set];
  for (const [first, last] of within(set, 0x41, 0x5a))
    more.push([first + caseStep, last + caseStep]);
  for (const [first, last] of within(set, 0x61, 0x7a))
    more.push([first - caseStep, last - caseStep]);
  // Two letters beyond ASCII are letters of ASCII in another case.
  const lookalikes: readonly [string, number][] = [
    ['Ss', longS],
    ['Kk', kelvin],
  ];
  for (const [letters, other] of lookalikes) {
    const codes = [...letters].map((letter) => letter.charCodeAt(0));
    if (!codes.some((code) => includes(set, code)) && !includes(set, other)) continue;
    for (const code of [...codes, other]) more.push([code, code]);
  }
  const beyond = within(set, 0x80, codePointMax);
  // All that is not ASCII is in all its cases already.
  if (beyond.length > 0 && !includes(set, 0x80, codePointMax)) {
    for (const [code, others] of sameLetters()) {
      if (includes(beyond, code)) for (const other of others) more.push([other, other]);
    }
  }
  return unite(more);
}

let letters: ReadonlyMap<number, readonly number[]> | undefined;

/** For each letter that has cases all code points that are the same letter. */
function sameLetters(): ReadonlyMap<number, readonly number[]> {
  if (letters !== undefined) return letters;
  const orbits = new Map<number, number[]>();
  for (const [first, last] of charactersLike(/\p{Changes_When_Casemapped}+/gu)) {
    for (let code = first; code <= last; code++) {
      for (const which of ['lower', 'upper'] as const)
        join(orbits, code, letterOfCase(code, which));
    }
  }
  letters = orbits;
  return orbits;
}

function join(orbits: Map<number, number[]>, a: number, b: number): void {
  const left = orbits.get(a) ?? [a];
  const right = orbits.get(b) ?? [b];
  if (left === right || a === b) return;
  // Case mapping knows pairs that folding does not, such as i and the one without a dot.
  const same = new RegExp(`^\\u{${a.toString(16)}}$`, 'iu');
  if (!same.test(String.fromCodePoint(b))) return;
  const both = [...new Set([...left, ...right])];
  for (const code of both) orbits.set(code, both);
}
