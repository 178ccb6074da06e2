import { assert } from '../../base/assert.ts';
import { checkpointText } from './checkpoint-text.ts';
import { textPoolSeed, textPoolSize } from './constants.ts';
import { multiplyModulo, skipMultiplier } from './random.ts';

/**
 * The text pool is one long walk of a random generator, 300 MiB of sentences. Checkpoints make any
 * piece of it reachable without what comes before: they say where the first sentence behind every
 * multiple of 64 KiB starts, and how many draws have been made by then.
 */
export const chunkSize = 65536;
export const chunkCount = textPoolSize / chunkSize;

/** Draws that 64 KiB of text usually take. The table holds what differs from it, plus 512. */
const drawsTypical = 13_310;
const bias = 512;

/** Three of these 64 characters are a checkpoint: eight bits of offset, ten bits of draws. */
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_';

/** A sentence start: `offset` in the pool, and the draws between it and the one before. */
export interface Checkpoint {
  readonly offset: number;
  readonly draws: number;
}

export interface Checkpoints {
  /** Where each chunk starts; one more than there are chunks, the last behind the pool's end. */
  readonly offsets: Uint32Array;
  /** The seed before the first draw of each chunk. */
  readonly seeds: Uint32Array;
}

/** The text of the table. */
export function encodeCheckpoints(checkpoints: readonly Checkpoint[]): string {
  return checkpoints
    .map(({ offset, draws }, index) => {
      const past = offset - (index + 1) * chunkSize;
      const difference = draws - drawsTypical + bias;
      assert(past >= 0 && past < 256, 'a sentence is shorter than 256 bytes');
      assert(difference >= 0 && difference < 1024, 'the draws of a chunk differ little');
      const bits = past * 1024 + difference;
      return digits[bits >> 12]! + digits[(bits >> 6) & 63]! + digits[bits & 63]!;
    })
    .join('');
}

let checkpoints: Checkpoints | undefined;

export function textCheckpoints(): Checkpoints {
  checkpoints ??= expand(checkpointText);
  return checkpoints;
}

function expand(text: string): Checkpoints {
  assert(text.length === 3 * chunkCount, 'there is a checkpoint behind every chunk');
  // A power of the multiplier is a product of two from tables: quicker than by squaring.
  const low = Array.from({ length: 32 }, (_, i) => skipMultiplier(i));
  const high = Array.from({ length: 32 }, (_, i) => skipMultiplier(drawsTypical - bias + i * 32));
  const digitValues = new Map([...digits].map((digit, value) => [digit, value]));
  const offsets = new Uint32Array(chunkCount + 1);
  const seeds = new Uint32Array(chunkCount + 1);
  seeds[0] = textPoolSeed;
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    let bits = 0;
    for (let i = 3 * chunk; i < 3 * chunk + 3; i++) bits = bits * 64 + digitValues.get(text[i]!)!;
    const skip = multiplyModulo(high[(bits >> 5) & 31]!, low[bits & 31]!);
    seeds[chunk + 1] = multiplyModulo(seeds[chunk]!, skip);
    offsets[chunk + 1] = (chunk + 1) * chunkSize + (bits >> 10);
  }
  return { offsets, seeds };
}
