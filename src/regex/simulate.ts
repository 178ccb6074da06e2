import { contextBehind, endOfText, holds } from './assertion.ts';
import { type Found, place } from './dfa.ts';
import type { Nfa } from './nfa.ts';

interface Thread {
  readonly state: number;
  readonly places: readonly number[];
}

/**
 * Runs an NFA over bytes from `from` on, all ways at once, the preferred one first (R. Pike's way).
 * The time is at most the number of bytes times that of states.
 */
export function simulate(nfa: Nfa, bytes: Uint8Array, from = 0): Found | undefined {
  const visited = new Int32Array(nfa.states.length).fill(-1);
  let found: Found | undefined;
  let threads: Thread[] = [{ state: nfa.start, places: Array<number>(nfa.tags).fill(place.unset) }];
  for (let at = from; threads.length > 0; at++) {
    const byte = at < bytes.length ? bytes[at] : endOfText;
    const context = contextBehind(at === 0 ? endOfText : bytes[at - 1]);
    const next: Thread[] = [];
    const stack = threads.toReversed();
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { state, places } = thread;
      if (visited[state] === at) continue;
      visited[state] = at;
      const node = nfa.states[state];
      if (node.kind === 'match') {
        found = { end: at, places };
        break;
      }
      if (node.kind === 'bytes') {
        const edge = node.edges.find(([first, last]) => first <= byte && byte <= last);
        if (edge !== undefined) next.push({ state: edge[2], places });
      } else if (node.kind === 'assertion') {
        if (holds(node.assertion, context, byte)) stack.push({ state: node.next, places });
      } else if (node.kind === 'tag') {
        stack.push({ state: node.next, places: places.with(node.tag, at) });
      } else {
        for (const target of node.next.toReversed()) stack.push({ state: target, places });
      }
    }
    threads = next;
  }
  return found;
}
