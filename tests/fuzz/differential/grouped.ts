import type { Random } from '../../../src/base/random.ts';
import type { ExpressionMaker, Scope, ScopeColumn } from './expressions.ts';
import { type Fragment, list, nothing, of } from './fragment.ts';
import { aggregateFunctions, fill } from './functions.ts';
import { exactColumns, flat, named, type Relation, type Select } from './relation.ts';
import { type Family, families } from './tables.ts';
import type { WindowMaker } from './windows.ts';

interface Key {
  readonly family: Family;
  readonly fragment: Fragment;
}

/** Writes queries with aggregates. */
export class GroupedMaker {
  readonly #random: Random;
  readonly #expressions: ExpressionMaker;
  readonly #windows: WindowMaker;

  constructor(random: Random, expressions: ExpressionMaker, windows: WindowMaker) {
    this.#random = random;
    this.#expressions = expressions;
    this.#windows = windows;
  }

  /**
   * Groups of the rows of FROM. `wanted` are the families of the columns, if they matter; `exact`
   * is set where the values are used again.
   */
  select(
    from: Relation,
    where: Fragment,
    wanted: readonly Family[] | undefined,
    exact: boolean,
  ): Select {
    const random = this.#random;
    const inner = { columns: from.columns, subqueries: random.chance(0.03) ? 1 : 0 };
    const keys = Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => {
      const family = random.pick(families);
      return { family, fragment: this.#expressions.make(family, inner, random.pick([0, 0, 1])) };
    });
    const aggregates = Array.from({ length: random.int(1, 3) }, () => this.#aggregate(inner));
    const groupable = keys.filter(({ fragment }) => fragment.parts.every(isColumnText));
    const columns = [
      ...groupable.map(({ family, fragment }) => ({ text: String(fragment.parts[0]), family })),
      ...exactColumns(aggregates),
    ];
    const over = { columns, subqueries: random.chance(0.08) ? 1 : 0 };
    const condition = this.#expressions.condition(over, 1);
    const having = random.chance(0.25) ? of('clause')` HAVING ${condition}` : nothing;
    const group = keys.length === 0 ? nothing : groupBy(keys, wanted === undefined, random);
    const { items, results } =
      wanted === undefined
        ? this.#items(keys, aggregates, over, exact)
        : this.#wantedItems(wanted, over);
    // Without grouping sets, keys that are all there tell the groups apart.
    if (wanted === undefined && groupable.length === keys.length && !hasSets(group)) {
      this.#addWindow(items, results, over.columns, exact);
    }
    const head = of('query')`SELECT ${named(items)} FROM ${from.fragment}${where}${group}${having}`;
    return { fragment: head, columns: results.map((result, i) => ({ ...result, text: `r${i}` })) };
  }

  #items(
    keys: readonly Key[],
    aggregates: readonly ScopeColumn[],
    over: Scope,
    exact: boolean,
  ): { items: Fragment[]; results: Omit<ScopeColumn, 'text'>[] } {
    const random = this.#random;
    const items = keys.map(({ fragment }) => fragment);
    const results: Omit<ScopeColumn, 'text'>[] = keys.map(({ family }) => ({ family }));
    for (const { family, inexact, text } of aggregates) {
      if (exact && inexact) continue;
      const plain = inexact === true || random.chance(0.7);
      items.push(plain ? of(family)`${text}` : this.#expressions.make(family, over, 1));
      results.push({ family, inexact: inexact === true });
    }
    if (items.length === 0) {
      items.push(of('int')`count(*)`);
      results.push({ family: 'int' });
    }
    return { items, results };
  }

  #addWindow(
    items: Fragment[],
    results: Omit<ScopeColumn, 'text'>[],
    columns: readonly ScopeColumn[],
    exact: boolean,
  ): void {
    if (!this.#random.chance(0.12)) return;
    const { text, family, inexact } = this.#windows.call(columns);
    if (exact && inexact) return;
    items.push(of(family)`${text}`);
    results.push({ family, inexact: inexact === true });
  }

  #wantedItems(
    wanted: readonly Family[],
    over: Scope,
  ): { items: Fragment[]; results: Omit<ScopeColumn, 'text'>[] } {
    const items = wanted.map((family) => this.#expressions.make(family, over, 1));
    return { items, results: wanted.map((family) => ({ family })) };
  }

  /** An aggregate as a column of the groups. */
  #aggregate(scope: Scope): ScopeColumn {
    const random = this.#random;
    const argument = (family: Family): string => {
      const fragment = this.#expressions.make(family, scope, random.pick([0, 0, 1]));
      return flat(fragment);
    };
    const filter = random.chance(0.15)
      ? ` FILTER (WHERE ${flat(this.#expressions.condition(scope, 1))})`
      : '';
    if (random.chance(0.15)) {
      const chosen = random.pick(aggregateFunctions);
      const text = fill(chosen.template, argument).join('');
      return { text, family: chosen.family, inexact: chosen.inexact === true };
    }
    const distinct = random.chance(0.2) ? 'DISTINCT ' : '';
    const family = random.pick(families);
    const number = random.pick<Family>(['int', 'dec', 'double']);
    switch (random.int(0, 7)) {
      case 0:
        return { text: `count(*)${filter}`, family: 'int' };
      case 1:
        return { text: `count(${distinct}${argument(family)})${filter}`, family: 'int' };
      case 2:
      case 3: {
        const sum = `sum(${distinct}${argument(number)})${filter}`;
        const text = number === 'dec' ? `CAST(${sum} AS DECIMAL(26,4))` : sum;
        return { text, family: number, inexact: number === 'double' };
      }
      case 4: {
        const text = `avg(${distinct}${argument(number)})${filter}`;
        return { text, family: 'double', inexact: true };
      }
      case 5: {
        const name = random.pick(['bool_and', 'bool_or']);
        return { text: `${name}(${argument('bool')})${filter}`, family: 'bool' };
      }
      default: {
        const name = random.pick(['min', 'max']);
        return { text: `${name}(${distinct}${argument(family)})${filter}`, family };
      }
    }
  }
}

function isColumnText(part: string | Fragment): boolean {
  return typeof part === 'string' && /^[a-z]\w*\.\w+$/.test(part);
}

function hasSets(group: Fragment): boolean {
  return /\b(ROLLUP|CUBE|GROUPING SETS) \(/.test(flat(group));
}

/** By position where the keys are selected first, or by the expressions themselves. */
function groupBy(keys: readonly Key[], selected: boolean, random: Random): Fragment {
  const positions = selected && random.chance(0.5);
  const items = keys.map(({ fragment }, i) => {
    if (positions) return of('key')`${String(i + 1)}`;
    // A number alone is a position, for us as in PostgreSQL also in parentheses.
    return /^-?\d+$/.test(flat(fragment)) ? of('key')`${fragment} + 0` : of('key')`${fragment}`;
  });
  // Which constants of the select list are meant by one of a grouping set is not defined.
  const isPlain = keys.every(({ fragment }) => /[a-z]\w*\.\w/.test(flat(fragment)));
  if (positions || items.length === 0 || !isPlain || !random.chance(0.15)) {
    return of('clause')` GROUP BY ${list(items)}`;
  }
  const [first] = items;
  const last = items[items.length - 1];
  const sets = random.pick<(parts: Fragment) => Fragment>([
    (parts) => of('sets')`ROLLUP (${parts})`,
    (parts) => of('sets')`CUBE (${parts})`,
    (parts) => of('sets')`GROUPING SETS ((${parts}), (${first}), ())`,
    (parts) => of('sets')`GROUPING SETS ((${parts}), (${last}), (${last}))`,
    (parts) => of('sets')`${first}, ROLLUP (${parts})`,
    (parts) => of('sets')`GROUPING SETS (ROLLUP (${parts}), (${last}))`,
    (parts) => of('sets')`GROUPING SETS ((${first}), (${parts}), (${last}))`,
  ]);
  return of('clause')` GROUP BY ${sets(list(items))}`;
}
