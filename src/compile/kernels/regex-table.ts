/**
 * The table of a deterministic automaton for compiled code. Layout:
 *
 *     0     256 bytes: the class of each byte
 *     256   a row of u32 for each state: an entry for each class, then what to do at the end of the
 *           text, the index of one of `ends`
 *     …     where what lies before the start counts: an entry for each byte that may lie there, and
 *           one for the beginning of the text
 *
 * An entry is the offset of the next state's row from the first one, plus `actionUnit` times the
 * number of an action, 0 for none.
 */
import { contextBehind, endOfText } from '../../regex/assertion.ts';
import { type Dfa, dead, type Match, type Move } from '../../regex/dfa.ts';
import type { Range, Ranges } from '../../regex/ranges.ts';

export const rowsAt = 256;
export const actionBits = 20;
export const actionUnit = 1 << actionBits;
const actionsMax = 200;

/** What is to be done on the way to a state. */
export interface Action {
  /** A match that ends before the byte. */
  readonly before: Match | undefined;
  readonly moves: readonly Move[];
  /** Undefined where no match can follow. */
  readonly arrival: Arrival | undefined;
}

/** What is to be done in a state. */
export interface Arrival {
  /** Bytes that leave the state as it is may be skipped. */
  readonly skip: Skip | undefined;
  /** A match that ends here. */
  readonly accept: Match | undefined;
  /** Whether no other match can follow. */
  readonly final: boolean;
}

export type Skip =
  /** To the next byte that is, or with `outside` is not, in one of the ranges. */
  | { readonly kind: 'bytes'; readonly ranges: Ranges; readonly outside: boolean }
  /** To the next place where a match can begin. */
  | { readonly kind: 'start' };

export interface RegexTable {
  readonly bytes: Uint8Array;
  /** By number less 1. */
  readonly actions: readonly Action[];
  readonly ends: readonly (Match | undefined)[];
  /** The entry to start with, or the offset of a table of them. */
  readonly start: { readonly entry: number } | { readonly table: number };
  /** The offset in a row of what to do at the end. */
  readonly endAt: number;
}

export interface TableOptions {
  /** Whether there is a way to find where matches can begin. */
  readonly findsStart: boolean;
}

/** Undefined where there would be too many actions. */
export function makeRegexTable(dfa: Dfa, options: TableOptions): RegexTable | undefined {
  return new TableMaker(dfa, options).make();
}

class TableMaker {
  readonly #dfa: Dfa;
  readonly #arrivals: readonly Arrival[];
  readonly #rowBytes: number;
  readonly #actions = new Map<string, Action>();
  readonly #numbers = new Map<string, number>();

  constructor(dfa: Dfa, { findsStart }: TableOptions) {
    this.#dfa = dfa;
    this.#rowBytes = 4 * (dfa.classes + 1);
    const starts = new Set(findsStart ? dfa.starts.values() : []);
    this.#arrivals = dfa.states.map(({ next, accept, atEnd }, i) => {
      const skip: Skip | undefined = starts.has(i) ? { kind: 'start' } : this.#loopOf(i);
      const isDead = next.every((t) => t.target === dead && t.before === undefined);
      return { skip, accept, final: isDead && atEnd === undefined };
    });
  }

  make(): RegexTable | undefined {
    const { classOf, classes, states } = this.#dfa;
    const ends = new Map<string, { index: number; match: Match | undefined }>();
    const words: number[] = [];
    states.forEach(({ next, atEnd }, state) => {
      for (const { target, before, moves } of next) {
        words.push(this.#entry(target, before, moves, target === state));
      }
      const key = `${atEnd ?? 'none'}`;
      if (!ends.has(key)) ends.set(key, { index: ends.size, match: atEnd });
      words.push(ends.get(key)!.index);
    });
    const contexts = [...Array(256).keys(), endOfText].map(
      (byte) => contextBehind(byte) & this.#dfa.contextMask,
    );
    const starts = contexts.map((context) => {
      return this.#entry(this.#dfa.starts.get(context)!, undefined, [], false);
    });
    const isOne = new Set(starts).size === 1;
    const table = rowsAt + 4 * words.length;
    if (!isOne) words.push(...starts);
    if (this.#actions.size > actionsMax) return undefined;
    const bytes = new Uint8Array(rowsAt + 4 * words.length);
    bytes.set(classOf);
    bytes.set(new Uint8Array(Uint32Array.from(words).buffer), rowsAt);
    return {
      bytes,
      actions: [...this.#actions.values()],
      ends: [...ends.values()].map(({ match }) => match),
      start: isOne ? { entry: starts[0] } : { table },
      endAt: 4 * classes,
    };
  }

  #entry(
    target: number,
    before: Match | undefined,
    moves: readonly Move[],
    again: boolean,
  ): number {
    const row = target === dead ? 0 : target * this.#rowBytes;
    const arrival = target === dead ? undefined : this.#arrivals[target];
    // Bytes that could be skipped are not seen one by one.
    const skip = again && arrival?.skip?.kind === 'bytes' ? undefined : arrival?.skip;
    const isPlain = before === undefined && moves.length === 0 && arrival !== undefined;
    if (isPlain && skip === undefined && arrival.accept === undefined) return row;
    const action: Action = { before, moves, arrival: arrival && { ...arrival, skip } };
    const key = JSON.stringify(action);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      this.#actions.set(key, action);
      number = this.#actions.size;
      this.#numbers.set(key, number);
    }
    return row + number * actionUnit;
  }

  /** The bytes that leave a state as it is, if they are many and few ranges tell them. */
  #loopOf(state: number): Skip | undefined {
    const { next } = this.#dfa.states[state];
    const loops = (byte: number): boolean => {
      const { target, before, moves } = next[this.#dfa.classOf[byte]];
      return target === state && before === undefined && moves.length === 0;
    };
    const staying = rangesOf(loops);
    const leaving = rangesOf((byte) => !loops(byte));
    const count = staying.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    if (count < 8) return undefined;
    const outside = staying.length < leaving.length;
    const ranges = outside ? staying : leaving;
    return ranges.length > 4 ? undefined : { kind: 'bytes', ranges, outside };
  }
}

function rangesOf(holds: (byte: number) => boolean): Ranges {
  const ranges: Range[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (!holds(byte)) continue;
    const before = ranges.at(-1);
    if (before?.[1] === byte - 1) ranges[ranges.length - 1] = [before[0], byte];
    else ranges.push([byte, byte]);
  }
  return ranges;
}
