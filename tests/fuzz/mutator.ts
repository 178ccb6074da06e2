import type { Random } from '../../src/base/random.ts';
import { lex } from '../../src/sql/lexer.ts';

/** Makes hostile statements: valid ones with a few tokens changed, and tokens at random. */
export class Mutator {
  readonly #corpus: readonly string[];
  readonly #vocabulary: readonly string[];

  constructor(corpus: readonly string[]) {
    this.#corpus = corpus;
    this.#vocabulary = [...new Set(corpus.flatMap(tokenTexts))];
  }

  next(random: Random): string {
    if (random.chance(0.8)) return this.#mutate(random, random.pick(this.#corpus));
    const length = random.int(1, 40);
    return Array.from({ length }, () => random.pick(this.#vocabulary)).join(' ');
  }

  /** Deletes, doubles, swaps or replaces a few tokens. */
  #mutate(random: Random, sql: string): string {
    const tokens = tokenTexts(sql);
    for (let edits = random.int(1, 4); edits > 0; edits--) {
      const at = random.int(0, Math.max(0, tokens.length - 1));
      const other = random.int(0, Math.max(0, tokens.length - 1));
      switch (random.int(0, 4)) {
        case 0:
          tokens.splice(at, random.int(1, 3));
          break;
        case 1:
          tokens.splice(at, 0, random.pick(this.#vocabulary));
          break;
        case 2:
          tokens[at] = random.pick(this.#vocabulary);
          break;
        case 3:
          [tokens[at], tokens[other]] = [tokens[other] ?? '', tokens[at] ?? ''];
          break;
        default:
          tokens.splice(at, 0, ...tokens.slice(other, other + random.int(1, 20)));
      }
    }
    return tokens.join(' ');
  }
}

/**
 * A statement with some tokens replaced by others of their kind from the same statement: words by
 * words, numbers by numbers, operators by operators. Most still parse, and mean nothing.
 */
export function confuse(random: Random, sql: string): string {
  const tokens = lex(sql).tokens.filter((token) => token.kind !== 'end');
  const texts = tokens.map((token) => sql.slice(token.start, token.end));
  for (let edits = random.int(0, 3); edits > 0; edits--) {
    const at = random.int(0, tokens.length - 1);
    const kin = texts.filter((text, i) => isKin(tokens[i].kind, text, tokens[at].kind, texts[at]));
    texts[at] = random.pick(kin);
  }
  return texts.join(' ');
}

/** Keywords, which the generator writes in capitals, stay among themselves. */
function isKin(kind: string, text: string, otherKind: string, other: string): boolean {
  const isKeyword = (word: string): boolean => /^[A-Z]+$/.test(word);
  return kind === otherKind && isKeyword(text) === isKeyword(other);
}

function tokenTexts(sql: string): string[] {
  return lex(sql)
    .tokens.filter((token) => token.kind !== 'end')
    .map((token) => sql.slice(token.start, token.end));
}
