import type { Random } from '../../../src/base/random.ts';
import type { ExpressionMaker, Scope } from './expressions.ts';
import { type Fragment, list, nothing, of } from './fragment.ts';
import { statementEnd } from './judge.ts';
import type { QueryMaker } from './queries.ts';
import type { TestColumn, TestTable } from './tables.ts';

/** The table that a script makes and changes. */
const target = 's';

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
    const statements = [this.#create(source)];
    this.#queries.withSource({ name: target, columns, rows: source.rows.length + 5 }, () => {
      for (let changes = random.int(1, 4); changes > 0; changes--) {
        statements.push(this.#change(columns));
        if (random.chance(0.5)) statements.push(of('statement')`SELECT * FROM ${target}`);
      }
      statements.push(of('statement')`SELECT * FROM ${target}`);
      if (random.chance(0.5)) statements.push(...this.#view());
      statements.push(of('statement')`${this.#queries.query().fragment}`);
    });
    return list(statements, statementEnd);
  }

  #create({ name, columns }: TestTable): Fragment {
    const rows = of('query')`SELECT * FROM ${name}`;
    if (this.#random.chance(0.5)) {
      const where = this.#where(name, columns, 0.3);
      return of('statement')`CREATE TABLE ${target} AS ${rows}${where}`;
    }
    const types = columns.map((column) => `${column.name} ${column.type}`).join(', ');
    return of(
      'statement',
    )`CREATE TABLE ${target} (${types})${statementEnd}INSERT INTO ${target} ${rows}`;
  }

  #change(columns: readonly TestColumn[]): Fragment {
    const random = this.#random;
    switch (random.int(0, 3)) {
      case 0: {
        const rows = Array.from({ length: random.int(1, 3) }, () => this.#row(columns));
        return of('statement')`INSERT INTO ${target} VALUES ${list(rows)}`;
      }
      case 1:
        return this.#insertSelect(columns);
      case 2:
        return of('statement')`DELETE FROM ${target}${this.#where(target, columns, 0.9)}`;
      default:
        return this.#update(columns);
    }
  }

  #row(columns: readonly TestColumn[]): Fragment {
    const random = this.#random;
    const values = columns.map(({ name, family }) =>
      name === 'id'
        ? of('value')`${String(random.int(100, 100_000))}`
        : this.#expressions.make(family, noColumns, 1),
    );
    return of('row')`(${list(values)})`;
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

  #where(table: string, columns: readonly TestColumn[], chance: number): Fragment {
    if (!this.#random.chance(chance)) return nothing;
    return of('clause')` WHERE ${this.#expressions.condition(scopeOf(table, columns), 2)}`;
  }

  #view(): Fragment[] {
    const { fragment } = this.#queries.query();
    return [
      of('statement')`CREATE VIEW v AS ${fragment}`,
      of('statement')`SELECT * FROM v`,
      of('statement')`SELECT count(*) FROM v AS a CROSS JOIN v AS b`,
    ];
  }
}

const noColumns: Scope = { columns: [], subqueries: 0 };

function scopeOf(table: string, columns: readonly TestColumn[]): Scope {
  const named = columns.map(({ name, family }) => ({ text: `${table}.${name}`, family }));
  return { columns: named, subqueries: 1 };
}
