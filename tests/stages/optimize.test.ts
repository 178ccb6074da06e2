import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bind } from '../../src/bind/bind.ts';
import type { Catalog, TableEntry } from '../../src/catalog/catalog.ts';
import { optimize } from '../../src/optimize/index.ts';
import { explainPlan } from '../../src/plan/explain.ts';
import { children, type Expression } from '../../src/plan/expression.ts';
import { freeColumns } from '../../src/plan/free-columns.ts';
import { inputs, type Plan } from '../../src/plan/plan.ts';
import { eachExpression } from '../../src/plan/rewrite.ts';
import { parseSingle } from '../../src/sql/parse.ts';
import {
  dateType,
  decimalType,
  integerType,
  type SqlType,
  varcharType,
} from '../../src/value/type.ts';

function table(name: string, rowCount: number, columns: Record<string, SqlType>): TableEntry {
  const entries = Object.entries(columns).map(([column, type], i) => ({
    name: column,
    type,
    notNull: i === 0 || column === 'k',
    statistics: {
      nullCount: i === 0 ? 0 : 1,
      min: type.kind === 'varchar' ? undefined : 1n,
      max: type.kind === 'varchar' ? undefined : BigInt(rowCount),
      distinctCount: i === 0 ? rowCount : Math.ceil(rowCount / 10),
      averageWidth: 4,
      order: i === 0 ? ('strict' as const) : ('none' as const),
    },
  }));
  const schema = entries.map((e) => ({ name: e.name, type: e.type, nullable: !e.notNull }));
  const data = { schema, columns: [], rowGroups: [], rowCount };
  return { kind: 'table', name, columns: entries, rowCount, primaryKey: [0], data };
}

const tables = [
  table('big', 100_000, {
    id: integerType,
    k: integerType,
    n: integerType,
    d: decimalType(10, 2),
    day: dateType,
    s: varcharType,
  }),
  table('mid', 1000, { id: integerType, k: integerType, n: integerType, s: varcharType }),
  table('tiny', 10, { id: integerType, k: integerType, n: integerType }),
];

const catalog: Catalog = {
  version: 1,
  table: (name) => tables.find((entry) => entry.name === name),
  view: () => undefined,
  names: () => tables.map((entry) => entry.name),
};

function optimized(sql: string): Plan {
  const { statement } = bind(sql, parseSingle(sql), { catalog });
  assert.equal(statement.kind, 'query');
  return statement.kind === 'query' ? optimize(statement.plan) : assert.fail();
}

/** The plan as text without estimates. */
function explain(sql: string): string {
  return explainPlan(optimized(sql)).replace(/ {2}\(~[\d.,]+ rows\)/g, '');
}

function checkSound(plan: Plan, sql: string): void {
  assert.deepEqual([...freeColumns(plan).keys()], [], `free columns in ${sql}`);
  const objects = new Map<number, unknown>();
  const checkExpression = (expression: Expression): void => {
    assert.notEqual(expression.kind, 'subquery', sql);
    if (expression.kind === 'column') {
      const { column } = expression;
      assert.equal(objects.get(column.id) ?? column, column, `${column.name} is two objects`);
      objects.set(column.id, column);
    }
    children(expression).forEach(checkExpression);
  };
  const visit = (node: Plan): void => {
    if (node.kind === 'join') assert.equal(node.dependent, false, sql);
    eachExpression(node, checkExpression);
    assert.ok(node.estimate !== undefined && node.estimate >= 0, sql);
    inputs(node).forEach(visit);
  };
  visit(plan);
}

test('every kind of correlated subquery is unnested', () => {
  const subqueries = [
    'exists (select 1 from mid where mid.k = big.k)',
    'not exists (select 1 from mid where mid.k = big.k and mid.n < big.n)',
    'exists (select 1 from mid where mid.n < big.n) or n = 1',
    'n in (select n from mid where mid.k > big.k)',
    'n not in (select n from mid where mid.k = big.k)',
    'n not in (select n from mid)',
    'n > all (select n from mid where mid.k = big.k)',
    'n = any (select mid.n + big.n from mid)',
    '(n, k) in (select n, k from mid where mid.id <> big.id)',
    'n = (select max(n) from mid where mid.k = big.k)',
    'n > (select count(*) from mid where mid.k = big.k)',
    'n > (select count(*) + big.k from mid where mid.n < big.n)',
    'n = (select sum(mid.n + big.n) from mid)',
    'n = (select n from mid where mid.id = big.k)',
    'n = (select max(m.n) from mid m, tiny where m.k = big.k and tiny.n = big.n)',
    'n = (select max(x.n) from (select n, k from mid union all select n, k from tiny) x where x.k = big.k)',
    'n = (select max(n) from mid where mid.k = big.k having count(*) > 2)',
    'exists (select k from mid where k = big.k group by k having sum(n) > big.n)',
    'exists (select 1 from mid left join tiny on mid.k = tiny.k and tiny.n = big.n where mid.n = big.n)',
    'n = (select max(n) from mid where mid.k in (select k from tiny where tiny.n = big.n))',
    'exists (select 1 from mid where exists (select 1 from tiny where tiny.k = mid.k and tiny.n = big.n))',
    'n = (select n from mid where mid.k = big.k order by id limit 1)',
    "case when exists (select 1 from mid where mid.k = big.k) then s = 'x' else n = 2 end",
  ];
  for (const condition of subqueries) {
    const sql = `select id from big where ${condition}`;
    checkSound(optimized(sql), sql);
  }
  for (const sql of [
    'select (select max(n) from mid where mid.k = big.k), count(*) from big group by k',
    'select sum((select n from mid where mid.id = big.k)) from big',
    'select id from big order by (select max(n) from mid where mid.k = big.k)',
    'select * from tiny, lateral (select max(n) as m from mid where mid.k = tiny.k) x',
    'select * from tiny left join lateral (select n from mid where mid.k = tiny.k) x on true',
    'select big.id from big left join mid on big.k = mid.k and mid.n in (select n from tiny)',
    'select (select count(*) from mid)',
  ]) {
    checkSound(optimized(sql), sql);
  }
});

test('EXISTS and IN become semi joins, NOT EXISTS and NOT IN of what is not NULL anti joins', () => {
  assert.equal(
    explain(
      'select id from big where exists (select * from mid where mid.k = big.k and n = 3) ' +
        'and k not in (select k from tiny)',
    ),
    `project id
  anti join on k = k#3
    semi join on k = k#2
      scan big [id, k]
      scan mid [k#2, n] where (n = 3)
    scan tiny [k#3]`,
  );
});

test('a scalar subquery is grouped by what it is correlated with, without a domain', () => {
  assert.equal(
    explain('select id from mid where n > (select 2 * avg(n) from big where big.k = mid.k)'),
    `project id
  inner join on (k = k#2) and (cast(n#2 as DOUBLE) > 2 * avg(n))
    project 2 * avg(n) = 2.0 * avg(n), k
      aggregate by k: avg(n) = avg(n)
        scan big [k, n]
    scan mid [id, k#2, n#2]`,
  );
});

/** Correlated subqueries of every kind within each other, each referring to those around it. */
const nestings: readonly ((level: number, inner: string) => string)[] = [
  (n, inner) => `exists (select 1 from mid m${n + 1} where m${n + 1}.k < m${n}.k and ${inner})`,
  (n, inner) => `m${n}.n < (select count(*) from mid m${n + 1}
    where m${n + 1}.k < m${n}.k and m${n + 1}.n <> m0.n and ${inner})`,
  (n, inner) => `m${n}.n not in (select m${n + 1}.k from mid m${n + 1}
    where m${n + 1}.n < m${n}.k and ${inner})`,
  (n, inner) => `m${n}.n > all (select m${n + 1}.k from mid m${n + 1} where m${n + 1}.k <> m${n}.k
    or m${n + 1}.k in (select m0.n union select tiny.id from tiny where tiny.k < m${n}.k) and ${inner})`,
  (n, inner) => `m${n}.n < (select m${n + 1}.id from mid m${n + 1} where ${inner}
    order by m${n + 1}.n + m${n}.k limit 1)`,
];

test('a plan grows with the depth of correlated subqueries by as much for each level', () => {
  for (const make of nestings) {
    const lines = (depth: number): number => {
      let condition = 'true';
      for (let level = depth - 1; level >= 0; level--) condition = make(level, condition);
      return explain(`select m0.id from mid m0 where ${condition}`).split('\n').length;
    };
    const [four, eight, twelve] = [4, 8, 12].map(lines);
    assert.ok(twelve - eight <= (eight - four) * 1.1, `${[four, eight, twelve]} ${make(0, '')}`);
  }
});

test('what a subquery and the query around it both need is computed once', () => {
  const sql = `select x.id, x.n < (select count(*) from tiny where tiny.n < x.n)
    from (select max(id) as id, sum(n) as n from big group by k) x`;
  const plan = explain(sql);
  assert.equal(plan.match(/scan big/g)?.length, 1, plan);
  assert.equal(plan.match(/read outer/g)?.length, 2, plan);
  // Rows of a table are as easily read twice.
  const plain = explain('select n < (select count(*) from tiny where tiny.n < mid.n) from mid');
  assert.equal(plain.match(/scan mid/g)?.length, 2, plain);
});

test('a subquery within one that does not know the outermost row brings its values', () => {
  const plan = explain(`select id from big where exists (select 1 from mid where exists
    (select 1 from tiny where tiny.k = mid.k and tiny.n = big.n))`);
  assert.equal(plan.match(/scan/g)?.length, 3, plan);
});

test('a common table keeps the columns that are read', () => {
  const plan = explain(`with t as (select k, n, max(s) as s, min(d) as d from big group by k, n)
    select x.n from t x, t y where x.n = y.k`);
  assert.ok(!plan.includes('min(d)') && !plan.includes('max(s)'), plan);
});

test('comparisons with ANY and ALL look at the least or the greatest value', () => {
  const how = (condition: string): readonly string[] | null =>
    explain(`select id from big where ${condition}`).match(/(min|max|count) = |semi|anti|mark/g);
  const of = "from mid where s = 'x'";
  assert.deepEqual(how(`k < any (select k ${of})`), ['max = ']);
  assert.deepEqual(how(`k > all (select id ${of})`), ['max = ']);
  assert.deepEqual(how('n <> any (select k from mid where mid.id = big.n)'), ['min = ', 'max = ']);
  // What is looked up by its value, or would be grouped for every outer value.
  assert.deepEqual(how(`k = any (select k ${of})`), ['semi']);
  assert.deepEqual(how('k < any (select k from mid where mid.n < big.n)'), ['semi']);
});

test('equal parts of a statement are computed once, with the columns of all', () => {
  const scans = (sql: string): number => explain(sql).match(/scan big/g)?.length ?? 0;
  const joined = "from big, mid where big.k = mid.id and mid.s = 'x'";
  const sum = `select big.n, sum(big.d) ${joined} group by big.n`;
  assert.equal(scans(`${sum} having sum(big.d) > (select sum(big.d) / 100 ${joined})`), 1);
  assert.equal(scans(`${sum} having sum(big.d) > (select max(mid.n + big.id) ${joined})`), 1);
  const view = 'from (select k, sum(n) as n, max(d) as d from big group by k)';
  assert.equal(scans(`select k ${view} where n = (select max(n) ${view})`), 1);
  // Groups whose rows follow each other in the table would have to be hashed.
  const many = 'from big, mid where big.k = mid.id and mid.n > 700';
  const share = (by: string): string =>
    `select ${by} ${many} group by ${by} having sum(big.d) > (select sum(big.d) / 100 ${many})`;
  assert.equal(scans(share('big.n')), 1);
  assert.equal(scans(share('big.id')), 2);
  // Other predicates, or as many rows to keep as to compute.
  assert.equal(scans(`${sum} having sum(big.d) > (select sum(big.d) ${joined} and big.n > 3)`), 2);
  assert.equal(scans('select a.id from big a, big b where a.id = b.n'), 2);
});

test('what is known of the rows of a common table is known where it is read', () => {
  const plan = optimized(`with t as (select k, sum(n) as n from big group by k)
    select count(*) from t x, t y where x.n = y.k`);
  const readers: Plan[] = [];
  const visit = (node: Plan): void => {
    if (node.kind === 'withReference') readers.push(node);
    inputs(node).forEach(visit);
  };
  visit(plan);
  const found = readers.map((reader) => {
    assert.ok(reader.kind === 'withReference');
    return [reader.columns.map(({ name }) => name), reader.unique?.length, reader.rowsMax];
  });
  const expected = [['k', 'n'], 1, 100_000n];
  assert.deepEqual(found, [expected, expected]);
});

test('outer joins are inner ones where missing rows cannot pass', () => {
  const joinOf = (condition: string): string | undefined =>
    /(\w+) join/.exec(
      explain(`select big.id from big left join mid on big.k = mid.k where ${condition}`),
    )?.[1];
  assert.equal(joinOf('mid.n > 3'), 'inner');
  assert.equal(joinOf("mid.n = 1 or mid.s like 'x%'"), 'inner');
  assert.equal(joinOf('mid.n is null'), 'left');
  assert.equal(joinOf('coalesce(mid.n, 0) = 0'), 'left');
  assert.equal(joinOf('big.n > 3'), 'left');
});

test('predicates reach the scans, in the type of their column', () => {
  assert.equal(
    explain(
      "select id from big where day < date '1995-03-15' + interval '1' day and d > 1.5 " +
        'and 1 = 1 and not (k <> 4)',
    ),
    `project id
  scan big [id, k, d, day] where (day < DATE '1995-03-16') and (d > 1.50) and (k = 4)`,
  );
});

test('what all branches of an OR demand is taken out, and what they imply for one table', () => {
  assert.equal(
    explain(
      'select big.id from big, mid where (big.k = mid.k and big.n = 1 and mid.n = 2) ' +
        'or (big.k = mid.k and big.n = 3 and mid.n = 4)',
    ),
    `project id
  inner join on (k = k#2) and (((n = 1) and (n#2 = 2)) or ((n = 3) and (n#2 = 4)))
    scan big [id, k, n] where ((n = 1) or (n = 3))
    scan mid [k#2, n#2] where ((n#2 = 2) or (n#2 = 4))`,
  );
});

test('joins start from what is small, and use equalities that follow from others', () => {
  const text = explain(
    'select big.s from big, mid, tiny where big.k = mid.id and mid.id = tiny.id and tiny.n = 1',
  );
  assert.equal(
    text,
    `project s
  inner join on k = id
    scan big [k, s]
    inner join on id = id#2
      scan mid [id]
      scan tiny [id#2, n] where (n = 1)`,
  );
});

test('many relations are ordered in reasonable time', () => {
  const names = Array.from({ length: 24 }, (_, i) => `t${i}`);
  const from = names.map((name) => `mid ${name}`).join(', ');
  const chain = names.slice(1).map((name, i) => `t${i}.id = ${name}.k`);
  const star = names.slice(1).map((name) => `t0.id = ${name}.k`);
  for (const conditions of [chain, star]) {
    const sql = `select t0.id from ${from} where ${conditions.join(' and ')}`;
    const start = performance.now();
    checkSound(optimized(sql), sql);
    const time = performance.now() - start;
    assert.ok(time < 3000, `${time} ms`);
  }
});

test('the root has the names of the result, also of a column that is shown twice', () => {
  const { columns } = optimized('select id as x, id as y, id from tiny');
  assert.deepEqual(
    columns.map((column) => column.name),
    ['x', 'y', 'id'],
  );
});

test('an aggregate makes only the groups that a filtered table beside it will keep', () => {
  assert.equal(
    explain(
      'select mid.id from mid, (select k, sum(n) as total from big group by k) g ' +
        "where mid.id = g.k and mid.s = 'x' and g.total > 10",
    ),
    `project id#2
  inner join on k = id#2
    filter sum(n) > 10
      aggregate by k: sum(n) = sum(n)
        semi join on k = id
          scan big [k, n]
          scan mid [id, s] where (s = 'x')
    scan mid [id#2, s#2] where (s#2 = 'x')`,
  );
});

test('where each row of the left side is a group, the right side is aggregated before the join', () => {
  assert.equal(
    explain(
      'select big.id, count(*), count(mid.n) from big left join mid on big.id = mid.k group by 1',
    ),
    `project id, count(*), count(mid.n)
  project id, count(*) = coalesce(count_star(), 1), count(mid.n) = coalesce(count(n), 0)
    left join on id = k
      scan big [id]
      aggregate by k: count_star() = count(*), count(n) = count(n)
        scan mid [k, n]`,
  );
  const isLate = (sql: string): boolean => /aggregate.*\n\s+(inner|left) join/.test(explain(sql));
  const from = 'from big left join mid on big.id = mid.k';
  assert.ok(!isLate(`select big.id, max(mid.n) ${from} group by big.id`));
  // Several rows of the left side may be one group.
  assert.ok(isLate(`select big.s, count(mid.n) ${from} group by big.s`));
  // An argument comes from the left side.
  assert.ok(isLate(`select big.id, count(big.n) ${from} group by big.id`));
});

test('chains of comparisons with one column become one IN', () => {
  assert.equal(
    explain('select id from tiny where (k = 1 or k = 2 or n = 3 or k = 4) and n <> 5 and n <> 6'),
    `project id
  scan tiny [id, k, n] where ((n = 3) or (k in (1, 2, 4))) and (n <> 5) and (n <> 6)`,
  );
  assert.equal(
    explain('select id from tiny where n <> 5 and n <> 6 and n <> 7 and k <> n'),
    `project id
  scan tiny [id, k, n] where (k <> n) and (not (n in (5, 6, 7)))`,
  );
});

test('each distinct argument is aggregated by itself', () => {
  assert.equal(
    explain('select k, count(distinct n), count(distinct s), sum(n) from mid group by k'),
    `project k, count(DISTINCT n), count(DISTINCT s), sum(n)
  inner join on k = k#3
    inner join on k = k#2
      aggregate by k: count(DISTINCT n) = count(distinct n)
        scan mid [k, n]
      aggregate by k#2: count(DISTINCT s) = count(distinct s)
        scan mid [k#2, s]
    aggregate by k#3: sum(n) = sum(n#2)
      scan mid [k#3, n#2]`,
  );
  // Rows that are not just read from a table are made once.
  const joined = 'from mid join tiny on mid.k = tiny.id';
  const twice = explain(`select count(distinct mid.n), count(distinct tiny.n) ${joined}`);
  assert.equal(twice.match(/scan mid/g)?.length, 1, twice);
  const once = explain('select k, count(distinct n), sum(n) from mid group by k');
  assert.doesNotMatch(once, /join/);
});

test('the rows of a whole table are not counted', () => {
  const answers = (sql: string) => explain(sql).includes('scan') === false;
  assert.ok(answers('select count(*), count(id) from big'));
  assert.ok(answers('select count(*) + 1 from (select k + 1 from big) t'));
  assert.ok(!answers('select count(*) from big where n > 3'));
  assert.ok(!answers('select count(n) from big'));
  assert.ok(!answers('select count(*), max(n) from big'));
  assert.ok(!answers('select count(distinct id) from big'));
  assert.ok(!answers('select count(*) filter (n > 3) from big'));
  assert.ok(!answers('select k, count(*) from big group by k'));
});
