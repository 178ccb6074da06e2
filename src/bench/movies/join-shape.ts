/** The relations of a query as a graph, and the sets of them that are joined without a product. */
import { assert } from '../../base/assert.ts';
import type { MovieQuery } from './queries.ts';

export interface JoinShape {
  /** Bit i of a set stands for the i-th. */
  readonly aliases: readonly string[];
  /** Sets of columns that are equal in every row of the result. */
  readonly classes: readonly JoinClass[];
  readonly neighbours: readonly number[];
}

export interface JoinClass {
  /** `alias.column`s, at most one of a relation. */
  readonly members: readonly { readonly relation: number; readonly column: string }[];
  readonly mask: number;
}

export function joinShape(query: MovieQuery): JoinShape {
  const aliases = Object.keys(query.from);
  const groups: Set<string>[] = [];
  for (const join of query.joins) {
    const sides = join.split(' = ');
    const touched = groups.filter((group) => sides.some((side) => group.has(side)));
    const merged = new Set([...touched.flatMap((group) => [...group]), ...sides]);
    groups.splice(0, groups.length, ...groups.filter((group) => !touched.includes(group)), merged);
  }
  const classes = groups.map((group) => {
    const members = [...group].map((side) => {
      const [alias, column] = side.split('.');
      return { relation: aliases.indexOf(alias), column };
    });
    const mask = members.reduce((bits, { relation }) => bits | (1 << relation), 0);
    assert(bitCount(mask) === members.length, 'a relation has one column in a class');
    return { members, mask };
  });
  const neighbours = aliases.map((_, i) =>
    classes.reduce((bits, { mask }) => (mask & (1 << i) ? bits | mask : bits), 0),
  );
  return { aliases, classes, neighbours };
}

/** Some relations of a query with all that holds among them, through others or not. */
export function partOf(query: MovieQuery, shape: JoinShape, set: number): MovieQuery {
  const aliases = bitsOf(set).map((bit) => shape.aliases[bit]);
  const pick = <T>(record: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(record).filter(([alias]) => aliases.includes(alias)));
  const joins = shape.classes.flatMap(({ members }) => {
    const sides = members
      .filter(({ relation }) => set & (1 << relation))
      .map(({ relation, column }) => `${shape.aliases[relation]}.${column}`);
    return sides.slice(1).map((side) => `${sides[0]} = ${side}`);
  });
  return { name: query.name, from: pick(query.from), joins, where: pick(query.where) };
}

/** All sets of relations that hang together, small ones first. */
export function connectedSets({ aliases, neighbours }: JoinShape): number[] {
  let layer = new Set(aliases.map((_, i) => 1 << i));
  const all: number[] = [];
  while (layer.size > 0) {
    all.push(...layer);
    const next = new Set<number>();
    for (const set of layer) {
      let around = 0;
      for (const i of bitsOf(set)) around |= neighbours[i];
      for (const i of bitsOf(around & ~set)) next.add(set | (1 << i));
    }
    layer = next;
  }
  return all;
}

export function bitsOf(set: number): number[] {
  const bits: number[] = [];
  for (let rest = set; rest !== 0; rest &= rest - 1) bits.push(31 - Math.clz32(rest & -rest));
  return bits;
}

export function bitCount(set: number): number {
  return bitsOf(set).length;
}

/**
 * The fewest rows that the joins of an order without cross products can give in all (the cost that
 * is called C_out), from the rows of every connected set.
 */
export function leastJoinRows(sets: readonly number[], rows: ReadonlyMap<number, number>): number {
  const best = new Map<number, number>();
  let least = 0;
  for (const set of sets) {
    if (bitCount(set) === 1) {
      best.set(set, 0);
      continue;
    }
    least = Number.POSITIVE_INFINITY;
    for (let part = (set - 1) & set; part > (set ^ part); part = (part - 1) & set) {
      const [a, b] = [best.get(part), best.get(set ^ part)];
      if (a !== undefined && b !== undefined) least = Math.min(least, a + b);
    }
    least += rows.get(set)!;
    best.set(set, least);
  }
  return least;
}
