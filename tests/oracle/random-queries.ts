import type { Random } from '../../src/base/random.ts';
import type { Catalog, TableEntry } from '../../src/catalog/catalog.ts';
import { integerType } from '../../src/value/type.ts';
import type { Row } from './interpret.ts';

/** Tables of small whole numbers, many of them equal, some NULL, one table without any row. */
export const shapes: Readonly<
  Record<string, { columns: readonly string[]; rows: number; key: boolean }>
> = {
  a: { columns: ['id', 'k', 'n'], rows: 5, key: true },
  b: { columns: ['id', 'k', 'm'], rows: 4, key: true },
  c: { columns: ['k', 'n', 'x'], rows: 4, key: false },
  e: { columns: ['id', 'k', 'y'], rows: 0, key: true },
};

export function makeTables(random: Random): Map<string, Row[]> {
  const tables = new Map<string, Row[]>();
  for (const [name, { columns, rows, key }] of Object.entries(shapes)) {
    tables.set(
      name,
      Array.from({ length: rows }, (_, r) =>
        columns.map((_column, i) => {
          if (key && i === 0) return BigInt(r);
          return random.chance(0.2) ? null : BigInt(random.int(0, 3));
        }),
      ),
    );
  }
  return tables;
}

export function makeCatalog(tables: ReadonlyMap<string, readonly Row[]>, random: Random): Catalog {
  const entries = [...tables].map(([name, rows]): TableEntry => {
    const { columns, key } = shapes[name];
    // Estimates may be as wrong as they like; what is exact in statistics must be.
    const rowCount = random.pick([1, 10, 1000, 100000]);
    const made = columns.map((column, i) => ({
      name: column,
      type: integerType,
      notNull: key && i === 0,
      statistics: {
        nullCount: rows.filter((row) => row[i] === null).length,
        min: 0n,
        max: 10n,
        distinctCount: random.int(1, rowCount),
        averageWidth: 4,
        order: key && i === 0 ? ('strict' as const) : ('none' as const),
      },
    }));
    const schema = made.map((m) => ({ name: m.name, type: m.type, nullable: !m.notNull }));
    const data = { schema, columns: [], rowGroups: [], rowCount };
    return { kind: 'table', name, columns: made, rowCount, primaryKey: undefined, data };
  });
  return {
    version: 1,
    table: (name) => entries.find((entry) => entry.name === name),
    view: () => undefined,
    names: () => entries.map((entry) => entry.name),
  };
}

/** Writes random queries: joins, nested and correlated subqueries, grouping, set operations. */
export class QueryMaker {
  readonly #random: Random;
  #aliases = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  query(): string {
    const { from, columns } = this.#from([]);
    const where = this.#where(columns, 2);
    const random = this.#random;
    if (random.chance(0.3)) {
      const group = random.pick(columns);
      const having = random.chance(0.4)
        ? ` having ${this.#aggregate(columns)} > ${this.#number()}`
        : '';
      const list = `${group} as g, ${this.#aggregate(columns)} as h, ${this.#aggregate(columns)} as i`;
      if (random.chance(0.3)) {
        const other = random.pick(columns);
        const sets = random.pick([
          `rollup (${group}, ${other})`,
          `cube (${group}, ${other})`,
          `grouping sets ((${group}), (${other}), ())`,
        ]);
        const more = `, grouping(${group}, ${other}) as j`;
        return `select ${list}${more} from ${from}${where} group by ${sets}${having}`;
      }
      return `select ${list} from ${from}${where} group by ${group}${having}`;
    }
    if (random.chance(0.25)) {
      const list = `${random.pick(columns)} as c, ${this.#window(columns)} as d, ${this.#window(columns)} as e`;
      const query = `select ${list} from ${from}${where}`;
      if (random.chance(0.6)) return query;
      return `select * from (${query}) w where ${this.#comparison(['w.c', 'w.d', 'w.e'])}`;
    }
    const list = Array.from({ length: random.int(1, 3) }, (_, i) => {
      return `${this.#scalar(columns, 1)} as c${i}`;
    });
    const distinct = random.chance(0.2) ? 'distinct ' : '';
    return `select ${distinct}${list.join(', ')} from ${from}${where}`;
  }

  #number(): string {
    return String(this.#random.int(0, 4));
  }

  #table(): { text: string; columns: string[] } {
    const name = this.#random.pick(Object.keys(shapes));
    const alias = `${name}${this.#aliases++}`;
    const columns = shapes[name].columns.map((column) => `${alias}.${column}`);
    return { text: `${name} ${alias}`, columns };
  }

  #from(outer: readonly string[]): { from: string; columns: string[] } {
    const random = this.#random;
    let { text: from, columns } = this.#table();
    for (let joins = random.pick([0, 0, 1, 1, 2]); joins > 0; joins--) {
      const next = this.#table();
      const both = [...columns, ...next.columns];
      if (random.chance(0.4)) {
        from += ` cross join ${next.text}`;
      } else {
        const type = random.pick(['join', 'left join', 'left join', 'right join']);
        const key = `${random.pick(columns)} = ${random.pick(next.columns)}`;
        const more = random.chance(0.3) ? ` and ${this.#comparison([...both, ...outer])}` : '';
        from += ` ${type} ${next.text} on ${key}${type === 'right join' ? '' : more}`;
      }
      columns = both;
    }
    if (random.chance(0.15)) {
      const alias = `d${this.#aliases++}`;
      const inner = this.#table();
      const [key, value] = [random.pick(inner.columns), random.pick(inner.columns)];
      const body = `select ${key} as k, ${this.#aggregate([value])} as v from ${inner.text} group by ${key}`;
      from += ` cross join (${body}) ${alias}`;
      columns = [...columns, `${alias}.k`, `${alias}.v`];
    }
    return { from, columns };
  }

  #where(columns: readonly string[], depth: number): string {
    const conditions: string[] = [];
    for (let count = this.#random.int(0, 3); count > 0; count--) {
      conditions.push(this.#condition(columns, depth));
    }
    return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  }

  #condition(columns: readonly string[], depth: number): string {
    const random = this.#random;
    const choice = depth === 0 ? 0 : random.int(0, 10);
    if (choice <= 3) return this.#comparison(columns);
    const inner = (): string => this.#condition(columns, depth - 1);
    switch (choice) {
      case 4:
        return `(${inner()} or ${inner()})`;
      case 5:
        return `not (${inner()})`;
      case 6:
        return `${random.pick(columns)} is ${random.pick(['', 'not '])}null`;
      case 7:
        return `${random.pick(['', 'not '])}exists (${this.#subquery(columns, depth - 1, false)})`;
      case 8: {
        const not = random.pick(['', 'not ']);
        return `${random.pick(columns)} ${not}in (${this.#subquery(columns, depth - 1, false)})`;
      }
      case 9: {
        const quantifier = random.pick(['any', 'all']);
        const operator = random.pick(['=', '<>', '<', '>=']);
        const query = this.#subquery(columns, depth - 1, false);
        return `${random.pick(columns)} ${operator} ${quantifier} (${query})`;
      }
      default:
        return `${random.pick(columns)} ${random.pick(['=', '<', '>='])} ${this.#scalar(columns, depth)}`;
    }
  }

  #comparison(columns: readonly string[]): string {
    const random = this.#random;
    const other = random.chance(0.6) ? random.pick(columns) : this.#number();
    return `${random.pick(columns)} ${random.pick(['=', '=', '=', '<', '<>', '>='])} ${other}`;
  }

  #scalar(columns: readonly string[], depth: number): string {
    const random = this.#random;
    if (depth > 0 && random.chance(0.35)) return `(${this.#subquery(columns, depth - 1, true)})`;
    if (random.chance(0.3)) return `${random.pick(columns)} + ${random.pick(columns)}`;
    return random.chance(0.8) ? random.pick(columns) : this.#number();
  }

  #aggregate(columns: readonly string[]): string {
    const random = this.#random;
    if (random.chance(0.2)) return 'count(*)';
    const distinct = random.chance(0.2) ? 'distinct ' : '';
    const column = random.pick(columns);
    if (random.chance(0.1)) return `quantile_disc(${column}, 0.${random.int(1, 9)})`;
    if (random.chance(0.1)) return `${random.pick(['bit_and', 'bit_or', 'bit_xor'])}(${column})`;
    return `${random.pick(['count', 'sum', 'min', 'max'])}(${distinct}${column})`;
  }

  /** A window function that gives the same for rows that the order leaves equal. */
  #window(columns: readonly string[]): string {
    const random = this.#random;
    const partition = random.chance(0.6) ? `partition by ${random.pick(columns)}` : '';
    const direction = `${random.pick(['', ' desc'])}${random.pick(['', ' nulls first'])}`;
    const order = random.chance(0.8) ? ` order by ${random.pick(columns)}${direction}` : '';
    if (random.chance(0.3)) {
      return `${random.pick(['rank', 'dense_rank'])}() over (${partition}${order})`;
    }
    const bounds = random.pick([
      `${random.int(0, 2)} preceding and ${random.int(0, 2)} following`,
      `unbounded preceding and ${random.int(0, 2)} preceding`,
      `${random.int(0, 2)} following and unbounded following`,
      'current row and unbounded following',
    ]);
    const exclude = random.pick(['', '', ' exclude group']);
    const unit = order === '' ? 'groups' : random.pick(['range', 'groups']);
    const frame = random.chance(0.5) ? ` ${unit} between ${bounds}${exclude}` : '';
    const name = random.pick(['count', 'sum', 'sum', 'min', 'max']);
    return `${name}(${random.pick(columns)}) over (${partition}${order}${frame})`;
  }

  /** One column; one row at most where `single`. */
  #subquery(outer: readonly string[], depth: number, single: boolean): string {
    const random = this.#random;
    const { from, columns } = this.#from(outer);
    const where = this.#where([...columns, ...columns, ...outer], depth);
    if (single || random.chance(0.2)) {
      const plus = random.chance(0.2) ? ` + ${random.pick(outer)}` : '';
      return `select ${this.#aggregate(columns)}${plus} from ${from}${where}`;
    }
    if (random.chance(0.15)) {
      const group = random.pick(columns);
      const having = random.chance(0.5) ? ` having count(*) > ${random.int(0, 2)}` : '';
      return `select max(${random.pick(columns)}) from ${from}${where} group by ${group}${having}`;
    }
    if (random.chance(0.1)) {
      const list = `${this.#window(columns)} as w`;
      return `select w from (select ${list} from ${from}${where}) d${this.#aliases++}`;
    }
    if (random.chance(0.1)) {
      const other = this.#table();
      const all = random.pick(['', ' all']);
      const union = `union${all} select ${random.pick(other.columns)} from ${other.text}`;
      const condition = random.chance(0.5)
        ? ` where ${this.#comparison([...other.columns, ...outer])}`
        : '';
      return `select ${random.pick(columns)} from ${from}${where} ${union}${condition}`;
    }
    return `select ${random.pick([...columns, ...columns, ...outer])} from ${from}${where}`;
  }
}
