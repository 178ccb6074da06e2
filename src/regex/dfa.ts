/**
 * Deterministic automata that also note places (tags), after Laurikari, "NFAs with tagged
 * transitions, their conversion to deterministic automata and application to regular expressions"
 * (2000): a transition moves places between registers. A place is noted in a register only by the
 * transition after it, when it is known to be of use (Trofimovich, "Tagged deterministic finite
 * automata with lookahead", 2017), so that loops need not write registers.
 */
import { contextBehind, endOfText } from './assertion.ts';

/** Where a place comes from: a register, counted from 0, or one of these. */
export const place = {
  /** Nowhere: the tag was not passed. */
  unset: -1,
  /** Where the automaton stands. */
  here: -2,
} as const;

export interface Dfa {
  /** For each byte its class: bytes of one class are the same to the automaton. */
  readonly classOf: Uint8Array;
  readonly classes: number;
  readonly states: readonly DfaState[];
  readonly registers: number;
  readonly tags: number;
  /** What of the place before the start it looks at, see `contextBehind`. */
  readonly contextMask: number;
  /** The states to start in, by what lies before; `dead` if there can be no match. */
  readonly starts: ReadonlyMap<number, number>;
}

/** In place of a state: there will be no other match. */
export const dead = -1;

export interface DfaState {
  /** By class of the next byte. */
  readonly next: readonly Transition[];
  /** At the end of the text: a match that ends there. */
  readonly atEnd: Match | undefined;
  /** A match that ends where the automaton comes to this state; better than those before. */
  readonly accept: Match | undefined;
}

/** The places of the tags of a match. */
export type Match = readonly number[];

export interface Transition {
  readonly target: number;
  /** A match that ends before the byte. */
  readonly before: Match | undefined;
  /** To be done at once: the values are those of before, `here` is before the byte. */
  readonly moves: readonly Move[];
}

export interface Move {
  readonly register: number;
  readonly from: number;
}

/** The places of a match. */
export interface Found {
  readonly end: number;
  /** By tag; -1 for one that was not passed. */
  readonly places: readonly number[];
}

/** Runs an automaton over bytes from `from` on. */
export function runDfa(dfa: Dfa, bytes: Uint8Array, from = 0): Found | undefined {
  const context = contextBehind(from === 0 ? endOfText : bytes[from - 1]) & dfa.contextMask;
  let state = dfa.starts.get(context)!;
  const registers = new Int32Array(dfa.registers);
  let found: Found | undefined;
  const read = (source: number, here: number): number =>
    source === place.here ? here : source === place.unset ? -1 : registers[source];
  const note = (match: Match | undefined, here: number): void => {
    if (match === undefined) return;
    found = { end: here, places: match.map((source) => read(source, here)) };
  };
  for (let at = from; state !== dead; at++) {
    const { next, atEnd, accept } = dfa.states[state];
    note(accept, at);
    if (at === bytes.length) {
      note(atEnd, at);
      break;
    }
    const { target, before, moves } = next[dfa.classOf[bytes[at]]];
    note(before, at);
    if (moves.length > 0) {
      const values = moves.map((move) => read(move.from, at));
      moves.forEach((move, i) => {
        registers[move.register] = values[i];
      });
    }
    state = target;
  }
  return found;
}
