/** How far texts are from each other, by the bytes of their UTF-8, as in DuckDB. */
import { QuernError, sqlState } from '../../base/error.ts';
import type { Known, Strict } from './meaning.ts';

const encoder = new TextEncoder();

function withBytes<T extends number | bigint>(run: (a: Uint8Array, b: Uint8Array) => T): Strict {
  return ([a, b]: readonly Known[]) =>
    run(encoder.encode(a as string), encoder.encode(b as string));
}

/** How many bytes must be put in, left out or replaced. */
function levenshtein(a: Uint8Array, b: Uint8Array): bigint {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  a.forEach((byte, i) => {
    const next = [i + 1];
    b.forEach((other, j) => {
      next.push(Math.min(row[j + 1] + 1, next[j] + 1, row[j] + (byte === other ? 0 : 1)));
    });
    row = next;
  });
  return BigInt(row[b.length]);
}

/** The same where two bytes may also change places, even with others between them later. */
function damerauLevenshtein(a: Uint8Array, b: Uint8Array): bigint {
  const most = a.length + b.length;
  const rows = Array.from({ length: a.length + 2 }, () => Array<number>(b.length + 2).fill(most));
  for (let i = 0; i <= a.length; i++) rows[i + 1][1] = i;
  for (let j = 0; j <= b.length; j++) rows[1][j + 1] = j;
  const lastRow = Array<number>(256).fill(0);
  for (let i = 1; i <= a.length; i++) {
    let lastColumn = 0;
    for (let j = 1; j <= b.length; j++) {
      const [k, l] = [lastRow[b[j - 1]], lastColumn];
      const same = a[i - 1] === b[j - 1];
      if (same) lastColumn = j;
      rows[i + 1][j + 1] = Math.min(
        rows[i][j] + (same ? 0 : 1),
        rows[i + 1][j] + 1,
        rows[i][j + 1] + 1,
        rows[k][l] + (i - k - 1) + 1 + (j - l - 1),
      );
    }
    lastRow[a[i - 1]] = i;
  }
  return BigInt(rows[a.length + 1][b.length + 1]);
}

/** More are not compared in this way: it takes memory for each pair of bytes. */
export const damerauPairsMax = 2 ** 24;

const damerau = withBytes((a, b) => {
  if ((a.length + 2) * (b.length + 2) > damerauPairsMax) {
    throw new QuernError(sqlState.numericValueOutOfRange, 'text too long');
  }
  return damerauLevenshtein(a, b);
});

const hamming = withBytes((a, b) => {
  if (a.length !== b.length || a.length === 0) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      'the texts must have the same length, which is not zero',
    );
  }
  return BigInt(a.filter((byte, i) => byte !== b[i]).length);
});

/** The share of the different bytes of both that are in each. */
const jaccard = withBytes((a, b) => {
  if (a.length === 0 || b.length === 0) {
    throw new QuernError(sqlState.invalidParameterValue, 'the texts must not be empty');
  }
  const others = new Set(b);
  const common = [...new Set(a)].filter((byte) => others.has(byte)).length;
  return common / new Set([...a, ...b]).size;
});

/** Jaro's similarity: from bytes that stand at nearly the same places, and how many are turned. */
function jaro(a: Uint8Array, b: Uint8Array): number {
  const window = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const taken = new Uint8Array(b.length);
  const matched: number[] = [];
  a.forEach((byte, i) => {
    for (let j = Math.max(0, i - window); j <= Math.min(b.length - 1, i + window); j++) {
      if (taken[j] || b[j] !== byte) continue;
      taken[j] = 1;
      matched.push(byte);
      return;
    }
  });
  if (matched.length === 0) return 0;
  const inOrder = b.filter((_, j) => taken[j] === 1);
  const turned = Math.floor(matched.filter((byte, i) => byte !== inOrder[i]).length / 2);
  const count = matched.length;
  return (count / a.length + count / b.length + (count - turned) / count) / 3;
}

/** Winkler's: texts that begin alike are nearer. */
function jaroWinkler(a: Uint8Array, b: Uint8Array): number {
  const similarity = jaro(a, b);
  if (similarity <= 0.7) return similarity;
  let prefix = 0;
  while (prefix < Math.min(4, a.length, b.length) && a[prefix] === b[prefix]) prefix++;
  return similarity + prefix * 0.1 * (1 - similarity);
}

export const distanceMeanings: Readonly<Record<string, Strict>> = {
  levenshtein: withBytes(levenshtein),
  damerau_levenshtein: damerau,
  hamming,
  jaccard,
  jaro_similarity: withBytes(jaro),
  jaro_winkler_similarity: withBytes(jaroWinkler),
};
