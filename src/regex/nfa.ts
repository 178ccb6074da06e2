/**
 * Regular expressions as nondeterministic automata over the bytes of UTF-8 (Thompson's
 * construction). Of several ways on, earlier ones are preferred, as in Perl.
 */
import { asserts } from './assertion.ts';
import { RegexError } from './error.ts';
import { includes, type Ranges } from './ranges.ts';
import { type Assertion, isNullable, type Regex, type Repeat } from './syntax.ts';
import { type ByteSequence, byteSequences } from './utf8.ts';

export type NfaState =
  /** Reads one byte; the ranges are in order and have nothing in common. */
  | { readonly kind: 'bytes'; readonly edges: readonly Edge[] }
  | { readonly kind: 'split'; readonly next: readonly number[] }
  /** Notes the place as that of a tag. */
  | { readonly kind: 'tag'; readonly tag: number; readonly next: number }
  | { readonly kind: 'assertion'; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: 'match' };

export type Edge = readonly [first: number, last: number, next: number];

export interface Nfa {
  readonly states: readonly NfaState[];
  readonly start: number;
  /** How many places it notes: the tags 0 to tags - 1. */
  readonly tags: number;
  readonly root: Regex;
  readonly anchored: boolean;
}

export interface NfaOptions {
  /** Whether all of the text must match; else it is searched for the leftmost match. */
  readonly whole?: boolean;
  /**
   * The places to note: 2 × g is where group g begins, 2 × g + 1 where it ends; the match is group
   * 0. The place of `places[i]` gets tag i.
   */
  readonly places?: readonly number[];
}

const statesMax = 20_000;

/** @throws RegexError for an expression that is too large. */
export function makeNfa(root: Regex, options: NfaOptions = {}): Nfa {
  return new NfaBuilder(root, options).build();
}

class NfaBuilder {
  readonly #root: Regex;
  readonly #options: NfaOptions;
  readonly #places: readonly number[];
  readonly #states: NfaState[] = [];
  /** States that read bytes, by their edges. */
  readonly #known = new Map<string, number>();
  readonly #match: number;
  /** Whether a repeated set with all but ASCII may be read byte by byte. */
  readonly #bytewise: boolean;

  constructor(root: Regex, options: NfaOptions) {
    this.#root = root;
    this.#options = options;
    this.#places = options.places ?? [];
    // Within a character, no place is the border of a word.
    this.#bytewise = !asserts(root, 'wordBoundary', 'noWordBoundary');
    this.#match = this.#add({ kind: 'match' });
  }

  build(): Nfa {
    const whole = this.#options.whole === true;
    const last = whole
      ? this.#add({ kind: 'assertion', assertion: 'textEnd', next: this.#match })
      : this.#match;
    const body = this.#tagged(0, this.#root, last);
    const start = whole ? body : this.#anywhere(body);
    const tags = this.#places.length;
    return { states: this.#states, start, tags, root: this.#root, anchored: whole };
  }

  #add(state: NfaState): number {
    if (this.#states.length >= statesMax) throw new RegexError('it is too large', 0);
    return this.#states.push(state) - 1;
  }

  #bytes(edges: readonly Edge[]): number {
    const key = edges.join(';');
    let state = this.#known.get(key);
    if (state === undefined) {
      state = this.#add({ kind: 'bytes', edges });
      this.#known.set(key, state);
    }
    return state;
  }

  /** A state that gets its ways on later. */
  #open(): { state: number; close: (next: readonly number[]) => void } {
    const state = this.#add({ kind: 'split', next: [] });
    return {
      state,
      close: (next) => {
        this.#states[state] = { kind: 'split', next };
      },
    };
  }

  #split(first: number, second: number, lazy = false): number {
    return this.#add({ kind: 'split', next: lazy ? [second, first] : [first, second] });
  }

  /** `body`, or later: what lies before is skipped. */
  #anywhere(body: number): number {
    const loop = this.#open();
    const skip = this.#bytewise
      ? this.#bytes([[0, 0xff, loop.state]])
      : this.#character([[0, 0x10ffff]], loop.state);
    loop.close([body, skip]);
    return loop.state;
  }

  /** The state where `regex` begins if `next` follows it. */
  #node(regex: Regex, next: number): number {
    switch (regex.kind) {
      case 'empty':
        return next;
      case 'character':
        return this.#character(regex.set, next);
      case 'sequence':
        return regex.parts.reduceRight((after, part) => this.#node(part, after), next);
      case 'choice':
        return this.#add({
          kind: 'split',
          next: regex.options.map((option) => this.#node(option, next)),
        });
      case 'repeat':
        return this.#repeat(regex, next);
      case 'group':
        return this.#tagged(regex.index, regex.body, next);
      case 'assertion':
        return this.#add({ kind: 'assertion', assertion: regex.assertion, next });
    }
  }

  #tagged(group: number, body: Regex, next: number): number {
    return this.#tag(2 * group, this.#node(body, this.#tag(2 * group + 1, next)));
  }

  #tag(place: number, next: number): number {
    const tag = this.#places.indexOf(place);
    return tag < 0 ? next : this.#add({ kind: 'tag', tag, next });
  }

  #repeat({ body, min, max, lazy }: Repeat, next: number): number {
    let state = next;
    let copies = min;
    if (max === Number.POSITIVE_INFINITY) {
      const loopsBytes = this.#loopsBytes(body);
      if (!loopsBytes && (min > 0 || isNullable(body))) {
        // Without characters between, the body must not come back to what is preferred to it.
        state = this.#plus(body, next, lazy);
        if (min === 0) state = this.#split(state, next, lazy);
        copies = Math.max(0, min - 1);
      } else {
        const loop = this.#open();
        const first = loopsBytes
          ? this.#bytes(byteEdges(body, loop.state))
          : this.#node(body, loop.state);
        loop.close(lazy ? [next, first] : [first, next]);
        // A loop that stays as long as it can ends with a character, wherever it began.
        const begins = loopsBytes && min > 0 && !lazy;
        state = begins ? first : loop.state;
        copies = begins ? min - 1 : min;
      }
    } else {
      for (let i = min; i < max; i++) state = this.#split(this.#node(body, state), next, lazy);
    }
    for (let i = 0; i < copies; i++) state = this.#node(body, state);
    return state;
  }

  #plus(body: Regex, next: number, lazy: boolean): number {
    const loop = this.#open();
    const first = this.#node(body, loop.state);
    loop.close(lazy ? [next, first] : [first, next]);
    return first;
  }

  /**
   * Whether a loop over the characters of a set may be one over bytes: texts are valid, and the set
   * has all characters of several bytes.
   */
  #loopsBytes(body: Regex): body is Regex & { kind: 'character' } {
    return this.#bytewise && body.kind === 'character' && includes(body.set, 0x80, 0x10ffff);
  }

  #character(set: Ranges, next: number): number {
    return this.#sequences(byteSequences(set), 0, next);
  }

  /** The state for what is left of sequences behind their first `depth` bytes. */
  #sequences(sequences: readonly ByteSequence[], depth: number, next: number): number {
    const edges: Edge[] = [];
    for (let i = 0; i < sequences.length; ) {
      const [first, last] = sequences[i][depth];
      let end = i + 1;
      while (end < sequences.length && sequences[end][depth][0] === first) end++;
      const isLast = sequences[i].length === depth + 1;
      const target = isLast ? next : this.#sequences(sequences.slice(i, end), depth + 1, next);
      const before = edges.at(-1);
      if (before !== undefined && before[2] === target && before[1] === first - 1) {
        edges[edges.length - 1] = [before[0], last, target];
      } else {
        edges.push([first, last, target]);
      }
      i = end;
    }
    return this.#bytes(edges);
  }
}

function byteEdges({ set }: Regex & { kind: 'character' }, next: number): Edge[] {
  const edges: Edge[] = [];
  for (const [first, last] of set) {
    if (first < 0x80) edges.push([first, Math.min(last, 0x7f), next]);
  }
  return [...edges, [0x80, 0xff, next]];
}
