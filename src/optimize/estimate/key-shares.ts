/**
 * How often the keys of joins occur. Joining skewed keys makes far more rows than distinct counts
 * say: what a few frequent values have in common outweighs all others.
 */
import type { SampledColumn, TableSample } from '../../table/sample.ts';
import { textReader } from './sample-test.ts';
import type { SampledScan } from './scan-sample.ts';

/** A value of a key: as a double, or a text. NULL equals nothing. */
type Key = number | string | null;

/** The values of a key among the rows that a node gives. */
export interface KeyFigures {
  /** In the whole table. */
  readonly distinct: number;
  /** Values far more frequent than others, with their shares of the rows. */
  readonly frequent: ReadonlyMap<Key, number>;
  /** The share of rows that have another value; the rest is NULL. */
  readonly otherShare: number;
  /** Keys of rows picked at random; none if no row was seen. */
  readonly drawn: readonly Key[];
  /** The share of the table's rows that the node gives. */
  readonly passing: number;
}

/** Figures of a key of which nothing but the number of values is known. */
export function evenKey(distinct: number, nullShare: number): KeyFigures {
  return { distinct, frequent: new Map(), otherShare: 1 - nullShare, drawn: [], passing: 1 };
}

const frequentMax = 256;
const drawnMax = 256;
/** Rows that the whole table's shares are worth against those of the rows that pass. */
const priorRows = 32;

/** What a sample says of a key in the rows that pass a scan's predicates. */
export function keyFigures(
  sample: TableSample,
  ordinal: number,
  seen: SampledScan | undefined,
  distinct: number,
  nullShare: number,
): KeyFigures {
  const column = sample.columns[ordinal];
  if (column === undefined) return evenKey(distinct, nullShare);
  const whole = frequentKeys(column, sample.rowCount, distinct);
  const keyAt = keyReader(column);
  const rows = seen?.hits ?? allRows(sample.rowCount);
  const available = column.kind === 'texts' ? column.lengths.length : sample.rowCount;
  const drawn: Key[] = [];
  for (let i = 0; i < rows.length && drawn.length < drawnMax; i++) {
    if (rows[i] < available) drawn.push(keyAt(rows[i]));
  }
  const passing = seen?.share ?? 1;
  const frequent =
    seen === undefined ? whole : frequentAmong(seen, keyAt, available, whole, nullShare, distinct);
  let otherShare = 1 - nullShare;
  for (const share of frequent.values()) otherShare -= share;
  return { distinct, frequent, otherShare: Math.max(0, otherShare), drawn, passing };
}

function allRows(count: number): Uint32Array {
  return Uint32Array.from({ length: Math.min(count, drawnMax) }, (_, row) => row);
}

/** Shares of frequent keys in the passing rows: as seen, where that is enough, or as in the table. */
function frequentAmong(
  seen: SampledScan,
  keyAt: (row: number) => Key,
  available: number,
  whole: ReadonlyMap<Key, number>,
  nullShare: number,
  distinct: number,
): ReadonlyMap<Key, number> {
  const counts = new Map<Key, number>();
  let rows = 0;
  for (const row of seen.hits) {
    if (row >= available) continue;
    const key = keyAt(row);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    rows++;
  }
  const frequent = new Map<Key, number>();
  const shrunk = (count: number, share: number) =>
    seen.isComplete ? count / rows : (count + priorRows * share) / (rows + priorRows);
  if (!seen.isComplete) {
    for (const [key, share] of whole) frequent.set(key, shrunk(counts.get(key) ?? 0, share));
  }
  const even = (1 - nullShare) / distinct;
  const least = seen.isComplete ? 1 : leastFrequent(rows / distinct);
  for (const [key, count] of counts) {
    if (key === null || count < least || frequent.has(key)) continue;
    if (frequent.size < 2 * frequentMax) frequent.set(key, shrunk(count, even));
  }
  return frequent;
}

/** How often a value must be met to be called frequent, where `mean` is to be expected. */
function leastFrequent(mean: number): number {
  return Math.max(4, mean + 4 * Math.sqrt(mean) + 1);
}

const frequentKeysOf = new WeakMap<SampledColumn, ReadonlyMap<Key, number>>();

/** The frequent keys of a whole table, from its sample; found once for each. */
function frequentKeys(
  column: SampledColumn,
  sampleRows: number,
  distinct: number,
): ReadonlyMap<Key, number> {
  let frequent = frequentKeysOf.get(column);
  if (frequent === undefined) {
    const rows = column.kind === 'texts' ? column.lengths.length : sampleRows;
    frequent = findFrequent(column, rows, leastFrequent(rows / distinct));
    frequentKeysOf.set(column, frequent);
  }
  return frequent;
}

function findFrequent(column: SampledColumn, rows: number, least: number): Map<Key, number> {
  const runs: { row: number; count: number }[] = [];
  for (const [row, count] of countedRows(column, rows))
    if (count >= least) runs.push({ row, count });
  runs.sort((a, b) => b.count - a.count);
  const keyAt = keyReader(column);
  return new Map(runs.slice(0, frequentMax).map(({ row, count }) => [keyAt(row), count / rows]));
}

/** For each value but NULL, a row that has it and how many rows do. */
function countedRows(column: SampledColumn, rows: number): Iterable<readonly [number, number]> {
  const { nulls } = column;
  const counts = new Map<number | string, [number, number]>();
  const text = column.kind === 'texts' ? textReader(column) : undefined;
  for (let row = 0; row < rows; row++) {
    if (nulls !== undefined && nulls[row] === 1) continue;
    const value = column.kind === 'texts' ? text!(row) : column.data[row];
    const known = counts.get(value);
    if (known === undefined) counts.set(value, [row, 1]);
    else known[1]++;
  }
  return counts.values();
}

function keyReader(column: SampledColumn): (row: number) => Key {
  const { nulls } = column;
  if (column.kind === 'texts') {
    const text = textReader(column);
    return (row) => (nulls?.[row] === 1 ? null : text(row));
  }
  if (column.kind === 'codes') {
    return (row) => (nulls?.[row] === 1 ? null : column.values[column.data[row]]);
  }
  return (row) => (nulls?.[row] === 1 ? null : column.base + column.data[row]);
}

/**
 * Works out, for sets of keys, the share of combinations of rows in which all of the set are equal.
 *
 * The keys drawn from the most selective side stand for its rows; for each of them, the other sides
 * have it as often as their frequent values say, or as all others do on average. Where nothing is
 * frequent this is the usual rule: each side's values are among those of the side with more.
 */
export class EqualKeys {
  readonly #keys: readonly KeyFigures[];
  readonly #shares = new Map<number, number>();
  /** For each key drawn from one, the shares of another that are not those of an ordinary value. */
  readonly #frequent = new Map<number, Float64Array>();
  readonly #isEven: boolean;

  constructor(keys: readonly KeyFigures[]) {
    this.#keys = keys;
    this.#isEven = keys.every(({ frequent }) => frequent.size === 0);
  }

  /** `set`: a bit for each key. */
  share(set: number): number {
    let share = this.#shares.get(set);
    if (share === undefined) {
      share = this.#compute(set);
      this.#shares.set(set, share);
    }
    return share;
  }

  #compute(set: number): number {
    const members = this.#keys.map((_, i) => i).filter((i) => set & (1 << i));
    if (members.length < 2) return 1;
    const distinct = members.map((i) => this.#keys[i].distinct).sort((a, b) => b - a);
    const leading = this.#isEven ? undefined : this.#leading(members);
    if (leading === undefined) {
      const valid = members.reduce((product, i) => product * this.#keys[i].otherShare, 1);
      return distinct.slice(0, -1).reduce((share, count) => share / count, valid);
    }
    const others = members
      .filter((i) => i !== leading)
      .sort((a, b) => this.#keys[b].distinct - this.#keys[a].distinct);
    const ordinary = others.map((i, at) => {
      const { otherShare, frequent } = this.#keys[i];
      return otherShare / Math.max(1, distinct[at] - frequent.size);
    });
    const frequent = others.map((i) => this.#frequentOf(leading, i));
    const { drawn } = this.#keys[leading];
    let sum = 0;
    for (let draw = 0; draw < drawn.length; draw++) {
      if (drawn[draw] === null) continue;
      let product = 1;
      for (let k = 0; k < others.length; k++) product *= frequent[k][draw] || ordinary[k];
      sum += product;
    }
    return sum / drawn.length;
  }

  /** The side whose rows are fewest of its table's, and known. */
  #leading(members: readonly number[]): number | undefined {
    let best: number | undefined;
    for (const i of members) {
      const { drawn, passing } = this.#keys[i];
      if (drawn.length === 0) continue;
      if (best === undefined || passing < this.#keys[best].passing) best = i;
    }
    return best;
  }

  #frequentOf(leading: number, other: number): Float64Array {
    const key = leading * 32 + other;
    let shares = this.#frequent.get(key);
    if (shares === undefined) {
      const { frequent } = this.#keys[other];
      shares = Float64Array.from(this.#keys[leading].drawn, (drawn) => frequent.get(drawn) ?? 0);
      this.#frequent.set(key, shares);
    }
    return shares;
  }
}
