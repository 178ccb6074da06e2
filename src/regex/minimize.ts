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
  const kept = states.map((state) => ({
    ...state,
    next: state.next.map((transition): Transition => {
      const target = living(transition.target);
      return target === dead ? { target, before: transition.before, moves: [] } : transition;
    }),
  }));
  const starts = new Map([...dfa.starts].map(([context, state]) => [context, living(state)]));
  return { ...dfa, states: kept, starts };
}

function transitionKey({ target, before, moves }: Transition, blockOf: Int32Array): string {
  const block = target === dead ? dead : blockOf[target];
  return `${block}<${before ?? '-'}<${moves.map(({ register, from }) => `${register}=${from}`)}`;
}

function mergeStates(dfa: Dfa): Dfa {
  const { states } = dfa;
  let blockOf = new Int32Array(states.length);
  let blocks = 0;
  for (;;) {
    const known = new Map<string, number>();
    const refined = Int32Array.from(states, ({ next, accept, atEnd }, i) => {
      const ways = next.map((transition) => transitionKey(transition, blockOf)).join(' ');
      const key = `${blockOf[i]}|${accept ?? '-'}|${atEnd ?? '-'}|${ways}`;
      const block = known.get(key) ?? known.size;
      known.set(key, block);
      return block;
    });
    blockOf = refined;
    if (known.size === blocks) break;
    blocks = known.size;
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
  const identity = Int32Array.from(dfa.states.keys());
  const known = new Map<string, number>();
  const representatives: number[] = [];
  const merged = Array.from({ length: dfa.classes }, (_, i) => {
    const key = dfa.states.map(({ next }) => transitionKey(next[i], identity)).join(' ');
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
