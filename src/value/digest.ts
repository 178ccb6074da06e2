/**
 * MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4): their constants, and their plain computation a
 * text at a time.
 */
export type DigestName = 'md5' | 'sha1' | 'sha256';

export interface Digest {
  /** The state at the start, 32-bit words. */
  readonly initial: readonly number[];
  /** Whether bytes make words, and words the result, with the high byte first. */
  readonly bigEndian: boolean;
  /** The state behind a block of 16 words. */
  step(state: readonly number[], block: readonly number[]): readonly number[];
}

/** The whole parts of 2^32 times the fraction of a root of the first primes. */
function rootsOfPrimes(count: number, root: (x: number) => number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32) | 0);
}

/** How far MD5 turns its words, four a round. */
export const md5Shifts: readonly (readonly number[])[] = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

export const md5Constants: readonly number[] = Array.from(
  { length: 64 },
  (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0,
);

/** Which word of the block MD5 takes in a step. */
export function md5Word(step: number): number {
  const [factor, offset] = [
    [1, 0],
    [5, 1],
    [3, 5],
    [7, 0],
  ][step >> 4];
  return (step * factor + offset) & 15;
}

export const sha1Constants = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6].map((k) => k | 0);
export const sha256Constants: readonly number[] = rootsOfPrimes(64, Math.cbrt);

const firstWords = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0].map((w) => w | 0);

function turnLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function turnRight(word: number, bits: number): number {
  return turnLeft(word, 32 - bits);
}

function md5Step(state: readonly number[], block: readonly number[]): number[] {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i++) {
    const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][i >> 4];
    const sum = (a + mixed + md5Constants[i] + block[md5Word(i)]) | 0;
    const turned = turnLeft(sum, md5Shifts[i >> 4][i & 3]);
    [a, b, c, d] = [d, (b + turned) | 0, b, c];
  }
  return [a, b, c, d];
}

function sha1Step(state: readonly number[], block: readonly number[]): number[] {
  const words = [...block];
  let [a, b, c, d, e] = state;
  for (let i = 0; i < 80; i++) {
    if (i >= 16)
      words.push(turnLeft(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1));
    const round = Math.floor(i / 20);
    const mixed = [(b & c) | (~b & d), b ^ c ^ d, (b & c) | (b & d) | (c & d), b ^ c ^ d][round];
    const sum = (turnLeft(a, 5) + mixed + e + sha1Constants[round] + words[i]) | 0;
    [a, b, c, d, e] = [sum, a, turnLeft(b, 30), c, d];
  }
  return [a, b, c, d, e];
}

function sha256Step(state: readonly number[], block: readonly number[]): number[] {
  const words = [...block];
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    if (i >= 16) {
      const [w2, w15] = [words[i - 2], words[i - 15]];
      const low = turnRight(w15, 7) ^ turnRight(w15, 18) ^ (w15 >>> 3);
      const high = turnRight(w2, 17) ^ turnRight(w2, 19) ^ (w2 >>> 10);
      words.push((words[i - 16] + low + words[i - 7] + high) | 0);
    }
    const mixE = turnRight(e, 6) ^ turnRight(e, 11) ^ turnRight(e, 25);
    const first = (h + mixE + ((e & f) ^ (~e & g)) + sha256Constants[i] + words[i]) | 0;
    const mixA = turnRight(a, 2) ^ turnRight(a, 13) ^ turnRight(a, 22);
    const second = (mixA + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h];
}

export const digests: Readonly<Record<DigestName, Digest>> = {
  md5: { initial: firstWords.slice(0, 4), bigEndian: false, step: md5Step },
  sha1: { initial: firstWords, bigEndian: true, step: sha1Step },
  sha256: { initial: rootsOfPrimes(8, Math.sqrt), bigEndian: true, step: sha256Step },
};

/** The digest of bytes in hexadecimal, as text. */
export function digestOf(name: DigestName, bytes: Uint8Array): string {
  const { initial, bigEndian, step } = digests[name];
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(64 * blocks);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n, !bigEndian);
  let state = initial;
  for (let at = 0; at < padded.length; at += 64) {
    const block = Array.from({ length: 16 }, (_, i) => view.getInt32(at + 4 * i, !bigEndian));
    state = step(state, block).map((word, i) => (word + state[i]) | 0);
  }
  const result = new DataView(new ArrayBuffer(4 * state.length));
  state.forEach((word, i) => {
    result.setInt32(4 * i, word, !bigEndian);
  });
  return toHex(new Uint8Array(result.buffer));
}

/** Two hexadecimal digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
