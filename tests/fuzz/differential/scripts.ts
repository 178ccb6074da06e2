import type { Random } from '../../../src/base/random.ts';
import type { ExpressionMaker, Scope } from './expressions.ts';
import { type Fragment, list, nothing, of } from './fragment.ts';
import { statementEnd } from './judge.ts';
import type { QueryMaker } from './queries.ts';
import type { TestColumn, TestTable } from './tables.ts';

/** The table that a script makes and changes. */
const target = 's';

/** A new key that no table has, or one that some have. */
const keyMax = 100_000;

/** Writes scripts: a table made from another one, changed and read; views over it. */
export class ScriptMaker {
  readonly #random: Random;
  readonly #tables: readonly TestTable[];
  readonly #queries: QueryMaker;
  readonly #expressions: ExpressionMaker;

  constructor(random: Random, tables: readonly TestTable[], queries: QueryMaker) {
    this.#random = random;
    this.#tables = tables;
    this.#queries = queries;
    this.#expressions = queries.expressions;
  }

  script(): Fragment {
    const random = this.#random;
    const source = random.pick(this.#tables.filter(({ large }) => large === undefined));
    const { columns } = source;
    const { fragment: created, keyed } = this.#create(source);
    const statements = [created];
    this.#queries.withSource({ name: target, columns, rows: source.rows.length + 5 }, () => {
      for (let changes = random.int(1, 4); changes > 0; changes--) {
        statements.push(this.#change(columns, keyed));
        if (random.chance(0.5)) statements.push(of('statement')`SELECT * FROM ${target}`);
      }
      statements.push(of('statement')`SELECT * FROM ${target}`);
      if (random.chance(0.5)) statements.push(...this.#views());
      statements.push(of('statement')`${this.#queries.query().fragment}`);
    });
    return list(statements, statementEnd);
  }

  #create({ name, columns, rows }: TestTable): { fragment: Fragment; keyed: boolean } {
    const random = this.#random;
    const query = of('query')`SELECT * FROM ${name}`;
    if (random.chance(0.4)) {
      const where = this.#where(name, columns, 0.3);
      return {
        fragment: of('statement')`CREATE TABLE ${target} AS ${query}${where}`,
        keyed: false,
      };
    }
    const ids = new Set(rows.map(([id]) => id));
    const keyed = ids.size === rows.length && random.chance(0.7);
    const key = random.pick(['INTEGER PRIMARY KEY', 'BIGINT PRIMARY KEY']);
    const types = columns.map((column) => {
      const type = column.name === 'id' ? (keyed ? key : 'INTEGER') : column.type;
      return `${column.name} ${type}`;
    });
    const table = of('statement')`CREATE TABLE ${target} (${types.join(', ')})`;
    return {
      fragment: of('statement')`${table}${statementEnd}INSERT INTO ${target} ${query}`,
      keyed,
    };
  }

  #change(columns: readonly TestColumn[], keyed: boolean): Fragment {
    const random = this.#random;
    const returning = random.chance(0.3) ? this.#returning(columns) : nothing;
    switch (random.int(0, 7)) {
      case 0: {
        const rows = Array.from({ length: random.int(1, 3) }, () => this.#row(columns));
        return of('statement')`INSERT INTO ${target} VALUES ${list(rows)}${returning}`;
      }
      case 1:
        return of('statement')`${this.#insertSelect(columns)}${returning}`;
      case 2:
        return of(
          'statement',
        )`DELETE FROM ${target}${this.#where(target, columns, 0.9)}${returning}`;
      case 3:
        return keyed ? this.#upsert(columns, returning) : this.#insertSome(columns, returning);
      case 4:
        return this.#updateFrom(columns, returning);
      case 5:
        return this.#deleteUsing(columns, returning);
      default:
        return of('statement')`${this.#update(columns)}${returning}`;
    }
  }

  #returning(columns: readonly TestColumn[]): Fragment {
    const random = this.#random;
    if (random.chance(0.5)) return of('clause')` RETURNING *`;
    const scope = { ...scopeOf(target, columns), subqueries: 0 };
    const items = Array.from({ length: random.int(1, 3) }, () =>
      this.#expressions.make(random.pick(columns).family, scope, 1),
    );
    return of('clause')` RETURNING ${list(items)}`;
  }

  #row(columns: readonly TestColumn[]): Fragment {
    const random = this.#random;
    const values = columns.map(({ name, family }) =>
      name === 'id'
        ? of('value')`${String(random.int(100, keyMax))}`
        : this.#expressions.make(family, noColumns, 1),
    );
    return of('row')`(${list(values)})`;
  }

  /** Some columns by name; the others have no default. */
  #insertSome(columns: readonly TestColumn[], returning: Fragment): Fragment {
    const random = this.#random;
    const optional = columns.filter(
      ({ name, type }) => name !== 'id' && !type.includes('NOT NULL'),
    );
    const left = new Set(random.shuffle([...optional]).slice(0, 1));
    const chosen = random.shuffle(columns.filter((column) => !left.has(column)));
    const names = chosen.map(({ name }) => name).join(', ');
    const rows = Array.from({ length: random.int(1, 2) }, () => this.#row(chosen));
    return of('statement')`INSERT INTO ${target} (${names}) VALUES ${list(rows)}${returning}`;
  }

  /** Rows of which some have a key that is there. */
  #upsert(columns: readonly TestColumn[], returning: Fragment): Fragment {
    const random = this.#random;
    const others = columns.filter(({ name }) => name !== 'id');
    const names = columns.map(({ name }) => (name === 'id' ? 'id + 2' : name)).join(', ');
    const rows = random.chance(0.5)
      ? of('query')`SELECT ${names} FROM ${target}${this.#where(target, columns, 0.4)}`
      : of('query')`VALUES (${list(this.#presentRow(columns))})`;
    if (random.chance(0.4)) {
      const how = random.pick([' ON CONFLICT DO NOTHING', ' ON CONFLICT (id) DO NOTHING']);
      return of('statement')`INSERT INTO ${target} ${rows}${how}${returning}`;
    }
    const scope = { ...scopeOf(target, columns), subqueries: 0 };
    const both = [...scope.columns, ...scopeOf('excluded', columns).columns];
    const { name, family } = random.pick(others);
    const value = this.#expressions.make(family, { columns: both, subqueries: 0 }, 1);
    const where = random.chance(0.3)
      ? of('clause')` WHERE ${this.#expressions.condition({ columns: both, subqueries: 0 }, 1)}`
      : nothing;
    const change = of('change')`${name} = ${value}`;
    return of(
      'statement',
    )`INSERT INTO ${target} ${rows} ON CONFLICT (id) DO UPDATE SET ${change}${where}${returning}`;
  }

  /** DuckDB checks for NULLs only what does not conflict. */
  #presentRow(columns: readonly TestColumn[]): Fragment[] {
    return columns.map(({ name, family, type }) => {
      if (name === 'id') return of('value')`${String(this.#random.int(0, 9))}`;
      const value = this.#expressions.make(family, noColumns, 1);
      if (!type.includes('NOT NULL')) return value;
      return of('value')`COALESCE(${value}, ${this.#expressions.value(family)})`;
    });
  }

  /** Keys far from those that are there, mostly. */
  #insertSelect(columns: readonly TestColumn[]): Fragment {
    const shift = this.#random.chance(0.9) ? '1000 + id' : 'id';
    const names = columns.map(({ name }) => (name === 'id' ? shift : name)).join(', ');
    return of(
      'statement',
    )`INSERT INTO ${target} SELECT ${names} FROM ${target}${this.#where(target, columns, 0.7)}`;
  }

  #update(columns: readonly TestColumn[]): Fragment {
    const random = this.#random;
    const others = columns.filter(({ name }) => name !== 'id');
    const chosen = random.shuffle([...others]).slice(0, random.int(1, 2));
    const scope = scopeOf(target, columns);
    const changes = chosen.map(({ name, family }) => {
      return of('change')`${name} = ${this.#expressions.make(family, scope, 2)}`;
    });
    return of(
      'statement',
    )`UPDATE ${target} SET ${list(changes)}${this.#where(target, columns, 0.8)}`;
  }

  /** From groups: no row is changed twice. */
  #updateFrom(columns: readonly TestColumn[], returning: Fragment): Fragment {
    const random = this.#random;
    const { name, family } = random.pick(columns.filter((column) => column.name !== 'id'));
    const { groups, alias } = this.#groups();
    const values = [{ text: `${alias}.n`, family: 'int' as const }];
    const scope = { columns: [...scopeOf(target, columns).columns, ...values], subqueries: 0 };
    const value = this.#expressions.make(family, scope, 2);
    const on = of('bool')`${target}.id = ${alias}.id`;
    const more = random.chance(0.4)
      ? of('clause')` AND ${this.#expressions.condition(scope, 1)}`
      : nothing;
    return of(
      'statement',
    )`UPDATE ${target} SET ${name} = ${value} FROM ${groups} WHERE ${on}${more}${returning}`;
  }

  #deleteUsing(columns: readonly TestColumn[], returning: Fragment): Fragment {
    const { groups, alias } = this.#groups();
    const values = [{ text: `${alias}.n`, family: 'int' as const }];
    const scope = { columns: [...scopeOf(target, columns).columns, ...values], subqueries: 0 };
    const condition = this.#expressions.condition(scope, 1);
    return of(
      'statement',
    )`DELETE FROM ${target} USING ${groups} WHERE ${target}.id = ${alias}.id AND ${condition}${returning}`;
  }

  #groups(): { groups: Fragment; alias: string } {
    const { name } = this.#random.pick(this.#tables.filter(({ large }) => large === undefined));
    const rows = of('query')`SELECT id, count(*) AS n FROM ${name} GROUP BY id`;
    return { groups: of('relation')`(${rows}) AS u`, alias: 'u' };
  }

  #where(table: string, columns: readonly TestColumn[], chance: number): Fragment {
    if (!this.#random.chance(chance)) return nothing;
    return of('clause')` WHERE ${this.#expressions.condition(scopeOf(table, columns), 2)}`;
  }

  /** A view, and perhaps one of it. */
  #views(): Fragment[] {
    const random = this.#random;
    const { fragment, ordered } = this.#queries.query();
    const statements = [
      of('statement')`CREATE VIEW v AS ${fragment}`,
      of('statement')`SELECT * FROM v`,
      of('statement')`SELECT count(*) FROM v AS a CROSS JOIN v AS b`,
    ];
    // What is ordered is exact.
    if (ordered && random.chance(0.6)) {
      statements.push(
        of('statement')`CREATE VIEW v2 (k) AS SELECT r0 FROM v UNION SELECT r0 FROM v AS again`,
        of('statement')`SELECT k, (SELECT count(*) FROM v WHERE r0 = k) AS n FROM v2`,
      );
    }
    return statements;
  }
}

const noColumns: Scope = { columns: [], subqueries: 0 };

function scopeOf(table: string, columns: readonly TestColumn[]): Scope {
  const named = columns.map(({ name, family }) => ({ text: `${table}.${name}`, family }));
  return { columns: named, subqueries: 1 };
}
