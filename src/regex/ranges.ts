/** A set of code points, or of bytes: ranges [first, last] in order that do not touch. */
export type Ranges = readonly Range[];

export type Range = readonly [first: number, last: number];

export const codePointMax = 0x10ffff;

/** Everything that can stand in a text; surrogates, which cannot, do not matter. */
export const anyCharacter: Ranges = [[0, codePointMax]];

/** The union of ranges in any order. */
export function unite(ranges: Iterable<Range>): Ranges {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const united: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = united.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else united.push([first, last]);
  }
  return united;
}

/** What is not in a set, up to `max`. */
export function complement(ranges: Ranges, max = codePointMax): Ranges {
  const rest: Range[] = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= max) rest.push([next, max]);
  return rest;
}

/** The part of a set from `low` to `high`. */
export function within(ranges: Ranges, low: number, high: number): Ranges {
  return ranges.flatMap(([first, last]): Range[] => {
    const from = Math.max(first, low);
    const to = Math.min(last, high);
    return from <= to ? [[from, to]] : [];
  });
}

export function includes(ranges: Ranges, low: number, high = low): boolean {
  return ranges.some(([first, last]) => first <= low && high <= last);
}
