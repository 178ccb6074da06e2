import { assert } from '../../base/assert.ts';
import { formatDate } from '../../value/date.ts';
import { firstDay } from './constants.ts';
import {
  colors,
  containers,
  type Distribution,
  marketSegments,
  nations,
  partTypes,
  queryAdjectives,
  queryNouns,
  regionNames,
  shipModes,
} from './distributions.ts';
import { nextSeed, RandomStream } from './random.ts';

export const queryCount = 22;

/** Days from the first day of the data to 1995-03-01. */
const march1995 = 1155;
/** Of the total value of the stock, at scale factor 1. */
const importantStock = 0.0001;

/** The draws of one query: a stream of its own. */
class Draws {
  readonly #stream: RandomStream;

  constructor(seed: number) {
    this.#stream = new RandomStream(seed, 0);
  }

  next(low: number, high: number): number {
    return this.#stream.next(low, high);
  }

  /** The index of a word. */
  index(words: Distribution | readonly string[]): number {
    if (!('cumulative' in words)) return this.next(1, words.length) - 1;
    const draw = this.next(1, words.cumulative.at(-1)!);
    return words.cumulative.findIndex((sum) => sum >= draw);
  }

  word(words: Distribution | readonly string[]): string {
    return ('cumulative' in words ? words.words : words)[this.index(words)]!;
  }

  /** Two different words. */
  pair(words: Distribution | readonly string[]): [number, number] {
    const first = this.index(words);
    let second = first;
    while (second === first) second = this.index(words);
    return [first, second];
  }

  /** The first days of months from January 1993 on. */
  month(low: number, high: number): string {
    const months = this.next(low, high);
    const month = String((months % 12) + 1).padStart(2, '0');
    return `19${93 + Math.floor(months / 12)}-${month}-01`;
  }

  year(): string {
    return `19${this.next(93, 97)}-01-01`;
  }

  brand(): string {
    return `Brand#${this.next(1, 5)}${this.next(1, 5)}`;
  }

  shuffle(values: number[]): number[] {
    for (let i = 0; i < values.length; i++) {
      const other = this.next(i, values.length - 1);
      [values[i], values[other]] = [values[other]!, values[i]!];
    }
    return values;
  }
}

const nationNames = nations.map(({ name }) => name);

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function stockFraction(scale: number): string {
  return (importantStock / scale).toFixed(10).padStart(11);
}

/** How qgen draws the parameters of each query (its varsub.c; clause 2.4.x.3). */
const rules: readonly ((draws: Draws, scale: number) => string[])[] = [
  (draws) => [String(draws.next(60, 120))],
  (draws) => {
    const size = String(draws.next(1, 50));
    const metal = draws.word(partTypes).split(' ')[2]!;
    return [size, metal, draws.word(regionNames)];
  },
  (draws) => {
    const segment = draws.word(marketSegments);
    return [segment, formatDate(firstDay + march1995 + draws.next(0, 30))];
  },
  (draws) => [draws.month(0, 57)],
  (draws) => [draws.word(regionNames), draws.year()],
  (draws) => [draws.year(), `0.0${draws.next(2, 9)}`, String(draws.next(24, 25))],
  (draws) => draws.pair(nationNames).map((index) => nationNames[index]!),
  (draws) => {
    const nation = nations[draws.index(nationNames)]!;
    return [nation.name, regionNames[nation.region]!, draws.word(partTypes)];
  },
  (draws) => [draws.word(colors)],
  (draws) => [draws.month(1, 24)],
  (draws, scale) => [draws.word(nationNames), stockFraction(scale)],
  (draws) => {
    const modes = draws.pair(shipModes).map((index) => shipModes.words[index]!);
    return [...modes, draws.year()];
  },
  (draws) => [draws.word(queryAdjectives), draws.word(queryNouns)],
  (draws) => [draws.month(0, 59)],
  (draws) => [draws.month(0, 57)],
  (draws) => {
    const brand = draws.brand();
    const type = draws.word(partTypes).split(' ').slice(0, 2).join(' ');
    return [brand, type, ...draws.shuffle(range(1, 50)).slice(0, 8).map(String)];
  },
  (draws) => [draws.brand(), draws.word(containers)],
  (draws) => [String(draws.next(312, 315))],
  (draws) => {
    const brands = [draws.brand(), draws.brand(), draws.brand()];
    const quantities = [draws.next(1, 10), draws.next(10, 20), draws.next(20, 30)];
    return [...brands, ...quantities.map(String)];
  },
  (draws) => [draws.word(colors), draws.year(), draws.word(nationNames)],
  (draws) => [draws.word(nationNames)],
  (draws) => draws.shuffle(range(10, 25)).slice(0, 7).map(String),
];

/** The parameters of the qualification run, whose answers are published. */
const qualification: readonly string[] = [
  '90',
  '15,BRASS,EUROPE',
  'BUILDING,1995-03-15',
  '1993-07-01',
  'ASIA,1994-01-01',
  '1994-01-01,.06,24',
  'FRANCE,GERMANY',
  'BRAZIL,AMERICA,ECONOMY ANODIZED STEEL',
  'green',
  '1993-10-01',
  'GERMANY,',
  'MAIL,SHIP,1994-01-01',
  'special,requests',
  '1995-09-01',
  '1996-01-01',
  'Brand#45,MEDIUM POLISHED,49,14,23,45,19,3,36,9',
  'Brand#23,MED BOX',
  '300',
  'Brand#12,Brand#23,Brand#34,1,10,20',
  'forest,1994-01-01,CANADA',
  'SAUDI ARABIA',
  '13,31,23,29,30,18,17',
];

/**
 * The substitution parameters of query 1 to 22 for a seed as qgen takes it (-r), at a scale (-s).
 */
export function queryParameters(query: number, seed: number, scale: number): string[] {
  assert(query >= 1 && query <= queryCount, 'queries have numbers from 1 to 22');
  let own = seed;
  for (let i = 0; i < query; i++) own = nextSeed(own);
  return rules[query - 1]!(new Draws(own), scale);
}

/**
 * The parameters of the qualification run (qgen -d). The fraction of query 11 follows the scale.
 */
export function qualificationParameters(query: number, scale: number): string[] {
  assert(query >= 1 && query <= queryCount, 'queries have numbers from 1 to 22');
  const parameters = qualification[query - 1]!.split(',');
  return query === 11 ? [parameters[0]!, stockFraction(scale)] : parameters;
}
