import type { Random } from '../../../src/base/random.ts';
import type { ExpressionMaker, Scope, ScopeColumn } from './expressions.ts';
import { type Fragment, list, of } from './fragment.ts';
import {
  columnsOf,
  exactColumns,
  noScope,
  outputs,
  type Relation,
  type SelectMaker,
  type Source,
} from './relation.ts';
import { families } from './tables.ts';

/** Pairs of rows a join may have to look at. */
const joinRowsMax = 100_000;

/** Rows of a relation that a subquery of a condition may use. */
const subqueryRowsMax = 50;

/** What stands before and after a lateral table; after ` ON ` comes a condition. */
type LateralJoin = readonly [join: string, on: '' | ' ON TRUE' | ' ON '];

const commaLateral: LateralJoin = [', LATERAL', ''];

const lateralJoins: readonly LateralJoin[] = [
  [' CROSS JOIN LATERAL', ''],
  [' LEFT JOIN LATERAL', ' ON TRUE'],
  [' JOIN LATERAL', ' ON '],
];

/** Writes FROM clauses. */
export class FromMaker {
  readonly #random: Random;
  readonly #expressions: ExpressionMaker;
  readonly #selects: SelectMaker;
  readonly #sources: readonly Source[];
  #aliases = 0;

  constructor(
    random: Random,
    expressions: ExpressionMaker,
    selects: SelectMaker,
    sources: readonly Source[],
  ) {
    this.#random = random;
    this.#expressions = expressions;
    this.#selects = selects;
    this.#sources = sources;
  }

  make(outer: Scope, depth: number): Relation {
    const random = this.#random;
    let relation = this.relation(outer, depth, joinRowsMax);
    for (let joins = random.pick([0, 0, 1, 1, 2, 3]); joins > 0; joins--) {
      const room = depth <= 0 ? subqueryRowsMax : joinRowsMax / Math.max(relation.rows, 1);
      const next = random.chance(0.06)
        ? this.#nested(outer, depth - 1, room)
        : this.relation(outer, depth - 1, room);
      if (relation.rows * next.rows > joinRowsMax) break;
      // JOIN binds tighter than a comma: later conditions could not name what is before it.
      if (random.chance(0.08)) {
        const columns = [...relation.columns, ...next.columns];
        const fragment = of('relation')`${relation.fragment}, ${next.fragment}`;
        return { fragment, columns, rows: relation.rows * next.rows };
      }
      // What USING names would be ambiguous beside another table with that column.
      if (random.chance(0.08)) return this.#joinUsing(relation, next);
      if (random.chance(0.02)) return this.#lateral(relation, outer, commaLateral);
      relation = random.chance(0.06)
        ? this.#lateral(relation, outer, random.pick(lateralJoins))
        : this.#join(relation, next, outer);
    }
    return relation;
  }

  /** A table under a new name, a derived table, or values. */
  relation(outer: Scope, depth: number, rowsMax: number): Relation {
    const random = this.#random;
    if (depth > 0 && random.chance(0.15)) {
      const alias = `d${this.#aliases++}`;
      const { fragment, columns } = this.#selects.derived(depth - 1);
      return {
        fragment: of('relation')`(${fragment}) AS ${alias}`,
        columns: columnsOf(alias, columns),
        rows: 40,
      };
    }
    if (random.chance(0.03)) return this.#values();
    const limit = depth <= 0 || outer.columns.length > 0 ? subqueryRowsMax : rowsMax;
    const sources = this.#sources.filter(({ rows }) => rows <= limit);
    const { name, columns, rows } = random.pick(sources.length > 0 ? sources : this.#sources);
    const alias = `${name}_${this.#aliases++}`;
    return {
      fragment: of('relation')`${name} AS ${alias}`,
      columns: columnsOf(alias, columns),
      rows,
    };
  }

  #values(): Relation {
    const random = this.#random;
    const kinds = Array.from({ length: random.int(1, 3) }, () => random.pick(families));
    const rows = Array.from({ length: random.int(1, 4) }, () => {
      const values = kinds.map((family) => this.#expressions.make(family, noScope, 1));
      return of('row')`(${list(values)})`;
    });
    const alias = `v${this.#aliases++}`;
    const columns = outputs(kinds);
    const names = columns.map(({ text }) => text).join(', ');
    return {
      fragment: of('relation')`(VALUES ${list(rows)}) AS ${alias}(${names})`,
      columns: columnsOf(alias, columns),
      rows: rows.length,
    };
  }

  /** A join in parentheses, on the right side of another. */
  #nested(outer: Scope, depth: number, rowsMax: number): Relation {
    const left = this.relation(outer, depth, rowsMax);
    const right = this.relation(outer, depth, rowsMax / Math.max(left.rows, 1));
    if (left.rows * right.rows > joinRowsMax) return left;
    const joined = this.#join(left, right, outer);
    return { ...joined, fragment: of('relation')`(${joined.fragment})` };
  }

  /** A derived table that refers to what is before it. */
  #lateral(left: Relation, outer: Scope, [join, on]: LateralJoin): Relation {
    const random = this.#random;
    const alias = `l${this.#aliases++}`;
    const further = random.chance(0.3) ? outer.columns : [];
    const scope = { columns: [...exactColumns(left.columns), ...further], subqueries: 1 };
    const { fragment, columns } = this.#selects.correlated(scope);
    const own = columnsOf(alias, columns);
    const both = [...left.columns, ...own];
    const condition =
      on === ' ON '
        ? this.#expressions.condition({ columns: exactColumns(both), subqueries: 0 }, 1)
        : '';
    return {
      fragment: of('relation')`${left.fragment}${join} (${fragment}) AS ${alias}${on}${condition}`,
      columns: both,
      rows: left.rows * 5,
    };
  }

  #join(left: Relation, right: Relation, outer: Scope): Relation {
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
    const on = this.condition(left, right, outer);
    const fragment = of('relation')`${left.fragment} ${type} ${right.fragment} ON ${on}`;
    if (type === 'SEMI JOIN' || type === 'ANTI JOIN') return { ...left, fragment };
    return { fragment, columns, rows: Math.max(rows / 3, left.rows) };
  }

  /** USING, of columns that both have; what else they have in common is not named. */
  #joinUsing(left: Relation, right: Relation): Relation {
    const random = this.#random;
    const shared = left.columns.flatMap((a) => {
      const others = left.columns.filter((b) => nameOf(a) === nameOf(b));
      const same = right.columns.filter((b) => nameOf(a) === nameOf(b));
      if (others.length !== 1 || same.length !== 1 || a.inexact || same[0].inexact) return [];
      return a.family === same[0].family ? [a] : [];
    });
    const type = random.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
    if (shared.length === 0) return left;
    const chosen = random.shuffle([...shared]).slice(0, random.pick([1, 1, 2]));
    const names = chosen.map(nameOf);
    const common = left.columns.filter((a) => right.columns.some((b) => nameOf(a) === nameOf(b)));
    const natural = common.length === chosen.length && random.chance(0.5);
    const join = natural ? `NATURAL ${type}` : type;
    const using = natural ? '' : ` USING (${names.join(', ')})`;
    const rest = [...left.columns, ...right.columns].filter((a) => !names.includes(nameOf(a)));
    return {
      fragment: of('relation')`${left.fragment} ${join} ${right.fragment}${using}`,
      columns: [...rest, ...chosen.map((column) => ({ ...column, text: nameOf(column) }))],
      rows: Math.max((left.rows * right.rows) / 3, left.rows),
    };
  }

  /** Of a join of both, which may refer to the columns around it. */
  condition(left: Relation, right: Relation, outer: Scope): Fragment {
    const random = this.#random;
    const pairs = left.columns.flatMap((a) => {
      const same = right.columns.filter((b) => b.family === a.family && !b.inexact && !a.inexact);
      return same.map((b): [ScopeColumn, ScopeColumn] => [a, b]);
    });
    const large = left.rows > 1000 || right.rows > 1000;
    const both = [...left.columns, ...right.columns];
    const scope = {
      columns: random.chance(0.1) ? [...both, ...outer.columns] : both,
      subqueries: !large && random.chance(0.05) ? 1 : 0,
    };
    if (pairs.length === 0 || (!large && random.chance(0.1))) {
      return this.#expressions.condition(scope, 1);
    }
    const conditions = Array.from({ length: random.pick([1, 1, 1, 2]) }, () => {
      const [a, b] = random.pick(pairs);
      const operator =
        large || random.chance(0.85)
          ? '='
          : random.pick(['<', '<=', '>', '>=', '<>', 'IS NOT DISTINCT FROM']);
      return of('bool')`${a.text} ${operator} ${b.text}`;
    });
    if (random.chance(0.25)) conditions.push(this.#expressions.condition(scope, 1));
    return list(conditions, ' AND ');
  }
}

function nameOf({ text }: ScopeColumn): string {
  return text.slice(text.indexOf('.') + 1);
}
