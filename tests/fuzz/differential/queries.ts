import type { Random } from '../../../src/base/random.ts';
import { ExpressionMaker, type Scope } from './expressions.ts';
import { type Fragment, list, nothing, of } from './fragment.ts';
import { FromMaker } from './from.ts';
import { GroupedMaker } from './grouped.ts';
import {
  exactColumns,
  flat,
  named,
  noScope,
  outputs,
  qualified,
  type Relation,
  type Select,
  type Source,
} from './relation.ts';
import { makeRewrite } from './rewrites.ts';
import { type Family, families, type TestTable } from './tables.ts';
import { WindowMaker } from './windows.ts';

export interface TestQuery {
  readonly fragment: Fragment;
  /** Whether ORDER BY leaves no choice: the order of the rows counts. */
  readonly ordered: boolean;
}

/** A table beside those that all queries may use. */
interface ExtraSource {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly family: Family }[];
  readonly rows: number;
}

/** Rows to reckon with in a common table, whose number is not known: two are not multiplied. */
const commonRows = 1000;

/** Writes random queries over tables. */
export class QueryMaker {
  readonly #random: Random;
  readonly expressions: ExpressionMaker;
  readonly #from: FromMaker;
  readonly #windows: WindowMaker;
  readonly #grouped: GroupedMaker;
  readonly #sources: Source[];

  constructor(random: Random, tables: readonly TestTable[]) {
    this.#random = random;
    this.expressions = new ExpressionMaker(random, {
      single: (scope, family) => this.#singleValue(scope, family),
      column: (scope, wanted) => this.#subquery(scope, wanted).fragment,
      any: (scope) => this.#subquery(scope, undefined).fragment,
    });
    this.#sources = tables.flatMap((table): Source[] => {
      const columns = table.columns.map(({ name, family }) => ({ text: name, family }));
      const own = { name: table.name, columns, rows: table.rows.length };
      if (table.large === undefined) return [own];
      return [own, { name: table.large, columns, rows: table.rows.length ** 2 }];
    });
    const selects = {
      derived: (depth: number) => this.#derived(depth),
      correlated: (scope: Scope) => this.#subquery(scope, undefined),
    };
    this.#from = new FromMaker(random, this.expressions, selects, this.#sources);
    this.#windows = new WindowMaker(random, this.expressions);
    this.#grouped = new GroupedMaker(random, this.expressions, this.#windows);
  }

  query(): TestQuery {
    const random = this.#random;
    const count = this.#sources.length;
    const ctes: Fragment[] = [];
    const recursive = random.chance(0.2);
    for (let i = 0; random.chance(0.2) && i < 3; i++) {
      ctes.push(this.#commonTable(`w${i}`, recursive));
    }
    const body = random.chance(0.03)
      ? this.#distinctOn()
      : this.#body(noScope, undefined, 2, false);
    this.#sources.length = count;
    const word = recursive ? 'WITH RECURSIVE' : 'WITH';
    const start = ctes.length === 0 ? nothing : of('clause')`${word} ${list(ctes)} `;
    if (body.columns.some(({ inexact }) => inexact) || random.chance(0.4)) {
      return { fragment: of('query')`${start}${body.fragment}`, ordered: false };
    }
    const fragment = of('query')`${start}${body.fragment}${this.#order(body)}`;
    return { fragment, ordered: true };
  }

  /** A part of FROM and a condition on its rows. */
  partition(): Fragment {
    const { fragment, columns } = this.#from.make(noScope, 1);
    const condition = this.expressions.condition({ columns, subqueries: 1 }, 3);
    return { sort: 'partition', parts: [fragment, condition] };
  }

  rewrite(): Fragment {
    return makeRewrite(this.#random, this.#from, this.expressions);
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

  /** A common table, which later queries may name. */
  #commonTable(name: string, recursive: boolean): Fragment {
    const random = this.#random;
    if (recursive && random.chance(0.6)) return this.#recursive(name);
    const { fragment: body, columns } = this.#body(noScope, undefined, 2, true);
    // DuckDB takes a UNION of WITH RECURSIVE for a recursion, and casts to the types of its left.
    const fragment = recursive ? of('query')`SELECT * FROM (${body}) AS inner_rows` : body;
    this.#sources.push({ name, columns, rows: commonRows });
    const how = random.pick(['AS', 'AS', 'AS', 'AS MATERIALIZED', 'AS NOT MATERIALIZED']);
    return of('cte')`${name} ${how} (${fragment})`;
  }

  /**
   * Steps are counted, so that it ends. Without duplicates a step has no more rows than there are
   * values of the one column; with them, no more than the step before.
   */
  #recursive(name: string): Fragment {
    const random = this.#random;
    const family = random.pick(families);
    const start = this.#from.relation(noScope, 0, 20);
    const scope = { columns: start.columns, subqueries: 1 };
    const where = this.#clause(0.4, ' WHERE ', scope, 1);
    const first = of(
      'query',
    )`SELECT 0 AS n, ${this.expressions.make(family, scope, 1)} AS x FROM ${start.fragment}${where}`;
    const own = [
      { text: `${name}.n`, family: 'int' as const },
      { text: `${name}.x`, family },
    ];
    const all = random.chance(0.4);
    const other = this.#from.relation(noScope, 0, 20);
    const on = this.expressions.condition(
      { columns: [...own, ...other.columns], subqueries: 0 },
      1,
    );
    const join = all
      ? of('clause')` SEMI JOIN ${other.fragment} ON ${on}`
      : of('clause')` ${random.pick(['JOIN', 'LEFT JOIN'])} ${other.fragment} ON ${on}`;
    const joined = random.chance(0.6);
    const columns = joined && !all ? [...own, ...other.columns] : own;
    const value = this.expressions.make(family, { columns, subqueries: 0 }, 1);
    const more = this.#clause(0.4, ' AND ', { columns, subqueries: 0 }, 1);
    const limit = String(random.int(1, 5));
    const step = of(
      'query',
    )`SELECT ${name}.n + 1, ${value} FROM ${name}${joined ? join : nothing} WHERE ${name}.n < ${limit}${more}`;
    this.#sources.push({
      name,
      columns: [
        { text: 'n', family: 'int' },
        { text: 'x', family },
      ],
      rows: commonRows,
    });
    return of('cte')`${name}(n, x) AS (${first} UNION${all ? ' ALL' : ''} ${step})`;
  }

  /** The first row of each value of an expression. */
  #distinctOn(): Select {
    const random = this.#random;
    const from = this.#from.make(noScope, 1);
    const scope = { columns: from.columns, subqueries: 1 };
    const kinds = this.#someFamilies();
    const items = kinds.map((family) => this.expressions.make(family, scope, 2));
    const keys = Array.from({ length: random.pick([1, 1, 2]) }, () => {
      const key = this.expressions.make(random.pick(families), scope, 1);
      // A number alone is a position.
      return /^-?\d+$/.test(flat(key)) ? of('key')`${key} + 0` : key;
    });
    const where = this.#clause(0.4, ' WHERE ', scope, 2);
    const columns = outputs(kinds);
    const head = of('clause')`DISTINCT ON (${list(keys)}) `;
    const select = of('query')`SELECT ${head}${named(items)} FROM ${from.fragment}${where}`;
    const ordered = of('query')`${select} ORDER BY ${this.#keys(columns.length)}`;
    return { fragment: of('query')`SELECT * FROM (${ordered}) AS first_rows`, columns };
  }

  /** A derived table, at times with an order, and then a limit. */
  #derived(depth: number): Select {
    const random = this.#random;
    const body = this.#body(noScope, undefined, depth, false);
    if (!random.chance(0.3) || body.columns.some(({ inexact }) => inexact)) return body;
    return { ...body, fragment: of('query')`${body.fragment}${this.#order(body)}` };
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
      const right = this.#operand(outer, kinds, 2);
      fragment = of('query')`${fragment} ${this.#setOperator()} ${right}`;
    } while (random.chance(0.2));
    return { fragment, columns: left.columns };
  }

  #setOperator(): string {
    const random = this.#random;
    const all = random.chance(0.4) ? ' ALL' : '';
    return `${random.pick(['UNION', 'UNION', 'INTERSECT', 'EXCEPT'])}${all}`;
  }

  /** A select, now and then the result of a set operation, or one with an order, in parentheses. */
  #operand(outer: Scope, kinds: readonly Family[], depth: number): Fragment {
    const random = this.#random;
    const one = (): Fragment => this.#select(outer, kinds, 0, true).fragment;
    if (depth > 0 && random.chance(0.15)) {
      const [left, right] = [depth, depth].map(() => this.#operand(outer, kinds, depth - 1));
      return of('query')`(${left} ${this.#setOperator()} ${right})`;
    }
    if (!random.chance(0.06)) return one();
    const select = this.#select(outer, kinds, 0, true);
    return of('query')`(${select.fragment}${this.#order(select)})`;
  }

  #select(
    outer: Scope,
    wanted: readonly Family[] | undefined,
    depth: number,
    exact: boolean,
  ): Select {
    const random = this.#random;
    const from = this.#from.make(outer, depth);
    const all = [...from.columns, ...outer.columns];
    const scope = { columns: all, subqueries: depth > 0 ? 2 : outer.subqueries };
    const where = this.#clause(0.6, ' WHERE ', scope, 3);
    const large = from.rows > 10_000;
    if (random.chance(large ? 0.75 : 0.3)) return this.#grouped.select(from, where, wanted, exact);
    const kinds = wanted ?? this.#someFamilies();
    if (!large && random.chance(wanted === undefined ? 0.12 : 0.03)) {
      return this.#windowed(from, where, kinds, scope);
    }
    const items = kinds.map((family) => this.expressions.make(family, scope, 2));
    const distinct = random.chance(0.15) ? of('clause')`DISTINCT ` : nothing;
    const fragment = of('query')`SELECT ${distinct}${named(items)} FROM ${from.fragment}${where}`;
    return { fragment, columns: outputs(kinds) };
  }

  /** Windows over the rows of FROM, as columns of the select list and of QUALIFY. */
  #windowed(from: Relation, where: Fragment, kinds: readonly Family[], scope: Scope): Select {
    const random = this.#random;
    const usable = exactColumns(from.columns);
    const calls = Array.from({ length: random.pick([1, 1, 2]) }, () => this.#windows.call(usable));
    const over = { columns: [...exactColumns(calls), ...scope.columns], subqueries: 0 };
    const items = kinds.map((family) => {
      const fitting = calls.filter((call) => call.family === family && !call.inexact);
      if (fitting.length === 0 || random.chance(0.3)) {
        return this.expressions.make(family, over, 1);
      }
      return of(family)`${random.pick(fitting).text}`;
    });
    const condition = this.#clause(0.4, ' QUALIFY ', over, 1);
    // DuckDB wants a window in it, or in the select list.
    const qualify = flat(condition).includes(' OVER (') ? condition : nothing;
    const head = of('query')`SELECT ${named(items)} FROM ${from.fragment}${where}${qualify}`;
    return { fragment: head, columns: outputs(kinds) };
  }

  #someFamilies(): Family[] {
    return Array.from({ length: this.#random.int(1, 4) }, () => this.#random.pick(families));
  }

  #clause(chance: number, word: string, scope: Scope, depth: number): Fragment {
    if (!this.#random.chance(chance)) return nothing;
    const condition = this.expressions.condition(scope, depth);
    return of('clause')`${word}${condition}`;
  }

  /** By all columns, so that the order of rows, and what LIMIT keeps of them, is defined. */
  #order({ columns }: Select): Fragment {
    const random = this.#random;
    const small = (value: number): Fragment => ({
      ...of('int')`${String(value)}`,
      literal: { type: 'INTEGER', value },
    });
    const limit = random.chance(0.4)
      ? of('clause')` LIMIT ${small(random.pick([0, 1, 3, 10, 100]))}`
      : nothing;
    const offset = random.chance(0.15) ? of('clause')` OFFSET ${small(random.int(0, 5))}` : nothing;
    if (random.chance(0.05)) {
      const how = random.pick(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST']);
      return of('order')` ORDER BY ALL${how}${limit}${offset}`;
    }
    return of('order')` ORDER BY ${this.#keys(columns.length)}${limit}${offset}`;
  }

  /** The columns by their numbers, each once. */
  #keys(count: number): Fragment {
    const random = this.#random;
    const ordinals = random.shuffle(Array.from({ length: count }, (_, i) => i + 1));
    const keys = ordinals.map((ordinal) => {
      const direction = random.pick(['', ' ASC', ' DESC']);
      const nulls = random.pick(['', ' NULLS FIRST', ' NULLS LAST']);
      return of('key')`${String(ordinal)}${direction}${nulls}`;
    });
    return list(keys);
  }

  /** A subquery that refers to the columns of the outer query. */
  #subquery(scope: Scope, wanted: readonly Family[] | undefined): Select {
    const random = this.#random;
    const outer = { columns: qualified(scope.columns), subqueries: scope.subqueries - 1 };
    const select = this.#body(outer, wanted, random.chance(0.1) ? 1 : 0, true);
    if (!random.chance(0.06)) return select;
    return { ...select, fragment: of('query')`${select.fragment}${this.#order(select)}` };
  }

  /** An aggregate without groups gives one row, and so does a limit. */
  #singleValue(scope: Scope, family: Family): Fragment {
    const random = this.#random;
    const outer = { columns: qualified(scope.columns), subqueries: scope.subqueries - 1 };
    if (random.chance(0.2)) {
      const { fragment } = this.#select(outer, [family], 0, true);
      const order = random.pick(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST']);
      const offset = random.pick(['', '', '', ' OFFSET 1']);
      return of('query')`${fragment} ORDER BY 1${order} LIMIT 1${offset}`;
    }
    const from = this.#from.make(outer, 0);
    const all = { columns: [...from.columns, ...from.columns, ...outer.columns], subqueries: 0 };
    const where = this.#clause(0.8, ' WHERE ', { ...all, subqueries: outer.subqueries }, 2);
    const argument = this.expressions.make(family, { ...all, columns: from.columns }, 1);
    const name =
      family === 'int' ? random.pick(['count', 'sum', 'min', 'max']) : random.pick(['min', 'max']);
    return of('query')`SELECT ${name}(${argument}) FROM ${from.fragment}${where}`;
  }
}
