import type { Random } from '../../../src/base/random.ts';
import { ExpressionMaker, type Scope, type ScopeColumn } from './expressions.ts';
import { type Fragment, list, nothing, of } from './fragment.ts';
import { aggregateFunctions, fill, windowFrames, windowFunctions } from './functions.ts';
import { type Family, families, type TestTable } from './tables.ts';

export interface TestQuery {
  readonly fragment: Fragment;
  /** Whether ORDER BY leaves no choice: the order of the rows counts. */
  readonly ordered: boolean;
}

/** A relation that FROM can name. */
interface Source {
  readonly name: string;
  readonly columns: readonly ScopeColumn[];
  readonly rows: number;
}

/** A table beside those that all queries may use. */
interface ExtraSource {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly family: Family }[];
  readonly rows: number;
}

/** A part of FROM with the columns it gives. */
interface Relation {
  readonly fragment: Fragment;
  readonly columns: readonly ScopeColumn[];
  readonly rows: number;
}

interface Select {
  readonly fragment: Fragment;
  readonly columns: readonly ScopeColumn[];
}

/** Pairs of rows a join may have to look at. */
const joinRowsMax = 100_000;

/** Rows of a relation that a subquery of a condition may use. */
const subqueryRowsMax = 50;

/** Rows to reckon with in a common table, whose number is not known: two are not multiplied. */
const commonRows = 1000;

const noScope: Scope = { columns: [], subqueries: 0 };

/** Writes random queries over tables. */
export class QueryMaker {
  readonly #random: Random;
  readonly expressions: ExpressionMaker;
  readonly #sources: Source[];
  #aliases = 0;

  constructor(random: Random, tables: readonly TestTable[]) {
    this.#random = random;
    this.expressions = new ExpressionMaker(random, {
      single: (scope, family) => this.#singleValue(scope, family),
      column: (scope, family) => this.#subquery(scope, [family]).fragment,
      any: (scope) => this.#subquery(scope, undefined).fragment,
    });
    this.#sources = tables.flatMap((table): Source[] => {
      const columns = table.columns.map(({ name, family }) => ({ text: name, family }));
      const own = { name: table.name, columns, rows: table.rows.length };
      if (table.large === undefined) return [own];
      return [own, { name: table.large, columns, rows: table.rows.length ** 2 }];
    });
  }

  query(): TestQuery {
    const random = this.#random;
    const count = this.#sources.length;
    const ctes: Fragment[] = [];
    for (let i = 0; random.chance(0.2) && i < 2; i++) {
      const { fragment, columns } = this.#body(noScope, undefined, 2, true);
      ctes.push(of('cte')`w${String(i)} AS (${fragment})`);
      this.#sources.push({ name: `w${i}`, columns, rows: commonRows });
    }
    const body = this.#body(noScope, undefined, 2, false);
    this.#sources.length = count;
    const start = ctes.length === 0 ? nothing : of('clause')`WITH ${list(ctes)} `;
    if (body.columns.some(({ inexact }) => inexact) || random.chance(0.4)) {
      return { fragment: of('query')`${start}${body.fragment}`, ordered: false };
    }
    const fragment = of('query')`${start}${body.fragment}${this.#order(body.columns.length)}`;
    return { fragment, ordered: true };
  }

  /** A part of FROM and a condition on its rows. */
  partition(): Fragment {
    const { fragment, columns } = this.#from(noScope, 1);
    const condition = this.expressions.condition({ columns, subqueries: 1 }, 3);
    return { sort: 'partition', parts: [fragment, condition] };
  }

  /** Has a further table among those that queries use. */
  withSource({ name, columns, rows }: ExtraSource, body: () => void): void {
    const inScope = columns.map((column) => ({ text: column.name, family: column.family }));
    // More than once: it is what the queries made meanwhile are about.
    const added = [0, 1, 2].map(() => ({ name, columns: inScope, rows }));
    this.#sources.push(...added);
    body();
    this.#sources.length -= added.length;
  }

  /** A select, or several by set operations; `exact` for those whose values are used again. */
  #body(
    outer: Scope,
    wanted: readonly Family[] | undefined,
    depth: number,
    exact: boolean,
  ): Select {
    const random = this.#random;
    if (depth <= 0 || !random.chance(0.12)) return this.#select(outer, wanted, depth, exact);
    const left = this.#select(outer, wanted, 0, true);
    const kinds = left.columns.map(({ family }) => family);
    let fragment = left.fragment;
    do {
      const right = this.#operand(outer, kinds);
      const all = random.chance(0.4) ? ' ALL' : '';
      const operator = random.pick(['UNION', 'UNION', 'INTERSECT', 'EXCEPT']);
      fragment = of('query')`${fragment} ${operator}${all} ${right}`;
    } while (random.chance(0.2));
    return { fragment, columns: left.columns };
  }

  /** A select, now and then the result of a set operation in parentheses. */
  #operand(outer: Scope, kinds: readonly Family[]): Fragment {
    const one = (): Fragment => this.#select(outer, kinds, 0, true).fragment;
    if (!this.#random.chance(0.15)) return one();
    const operator = this.#random.pick(['UNION ALL', 'INTERSECT', 'EXCEPT']);
    return of('query')`(${one()} ${operator} ${one()})`;
  }

  #select(
    outer: Scope,
    wanted: readonly Family[] | undefined,
    depth: number,
    exact: boolean,
  ): Select {
    const random = this.#random;
    const from = this.#from(outer, depth);
    const all = [...from.columns, ...outer.columns];
    const scope = { columns: all, subqueries: depth > 0 ? 2 : outer.subqueries };
    const where = this.#clause(0.6, ' WHERE ', scope, 3);
    const large = from.rows > 10_000;
    if (random.chance(large ? 0.75 : 0.3)) return this.#grouped(from, where, wanted, exact);
    const kinds = [...(wanted ?? this.#someFamilies())];
    const items = kinds.map((family) => this.expressions.make(family, scope, 2));
    if (wanted === undefined && !large && random.chance(0.08)) {
      const { family, fragment } = this.#window(from);
      items.push(fragment);
      kinds.push(family);
    }
    const distinct = random.chance(0.15) ? of('clause')`DISTINCT ` : nothing;
    const fragment = of('query')`SELECT ${distinct}${named(items)} FROM ${from.fragment}${where}`;
    return { fragment, columns: outputs(kinds) };
  }

  /** A window function over the rows of FROM. */
  #window({ columns }: Relation): { family: Family; fragment: Fragment } {
    const random = this.#random;
    const usable = columns.filter(({ inexact }) => !inexact);
    const { family, template, total, framed } = random.pick(windowFunctions);
    const scope = { columns: usable, subqueries: 0 };
    const make = (of: Family): Fragment => this.expressions.make(of, scope, random.pick([0, 0, 1]));
    const call = { ...of('call')``, parts: fill(template, make) };
    const some = random.shuffle([...usable]).slice(0, random.int(0, 2));
    const partition =
      some.length > 0 && random.chance(0.6)
        ? `PARTITION BY ${some.map(({ text }) => text).join(', ')} `
        : '';
    const ordered = random.shuffle([...usable]).slice(0, total ? usable.length : 1);
    const keys = ordered.map(({ text }) => {
      return `${text}${random.pick(['', ' DESC'])}${random.pick(['', ' NULLS FIRST'])}`;
    });
    const order = keys.length > 0 ? `ORDER BY ${keys.join(', ')} ` : '';
    const frame = framed ? random.pick(windowFrames) : '';
    return { family, fragment: of(family)`${call} OVER (${partition}${order}${frame})` };
  }

  #someFamilies(): Family[] {
    return Array.from({ length: this.#random.int(1, 4) }, () => this.#random.pick(families));
  }

  #clause(chance: number, word: string, scope: Scope, depth: number): Fragment {
    if (!this.#random.chance(chance)) return nothing;
    const condition = this.expressions.condition(scope, depth);
    return of('clause')`${word}${condition}`;
  }

  #grouped(
    from: Relation,
    where: Fragment,
    wanted: readonly Family[] | undefined,
    exact: boolean,
  ): Select {
    const random = this.#random;
    const inner = { columns: from.columns, subqueries: 0 };
    const keys = Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => {
      const family = random.pick(families);
      return { family, fragment: this.expressions.make(family, inner, random.pick([0, 0, 1])) };
    });
    // A number alone would be a position in GROUP BY.
    const aggregates = Array.from({ length: random.int(1, 3) }, () => this.#aggregate(inner));
    const groupable = keys.filter(({ fragment }) => fragment.parts.every(isColumnText));
    const columns = [
      ...groupable.map(({ family, fragment }) => ({ text: String(fragment.parts[0]), family })),
      ...aggregates.filter(({ inexact }) => !inexact),
    ];
    const over = { columns: columns, subqueries: 0 };
    const having = this.#clause(0.25, ' HAVING ', over, 1);
    const items: Fragment[] = [];
    const results: Omit<ScopeColumn, 'text'>[] = [];
    if (wanted === undefined) {
      for (const { family, fragment } of keys) {
        items.push(fragment);
        results.push({ family });
      }
      for (const { family, inexact, text } of aggregates) {
        if (exact && inexact) continue;
        const plain = inexact === true || random.chance(0.7);
        items.push(plain ? of(family)`${text}` : this.expressions.make(family, over, 1));
        results.push({ family, inexact: inexact === true });
      }
    } else {
      for (const family of wanted) {
        items.push(this.expressions.make(family, { ...over, columns: [...columns] }, 1));
        results.push({ family });
      }
    }
    if (items.length === 0) {
      items.push(of('int')`count(*)`);
      results.push({ family: 'int' });
    }
    const group = keys.length === 0 ? nothing : groupBy(keys, wanted === undefined, random);
    const head = of('query')`SELECT ${named(items)} FROM ${from.fragment}${where}${group}${having}`;
    return { fragment: head, columns: results.map((result, i) => ({ ...result, text: `r${i}` })) };
  }

  /** An aggregate as a column of the groups. */
  #aggregate(scope: Scope): ScopeColumn {
    const random = this.#random;
    const argument = (family: Family): string => {
      const fragment = this.expressions.make(family, scope, random.pick([0, 0, 1]));
      return flat(fragment);
    };
    const filter = random.chance(0.15)
      ? ` FILTER (WHERE ${flat(this.expressions.condition(scope, 1))})`
      : '';
    if (random.chance(0.08)) {
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

  #order(count: number): Fragment {
    const random = this.#random;
    const ordinals = random.shuffle(Array.from({ length: count }, (_, i) => i + 1));
    const keys = ordinals.map((ordinal) => {
      const direction = random.pick(['', ' ASC', ' DESC']);
      const nulls = random.pick(['', ' NULLS FIRST', ' NULLS LAST']);
      return of('key')`${String(ordinal)}${direction}${nulls}`;
    });
    const limit = random.chance(0.4)
      ? of('clause')` LIMIT ${String(random.pick([0, 1, 3, 10, 100]))}`
      : nothing;
    const offset = random.chance(0.15)
      ? of('clause')` OFFSET ${String(random.int(0, 5))}`
      : nothing;
    return of('order')` ORDER BY ${list(keys)}${limit}${offset}`;
  }

  #from(outer: Scope, depth: number): Relation {
    const random = this.#random;
    let relation = this.#relation(outer, depth, joinRowsMax);
    for (let joins = random.pick([0, 0, 1, 1, 2, 3]); joins > 0; joins--) {
      const room = depth <= 0 ? subqueryRowsMax : joinRowsMax / Math.max(relation.rows, 1);
      const next = this.#relation(outer, depth - 1, room);
      if (relation.rows * next.rows > joinRowsMax) break;
      // JOIN binds tighter than a comma: later conditions could not name what is before it.
      if (random.chance(0.08)) {
        const columns = [...relation.columns, ...next.columns];
        const fragment = of('relation')`${relation.fragment}, ${next.fragment}`;
        return { fragment, columns, rows: relation.rows * next.rows };
      }
      // What USING names would be ambiguous beside another table with that column.
      if (random.chance(0.06)) return this.#joinUsing(relation, next);
      relation = random.chance(0.06) ? this.#lateral(relation) : this.#join(relation, next);
    }
    return relation;
  }

  /** A table under a new name, or a derived table. */
  #relation(outer: Scope, depth: number, rowsMax: number): Relation {
    const random = this.#random;
    if (depth > 0 && random.chance(0.15)) {
      const alias = `d${this.#aliases++}`;
      const { fragment, columns } = this.#body(noScope, undefined, depth - 1, false);
      const order =
        random.chance(0.3) && !columns.some(({ inexact }) => inexact)
          ? this.#order(columns.length)
          : nothing;
      return {
        fragment: of('relation')`(${fragment}${order}) AS ${alias}`,
        columns: columns.map((column) => ({ ...column, text: `${alias}.${column.text}` })),
        rows: 40,
      };
    }
    const limit = depth <= 0 || outer.columns.length > 0 ? subqueryRowsMax : rowsMax;
    const sources = this.#sources.filter(({ rows }) => rows <= limit);
    const { name, columns, rows } = random.pick(sources.length > 0 ? sources : this.#sources);
    const alias = `${name}_${this.#aliases++}`;
    return {
      fragment: of('relation')`${name} AS ${alias}`,
      columns: columns.map((column) => ({ ...column, text: `${alias}.${column.text}` })),
      rows,
    };
  }

  /** A derived table that refers to what is before it. */
  #lateral(left: Relation): Relation {
    const alias = `l${this.#aliases++}`;
    const scope = { columns: left.columns.filter(({ inexact }) => !inexact), subqueries: 1 };
    const { fragment, columns } = this.#subquery(scope, undefined);
    const join = this.#random.pick(['CROSS JOIN', 'LEFT JOIN']);
    const on = join === 'CROSS JOIN' ? '' : ' ON TRUE';
    const own = columns.map((column) => ({ ...column, text: `${alias}.${column.text}` }));
    return {
      fragment: of('relation')`${left.fragment} ${join} LATERAL (${fragment}) AS ${alias}${on}`,
      columns: [...left.columns, ...own],
      rows: left.rows * 5,
    };
  }

  #join(left: Relation, right: Relation): Relation {
    const random = this.#random;
    const columns = [...left.columns, ...right.columns];
    const rows = left.rows * right.rows;
    if (random.chance(0.1)) {
      const fragment = of('relation')`${left.fragment} CROSS JOIN ${right.fragment}`;
      return { fragment, columns, rows };
    }
    const type = random.pick([
      ...['JOIN', 'JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN'],
      ...['FULL JOIN', 'SEMI JOIN', 'ANTI JOIN'],
    ]);
    const on = this.#joinCondition(left, right);
    const fragment = of('relation')`${left.fragment} ${type} ${right.fragment} ON ${on}`;
    if (type === 'SEMI JOIN' || type === 'ANTI JOIN') return { ...left, fragment };
    return { fragment, columns, rows: Math.max(rows / 3, left.rows) };
  }

  /** USING, of a column that both have; what else they have in common is not named. */
  #joinUsing(left: Relation, right: Relation): Relation {
    const nameOf = ({ text }: ScopeColumn): string => text.slice(text.indexOf('.') + 1);
    const shared = left.columns.flatMap((a) => {
      const others = left.columns.filter((b) => nameOf(a) === nameOf(b));
      const same = right.columns.filter((b) => nameOf(a) === nameOf(b) && a.family === b.family);
      return others.length === 1 && same.length === 1 && !a.inexact && !same[0].inexact ? [a] : [];
    });
    const type = this.#random.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
    if (shared.length === 0) return left;
    const column = this.#random.pick(shared);
    const name = nameOf(column);
    const rest = [...left.columns, ...right.columns].filter((other) => nameOf(other) !== name);
    return {
      fragment: of('relation')`${left.fragment} ${type} ${right.fragment} USING (${name})`,
      columns: [...rest, { ...column, text: name }],
      rows: Math.max((left.rows * right.rows) / 3, left.rows),
    };
  }

  #joinCondition(left: Relation, right: Relation): Fragment {
    const random = this.#random;
    const pairs = left.columns.flatMap((a) => {
      const same = right.columns.filter((b) => b.family === a.family && !b.inexact && !a.inexact);
      return same.map((b): [ScopeColumn, ScopeColumn] => [a, b]);
    });
    const scope = { columns: [...left.columns, ...right.columns], subqueries: 0 };
    const large = left.rows > 1000 || right.rows > 1000;
    if (pairs.length === 0 || (!large && random.chance(0.08))) {
      return this.expressions.condition(scope, 1);
    }
    const conditions = Array.from({ length: random.pick([1, 1, 1, 2]) }, () => {
      const [a, b] = random.pick(pairs);
      const operator =
        large || random.chance(0.9) ? '=' : random.pick(['<', 'IS NOT DISTINCT FROM']);
      return of('bool')`${a.text} ${operator} ${b.text}`;
    });
    if (random.chance(0.25)) conditions.push(this.expressions.condition(scope, 1));
    return list(conditions, ' AND ');
  }

  /** A subquery that refers to the columns of the outer query. */
  #subquery(scope: Scope, wanted: readonly Family[] | undefined): Select {
    const outer = { columns: qualified(scope.columns), subqueries: scope.subqueries - 1 };
    return this.#body(outer, wanted, this.#random.chance(0.1) ? 1 : 0, true);
  }

  /** An aggregate without groups gives one row. */
  #singleValue(scope: Scope, family: Family): Fragment | undefined {
    const random = this.#random;
    const outer = { columns: qualified(scope.columns), subqueries: scope.subqueries - 1 };
    const from = this.#from(outer, 0);
    const all = { columns: [...from.columns, ...from.columns, ...outer.columns], subqueries: 0 };
    const where = this.#clause(0.8, ' WHERE ', { ...all, subqueries: outer.subqueries }, 2);
    const argument = this.expressions.make(family, { ...all, columns: from.columns }, 1);
    const name =
      family === 'int' ? random.pick(['count', 'sum', 'min', 'max']) : random.pick(['min', 'max']);
    return of('query')`SELECT ${name}(${argument}) FROM ${from.fragment}${where}`;
  }
}

/** Columns that no name of a subquery hides: not those of USING. */
function qualified(columns: readonly ScopeColumn[]): ScopeColumn[] {
  return columns.filter(({ text }) => text.includes('.'));
}

function isColumnText(part: string | Fragment): boolean {
  return typeof part === 'string' && /^[a-z]\w*\.\w+$/.test(part);
}

function flat(fragment: Fragment): string {
  return fragment.parts
    .map((part) => (typeof part === 'string' ? part : flat(part)))
    .join(fragment.separator ?? '');
}

function named(items: readonly Fragment[]): Fragment {
  return list(items.map((item, i) => of('item')`${item} AS r${String(i)}`));
}

function outputs(kinds: readonly Family[]): ScopeColumn[] {
  return kinds.map((family, i) => ({ text: `r${i}`, family }));
}

/** By position where the keys are selected first, or by the expressions themselves. */
function groupBy(
  keys: readonly { fragment: Fragment }[],
  selected: boolean,
  random: Random,
): Fragment {
  const positions = selected && random.chance(0.5);
  const items = keys.map(({ fragment }, i) => {
    if (positions) return of('key')`${String(i + 1)}`;
    // A number alone is a position, for us as in PostgreSQL also in parentheses.
    return /^-?\d+$/.test(flat(fragment)) ? of('key')`${fragment} + 0` : of('key')`${fragment}`;
  });
  // Which constants of the select list are meant by one of a grouping set is not defined.
  const isPlain = keys.every(({ fragment }) => /[a-z]\w*\.\w/.test(flat(fragment)));
  if (positions || items.length === 0 || !isPlain || !random.chance(0.1)) {
    return of('clause')` GROUP BY ${list(items)}`;
  }
  const sets = random.pick<(parts: Fragment) => Fragment>([
    (parts) => of('sets')`ROLLUP (${parts})`,
    (parts) => of('sets')`CUBE (${parts})`,
    (parts) => of('sets')`GROUPING SETS ((${parts}), (${items[0]}), ())`,
  ]);
  return of('clause')` GROUP BY ${sets(list(items))}`;
}
