import type { Random } from '../../../src/base/random.ts';
import type { ExpressionMaker, ScopeColumn } from './expressions.ts';
import { fill, windowFunctions } from './functions.ts';
import { flat } from './relation.ts';
import type { Family } from './tables.ts';

/** Keys that a RANGE frame may count distances on, and a distance. */
const distances: Readonly<Partial<Record<Family, readonly string[]>>> = {
  int: ['0', '1', '3'],
  double: ['0.5e0', '10e0'],
  date: ["INTERVAL '40' DAY", "INTERVAL '2' MONTH"],
  timestamp: ["INTERVAL '400' DAY", "INTERVAL '90' MINUTE"],
};

const exclusions = ['EXCLUDE CURRENT ROW', 'EXCLUDE GROUP', 'EXCLUDE TIES', 'EXCLUDE NO OTHERS'];

/** Writes calls of window functions whose values do not depend on the order that rows come in. */
export class WindowMaker {
  readonly #random: Random;
  readonly #expressions: ExpressionMaker;

  constructor(random: Random, expressions: ExpressionMaker) {
    this.#random = random;
    this.#expressions = expressions;
  }

  /** A call over rows of these columns, all of them exact, as a column. */
  call(columns: readonly ScopeColumn[]): ScopeColumn {
    const random = this.#random;
    const { family, template, total, framed, inexact } = random.pick(windowFunctions);
    const scope = { columns, subqueries: 0 };
    const make = (of: Family): string =>
      flat(this.#expressions.make(of, scope, random.pick([0, 0, 1])));
    const text = fill(template, make).join('');
    const some = random.shuffle([...columns]).slice(0, random.int(0, 2));
    const partition =
      some.length > 0 && random.chance(0.6)
        ? `PARTITION BY ${some.map((column) => column.text).join(', ')} `
        : '';
    const window = framed ? this.#framed(columns, total) : this.#order(columns, total);
    return { text: `${text} OVER (${partition}${window})`, family, inexact: inexact === true };
  }

  /** By all columns where the order has to tell rows apart. */
  #order(columns: readonly ScopeColumn[], total: boolean): string {
    const chosen = this.#random.shuffle([...columns]).slice(0, total ? columns.length : 1);
    return chosen.length === 0 ? '' : `ORDER BY ${chosen.map((key) => this.#key(key)).join(', ')} `;
  }

  #key({ text }: ScopeColumn): string {
    const random = this.#random;
    const nulls = random.pick(['', ' NULLS FIRST', ' NULLS LAST']);
    return `${text}${random.pick(['', ' DESC'])}${nulls}`;
  }

  /** Frames of ROWS tell rows apart; those of RANGE and GROUPS hold all rows of equal keys. */
  #framed(columns: readonly ScopeColumn[], total: boolean): string {
    const random = this.#random;
    const exclusion = random.chance(0.3) ? ` ${random.pick(exclusions)}` : '';
    switch (random.int(0, 3)) {
      case 0:
        return this.#order(columns, total);
      case 1: {
        const extent = this.#extent(['0', '1', '2', '5']);
        return `${this.#order(columns, true)}ROWS ${extent}${exclusion}`;
      }
      case 2: {
        const order = this.#order(columns, total || random.chance(0.3));
        // GROUPS needs an order.
        return order === '' ? '' : `${order}GROUPS ${this.#extent(['0', '1', '2'])}${exclusion}`;
      }
      default:
        return this.#range(columns, total, exclusion);
    }
  }

  #range(columns: readonly ScopeColumn[], total: boolean, exclusion: string): string {
    const random = this.#random;
    const keys = columns.filter(({ family }) => distances[family] !== undefined);
    if (total || keys.length === 0 || random.chance(0.3)) {
      return `${this.#order(columns, total)}RANGE ${this.#extent([])}${exclusion}`;
    }
    const key = random.pick(keys);
    const extent = this.#extent(distances[key.family] ?? []);
    return `ORDER BY ${this.#key(key)} RANGE ${extent}${exclusion}`;
  }

  /** From a bound to one that does not lie before it. */
  #extent(distances: readonly string[]): string {
    const random = this.#random;
    const bounds = ['UNBOUNDED PRECEDING', 'CURRENT ROW', 'UNBOUNDED FOLLOWING'];
    if (distances.length > 0) {
      bounds.splice(1, 0, `${random.pick(distances)} PRECEDING`);
      bounds.splice(3, 0, `${random.pick(distances)} FOLLOWING`);
    }
    if (random.chance(0.2)) return bounds[random.int(0, bounds.indexOf('CURRENT ROW'))];
    const start = random.int(0, bounds.length - 2);
    const end = random.int(Math.max(start, 1), bounds.length - 1);
    return `BETWEEN ${bounds[start]} AND ${bounds[end]}`;
  }
}
