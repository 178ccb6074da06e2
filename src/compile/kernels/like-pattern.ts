import { QuernError, sqlState } from '../../base/error.ts';

/**
 * A part of a pattern: bytes to be found as they are, a letter in one of its cases, or a number of
 * arbitrary characters.
 */
export type LikeItem =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'letter'; readonly variants: readonly Uint8Array[] }
  | { readonly kind: 'any'; readonly count: number };

/**
 * A LIKE pattern taken apart at its `%`. A string matches if it begins with `head`, ends with
 * `tail` and has the `middle` parts in that order between them; without `%` the head is all of it.
 */
export interface LikePattern {
  readonly head: readonly LikeItem[];
  readonly middle: readonly (readonly LikeItem[])[];
  /** Undefined for a pattern without `%`. */
  readonly tail: readonly LikeItem[] | undefined;
}

/** A pattern as a list of characters and wildcards. */
function tokens(pattern: string, escapeCharacter: string | undefined): (string | '%' | '_')[][] {
  const parts: string[][] = [[]];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i];
    if (character === escapeCharacter) {
      if (++i === characters.length) {
        throw new QuernError(
          sqlState.invalidEscapeSequence,
          'LIKE pattern must not end with escape character',
        );
      }
      parts.at(-1)!.push(characters[i]);
    } else if (character === '%') {
      parts.push([]);
    } else {
      parts.at(-1)!.push(character === '_' ? '' : character);
    }
  }
  return parts;
}

const encoder = new TextEncoder();

/** Joins neighbours of the same kind; an empty string stands for `_`. */
function items(part: readonly string[]): LikeItem[] {
  const list: LikeItem[] = [];
  for (let i = 0; i < part.length; ) {
    let end = i + 1;
    while (end < part.length && (part[end] === '') === (part[i] === '')) end++;
    if (part[i] === '') list.push({ kind: 'any', count: end - i });
    else list.push({ kind: 'bytes', bytes: encoder.encode(part.slice(i, end).join('')) });
    i = end;
  }
  return list;
}

/**
 * Takes a pattern apart. `escapeCharacter` is the one that makes the next one ordinary, undefined
 * for none. Throws a QuernError if the pattern ends with it.
 */
export function parseLikePattern(
  pattern: string,
  escapeCharacter: string | undefined,
): LikePattern {
  const parts = tokens(pattern, escapeCharacter);
  // `%_` is `_%`: with the wildcards first, every part but the head begins with bytes to search
  // for.
  for (let i = parts.length - 1; i > 0; i--) {
    while (parts[i][0] === '') parts[i - 1].push(parts[i].shift()!);
  }
  const [head, ...rest] = parts.map(items);
  const tail = rest.pop();
  return { head, middle: rest.filter((part) => part.length > 0), tail };
}
