import { type MatcherOptions, matcherFor } from '../../regex/matcher.ts';
import { parseOptions } from '../../regex/options.ts';
import { parseRegex } from '../../regex/parse.ts';
import { parseReplacement, placesOf } from '../../regex/replacement.ts';
import type { Known, Strict } from './meaning.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function matches(options: MatcherOptions): Strict {
  return ([value, pattern, letters]) => {
    const { ignoreCase, dotAll, literal } = parseOptions((letters as string) ?? '');
    const how = { ...options, ignoreCase, dotAll, literal, exists: true };
    const bytes = encoder.encode(value as string);
    return matcherFor(pattern as string, how).find(bytes) !== undefined;
  };
}

/** What a group of the first match matched; '' where there is none. */
const extract: Strict = ([value, pattern, group, letters]) => {
  const places = [2 * Number(group), 2 * Number(group) + 1];
  const options = parseOptions((letters as string) ?? '');
  const { ignoreCase, dotAll, literal } = options;
  const matcher = matcherFor(pattern as string, { ignoreCase, dotAll, literal, places });
  const bytes = encoder.encode(value as string);
  const [from, to] = matcher.find(bytes)?.places ?? [-1, -1];
  return to < 0 ? '' : decoder.decode(bytes.subarray(from, to));
};

/**
 * With the first match replaced, or all of them: those that do not overlap, from the left, an empty
 * one not where the one before ends.
 */
function replace(values: readonly Known[]): string {
  const [value, pattern, replacement, letters = ''] = values as readonly string[];
  const { global, ...options } = parseOptions(letters);
  const pieces = parseReplacement(replacement, parseRegex(pattern, options).groups);
  const places = placesOf(pieces);
  const matcher = matcherFor(pattern, { ...options, places });
  const bytes = encoder.encode(value);
  const text = (from: number, to: number): string => decoder.decode(bytes.subarray(from, to));
  let made = '';
  let copied = 0;
  let lastEnd = -1;
  for (let from = 0; from <= bytes.length; ) {
    const found = matcher.find(bytes, from);
    if (found === undefined) break;
    const at = (place: number): number => found.places[places.indexOf(place)];
    const [start, end] = [at(0), found.end];
    if (start === end && start === lastEnd) {
      // An empty match where the last one ended: one character on.
      from = start + 1;
      while (((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
      continue;
    }
    made += text(copied, start);
    for (const piece of pieces) {
      if (typeof piece === 'string') made += piece;
      else if (at(2 * piece + 1) >= 0) made += text(at(2 * piece), at(2 * piece + 1));
    }
    copied = end;
    lastEnd = end;
    from = end;
    if (!global) break;
  }
  return made + text(copied, bytes.length);
}

export const regexMeanings: Readonly<Record<string, Strict>> = {
  regexp_matches: matches({}),
  regexp_full_match: matches({ whole: true }),
  regexp_extract: extract,
  regexp_replace: (values) => replace(values),
  regexp_escape: ([value]) => escapeRegex(value as string),
};

/** The text as a pattern that matches it only. */
function escapeRegex(value: string): string {
  return value.replace(/[^A-Za-z0-9_\x80-\u{10FFFF}]/gu, (c) => (c === '\0' ? '\\x00' : `\\${c}`));
}
