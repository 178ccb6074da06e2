/**
 * Spelling help: finds the known name that is nearest to what somebody typed, for the hint
 * "did you mean …" of an error.
 */

/**
 * Optimal string alignment distance (Damerau-Levenshtein without repeated edits of one substring):
 * insertions, deletions, substitutions and swaps of neighbours. Stops early and returns
 * `limit + 1` when the distance is above `limit`.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast = new Uint16Array(b.length + 1);
  let last = Uint16Array.from({ length: b.length + 1 }, (_, j) => j);
  let row = new Uint16Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2] + 1);
      }
      row[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return last[b.length];
}

/** Longer words than this are compared by their first characters only: hints must stay cheap. */
const comparedLengthMax = 64;

/**
 * The candidate nearest to `word`, case ignored, or undefined when none is close: about one edit
 * for every three characters, and never a change of more than half of the word.
 */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.slice(0, comparedLengthMax).toLowerCase();
  let limit = Math.min(4, Math.max(1, Math.floor(wanted.length / 3)));
  if (wanted.length < 2) return undefined;
  let best: string | undefined;
  for (const candidate of candidates) {
    const name = candidate.slice(0, comparedLengthMax).toLowerCase();
    const distance = editDistance(wanted, name, limit);
    if (distance > limit || distance * 2 > Math.max(wanted.length, 2)) continue;
    if (best !== undefined && distance === limit) continue;
    best = candidate;
    limit = distance;
    if (distance === 0) break;
  }
  return best;
}
