/**
 * How often the keys of joins occur. Joining skewed keys makes far more rows than distinct counts
 * say: what a few frequent values have in common outweighs all others. (Ioannidis and
 * Christodoulakis, "Optimal Histograms for Limiting Worst-Case Error Propagation in the Size of
 * Join Results", TODS 1993: keeping the most frequent values exactly, and the others as if all
 * alike, is the best of histograms for chains of equality joins.)
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
  readonly nullShare: number;
  /** Whether no two rows have the same. */
  readonly isUnique: boolean;
  /**
   * Values of the whole table that are met far more often than others: their shares of its rows.
   */
  readonly frequent: ReadonlyMap<Key, number>;
  /** The keys of the rows that pass the node's predicates, where it has some. */
  readonly passed: PassedKeys | undefined;
}

interface PassedKeys {
  /** How many rows seen to pass have a key. */
  readonly counts: ReadonlyMap<Key, number>;
  /** Rows seen to pass. */
  readonly rows: number;
  /** Whether these are all rows. */
  readonly isComplete: boolean;
  /** The share of the table's rows that pass. */
  readonly share: number;
  /** Keys that each row seen has, whether it passed or not; only where no two rows have one. */
  readonly looked: { readonly rows: number; key(row: number): Key } | undefined;
}

/** Figures of a key of which nothing but the number of values is known. */
export function evenKey(distinct: number, nullShare: number): KeyFigures {
  return { distinct, nullShare, isUnique: false, frequent: noKeys, passed: undefined };
}

const frequentMax = 256;
/** Rows that the whole table's shares are worth against those of the rows that pass. */
const priorRows = 32;

/** What a sample says of a key in the rows that pass a scan's predicates. */
export function keyFigures(
  sample: TableSample,
  ordinal: number,
  seen: SampledScan | undefined,
  { distinct, nullShare, isUnique }: { distinct: number; nullShare: number; isUnique: boolean },
): KeyFigures {
  const column = sample.columns[ordinal];
  if (column === undefined) return evenKey(distinct, nullShare);
  const frequent = isUnique ? noKeys : frequentKeys(column, sample.rowCount, distinct);
  const passed = seen === undefined ? undefined : passedKeys(column, seen, isUnique);
  return { distinct, nullShare, isUnique, frequent, passed };
}

const noKeys: ReadonlyMap<Key, number> = new Map();

function passedKeys(column: SampledColumn, seen: SampledScan, isUnique: boolean): PassedKeys {
  const { hits, isComplete, share, looked } = seen;
  const key = keyReader(column);
  const available = column.kind === 'texts' ? column.lengths.length : seen.sample.rowCount;
  const counts = new Map<Key, number>();
  let rows = 0;
  for (const row of hits) {
    if (row >= available) continue;
    const value = key(row);
    counts.set(value, (counts.get(value) ?? 0) + 1);
    rows++;
  }
  const tested = isUnique ? { rows: Math.min(looked, available), key } : undefined;
  return { counts, rows, isComplete, share, looked: tested };
}

/** Where none of these has a frequent key, or keys are few, the others are not looked at. */
const firstRows = 4096;

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
    const all = column.kind === 'texts' ? column.lengths.length : sampleRows;
    frequent = mostFrequent(column, Math.min(all, firstRows), distinct);
    if (all > firstRows && frequent.size > 0 && distinct > frequentMax)
      frequent = mostFrequent(column, all, distinct);
    frequentKeysOf.set(column, frequent);
  }
  return frequent;
}

function mostFrequent(column: SampledColumn, rows: number, distinct: number): Map<Key, number> {
  const counted = countedKeys(column, rows);
  const least = leastFrequent(rows / distinct);
  // Of few values, each is known well.
  const isFew = counted.length <= frequentMax;
  const chosen = isFew ? counted : counted.filter(([, count]) => count >= least);
  chosen.sort((a, b) => b[1] - a[1]);
  return new Map(chosen.slice(0, frequentMax).map(([key, count]) => [key, count / rows]));
}

/** How many rows have each value but NULL. */
function countedKeys(column: SampledColumn, rows: number): [Key, number][] {
  const { nulls } = column;
  if (column.kind === 'texts') {
    const text = textReader(column);
    const counts = new Map<Key, number>();
    for (let row = 0; row < rows; row++) {
      if (nulls?.[row] === 1) continue;
      counts.set(text(row), (counts.get(text(row)) ?? 0) + 1);
    }
    return [...counts];
  }
  // Sorting typed arrays is native code, fast from the first time on.
  const sorted = column.data.slice(0, rows);
  let count = sorted.length;
  if (nulls !== undefined) {
    count = 0;
    for (let row = 0; row < rows; row++) if (nulls[row] === 0) sorted[count++] = sorted[row];
  }
  const values = sorted.subarray(0, count).sort();
  const keyOf = (value: number): Key =>
    column.kind === 'codes' ? column.values[value] : column.base + value;
  const counted: [Key, number][] = [];
  let first = 0;
  for (let i = 1; i <= count; i++) {
    if (i < count && values[i] === values[first]) continue;
    // A value that was met once is worth no more than to be counted as one.
    if (i - first > 1 || counted.length <= frequentMax) {
      counted.push([keyOf(values[first]), i - first]);
    }
    first = i;
  }
  return counted;
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
 * Works out, for sets of keys, the share of combinations of rows in which all of a set are equal:
 * for each value that is frequent on any side, the product of its shares on all sides; for the
 * others the usual rule, that the values of a side are among those of the side with more.
 */
export class EqualKeys {
  readonly #keys: readonly KeyFigures[];
  readonly #shares = new Map<number, number>();
  #valueShares: readonly ValueShares[] | undefined;

  constructor(keys: readonly KeyFigures[]) {
    this.#keys = keys;
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
    const sides = this.#sides().filter((_, i) => set & (1 << i));
    if (sides.length < 2) return 1;
    sides.sort((a, b) => b.distinct - a.distinct);
    const values = sides[0].known.length;
    // All sides but the one with the fewest values have a choice of as many as they have.
    const ordinary = sides.map((side) => side.otherShare / Math.max(1, side.distinct - values));
    const last = sides.length - 1;
    ordinary[last] = sides[last].otherShare / Math.max(1, sides[last - 1].distinct - values);
    let sum = 0;
    for (let value = 0; value < values; value++) {
      let product = 1;
      for (let i = 0; i < sides.length; i++) {
        const share = sides[i].known[value];
        product *= share >= 0 ? share : ordinary[i];
      }
      sum += product;
    }
    let others = 1;
    for (let i = 0; i < last; i++) others *= ordinary[i];
    return Math.max(sum + others * sides[last].otherShare, 1e-18);
  }

  #sides(): readonly ValueShares[] {
    if (this.#valueShares === undefined) {
      const values = frequentOfAny(this.#keys);
      this.#valueShares = this.#keys.map((key) => valueShares(key, values));
    }
    return this.#valueShares;
  }
}

/** What one side has of the values that are looked at one by one. */
interface ValueShares {
  readonly distinct: number;
  /** The share of rows with each of the values; below 0: as of any other. */
  readonly known: Float64Array;
  /** The share of rows that have none of these values, nor NULL. */
  readonly otherShare: number;
}

/** The values that are frequent on some side; the most frequent of each if they are too many. */
function frequentOfAny(keys: readonly KeyFigures[]): Key[] {
  const values = new Set<Key>();
  const each = Math.max(32, Math.floor((2 * frequentMax) / keys.length));
  for (const { frequent, passed } of keys) {
    let left = each;
    if (passed?.isComplete === true && passed.counts.size <= each) {
      for (const value of passed.counts.keys()) values.add(value);
    }
    for (const value of frequent.keys()) if (left-- > 0) values.add(value);
  }
  values.delete(null);
  return [...values];
}

function valueShares(key: KeyFigures, values: readonly Key[]): ValueShares {
  const { distinct, passed } = key;
  const known = Float64Array.from(values, (value) => knownShare(key, value));
  if (passed?.looked !== undefined && !passed.isComplete) {
    lookUp(key, passed, passed.looked, values, known);
  }
  let otherShare = 1 - key.nullShare;
  let ordinary = otherShare;
  for (const share of key.frequent.values()) ordinary -= share;
  ordinary = Math.max(0, ordinary) / Math.max(1, distinct - key.frequent.size);
  for (const share of known) otherShare -= share >= 0 ? share : ordinary;
  return { distinct, known, otherShare: Math.max(0, otherShare) };
}

function knownShare({ frequent, passed, distinct, isUnique }: KeyFigures, value: Key): number {
  const whole = isUnique ? 1 / distinct : frequent.get(value);
  if (passed === undefined) return whole ?? -1;
  const count = passed.counts.get(value) ?? 0;
  if (passed.isComplete) return count / Math.max(1, passed.rows);
  if (count === 0 && whole === undefined) return -1;
  return (count + priorRows * (whole ?? 1 / distinct)) / (passed.rows + priorRows);
}

/**
 * Where each row has a key of its own, a value is there once or not at all. Of some it was seen;
 * the others pass as often as those do, which may be more often than any row: what is frequent on
 * another side is special on this one too.
 */
function lookUp(
  { distinct }: KeyFigures,
  { counts, share }: PassedKeys,
  looked: NonNullable<PassedKeys['looked']>,
  values: readonly Key[],
  known: Float64Array,
): void {
  const places = new Map(values.map((value, place) => [value, place]));
  let tested = 0;
  let passing = 0;
  const isTested = new Uint8Array(values.length);
  for (let row = 0; row < looked.rows; row++) {
    const place = places.get(looked.key(row));
    if (place === undefined) continue;
    isTested[place] = 1;
    tested++;
    if (counts.has(values[place])) passing++;
  }
  const few = 4;
  const chance = (passing + few * share) / (tested + few);
  const once = 1 / Math.max(1, distinct * share);
  values.forEach((value, place) => {
    const there = isTested[place] === 1 ? Number(counts.has(value)) : chance;
    known[place] = there * once;
  });
}
