import {
  atomic,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  memory,
  v128,
} from '../../../wasm/index.ts';
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
import { type Image, putText } from './image.ts';
import type { MemoryMap } from './memory-map.ts';
import { multiplySeed, scaleSeed } from './random.ts';

/** One slot a unit of weight, each word with what follows it. */
function placeWords(
  image: Image,
  distribution: Distribution,
  slotBytes: number,
  following = ' ',
): { address: number; total: number; slotBytes: number } {
  const texts: string[] = [];
  distribution.words.forEach((word, index) => {
    while (texts.length < distribution.cumulative[index]!) texts.push(word + following);
  });
  return { address: image.placeTexts(texts, slotBytes), total: texts.length, slotBytes };
}

type WordTable = ReturnType<typeof placeWords>;

/** Writes sentences: where, the state of the generator, and the tables of words. */
class SentenceWriter {
  readonly f: FunctionBuilder;
  readonly to: Local;
  readonly seed: Local;
  readonly #tables: Readonly<Record<'N' | 'V' | 'J' | 'D' | 'X' | 'P', WordTable>>;
  readonly #terminators: number;

  constructor(f: FunctionBuilder, to: Local, seed: Local, image: Image) {
    this.f = f;
    this.to = to;
    this.seed = seed;
    this.#tables = {
      N: placeWords(image, nouns, 16),
      V: placeWords(image, verbs, 16),
      J: placeWords(image, adjectives, 16),
      D: placeWords(image, adverbs, 16),
      X: placeWords(image, auxiliaries, 16),
      P: placeWords(image, prepositions, 32, ' the '),
    };
    this.#terminators = placeTerminators(image);
  }

  draw(range: number): Local {
    multiplySeed(this.f, this.seed, 16807);
    return this.f.let(scaleSeed(this.f, this.seed, range), 'draw');
  }

  word(kind: 'N' | 'V' | 'J' | 'D' | 'X' | 'P'): void {
    const { f, to } = this;
    const { address, total, slotBytes } = this.#tables[kind];
    const slot = f.let(i32.mul(this.draw(total), slotBytes), 'slot');
    for (let at = 0; at < slotBytes; at += 16) {
      f.do(v128.store(to, v128.load(slot, address + at), at));
    }
    f.set(to, i32.add(to, i32.load8U(slot, address + slotBytes - 1)));
  }

  nounPhrase(): void {
    const { f, to } = this;
    const [noun, adjective, adjectives] = nounPhrases.cumulative as [number, number, number];
    const kind = this.draw(nounPhrases.cumulative.at(-1)!);
    f.if(
      i32.geU(kind, adjectives),
      () => {
        this.word('D');
        this.word('J');
      },
      () => {
        f.if(i32.geU(kind, noun), () => {
          this.word('J');
          f.if(i32.geU(kind, adjective), () => {
            // "special, " where "special " was written.
            f.do(i32.store16(i32.sub(to, 1), 0x202c));
            f.set(to, i32.add(to, 1));
            this.word('J');
          });
        });
      },
    );
    this.word('N');
  }

  verbPhrase(): void {
    const { f } = this;
    const [verb, auxiliary, adverb] = verbPhrases.cumulative as [number, number, number];
    const kind = this.draw(verbPhrases.cumulative.at(-1)!);
    const hasAuxiliary = i32.or(
      i32.ltU(i32.sub(kind, verb), auxiliary - verb),
      i32.geU(kind, adverb),
    );
    f.if(hasAuxiliary, () => this.word('X'));
    this.word('V');
    f.if(i32.geU(kind, auxiliary), () => this.word('D'));
  }

  prepositionalPhrase(): void {
    this.word('P');
    this.nounPhrase();
  }

  sentence(): void {
    const { f, to } = this;
    // The kinds in their order: NVT, NVPT, NVNT, NPVNT, NPVPT.
    const [nvt, nvpt, nvnt, npvnt] = sentences.cumulative as [number, number, number, number];
    const kind = this.draw(sentences.cumulative.at(-1)!);
    this.nounPhrase();
    f.if(i32.geU(kind, nvnt), () => this.prepositionalPhrase());
    this.verbPhrase();
    f.if(i32.geU(kind, nvt), () => {
      const endsWithNoun = i32.ltU(i32.sub(kind, nvpt), npvnt - nvpt);
      f.if(
        endsWithNoun,
        () => this.nounPhrase(),
        () => this.prepositionalPhrase(),
      );
    });
    const end = f.let(i32.shl(this.draw(terminators.cumulative.at(-1)!), 2), 'end');
    f.do(i32.store(i32.sub(to, 1), i32.load(end, this.#terminators)));
    f.set(to, i32.add(to, i32.load8U(end, this.#terminators + 3)));
  }
}

/**
 * Four bytes an end: it replaces the blank behind the last word and brings its own; the last byte
 * is how much longer the text gets.
 */
function placeTerminators(image: Image): number {
  const total = terminators.cumulative.at(-1)!;
  const bytes = new Uint8Array(4 * total);
  for (let draw = 0; draw < total; draw++) {
    const index = terminators.cumulative.findIndex((sum) => sum > draw);
    const text = `${terminators.words[index]} `;
    putText(bytes, 4 * draw, text);
    bytes[4 * draw + 3] = text.length - 1;
  }
  return image.place(bytes);
}

/**
 * fillChunk(chunk, scratch): writes a chunk of the pool, by way of `scratch`, and marks it ready.
 */
export function defineFillChunk(m: ModuleBuilder, image: Image, map: MemoryMap): Func {
  return m.func('fillChunk', { params: { chunk: 'i32', scratch: 'i32' } }, (f) => {
    const { chunk, scratch } = f.param;
    const at = f.let(i32.shl(chunk, 2), 'at');
    const start = f.let(i32.load(at, map.chunkOffsets), 'start');
    const length = f.let(i32.sub(i32.load(at, map.chunkOffsets + 4), start), 'length');
    const to = f.let(scratch, 'to');
    const end = f.let(i32.add(scratch, length), 'end');
    const seed = f.let(i64.load32U(at, map.chunkSeeds), 'seed');
    const writer = new SentenceWriter(f, to, seed, image);
    f.loop((next) => {
      writer.sentence();
      f.brIf(next, i32.ltU(to, end));
    });
    // By way of scratch, as words are written in whole slots and must not touch the next chunk.
    f.do(memory.copy(i32.add(start, map.pool), scratch, length));
    f.do(atomic.fence());
    f.do(i32.store8(chunk, 1, map.chunkReady + 1));
  });
}

/**
 * requireText(offsets, lengths, count, scratch): makes sure that the text of `count` comments,
 * given by columns of offsets (i32) and lengths (u8), is there. It also reads every one of them,
 * so that the many cache misses happen at the same time and not one after the other when they are
 * copied.
 */
export function defineRequireText(m: ModuleBuilder, map: MemoryMap, fillChunk: Func): Func {
  const params = { offsets: 'i32', lengths: 'i32', count: 'i32', scratch: 'i32' } as const;
  return m.func('requireText', { params, results: ['i32'], export: true }, (f) => {
    const { offsets, lengths, count, scratch } = f.param;
    const i = f.local('i32', 'i');
    const sum = f.local('i32', 'sum');
    f.for(i, 0, count, () => {
      const first = f.let(i32.load(i32.add(offsets, i32.shl(i, 2))), 'first');
      const last = f.let(i32.add(first, i32.load8U(i32.add(lengths, i))), 'last');
      // A chunk starts at most 256 bytes behind its multiple; the mark of chunk c is at c + 1.
      const low = f.let(i32.shrU(i32.add(first, 65536 - 256), 16), 'low');
      const high = f.let(i32.add(i32.shrU(last, 16), 1), 'high');
      const ready = i32.and(i32.load8U(low, map.chunkReady), i32.load8U(high, map.chunkReady));
      f.if(i32.eqz(ready), () => {
        for (const mark of [low, high]) {
          f.if(i32.eqz(i32.load8U(mark, map.chunkReady)), () => {
            f.call(fillChunk, i32.sub(mark, 1), scratch);
          });
        }
      });
      const touched = i32.add(i32.load8U(first, map.pool), i32.load8U(last, map.pool));
      f.set(sum, i32.add(sum, touched));
    });
    f.return(sum);
  });
}
