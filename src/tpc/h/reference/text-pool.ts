import { assert } from '../../../base/assert.ts';
import { textPoolSeed, textPoolSize } from '../constants.ts';
import {
  adjectives,
  adverbs,
  auxiliaries,
  type Distribution,
  nounPhrases,
  nouns,
  prepositions,
  sentences,
  terminators,
  verbPhrases,
  verbs,
} from '../distributions.ts';
import { nextSeed, uniform } from '../random.ts';

/** A distribution as a table of its words in bytes, one entry a unit of weight. */
function wordTable(distribution: Distribution): Uint8Array[] {
  const encoder = new TextEncoder();
  const table: Uint8Array[] = [];
  distribution.words.forEach((word, index) => {
    const bytes = encoder.encode(word);
    while (table.length < distribution.cumulative[index]!) table.push(bytes);
  });
  return table;
}

const words: Readonly<Record<string, Uint8Array[]>> = {
  N: wordTable(nouns),
  V: wordTable(verbs),
  J: wordTable(adjectives),
  D: wordTable(adverbs),
  P: wordTable(prepositions),
  X: wordTable(auxiliaries),
  T: wordTable(terminators),
};
const sentenceTable = wordTable(sentences).map((bytes) => String.fromCharCode(...bytes));
const nounPhraseTable = wordTable(nounPhrases).map((bytes) => String.fromCharCode(...bytes));
const verbPhraseTable = wordTable(verbPhrases).map((bytes) => String.fromCharCode(...bytes));
const the = new TextEncoder().encode('the');
const blank = 0x20;

/** The longest sentence has fewer bytes than this. */
const sentenceLengthMax = 512;

/**
 * Writes the text pool sentence by sentence, in the plainest way: the model that the fast one is
 * tested against.
 */
export class TextPoolWriter {
  readonly bytes: Uint8Array;
  length = 0;
  seed = textPoolSeed;
  /** Draws made so far. */
  draws = 0;

  constructor(size = textPoolSize) {
    this.bytes = new Uint8Array(size + sentenceLengthMax);
  }

  writeSentence(): void {
    for (const part of this.#pick(sentenceTable)) {
      if (part === 'N') this.#writePhrase(nounPhraseTable);
      else if (part === 'V') this.#writePhrase(verbPhraseTable);
      else if (part === 'P') {
        this.#writeWord(this.#pick(words['P']!));
        this.#writeWord(the);
        this.#writePhrase(nounPhraseTable);
      } else {
        assert(part === 'T', 'sentences consist of phrases and an end');
        // The end takes the place of the blank after the last word.
        this.length--;
        this.#writeWord(this.#pick(words['T']!));
      }
    }
  }

  #writePhrase(table: readonly string[]): void {
    for (const part of this.#pick(table)) {
      if (part === ',') {
        this.bytes[this.length - 1] = 0x2c;
        this.bytes[this.length++] = blank;
      } else {
        this.#writeWord(this.#pick(words[part]!));
      }
    }
  }

  #writeWord(word: Uint8Array): void {
    this.bytes.set(word, this.length);
    this.length += word.length;
    this.bytes[this.length++] = blank;
  }

  #pick<T>(table: readonly T[]): T {
    this.seed = nextSeed(this.seed);
    this.draws++;
    return table[uniform(this.seed, 0, table.length - 1)]!;
  }
}

let pool: Uint8Array | undefined;

/** The whole text pool (300 MiB), made on the first call: a few seconds. */
export function referenceTextPool(): Uint8Array {
  if (pool === undefined) {
    const writer = new TextPoolWriter();
    while (writer.length < textPoolSize) writer.writeSentence();
    pool = writer.bytes.subarray(0, textPoolSize);
  }
  return pool;
}
