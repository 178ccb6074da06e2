import { assert } from '../base/assert.ts';
import { bytesLookedAt, contextBehind, contextMask, endOfText, holds } from './assertion.ts';
import {
  type Dfa,
  type DfaState,
  dead,
  type Match,
  type Move,
  place,
  type Transition,
} from './dfa.ts';
import { minimize } from './minimize.ts';
import type { Nfa } from './nfa.ts';
import type { Range } from './ranges.ts';

/** One of the ways in which the automaton may go on: a state of the NFA with its tags' places. */
interface Item {
  readonly state: number;
  readonly places: readonly number[];
}

/** Ways on, the preferred one first, and the match that is preferred to those that are left out. */
interface Configuration {
  readonly items: readonly Item[];
  readonly match: Match | undefined;
}

/** Where a place comes from while a transition is made: from where the byte begins. */
const beforeByte = -3;

/** Larger automata are not made: their tables would not fit the caches, nor be made in time. */
const entriesMax = 100_000;
const workMax = 200_000;

export interface DeterminizeOptions {
  /** Whether only the existence of a match counts, not its places. */
  readonly exists?: boolean;
}

/**
 * The deterministic automaton for an NFA, the smallest there is; undefined if it would be too
 * large. Matches are the leftmost ones, of these the preferred ones as in Perl.
 */
export function determinize(nfa: Nfa, options: DeterminizeOptions = {}): Dfa | undefined {
  return new Determinizer(nfa, options.exists === true).run();
}

class Determinizer {
  readonly #nfa: Nfa;
  readonly #exists: boolean;
  readonly #mask: number;
  readonly #classes: readonly Range[];
  /** For each state of the NFA that reads bytes the next one by class, -1 for none. */
  readonly #edges: (Int32Array | undefined)[] = [];
  readonly #states: { configuration: Configuration; context: number }[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #registers = new Map<string, number>();
  /** For each state of the NFA the last closure it was part of. */
  readonly #visited: Uint32Array;
  #closure = 0;
  #work = 0;

  constructor(nfa: Nfa, exists: boolean) {
    this.#nfa = nfa;
    this.#exists = exists;
    this.#mask = contextMask(nfa.root);
    this.#classes = byteClasses(nfa);
    this.#visited = new Uint32Array(nfa.states.length);
  }

  run(): Dfa | undefined {
    const starts = new Map<number, number>();
    const contexts = [endOfText, ...Array(256).keys()].map((byte) => this.#context(byte));
    const unset = Array<number>(this.#nfa.tags).fill(place.unset);
    for (const context of new Set(contexts)) {
      const first = this.#close([{ state: this.#nfa.start, places: unset }]);
      starts.set(context, this.#number(first, context));
    }
    const states: DfaState[] = [];
    for (let i = 0; i < this.#states.length; i++) {
      const entries = this.#states.length * this.#classes.length;
      if (entries > entriesMax || this.#work > workMax) return undefined;
      states.push(this.#expand(i));
    }
    const classOf = new Uint8Array(256);
    this.#classes.forEach(([first, last], i) => {
      classOf.fill(i, first, last + 1);
    });
    return minimize({
      classOf,
      classes: this.#classes.length,
      states,
      registers: this.#registers.size,
      tags: this.#nfa.tags,
      contextMask: this.#mask,
      starts,
    });
  }

  #context(byte: number): number {
    return contextBehind(byte) & this.#mask;
  }

  /** The state for a configuration, new or known; `dead` if it leads nowhere. */
  #number({ items, match }: Configuration, context: number): number {
    if (items.length === 0 && match === undefined) return dead;
    const key = `${context}|${match ?? ''}|${items.map((i) => `${i.state}:${i.places}`).join(' ')}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#states.push({ configuration: { items, match }, context }) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  #expand(index: number): DfaState {
    const { configuration, context } = this.#states[index];
    const known = new Map<string, Transition>();
    // To look at what a class does to an item is a small part of the work to follow it.
    this.#work += (configuration.items.length * this.#classes.length) >>> 4;
    const next = this.#classes.map(([byte], byteClass) => {
      const left = this.#context(byte);
      const { items, match } = this.#resolve(configuration.items, context, byte);
      const targets = items.map(({ state }) => this.#edgesOf(state)[byteClass]);
      // Most classes do the same as others.
      const isOpen = items !== configuration.items;
      const key = `${left} ${targets} ${isOpen ? byte : ''}`;
      let transition = known.get(key);
      if (transition === undefined) {
        transition = this.#step(items, targets, match, left);
        known.set(key, transition);
      }
      return transition;
    });
    const atEnd = this.#resolve(configuration.items, context, endOfText).match;
    return { next, atEnd, accept: configuration.match };
  }

  /** The items with their assertions decided. */
  #resolve(items: readonly Item[], context: number, byte: number): Configuration {
    const { states } = this.#nfa;
    const open = items.some(({ state }) => states[state].kind === 'assertion');
    return open ? this.#close(items, (a) => holds(a, context, byte)) : { items, match: undefined };
  }

  #edgesOf(state: number): Int32Array {
    let edges = this.#edges[state];
    if (edges === undefined) {
      edges = new Int32Array(this.#classes.length).fill(-1);
      const node = this.#nfa.states[state];
      assert(node.kind === 'bytes', 'only these are left when assertions are decided');
      for (const [first, last, next] of node.edges) {
        for (const [i, [byte]] of this.#classes.entries()) {
          if (first <= byte && byte <= last) edges[i] = next;
        }
      }
      this.#edges[state] = edges;
    }
    return edges;
  }

  /** `targets`: where the items get to by the byte, -1 for nowhere. */
  #step(
    items: readonly Item[],
    targets: readonly number[],
    before: Match | undefined,
    context: number,
  ): Transition {
    // Where only the existence counts, a match ends the search.
    if (this.#exists && before !== undefined) return { target: dead, before, moves: [] };
    const reached: Item[] = [];
    items.forEach(({ places }, i) => {
      if (targets[i] < 0) return;
      const moved = places.map((from) => (from === place.here ? beforeByte : from));
      reached.push({ state: targets[i], places: moved });
    });
    const { configuration, moves } = this.#settle(this.#close(reached));
    return { target: this.#number(configuration, context), before, moves };
  }

  /**
   * The states that read bytes or have assertions to be decided which can be reached without
   * reading, in order of preference. With `decide`, assertions are decided.
   */
  #close(
    items: readonly Item[],
    decide?: (assertion: Parameters<typeof holds>[0]) => boolean,
  ): Configuration {
    const { states } = this.#nfa;
    const closed: Item[] = [];
    const closure = ++this.#closure;
    const stack = items.toReversed();
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      const { state, places } = item;
      if (this.#visited[state] === closure) continue;
      this.#visited[state] = closure;
      this.#work++;
      const node = states[state];
      if (node.kind === 'match') {
        // What comes behind is not preferred to this match.
        return { items: this.#exists ? [] : closed, match: places };
      }
      if (node.kind === 'bytes' || (node.kind === 'assertion' && decide === undefined)) {
        closed.push(item);
      } else if (node.kind === 'assertion') {
        if (decide!(node.assertion)) stack.push({ state: node.next, places });
      } else if (node.kind === 'tag') {
        stack.push({ state: node.next, places: places.with(node.tag, place.here) });
      } else {
        for (const next of node.next.toReversed()) stack.push({ state: next, places });
      }
    }
    if (this.#exists) closed.sort((a, b) => a.state - b.state);
    return { items: closed, match: undefined };
  }

  /** Gives the places of a configuration registers, the same for all that are the same. */
  #settle({ items, match }: Configuration): { configuration: Configuration; moves: Move[] } {
    const moves: Move[] = [];
    const chosen = new Map<string, number>();
    const used = Array<number>(this.#nfa.tags).fill(0);
    const settled = (places: readonly number[]): number[] =>
      places.map((from, tag) => {
        if (from === place.here || from === place.unset) return from;
        let register = chosen.get(`${tag} ${from}`);
        if (register === undefined) {
          register = this.#register(tag, used[tag]++);
          chosen.set(`${tag} ${from}`, register);
          if (register !== from) {
            moves.push({ register, from: from === beforeByte ? place.here : from });
          }
        }
        return register;
      });
    const placed = items.map(({ state, places }) => ({ state, places: settled(places) }));
    const configuration = { items: placed, match: match && settled(match) };
    return { configuration, moves };
  }

  #register(tag: number, index: number): number {
    const key = `${tag} ${index}`;
    let register = this.#registers.get(key);
    if (register === undefined) {
      register = this.#registers.size;
      this.#registers.set(key, register);
    }
    return register;
  }
}

/** Bytes that no state and no assertion tells apart, as ranges of bytes. */
function byteClasses(nfa: Nfa): Range[] {
  const starts = new Set([0]);
  const border = (first: number, last: number): void => {
    starts.add(first);
    if (last < 0xff) starts.add(last + 1);
  };
  for (const state of nfa.states) {
    if (state.kind === 'bytes') for (const [first, last] of state.edges) border(first, last);
  }
  for (const [first, last] of bytesLookedAt(nfa.root)) border(first, last);
  const sorted = [...starts].sort((a, b) => a - b);
  return sorted.map((first, i) => [first, (sorted[i + 1] ?? 0x100) - 1]);
}
