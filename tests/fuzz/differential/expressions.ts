import type { Random } from '../../../src/base/random.ts';
import { type Fragment, list, of } from './fragment.ts';
import { fill, scalarFunctions, withPatterns } from './functions.ts';
import {
  dateText,
  doubleText,
  type Family,
  families,
  intervalText,
  quote,
  someText,
  timestampText,
  timeText,
} from './tables.ts';

/** A column in scope. */
export interface ScopeColumn {
  readonly text: string;
  readonly family: Family;
  /** A double that depends on the order of additions: shown, never compared with. */
  readonly inexact?: boolean;
}

export interface Scope {
  readonly columns: readonly ScopeColumn[];
  /** How many more levels of subqueries are allowed. */
  readonly subqueries: number;
}

/** Makes the subqueries that expressions contain. */
export interface SubqueryMaker {
  /** One row of one exact column. */
  single(scope: Scope, family: Family): Fragment;
  /** Any number of rows of exact columns. */
  column(scope: Scope, families: readonly Family[]): Fragment;
  /** Any rows, for EXISTS. */
  any(scope: Scope): Fragment;
}

type Make = () => Fragment;

function literalOf(
  family: Family,
  text: string,
  type: string,
  value: string | number | boolean,
): Fragment {
  return { ...of(family)`${text}`, literal: { type, value } };
}

/** How often a function of the table is chosen where one fits. */
const tableChance = 0.12;

/** Writes random expressions of a family over the columns of a scope. */
export class ExpressionMaker {
  readonly #random: Random;
  readonly #subqueries: SubqueryMaker;

  constructor(random: Random, subqueries: SubqueryMaker) {
    this.#random = random;
    this.#subqueries = subqueries;
  }

  make(family: Family, scope: Scope, depth: number): Fragment {
    const random = this.#random;
    if (depth <= 0 || random.chance(0.3)) return this.#leaf(family, scope);
    if (family === 'bool') return this.condition(scope, depth);
    if (scope.subqueries > 0 && random.chance(0.04)) {
      return of(family)`(${this.#subqueries.single(scope, family)})`;
    }
    const inner = (of: Family): Fragment => this.make(of, scope, depth - 1);
    if (random.chance(tableChance)) return this.#fromTable(family, inner);
    const choices = [...this.#general(family, inner), ...this.#special(family, inner)];
    return random.pick(choices)();
  }

  /** A column where there is one, or else a literal. */
  #leaf(family: Family, { columns }: Scope): Fragment {
    const fitting = columns.filter((column) => column.family === family && !column.inexact);
    if (fitting.length === 0 || this.#random.chance(0.15)) return this.literal(family);
    return of(family)`${this.#random.pick(fitting).text}`;
  }

  /** Now and then NULL. */
  literal(family: Family): Fragment {
    return this.#random.chance(0.03) ? this.#nullOf(family) : this.value(family);
  }

  value(family: Family): Fragment {
    const random = this.#random;
    switch (family) {
      case 'int': {
        const value = random.int(-3, 10);
        return literalOf('int', String(value), 'INTEGER', value);
      }
      case 'dec': {
        const text = (random.int(-500, 500) / 100).toFixed(2);
        return literalOf('dec', text, 'DECIMAL(3,2)', text);
      }
      case 'double': {
        const text = doubleText(random, false);
        return literalOf('double', text, 'DOUBLE', Number(text));
      }
      case 'text': {
        const text = someText(random);
        return literalOf('text', quote(text), 'VARCHAR', text);
      }
      case 'date': {
        const text = dateText(random, false);
        return literalOf('date', `DATE '${text}'`, 'DATE', text);
      }
      case 'timestamp': {
        const text = timestampText(random, false);
        return literalOf('timestamp', `TIMESTAMP '${text}'`, 'TIMESTAMP', text);
      }
      case 'time': {
        const text = timeText(random);
        return literalOf('time', `TIME '${text}'`, 'TIME', text);
      }
      case 'interval': {
        const text = intervalText(random);
        return literalOf('interval', `INTERVAL '${text}'`, 'INTERVAL', text);
      }
      case 'bool': {
        const value = random.chance(0.5);
        return literalOf('bool', value ? 'TRUE' : 'FALSE', 'BOOLEAN', value);
      }
    }
  }

  #nullOf(family: Family): Fragment {
    const types: Record<Family, string> = {
      int: 'INTEGER',
      dec: 'DECIMAL(9,2)',
      double: 'DOUBLE',
      text: 'VARCHAR',
      date: 'DATE',
      timestamp: 'TIMESTAMP',
      time: 'TIME',
      interval: 'INTERVAL',
      bool: 'BOOLEAN',
    };
    return of(family)`CAST(NULL AS ${types[family]})`;
  }

  /** A function from the table. */
  #fromTable(family: Family, inner: (family: Family) => Fragment): Fragment {
    const template = withPatterns(this.#random.pick(scalarFunctions[family]), this.#random);
    const parts = fill(template, inner);
    return { ...of(family)``, parts: parts.filter((part) => part !== '') };
  }

  /** What there is for every type. */
  #general(family: Family, inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    const one = (): Fragment => inner(family);
    return [
      () => of(family)`CASE WHEN ${inner('bool')} THEN ${one()} ELSE ${one()} END`,
      () => of(family)`CASE WHEN ${inner('bool')} THEN ${one()} END`,
      () => {
        const subject = random.pick(families);
        const branch = of('clause')` WHEN ${inner(subject)} THEN ${one()}`;
        return of(family)`CASE ${inner(subject)} WHEN ${inner(subject)} THEN ${one()}${branch} END`;
      },
      () => of(family)`COALESCE(${one()}, ${one()})`,
      () => of(family)`NULLIF(${one()}, ${one()})`,
    ];
  }

  #special(family: Family, inner: (family: Family) => Fragment): Make[] {
    switch (family) {
      case 'int':
        return [...this.#integers(inner), ...this.#integersOf(inner)];
      case 'dec':
        return this.#decimals(inner);
      case 'double':
        return this.#doubles(inner);
      case 'text':
        return this.#texts(inner);
      default:
        return this.#times(family, inner);
    }
  }

  #integers(inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    const one = (): Fragment => inner('int');
    // Sums of narrow types overflow soon.
    const wide = (): Fragment =>
      random.chance(0.8)
        ? of('int')`CAST(${one()} AS ${random.pick(['BIGINT', 'HUGEINT'])})`
        : one();
    const operate: Make = () => of('int')`(${wide()} ${random.pick(['+', '-', '*'])} ${one()})`;
    return [
      operate,
      operate,
      operate,
      () => of('int')`(${wide()} ${random.pick(['%', '//'])} NULLIF(${one()}, 0))`,
      () => of('int')`(- ${wide()})`,
      () => of('int')`abs(${wide()})`,
      () => of('int')`CAST(${one()} AS ${random.pick(['INTEGER', 'BIGINT', 'SMALLINT'])})`,
    ];
  }

  #integersOf(inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    const field = (): string => random.pick(['YEAR', 'MONTH', 'DAY']);
    return [
      () => of('int')`length(${inner('text')})`,
      () => of('int')`strpos(${inner('text')}, ${inner('text')})`,
      () => of('int')`EXTRACT(${field()} FROM ${inner(random.pick(['date', 'timestamp']))})`,
      () => of('int')`CAST(${inner(random.pick(['dec', 'bool']))} AS BIGINT)`,
    ];
  }

  #decimals(inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    const one = (): Fragment => inner('dec');
    const type = (): string => random.pick(['DECIMAL(12,2)', 'DECIMAL(18,4)', 'DECIMAL(28,2)']);
    const add: Make = () => of('dec')`(${one()} ${random.pick(['+', '-'])} ${one()})`;
    return [
      add,
      add,
      () => of('dec')`CAST(${one()} * ${one()} AS DECIMAL(26,4))`,
      () =>
        of('dec')`CAST(${one()} ${random.pick(['+', '-', '*'])} ${inner('int')} AS DECIMAL(26,4))`,
      () => of('dec')`(${one()} % NULLIF(${one()}, 0))`,
      () => of('dec')`(- ${one()})`,
      () => of('dec')`abs(${one()})`,
      () => of('dec')`CAST(${inner(random.pick(['int', 'dec', 'dec']))} AS ${type()})`,
    ];
  }

  #doubles(inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    const one = (): Fragment => inner('double');
    const operate: Make = () => of('double')`(${one()} ${random.pick(['+', '-', '*'])} ${one()})`;
    const number = (): Fragment => inner(random.pick(['int', 'dec', 'double']));
    return [
      operate,
      operate,
      () => of('double')`(${number()} / NULLIF(${number()}, 0))`,
      () => of('double')`CAST(${number()} AS DOUBLE)`,
      () => of('double')`(- ${one()})`,
    ];
  }

  #texts(inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    const one = (): Fragment => inner('text');
    const small = (low: number): string => String(random.int(low, 5));
    return [
      () => of('text')`(${one()} || ${one()})`,
      () => of('text')`trim(${one()})`,
      () => of('text')`SUBSTRING(${one()} FROM ${small(1)} FOR ${small(0)})`,
      () => of('text')`substring(${one()}, ${small(1)})`,
      () => of('text')`left(${one()}, ${small(0)})`,
      () => of('text')`concat(${one()}, ${one()})`,
    ];
  }

  #times(family: Family, inner: (family: Family) => Fragment): Make[] {
    const random = this.#random;
    if (family === 'date') return [() => of('date')`CAST(${inner('timestamp')} AS DATE)`];
    if (family === 'time') return [() => of('time')`CAST(${inner('timestamp')} AS TIME)`];
    // Intervals are equal that are written differently, as 1 month and 30 days: these are none.
    if (family === 'interval') {
      return [() => of('interval')`(${inner('timestamp')} - ${inner('timestamp')})`];
    }
    const unit = random.pick(['year', 'month', 'day', 'hour', 'minute', 'second']);
    const interval = `INTERVAL '${String(random.int(-40, 40))}' ${unit}`;
    const from = random.pick(['date', 'timestamp'] as const);
    const sign = random.pick(['+', '-']);
    return [
      () => of('timestamp')`(${inner(from)} ${sign} ${inner('interval')})`,
      () => of('timestamp')`CAST(${inner('date')} AS TIMESTAMP)`,
      () => of('timestamp')`(${inner(from)} ${sign} ${interval})`,
    ];
  }

  /** A boolean expression. */
  condition(scope: Scope, depth: number): Fragment {
    const random = this.#random;
    if (scope.subqueries > 0 && random.chance(0.12)) return this.#subqueryCondition(scope, depth);
    const inner = (family: Family): Fragment => this.make(family, scope, depth - 1);
    if (random.chance(tableChance)) return this.#fromTable('bool', inner);
    const both = (): Fragment =>
      list([inner('bool'), inner('bool')], random.pick([' AND ', ' OR ']));
    const compared: Make = () => this.comparison(scope, depth);
    const family = random.pick(families);
    const not = random.pick(['', 'NOT ']);
    return random.pick<Make>([
      compared,
      compared,
      compared,
      compared,
      () => of('bool')`(${both()})`,
      () => of('bool')`(${both()})`,
      () => of('bool')`NOT (${inner('bool')})`,
      () => of('bool')`(${inner(family)} IS ${not}NULL)`,
      () => of('bool')`(${inner(family)} IS ${not}DISTINCT FROM ${inner(family)})`,
      () => of('bool')`(${inner(family)} ${not}BETWEEN ${inner(family)} AND ${inner(family)})`,
      () => {
        const items = Array.from({ length: random.int(1, 4) }, () =>
          random.chance(0.8) ? this.literal(family) : inner(family),
        );
        return of('bool')`(${inner(family)} ${not}IN (${list(items)}))`;
      },
      () => {
        const like = random.pick(['LIKE', 'LIKE', 'ILIKE']);
        return of('bool')`(${inner('text')} ${not}${like} ${quote(this.#pattern())})`;
      },
      () => of('bool')`(${inner('bool')} IS ${not}${random.pick(['TRUE', 'FALSE'])})`,
      () => of('bool')`starts_with(${inner('text')}, ${inner('text')})`,
      () => of('bool')`contains(${inner('text')}, ${inner('text')})`,
      () => this.#rowComparison(inner),
    ])();
  }

  comparison(scope: Scope, depth: number): Fragment {
    const random = this.#random;
    const numbers: Family[] = ['int', 'dec', 'double'];
    const left = random.pick(families);
    const right = numbers.includes(left) && random.chance(0.3) ? random.pick(numbers) : left;
    const operator = random.pick(['=', '=', '<>', '<', '<=', '>', '>=']);
    const [a, b] = [left, right].map((family) => this.make(family, scope, depth - 1));
    return of('bool')`(${a} ${operator} ${b})`;
  }

  /** Of rows without NULLs; see the dialect. */
  #rowComparison(inner: (family: Family) => Fragment): Fragment {
    const random = this.#random;
    const kinds = this.#rowKinds();
    const row = (): Fragment => this.#row(kinds, inner);
    const not = random.pick(['', 'NOT ']);
    if (random.chance(0.4)) {
      return of('bool')`(${row()} ${not}IN (${list([row(), row()].slice(random.int(0, 1)))}))`;
    }
    return of('bool')`(${row()} ${random.pick(['=', '<>', '<', '<=', '>', '>='])} ${row()})`;
  }

  #rowKinds(): Family[] {
    return [0, 0].map(() => this.#random.pick(families));
  }

  #row(kinds: readonly Family[], inner: (family: Family) => Fragment): Fragment {
    const items = kinds.map((kind) => of('present')`COALESCE(${inner(kind)}, ${this.value(kind)})`);
    return of('row')`(${list(items)})`;
  }

  #pattern(): string {
    const text = someText(this.#random).slice(0, 4).replaceAll('%', '');
    const random = this.#random;
    return random.pick([
      `${text}%`,
      `%${text}%`,
      `%${text}`,
      `_${text}%`,
      `${text}_`,
      text,
      '%a%b%',
    ]);
  }

  #subqueryCondition(scope: Scope, depth: number): Fragment {
    const random = this.#random;
    const family = random.pick(families);
    const not = random.pick(['', 'NOT ']);
    const value = (): Fragment => this.make(family, scope, depth - 1);
    return random.pick<Make>([
      () => of('bool')`${not}EXISTS (${this.#subqueries.any(scope)})`,
      () => of('bool')`(${value()} ${not}IN (${this.#subqueries.column(scope, [family])}))`,
      () => {
        const kinds = this.#rowKinds();
        const inner = (of: Family): Fragment => this.make(of, scope, depth - 1);
        // DuckDB refuses such subqueries if they are correlated.
        const rows = this.#subqueries.column({ ...scope, columns: [] }, kinds);
        const items = kinds.map(
          (kind, i) => of('item')`COALESCE(q.r${String(i)}, ${this.value(kind)})`,
        );
        const present = of('query')`SELECT ${list(items)} FROM (${rows}) AS q`;
        return of('bool')`(${this.#row(kinds, inner)} ${not}IN (${present}))`;
      },
      () => {
        const operator = random.pick(['=', '<>', '<', '<=', '>', '>=']);
        const quantifier = random.pick(['ANY', 'ALL']);
        return of(
          'bool',
        )`(${value()} ${operator} ${quantifier} (${this.#subqueries.column(scope, [family])}))`;
      },
    ])();
  }
}
