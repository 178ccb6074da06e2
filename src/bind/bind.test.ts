import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuernError } from '../base/error.ts';
import type { Catalog, TableEntry } from '../catalog/catalog.ts';
import { explainPlan } from '../plan/explain.ts';
import type { Plan } from '../plan/plan.ts';
import { parseSingle } from '../sql/parse.ts';
import { noStatistics } from '../table/statistics.ts';
import {
  bigintType,
  booleanType,
  dateType,
  decimalType,
  doubleType,
  integerType,
  type SqlType,
  typeName,
  varcharType,
} from '../value/type.ts';
import { bind } from './bind.ts';

function table(name: string, columns: Record<string, SqlType>): TableEntry {
  const entries = Object.entries(columns).map(([column, type]) => {
    return { name: column, type, notNull: column === 'id', statistics: noStatistics };
  });
  const schema = entries.map((entry) => ({
    name: entry.name,
    type: entry.type,
    nullable: !entry.notNull,
  }));
  const data = { schema, columns: [], rowGroups: [], rowCount: 0 };
  return { kind: 'table', name, columns: entries, rowCount: 0, primaryKey: undefined, data };
}

const tables = [
  table('t', {
    id: integerType,
    n: integerType,
    b: bigintType,
    d: decimalType(15, 2),
    f: doubleType,
    s: varcharType,
    day: dateType,
    flag: booleanType,
  }),
  table('u', { id: integerType, n: integerType, name: varcharType }),
];

const catalog: Catalog = {
  version: 1,
  table: (name) => tables.find((entry) => entry.name === name.toLowerCase()),
  view: (name) =>
    name.toLowerCase() === 'v'
      ? { kind: 'view', name: 'v', columnNames: ['x'], sql: 'select n + 1 from t' }
      : undefined,
  names: () => ['t', 'u', 'v'],
};

function planOf(sql: string): Plan {
  const { statement } = bind(sql, parseSingle(sql), { catalog });
  assert.equal(statement.kind, 'query');
  return statement.kind === 'query' ? statement.plan : assert.fail();
}

function typesOf(select: string): string[] {
  return planOf(`select ${select} from t`).columns.map((column) => typeName(column.type));
}

function errorOf(sql: string): QuernError {
  try {
    bind(sql, parseSingle(sql), { catalog });
  } catch (error) {
    assert.ok(error instanceof QuernError, String(error));
    return error;
  }
  return assert.fail(`no error for: ${sql}`);
}

test('result types follow PostgreSQL and DuckDB', () => {
  const expected: Record<string, string> = {
    '1': 'INTEGER',
    '3000000000': 'BIGINT',
    '-2147483648': 'INTEGER',
    '10000000000000000000': 'HUGEINT',
    '0.05': 'DECIMAL(3,2)',
    '1e3': 'DOUBLE',
    'n + 1': 'INTEGER',
    'n + b': 'BIGINT',
    'n / 2': 'DOUBLE',
    'n // 2': 'INTEGER',
    'd + 1': 'DECIMAL(16,2)',
    '1 - d': 'DECIMAL(16,2)',
    'd * (1 - d)': 'DECIMAL(31,4)',
    'd * (1 - d) * (1 + d)': 'DECIMAL(38,6)',
    'd + n': 'DECIMAL(16,2)',
    'd / d': 'DOUBLE',
    'd * 0.5e0': 'DOUBLE',
    'f + d': 'DOUBLE',
    'sum(n)': 'HUGEINT',
    'sum(d)': 'DECIMAL(38,2)',
    'sum(f)': 'DOUBLE',
    'avg(d)': 'DOUBLE',
    'count(*)': 'BIGINT',
    'min(day)': 'DATE',
    "day - interval '90' day": 'TIMESTAMP',
    'day + 1': 'DATE',
    "day - date '1998-01-01'": 'BIGINT',
    'extract(year from day)': 'BIGINT',
    "s || 'x'": 'VARCHAR',
    'case when flag then 1 else 2.5 end': 'DECIMAL(2,1)',
    'coalesce(n, b)': 'BIGINT',
    null: 'VARCHAR',
    "day = '1998-01-01'": 'BOOLEAN',
    'round(d)': 'DECIMAL(15,0)',
    'round(d, 1)': 'DECIMAL(15,1)',
    'substring(s from 1 for 2)': 'VARCHAR',
  };
  for (const [expression, type] of Object.entries(expected)) {
    assert.deepEqual(typesOf(expression), [type], expression);
  }
});

test('an unknown name comes with its place and the nearest known one', () => {
  const cases: [sql: string, code: string, hint: string][] = [
    ['select nmae from u', '42703', 'did you mean "name"?'],
    ['select u.nme from u', '42703', 'did you mean "name"?'],
    ['select uu.name from u', '42P01', 'did you mean "u"?'],
    ['select * from tt', '42P01', 'did you mean "t"?'],
    ['select cuont(*) from t', '42883', 'did you mean "count"?'],
    ['select substrng(s, 1) from t', '42883', 'did you mean "substring"?'],
    ['select n::intger from t', '42704', 'did you mean "INTEGER"?'],
  ];
  for (const [sql, code, hint] of cases) {
    const error = errorOf(sql);
    assert.equal(error.code, code, sql);
    assert.equal(error.hint, hint, sql);
  }
  const error = errorOf('select 1,\n  nmae from u');
  assert.equal(error.position, 12);
  assert.match(error.message, /\nline 2: {3}nmae from u\n {10}\^\^\^\^\n/);
});

test('an error in a regular expression shows its place in the literal', () => {
  const sql = `select regexp_matches(s, 'a(b') from t`;
  const error = errorOf(sql);
  assert.equal(error.code, '2201B');
  assert.equal(error.position, sql.indexOf('(b'));
  // Where quotes are doubled, the literal as a whole.
  const quoted = `select s ~ '''a(b' from t`;
  assert.equal(errorOf(quoted).position, quoted.indexOf(`'''a`));
});

test('what makes no sense is an error with the right code', () => {
  const cases: Record<string, string> = {
    'select id from t, u': '42702',
    'select n from t group by s': '42803',
    'select sum(n) from t where sum(n) > 1': '42803',
    'select sum(sum(n)) from t': '42803',
    'select n + s from t': '42883',
    'select n = s from t': '42804',
    'select * from t where n': '42804',
    "select date '1998-13-01'": '22008',
    "select n = 'x' from t": '22P02',
    'select (select id, n from u) from t': '42601',
    'select id from t union select id, n from u': '42601',
    'select id from t union select name from u': '42804',
    'select id from t order by 3': '42P10',
    'select distinct n from t order by s': '42P10',
    'select * from t, t': '42712',
    'values (1), (2, 3)': '42601',
    'select 1 limit -1': '2201W',
    'create table t (a int)': '42P07',
    'create table w (a int, a int)': '42701',
    'insert into t (id) values (1, 2)': '42601',
    "insert into u (name, id) values ('a', 'b')": '22P02',
    'insert into u (id) select name from u': '42804',
  };
  for (const [sql, code] of Object.entries(cases)) assert.equal(errorOf(sql).code, code, sql);
});

test('what is parsed but not supported says so, with its place', () => {
  const unsupported = [
    'select * from t tablesample 10%',
    'select * from t limit 10 percent',
    'select * from t asof join u on t.id >= u.id',
    'select * from t positional join u',
    'create table w (a int unique)',
    'create table w (a int check (a > 1))',
    'create index i on t (id)',
    'select n::varchar collate nocase from t',
    'select [1, 2]',
    'select sum(n) within group (order by n) from t',
    'merge into t using u on true when matched then delete',
  ];
  for (const sql of unsupported) {
    try {
      bind(sql, parseSingle(sql), { catalog });
      assert.fail(`no error for: ${sql}`);
    } catch (error) {
      assert.ok(error instanceof QuernError, sql);
      assert.equal(error.code, '0A000', sql);
      assert.notEqual(error.position, undefined, sql);
    }
  }
});

test('names, grouping and subqueries bind to explicit nodes', () => {
  assert.equal(
    explainPlan(
      planOf(
        'select s, sum(n) + 1 as total from t where exists (select * from u where u.n = t.n) ' +
          'group by s having count(*) > 1 order by total desc',
      ),
    ),
    `sort total desc
  project s, total = sum(n) + 1
    filter count_star() > 1
      aggregate by s: sum(n) = sum(n), count_star() = count(*)
        filter exists(subquery)
          scan t [id, n, b, d, f, s, day, flag]
          subquery exists
            project id#2, n#2, name
              filter n#2 = n
                scan u [id#2, n#2, name]`,
  );
});

test('aliases of the select list can be used where their columns are not known', () => {
  const { columns } = planOf(
    'select n + 1 as m, m * 2 as k from t where m > 3 group by m order by k',
  );
  assert.deepEqual(
    columns.map((column) => column.name),
    ['m', 'k'],
  );
});

test('USING and NATURAL merge columns; views and common tables are tables', () => {
  const names = (sql: string): string =>
    planOf(sql)
      .columns.map((c) => c.name)
      .join(' ');
  assert.equal(names('select * from t join u using (id)'), 'id n b d f s day flag n name');
  assert.equal(names('select * from u natural join (select 1 as id, 2 as z)'), 'id n name z');
  assert.equal(names('select u.id, * exclude (n) from u'), 'id id name');
  assert.equal(names('select * from v'), 'x');
  assert.equal(names('with w (a, b) as (select id, n from u) select * from w, w x'), 'a b a b');
  assert.equal(names('from u select name as "Name"'), 'Name');
  assert.equal(names('select count(*), n + 1, u.name from u group by all'), 'count(*) n + 1 name');
});

test('parameters take their types from their use', () => {
  const sql = 'select $1 + n, s like $2 from t where day > $3 and id = $1';
  const { parameters } = bind(sql, parseSingle(sql), { catalog });
  assert.deepEqual(
    parameters.map(({ type }) => typeName(type)),
    ['INTEGER', 'VARCHAR', 'DATE'],
  );
});

test('a nullable side of an outer join makes its columns nullable', () => {
  const plan = planOf('select t.id, u.id from t left join u on t.id = u.id');
  assert.deepEqual(
    plan.columns.map((column) => column.nullable),
    [false, true],
  );
});

test('DELETE keeps what its condition is not TRUE for; UPDATE marks what it changes', () => {
  const planTextOf = (sql: string): string => {
    const { statement } = bind(sql, parseSingle(sql), { catalog });
    return statement.kind === 'rewrite' ? explainPlan(statement.plan) : assert.fail();
  };
  assert.equal(
    planTextOf('delete from u where n > 1'),
    `filter (n > 1) is distinct from true
  scan u [id, n, name]`,
  );
  assert.equal(
    planTextOf("update u as x set n = x.id, name = default where x.name = 'a'"),
    `project id, n#2 = case when changed then id else n end, name#2 = case when changed then null else name end, changed
  project id, n, name, changed = coalesce(name = 'a', false)
    scan u [id, n, name]`,
  );
  assert.equal(errorOf('update u set n = 1, n = 2').code, '42701');
  assert.equal(errorOf('update u set m = 1').code, '42703');
  assert.equal(errorOf('update v set x = 1').code, '0A000');
});
