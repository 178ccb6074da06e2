import type { Random } from '../../src/base/random.ts';
import { type FuzzColumn, fuzzJoins, fuzzTables } from './query-schema.ts';

/** Values that occur in a column, as SQL literals. */
export type Literals = ReadonlyMap<string, readonly string[]>;

/**
 * Makes random queries over the TPC-H tables whose result is the same on every correct engine: what
 * is cut off by LIMIT is ordered by all columns, and nothing divides or overflows.
 */
export class QueryMaker {
  readonly #random: Random;
  readonly #literals: Literals;

  constructor(random: Random, literals: Literals) {
    this.#random = random;
    this.#literals = literals;
  }

  query(): string {
    const random = this.#random;
    if (random.chance(0.1)) {
      const column = this.#column(this.#anyTable());
      const part = () =>
        `SELECT ${column.name} FROM ${tableOf(column)} WHERE ${this.#test([column])}`;
      const operator = random.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT']);
      return `SELECT count(*), min(x), max(x) FROM (${part()} ${operator} ${part()}) AS s(x)`;
    }
    const { from, columns } = this.#from();
    const where = random.chance(0.85) ? ` WHERE ${this.#predicate(columns, 2)}` : '';
    return random.chance(0.65)
      ? this.#aggregation(from, where, columns)
      : this.#projection(from, where, columns);
  }

  #aggregation(from: string, where: string, columns: FuzzColumn[]): string {
    const random = this.#random;
    const groups = Array.from({ length: random.int(0, 2) }, () => this.#groupKey(columns));
    const calls = Array.from({ length: random.int(1, 4) }, () => this.#aggregate(columns));
    const select = [...groups, ...calls].join(', ');
    if (groups.length === 0) return `SELECT ${select} FROM ${from}${where}`;
    const having = random.chance(0.25) ? ` HAVING count(*) > ${random.int(1, 20)}` : '';
    return `SELECT ${select} FROM ${from}${where} GROUP BY ${groups.join(', ')}${having}`;
  }

  #projection(from: string, where: string, columns: FuzzColumn[]): string {
    const random = this.#random;
    const distinct = random.chance(0.3) ? 'DISTINCT ' : '';
    const items = Array.from({ length: random.int(1, 4) }, () => this.#scalar(columns));
    const order = items.map((_, i) => {
      return `${i + 1}${random.chance(0.5) ? ' DESC' : ''} NULLS ${random.pick(['FIRST', 'LAST'])}`;
    });
    const limit = random.int(1, 40);
    const offset = random.chance(0.2) ? ` OFFSET ${random.int(0, 20)}` : '';
    return `SELECT ${distinct}${items.join(', ')} FROM ${from}${where} ORDER BY ${order.join(', ')} LIMIT ${limit}${offset}`;
  }

  /** One to four tables, each joined to one before it. */
  #from(): { from: string; columns: FuzzColumn[] } {
    const random = this.#random;
    const tables = [this.#anyTable()];
    let from = tables[0];
    for (let i = random.int(0, 3); i > 0; i--) {
      const joins = fuzzJoins.filter(([a, , b]) => tables.includes(a) !== tables.includes(b));
      if (joins.length === 0) break;
      const [a, x, b, y] = random.pick(joins);
      const added = tables.includes(a) ? b : a;
      const kind = random.pick(['JOIN', 'JOIN', 'JOIN', 'LEFT JOIN']);
      const extra = random.chance(0.2) ? ` AND ${this.#test(fuzzTables[added])}` : '';
      from += ` ${kind} ${added} ON ${x} = ${y}${extra}`;
      tables.push(added);
    }
    return { from, columns: tables.flatMap((table) => fuzzTables[table]) };
  }

  #predicate(columns: readonly FuzzColumn[], depth: number): string {
    const random = this.#random;
    if (depth > 0 && random.chance(0.45)) {
      const operator = random.pick(['AND', 'AND', 'OR']);
      const parts = [this.#predicate(columns, depth - 1), this.#predicate(columns, depth - 1)];
      return `(${parts.join(` ${operator} `)})`;
    }
    if (depth > 0 && random.chance(0.08)) return `NOT ${this.#predicate(columns, depth - 1)}`;
    if (random.chance(0.15)) return this.#subquery(columns);
    return this.#test(columns);
  }

  #subquery(columns: readonly FuzzColumn[]): string {
    const random = this.#random;
    const outer = this.#column(columns);
    const joins = fuzzJoins.filter(([, x, , y]) => x === outer.name || y === outer.name);
    if (joins.length === 0) return this.#scalarSubquery(columns);
    const [a, x, b, y] = random.pick(joins);
    const [table, key] = x === outer.name ? [b, y] : [a, x];
    const inner = fuzzTables[table];
    if (columns.some(({ name }) => name === key)) return this.#test(columns);
    const not = random.chance(0.3) ? 'NOT ' : '';
    const test = this.#test(inner);
    return random.chance(0.5)
      ? `${not}EXISTS (SELECT * FROM ${table} WHERE ${key} = ${outer.name} AND ${test})`
      : `${outer.name} ${not}IN (SELECT ${key} FROM ${table} WHERE ${test})`;
  }

  #scalarSubquery(columns: readonly FuzzColumn[]): string {
    const column = this.#column(columns);
    const call = this.#random.pick(['min', 'max']);
    const operator = this.#random.pick(['<', '<=', '>', '>=', '=', '<>']);
    const test = this.#test(fuzzTables[tableOf(column)]);
    return `${column.name} ${operator} (SELECT ${call}(${column.name}) FROM ${tableOf(column)} WHERE ${test})`;
  }

  /** A condition on one or two columns. */
  #test(columns: readonly FuzzColumn[]): string {
    const random = this.#random;
    const { name, kind } = this.#column(columns);
    const literal = () => random.pick(this.#literals.get(name) ?? ['NULL']);
    const operator = random.pick(['<', '<=', '>', '>=', '=', '<>']);
    const twins = columns.filter((other) => other.kind === kind && other.name !== name);
    switch (random.int(0, 6)) {
      case 0:
        return `${name} BETWEEN ${literal()} AND ${literal()}`;
      case 1:
        return `${name} ${random.chance(0.3) ? 'NOT ' : ''}IN (${literal()}, ${literal()}, ${literal()})`;
      case 2:
        return `${name} IS ${random.chance(0.7) ? 'NOT ' : ''}NULL`;
      case 3:
        if (kind !== 'word' && kind !== 'text') break;
        return `${name} ${random.chance(0.3) ? 'NOT ' : ''}LIKE ${this.#pattern(literal())}`;
      case 4:
        if (twins.length === 0) break;
        return `${name} ${operator} ${random.pick(twins).name}`;
    }
    return `${name} ${operator} ${literal()}`;
  }

  /** A pattern that some texts match: pieces of a text that occurs, with wildcards between. */
  #pattern(literal: string): string {
    const text = literal.slice(1, -1);
    const from = this.#random.int(0, Math.max(0, text.length - 2));
    const piece = text.slice(from, from + this.#random.int(1, 5)).replaceAll(/['%_]/g, '_');
    return this.#random.pick([
      `'%${piece}%'`,
      `'${text.slice(0, 2).replaceAll("'", '_')}%'`,
      `'%${piece}_%'`,
    ]);
  }

  #aggregate(columns: readonly FuzzColumn[]): string {
    const random = this.#random;
    if (random.chance(0.25)) return 'count(*)';
    const name = random.pick(['sum', 'sum', 'min', 'max', 'avg', 'count', 'count']);
    if (name === 'sum' || name === 'avg') return `${name}(${this.#number(columns)})`;
    if (name === 'count') {
      return `count(${random.chance(0.2) ? 'DISTINCT ' : ''}${this.#column(columns).name})`;
    }
    return `${name}(${this.#scalar(columns)})`;
  }

  #groupKey(columns: readonly FuzzColumn[]): string {
    const random = this.#random;
    const { name, kind } = this.#column(columns);
    if (kind === 'date') return `extract(${random.pick(['year', 'month'])} FROM ${name})`;
    if (kind === 'text') return `substring(${name} FROM 1 FOR ${random.int(1, 3)})`;
    return name;
  }

  #scalar(columns: readonly FuzzColumn[]): string {
    const random = this.#random;
    const { name, kind } = this.#column(columns);
    if (random.chance(0.5)) return name;
    if (random.chance(0.2)) {
      return `CASE WHEN ${this.#test(columns)} THEN ${name} ELSE ${random.pick([name, 'NULL'])} END`;
    }
    if (kind === 'date') return `extract(${random.pick(['year', 'month', 'day'])} FROM ${name})`;
    if (kind === 'word' || kind === 'text') {
      return random.pick([`substring(${name} FROM 2 FOR 4)`, `length(${name})`, `upper(${name})`]);
    }
    return this.#number(columns);
  }

  #number(columns: readonly FuzzColumn[]): string {
    const random = this.#random;
    const numbers = columns.filter(({ kind }) => kind === 'decimal' || kind === 'integer');
    if (numbers.length === 0) return '1';
    const a = random.pick(numbers).name;
    const b = random.pick(numbers).name;
    return random.pick([
      a,
      a,
      `${a} + ${b}`,
      `${a} - ${b}`,
      `${a} * ${b}`,
      `${a} * (1 - ${b})`,
      `-${a}`,
      `coalesce(${a}, 0)`,
      `CASE WHEN ${this.#test(columns)} THEN ${a} ELSE 0 END`,
    ]);
  }

  #anyTable(): string {
    return this.#random.pick(Object.keys(fuzzTables));
  }

  #column(columns: readonly FuzzColumn[] | string): FuzzColumn {
    return this.#random.pick(typeof columns === 'string' ? fuzzTables[columns] : columns);
  }
}

function tableOf(column: FuzzColumn): string {
  const found = Object.entries(fuzzTables).find(([, columns]) => columns.includes(column));
  return found![0];
}
