/** Bytes that every match has, by which texts without one are sorted out quickly. */
import type { Nfa } from './nfa.ts';
import type { Regex } from './syntax.ts';

/**
 * The bytes with which every match of a search begins; in any case, if letters of both cases are
 * taken (then also what differs from a match in case only is found by them).
 */
export function literalPrefix(nfa: Nfa): { bytes: Uint8Array; anyCase: boolean } {
  const bytes: number[] = [];
  let anyCase = false;
  const entry = nfa.states[nfa.start];
  let at: number | undefined = entry.kind === 'split' ? entry.next[0] : undefined;
  while (at !== undefined) {
    const state = nfa.states[at];
    at = undefined;
    if (state.kind === 'tag') {
      at = state.next;
    } else if (state.kind === 'bytes') {
      const [first, second] = state.edges;
      const isOne = first !== undefined && first[0] === first[1];
      const bothCases = isBothCases(first?.[0], second?.[0]);
      if (!isOne || state.edges.length !== (bothCases ? 2 : 1)) break;
      if (bothCases && (second[0] !== second[1] || second[2] !== first[2])) break;
      anyCase ||= bothCases;
      bytes.push(first[0]);
      at = first[2];
    }
  }
  return { bytes: Uint8Array.from(bytes), anyCase };
}

function isBothCases(upper: number | undefined, lower: number | undefined): boolean {
  return upper !== undefined && upper >= 0x41 && upper <= 0x5a && lower === upper + 0x20;
}

const encoder = new TextEncoder();

/** The longest text that every match contains; without any, no bytes. */
export function requiredLiteral(root: Regex): Uint8Array {
  return encoder.encode(requiredText(root).longest);
}

interface Required {
  /** The only text that it matches. */
  readonly exact?: string | undefined;
  readonly longest: string;
}

function requiredText(regex: Regex): Required {
  switch (regex.kind) {
    case 'empty':
    case 'assertion':
      return { exact: '', longest: '' };
    case 'character': {
      const [[first, last] = [0, 1]] = regex.set;
      if (regex.set.length !== 1 || first !== last) return { longest: '' };
      const text = String.fromCodePoint(first);
      return { exact: text, longest: text };
    }
    case 'sequence':
      return requiredOfSequence(regex.parts);
    case 'group':
      return requiredText(regex.body);
    case 'repeat':
      return regex.min === 0 ? { longest: '' } : { longest: requiredText(regex.body).longest };
    case 'choice':
      return { longest: '' };
  }
}

function requiredOfSequence(parts: readonly Regex[]): Required {
  let longest = '';
  let run = '';
  let isExact = true;
  for (const part of parts) {
    const required = requiredText(part);
    isExact &&= required.exact !== undefined;
    if (required.exact === undefined) run = '';
    else run += required.exact;
    for (const text of [run, required.longest]) if (text.length > longest.length) longest = text;
  }
  return { exact: isExact ? run : undefined, longest };
}
