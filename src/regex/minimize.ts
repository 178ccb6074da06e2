import { type Dfa, type DfaState, dead, type Transition } from './dfa.ts';

/**
 * The smallest automaton that does the same: states that lead nowhere become `dead`, those that do
 * the same become one (Moore's algorithm), and so do classes of bytes.
 */
export function minimize(dfa: Dfa): Dfa {
  return mergeClasses(mergeStates(withoutDeadEnds(dfa)));
}

function accepts({ accept, atEnd, next }: DfaState): boolean {
  return accept !== undefined || atEnd !== undefined || next.some((t) => t.before !== undefined);
}

function withoutDeadEnds(dfa: Dfa): Dfa {
  const { states } = dfa;
  const sources = states.map((): Set<number> => new Set());
  states.forEach(({ next }, source) => {
    for (const { target } of next) if (target !== dead) sources[target].add(source);
  });
  const alive = new Set([...states.keys()].filter((i) => accepts(states[i])));
  for (const state of alive) for (const source of sources[state]) alive.add(source);
  const living = (state: number): number => (alive.has(state) ? state : dead);
  const changed = new Map<Transition, Transition>();
  const kept = states.map((state) => ({
    ...state,
    next: state.next.map((transition): Transition => {
      const target = living(transition.target);
      if (target !== dead) return transition;
      const ending = changed.get(transition) ?? { target, before: transition.before, moves: [] };
      changed.set(transition, ending);
      return ending;
    }),
  }));
  const starts = new Map([...dfa.starts].map(([context, state]) => [context, living(state)]));
  return { ...dfa, states: kept, starts };
}

/** Numbers for what transitions do besides leading to a state, the same for the same. */
class Labels {
  readonly #numbers = new Map<string, number>();
  /** States share transitions between classes of bytes. */
  readonly #known = new Map<Transition, number>();

  of(transition: Transition): number {
    let number = this.#known.get(transition);
    if (number === undefined) {
      const moves = transition.moves.map(({ register, from }) => `${register}=${from}`);
      const text = `${transition.before ?? '-'}<${moves}`;
      number = this.#numbers.get(text) ?? this.#numbers.size;
      this.#numbers.set(text, number);
      this.#known.set(transition, number);
    }
    return number;
  }
}

/** Numbers from 0 for keys in order of appearance. */
function numbered(keys: readonly string[]): { numbers: Int32Array; count: number } {
  const known = new Map<string, number>();
  const numbers = Int32Array.from(keys, (key) => {
    const number = known.get(key) ?? known.size;
    known.set(key, number);
    return number;
  });
  return { numbers, count: known.size };
}

function mergeStates(dfa: Dfa): Dfa {
  const { states } = dfa;
  const labels = new Labels();
  let { numbers: blockOf, count } = numbered(
    states.map(({ next, accept, atEnd }) => {
      return `${accept ?? '-'}|${atEnd ?? '-'}|${next.map((transition) => labels.of(transition))}`;
    }),
  );
  for (;;) {
    const keys = states.map(({ next }, i) => {
      // There are fewer states than UTF-16 has units.
      let key = String.fromCharCode(blockOf[i]);
      for (const { target } of next) {
        key += String.fromCharCode(target === dead ? 0xffff : blockOf[target]);
      }
      return key;
    });
    const refined = numbered(keys);
    blockOf = refined.numbers;
    if (refined.count === count) break;
    count = refined.count;
  }
  return renumber(dfa, blockOf);
}

/** One state for each block that can be reached from a start. */
function renumber(dfa: Dfa, blockOf: Int32Array): Dfa {
  const numbers = new Map<number, number>();
  const chosen: number[] = [];
  const numberOf = (state: number): number => {
    if (state === dead) return dead;
    const block = blockOf[state];
    let number = numbers.get(block);
    if (number === undefined) {
      number = chosen.push(state) - 1;
      numbers.set(block, number);
    }
    return number;
  };
  const starts = new Map([...dfa.starts].map(([context, state]) => [context, numberOf(state)]));
  const states: DfaState[] = [];
  for (let i = 0; i < chosen.length; i++) {
    const { next, accept, atEnd } = dfa.states[chosen[i]];
    const moved = next.map((transition) => ({
      ...transition,
      target: numberOf(transition.target),
    }));
    states.push({ next: moved, accept, atEnd });
  }
  return { ...dfa, states, starts };
}

function mergeClasses(dfa: Dfa): Dfa {
  const labels = new Labels();
  const known = new Map<string, number>();
  const representatives: number[] = [];
  const merged = Array.from({ length: dfa.classes }, (_, i) => {
    let key = '';
    for (const { next } of dfa.states) {
      const transition = next[i];
      key += String.fromCharCode(transition.target & 0xffff, labels.of(transition));
    }
    let number = known.get(key);
    if (number === undefined) {
      number = representatives.push(i) - 1;
      known.set(key, number);
    }
    return number;
  });
  return {
    ...dfa,
    classOf: dfa.classOf.map((old) => merged[old]),
    classes: representatives.length,
    states: dfa.states.map((state) => ({
      ...state,
      next: representatives.map((i) => state.next[i]),
    })),
  };
}
