import { determinize } from './determinize.ts';
import { type Dfa, type Found, runDfa } from './dfa.ts';
import { makeNfa, type Nfa, type NfaOptions } from './nfa.ts';
import { type ParsedRegex, parseRegex, type RegexOptions } from './parse.ts';
import { simulate } from './simulate.ts';

export interface MatcherOptions extends RegexOptions, NfaOptions {
  /** Whether only the existence of a match counts, not its places. */
  readonly exists?: boolean;
}

/** A regular expression made ready for one way of use. */
export interface Matcher {
  readonly parsed: ParsedRegex;
  readonly nfa: Nfa;
  /** Undefined where it would be too large. */
  readonly dfa: Dfa | undefined;
  /** The match in a text of UTF-8 that begins at `from` or later, seen as part of all of it. */
  find(bytes: Uint8Array, from?: number): Found | undefined;
}

const known = new Map<string, Matcher>();
const knownMax = 64;

/**
 * The matcher for a pattern; the last ones are kept.
 *
 * @throws RegexError
 */
export function matcherFor(pattern: string, options: MatcherOptions = {}): Matcher {
  const key = JSON.stringify([pattern, options]);
  let matcher = known.get(key);
  if (matcher === undefined) {
    if (known.size >= knownMax) known.clear();
    matcher = makeMatcher(pattern, options);
    known.set(key, matcher);
  }
  return matcher;
}

function makeMatcher(pattern: string, options: MatcherOptions): Matcher {
  const parsed = parseRegex(pattern, options);
  const nfa = makeNfa(parsed.root, options);
  const dfa = determinize(nfa, options);
  const find = (bytes: Uint8Array, from?: number): Found | undefined =>
    dfa === undefined ? simulate(nfa, bytes, from) : runDfa(dfa, bytes, from);
  return { parsed, nfa, dfa, find };
}
