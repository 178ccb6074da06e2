import { QuernError, sqlState } from '../../base/error.ts';
import { clusters } from '../../value/grapheme.ts';
import { type LetterCase, letterOfCase } from '../../value/letter-case.ts';
import type { ConstantValue } from '../expression.ts';
import type { Strict } from './meaning.ts';

/** LIKE as a regular expression over code points. */
function likePattern(pattern: string, escapeWith: string, ignoreCase: boolean): RegExp {
  let source = '';
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    let character = characters[i];
    if (character === escapeWith && escapeWith !== '') {
      if (++i === characters.length) {
        throw new QuernError('22025', 'LIKE pattern must not end with the escape character');
      }
      character = characters[i];
    } else if (character === '%') {
      source += '.*';
      continue;
    } else if (character === '_') {
      source += '.';
      continue;
    }
    source += character.replace(/[\\^$.*+?()[\]{}|/]/u, '\\$&');
  }
  return new RegExp(`^${source}$`, ignoreCase ? 'sui' : 'su');
}

const likeCache = new Map<string, RegExp>();

function like(ignoreCase: boolean): Strict {
  return ([value, pattern, escapeWith]) => {
    const key = `${ignoreCase}${escapeWith ?? ''}\0${pattern}`;
    let expression = likeCache.get(key);
    if (expression === undefined) {
      expression = likePattern(pattern as string, (escapeWith as string) ?? '', ignoreCase);
      if (likeCache.size > 100) likeCache.clear();
      likeCache.set(key, expression);
    }
    return expression.test(value as string);
  };
}

const encoder = new TextEncoder();

function byteLength(value: string): number {
  return encoder.encode(value).length;
}

/**
 * SUBSTRING as DuckDB has it: positions from 1, those below 0 from the end; what lies before the
 * text uses up the length; a negative length goes to the left.
 */
function substring(text: string, start: bigint, length: bigint | undefined): string {
  const characters = Array.from(text);
  const size = BigInt(characters.length);
  const first = start < 0n ? size + start : start - 1n;
  const other = length === undefined ? size : first + length;
  const [from, to] =
    first < other ? [first, other] : length === undefined ? [0n, 0n] : [other, first];
  return cut(characters, from, to);
}

function cut(characters: readonly string[], from: bigint, to: bigint): string {
  const clamp = (place: bigint): number =>
    place < 0n ? 0 : place > BigInt(characters.length) ? characters.length : Number(place);
  return characters.slice(clamp(from), clamp(to)).join('');
}

/** left(s, n): n characters, or all but -n. */
const left: Strict = ([value, count]) => {
  const characters = Array.from(value as string);
  const n = count as bigint;
  return cut(characters, 0n, n < 0n ? BigInt(characters.length) + n : n);
};

const right: Strict = ([value, count]) => {
  const characters = Array.from(value as string);
  const n = count as bigint;
  const size = BigInt(characters.length);
  return cut(characters, n < 0n ? -n : size - n, size);
};

function trim(sides: 'both' | 'leading' | 'trailing'): Strict {
  return ([value, given]) => {
    const characters = Array.from(value as string);
    const others = new Set(given === undefined ? [' '] : Array.from(given as string));
    let from = 0;
    let to = characters.length;
    if (sides !== 'trailing') while (from < to && others.has(characters[from])) from++;
    if (sides !== 'leading') while (from < to && others.has(characters[to - 1])) to--;
    return characters.slice(from, to).join('');
  };
}

/** A text may have so many bytes at most; more would be an answer that no machine can hold. */
export const textBytesMax = 2 ** 30;

export function textTooLong(): QuernError {
  return new QuernError(sqlState.numericValueOutOfRange, 'text too long');
}

function pad(side: 'left' | 'right'): Strict {
  return ([value, count, filler]) => {
    const characters = Array.from(value as string);
    const n = count as bigint;
    if (n <= BigInt(characters.length)) return cut(characters, 0n, n);
    const fill = Array.from(filler as string);
    if (fill.length === 0) {
      throw new QuernError(sqlState.invalidParameterValue, 'there is nothing to pad with');
    }
    if (n * 4n > textBytesMax) throw textTooLong();
    const missing = Number(n) - characters.length;
    const padding = Array.from({ length: missing }, (_, i) => fill[i % fill.length]);
    return (side === 'left' ? [...padding, ...characters] : [...characters, ...padding]).join('');
  };
}

const repeat: Strict = ([value, count]) => {
  const n = count as bigint;
  if (n <= 0n || value === '') return '';
  if (BigInt(byteLength(value as string)) * n > textBytesMax) throw textTooLong();
  return (value as string).repeat(Number(n));
};

/** The n-th of the parts between delimiters, from the end for n below 0; '' if there is none. */
const splitPart: Strict = ([value, delimiter, index]) => {
  const n = index as bigint;
  const parts =
    delimiter === '' ? Array.from(value as string) : (value as string).split(delimiter as string);
  const place = n < 0n ? BigInt(parts.length) + n : n - 1n;
  return place >= 0n && place < BigInt(parts.length) ? parts[Number(place)] : '';
};

const translate: Strict = ([value, from, to]) => {
  const targets = Array.from(to as string);
  const map = new Map<string, string>();
  Array.from(from as string).forEach((character, i) => {
    if (!map.has(character)) map.set(character, targets[i] ?? '');
  });
  return Array.from(value as string, (character) => map.get(character) ?? character).join('');
};

const character: Strict = ([value]) => {
  const code = value as bigint;
  if (code < 0n || code > 0x10ffffn || (code >= 0xd800n && code < 0xe000n)) {
    throw new QuernError(sqlState.invalidParameterValue, 'invalid Unicode code point');
  }
  return String.fromCodePoint(Number(code));
};

function changeCase(which: LetterCase): Strict {
  return ([value]) =>
    Array.from(value as string, (letter) =>
      String.fromCodePoint(letterOfCase(letter.codePointAt(0)!, which)),
    ).join('');
}

const text =
  (run: (value: string) => ConstantValue): Strict =>
  ([value]) =>
    run(value as string);

export const textMeanings: Readonly<Record<string, Strict>> = {
  like: like(false),
  ilike: like(true),
  concat: (values) => values.join(''),
  length: text((value) => BigInt(Array.from(value).length)),
  octet_length: ([value]) =>
    BigInt(value instanceof Uint8Array ? value.length : byteLength(value as string)),
  bit_length: text((value) => BigInt(byteLength(value) * 8)),
  upper: changeCase('upper'),
  lower: changeCase('lower'),
  trim: trim('both'),
  ltrim: trim('leading'),
  rtrim: trim('trailing'),
  substring: ([value, start, length]) =>
    substring(value as string, start as bigint, length as bigint | undefined),
  left,
  right,
  starts_with: ([value, prefix]) => (value as string).startsWith(prefix as string),
  ends_with: ([value, suffix]) => (value as string).endsWith(suffix as string),
  contains: ([value, part]) => (value as string).includes(part as string),
  position: ([part, value]) => {
    const at = (value as string).indexOf(part as string);
    return BigInt(at < 0 ? 0 : Array.from((value as string).slice(0, at)).length + 1);
  },
  replace: ([value, from, to]) =>
    from === '' ? value : (value as string).split(from as string).join(to as string),
  split_part: splitPart,
  translate,
  ascii: text((value) => BigInt(value.codePointAt(0) ?? 0)),
  unicode: text((value) => BigInt(value.codePointAt(0) ?? -1)),
  chr: character,
  lpad: pad('left'),
  rpad: pad('right'),
  repeat,
  reverse: text((value) => clusters(value).reverse().join('')),
};
