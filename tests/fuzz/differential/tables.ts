import type { Random } from '../../../src/base/random.ts';

/** Types whose values the generator treats alike. */
export type Family =
  | 'int'
  | 'dec'
  | 'double'
  | 'text'
  | 'date'
  | 'timestamp'
  | 'time'
  | 'interval'
  | 'bool';

export const families: readonly Family[] = [
  'int',
  'dec',
  'double',
  'text',
  'date',
  'timestamp',
  'time',
  'interval',
  'bool',
];

export interface TestColumn {
  readonly name: string;
  readonly family: Family;
  /** The SQL name of the type, with constraints. */
  readonly type: string;
}

export interface TestTable {
  readonly name: string;
  readonly columns: readonly TestColumn[];
  /** Rows of SQL literals. */
  readonly rows: readonly (readonly string[])[];
  /** The name of a table of the rows paired with themselves: large, of the same columns. */
  readonly large: string | undefined;
}

/**
 * Rows of the base of a large table, whose square is more than one or two morsels of 65536 rows.
 */
const largeBaseRows = [260, 260, 370];

/** Tables of one test case: some empty, some of one row, now and then a large one. */
export function makeTables(random: Random): TestTable[] {
  const tables = Array.from({ length: random.int(2, 4) }, (_, i) => {
    return makeTable(random, `t${i}`, random.pick([0, 1, 3, 8, 20, 40]), undefined);
  });
  if (random.chance(0.12))
    tables.push(makeTable(random, 'base', random.pick(largeBaseRows), 'large'));
  return tables;
}

function makeTable(
  random: Random,
  name: string,
  rowCount: number,
  large: string | undefined,
): TestTable {
  // Extremes only in some tables: with them most arithmetic ends in an error.
  const wild = large === undefined && random.chance(0.25);
  const keyed = random.chance(0.6);
  const id: TestColumn = {
    name: 'id',
    family: 'int',
    type: keyed && large === undefined && random.chance(0.5) ? 'INTEGER PRIMARY KEY' : 'INTEGER',
  };
  const made = Array.from({ length: random.int(2, 7) }, (_, i) => {
    const family = i === 0 ? 'int' : random.pick(families);
    return makeColumn(random, `c${i}`, family, wild);
  });
  const rows = Array.from({ length: rowCount }, (_, row) => [
    keyed ? String(row) : String(random.int(0, 9)),
    ...made.map(({ value }) => value()),
  ]);
  return { name, columns: [id, ...made.map(({ column }) => column)], rows, large };
}

interface ColumnMaker {
  column: TestColumn;
  value: () => string;
}

function makeColumn(random: Random, name: string, family: Family, wild: boolean): ColumnMaker {
  const { type, value } = makeType(random, family, wild);
  const nulls = random.pick([0, 0, 0.1, 0.3, 0.3, 1]);
  const notNull = nulls === 0 && random.chance(0.5);
  // Few values over and over: what joins match on and groups are made of.
  const few = random.chance(0.5) ? Array.from({ length: random.int(1, 5) }, value) : undefined;
  const pick = (): string => (few === undefined ? value() : random.pick(few));
  return {
    column: { name, family, type: notNull ? `${type} NOT NULL` : type },
    value: () => (random.chance(nulls) ? 'NULL' : pick()),
  };
}

interface TypeMaker {
  type: string;
  value: () => string;
}

function makeType(random: Random, family: Family, wild: boolean): TypeMaker {
  switch (family) {
    case 'int':
      return integers(random, wild);
    case 'dec':
      return decimals(random, wild);
    case 'double':
      return { type: 'DOUBLE', value: () => doubleText(random, wild) };
    case 'text':
      return { type: 'VARCHAR', value: () => quote(someText(random)) };
    case 'date':
      return { type: 'DATE', value: () => `'${dateText(random, wild)}'` };
    case 'timestamp':
      return { type: 'TIMESTAMP', value: () => `'${timestampText(random, wild)}'` };
    case 'time':
      return { type: 'TIME', value: () => `'${timeText(random)}'` };
    case 'interval':
      return { type: 'INTERVAL', value: () => `'${intervalText(random)}'` };
    case 'bool':
      return { type: 'BOOLEAN', value: () => random.pick(['TRUE', 'FALSE']) };
  }
}

const integerBits: Readonly<Record<string, bigint>> = {
  TINYINT: 8n,
  SMALLINT: 16n,
  INTEGER: 32n,
  BIGINT: 64n,
  HUGEINT: 128n,
};

function integers(random: Random, wild: boolean): TypeMaker {
  const type = random.pick(Object.keys(integerBits));
  const half = 1n << (integerBits[type] - 1n);
  const range = random.pick([3, 9, 100]);
  return {
    type,
    value: () => {
      if (wild && random.chance(0.1)) return String(random.pick([half - 1n, 1n - half]));
      return String(random.int(random.pick([0, -range]), range));
    },
  };
}

/**
 * At most 28 digits before the point and 10 after it: a common type of any two then holds both. Of
 * one that does not, DuckDB drops digits behind the point.
 */
const decimalShapes = [
  [4, 1],
  [9, 2],
  [15, 2],
  [18, 4],
  [18, 0],
  [19, 3],
  [25, 10],
  [28, 2],
  [38, 10],
] as const;

function decimals(random: Random, wild: boolean): TypeMaker {
  const [precision, scale] = random.pick(decimalShapes);
  return {
    type: `DECIMAL(${precision},${scale})`,
    value: () => {
      const sign = random.pick(['', '-']);
      const digits =
        // Sums of doubles made of larger ones would cancel out to noise.
        wild && random.chance(0.1) && precision <= 18
          ? '9'.repeat(precision)
          : String(random.int(0, 10 ** Math.min(precision, scale + 2, 9) - 1));
      return sign + placePoint(digits, scale);
    },
  };
}

function placePoint(digits: string, scale: number): string {
  if (scale === 0) return digits;
  const padded = digits.padStart(scale + 1, '0');
  const text = `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  return text.startsWith('.') ? `0${text}` : text;
}

export function doubleText(random: Random, wild: boolean): string {
  if (wild && random.chance(0.1))
    return random.pick([
      '1e30',
      '-1e30',
      '1e-30',
      '-0e0',
      "CAST('NaN' AS DOUBLE)",
      "CAST('Infinity' AS DOUBLE)",
      "CAST('-Infinity' AS DOUBLE)",
    ]);
  return `${random.int(-400, 400) / 4}e0`;
}

const commonTexts = [
  'a',
  'b',
  'ab',
  'abc',
  '',
  'A',
  'Ä',
  'ä',
  'x y',
  '100%',
  'a_b',
  ' a ',
  'é',
  '7',
];
const longText = 'the quick brown fox jumps over the lazy dog';

export function someText(random: Random): string {
  if (random.chance(0.5)) return random.pick(commonTexts);
  if (random.chance(0.3)) return longText.slice(0, random.int(0, longText.length));
  return Array.from({ length: random.int(1, 16) }, () => random.pick([...'abcAB €z'])).join('');
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const extremeDates = ['0001-01-01', '9999-12-31', '1969-12-31', '1970-01-01', '2000-02-29'];

export function dateText(random: Random, wild: boolean): string {
  if (random.chance(wild ? 0.3 : 0.02)) return random.pick(extremeDates);
  const days = random.int(0, 20_000) - 4000;
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

export function timestampText(random: Random, wild: boolean): string {
  return `${dateText(random, wild)} ${timeText(random)}`;
}

export function timeText(random: Random): string {
  const two = (high: number): string => String(random.int(0, high)).padStart(2, '0');
  const fraction = random.chance(0.3) ? `.${String(random.int(0, 999_999)).padStart(6, '0')}` : '';
  return `${two(23)}:${two(59)}:${two(59)}${fraction}`;
}

/** Days and less than a day, of the same sign: no two that are equal are written differently. */
export function intervalText(random: Random): string {
  const sign = random.pick(['', '', '-']);
  const days = random.chance(0.7) ? `${sign}${random.int(0, 40)} days ` : '';
  return random.chance(0.3) && days !== '' ? days.trim() : `${days}${sign}${timeText(random)}`;
}

/** The statements that make the tables, each runnable on both engines. */
export function tableStatements(tables: readonly TestTable[]): string[] {
  return tables.flatMap((table) => {
    const columns = table.columns.map(({ name, type }) => `${name} ${type}`).join(', ');
    const statements = [`CREATE TABLE ${table.name} (${columns})`];
    if (table.rows.length > 0) {
      const rows = table.rows.map((row) => `(${row.join(', ')})`).join(', ');
      statements.push(`INSERT INTO ${table.name} VALUES ${rows}`);
    }
    if (table.large !== undefined) statements.push(largeStatement(table, table.large));
    return statements;
  });
}

/** Every second column from either side of the pair: their combinations are many. */
function largeStatement({ name, columns, rows }: TestTable, large: string): string {
  const items = columns.map((column, i) => {
    if (column.name === 'id') return `a.id * ${rows.length} + b.id AS id`;
    return `${i % 2 === 0 ? 'a' : 'b'}.${column.name}`;
  });
  return `CREATE TABLE ${large} AS SELECT ${items.join(', ')} FROM ${name} a CROSS JOIN ${name} b`;
}

export function dropStatements(tables: readonly TestTable[]): string[] {
  return tables
    .flatMap(({ name, large }) => (large === undefined ? [name] : [large, name]))
    .map((name) => `DROP TABLE IF EXISTS ${name}`);
}
