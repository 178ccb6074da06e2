import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Database } from './database.ts';
import { openDatabase } from './open.ts';

let db: Database;
const folder = mkdtempSync(join(tmpdir(), 'quern-engine-'));

before(async () => {
  db = await openDatabase(undefined, { threads: 2 });
});

after(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

async function values(sql: string, parameters: readonly unknown[] = []): Promise<unknown[][]> {
  return (await db.query(sql, parameters)).values();
}

describe('results', () => {
  test('the example of the public face', async () => {
    const result = await db.query('select 42 as answer, $1 as name', ['x']);
    assert.deepEqual(result.columns, [
      { name: 'answer', type: 'INTEGER' },
      { name: 'name', type: 'VARCHAR' },
    ]);
    assert.deepEqual(result.rows(), [{ answer: 42, name: 'x' }]);
    assert.deepEqual(result.values(), [[42, 'x']]);
  });

  test('a column is of numbers as long as all its values are safe', async () => {
    const sql = (value: string) => `select ${value}::bigint as x union all select 1::bigint`;
    assert.deepEqual(await values(sql('9007199254740991')), [[9007199254740991], [1]]);
    assert.deepEqual(await values(sql('9007199254740992')), [[9007199254740992n], [1n]]);
    assert.deepEqual(await values(sql('-9007199254740992')), [[-9007199254740992n], [1n]]);
  });

  test('decimals are numbers up to 15 digits, text beyond', async () => {
    const sql = (value: string) => `select ${value}::decimal(38, 2) as x`;
    assert.deepEqual(await values(sql('9999999999999.99')), [[9999999999999.99]]);
    assert.deepEqual(await values(sql('10000000000000.00')), [['10000000000000.00']]);
    assert.deepEqual(await values(sql('-170141183460469231731687303715884105.72')), [
      ['-170141183460469231731687303715884105.72'],
    ]);
  });

  test('dates and timestamps are Date, exact values are bigint and text', async () => {
    const sql =
      "select date '1969-12-31' as d, timestamp '1969-12-31 23:59:59.999999' as t, " +
      "1::tinyint as i, 1.50::decimal(9,2) as c, true as b, null::integer as n, 'é' as s";
    assert.deepEqual(await values(sql), [
      [new Date('1969-12-31'), new Date('1969-12-31T23:59:59.999Z'), 1, 1.5, true, null, 'é'],
    ]);
    const exact = await db.query(sql, [], { values: 'exact' });
    assert.deepEqual(exact.values(), [
      ['1969-12-31', '1969-12-31 23:59:59.999999', 1n, '1.50', true, null, 'é'],
    ]);
  });

  test('texts of many rows come out one by one, ASCII or not', async () => {
    await db.query('create table texts (s varchar)');
    const rows = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? null : `row ${i} of 300`));
    await db.query(
      `insert into texts values ${rows.map((s) => (s ? `('${s}')` : '(null)')).join()}`,
    );
    assert.deepEqual((await values('select s from texts')).flat(), rows);
    await db.query("insert into texts values ('žluťoučký')");
    assert.deepEqual((await values('select s from texts')).flat(), [...rows, 'žluťoučký']);
    await db.query('drop table texts');
  });
});

describe('parameters', () => {
  test('take the type of their place, or of their value where nothing else decides', async () => {
    assert.deepEqual(await values('select 1 where 3 > $1', [2]), [[1]]);
    assert.deepEqual(await values("select 1 where date '2024-01-01' = $1", ['2024-01-01']), [[1]]);
    const dates = await values("select 1 where date '2024-01-01' = $1", [new Date('2024-01-01')]);
    assert.deepEqual(dates, [[1]]);
    assert.deepEqual(await values('select $1, $2, $3', [7, 2.5, null]), [[7, 2.5, null]]);
  });

  test('may stand in LIMIT and OFFSET, alone or in an expression', async () => {
    const rows = 'select range from range(4)';
    assert.deepEqual(await values(`${rows} limit $1`, [2]), [[0], [1]]);
    assert.deepEqual(await values(`${rows} limit $1`, [null]), [[0], [1], [2], [3]]);
    assert.deepEqual(await values(`${rows} limit $1 * 2 offset $1::text::integer`, [1]), [
      [1],
      [2],
    ]);
    assert.deepEqual(await values(`${rows} offset $1`, [null]), [[0], [1], [2], [3]]);
    const last = `select (${rows} as r where range < x order by 1 desc limit $1) from range(3) as t(x)`;
    assert.deepEqual(await values(last, [1]), [[null], [0], [1]]);
    const negative = { code: '2201W', message: /must not be negative/ };
    await assert.rejects(db.query(`${rows} limit $1`, [-1]), negative);
    await assert.rejects(db.query(`${rows} offset $1`, [-1]), negative);
  });

  test('a missing or unfitting value is named', async () => {
    const place = { position: 19 };
    await assert.rejects(values('select 1 where 3 > $1'), {
      code: '42P02',
      message: /^there is no value for parameter \$1\n/,
      ...place,
    });
    await assert.rejects(values('select 1 where 3 > $1', ['x']), {
      code: '22P02',
      message: /^parameter \$1: /,
      ...place,
    });
  });
});

describe('tables', () => {
  test('are created, filled, read, replaced and dropped', async () => {
    await db.query("create table t (a integer primary key, b varchar default 'x', c decimal(5,2))");
    const inserted = await db.query("insert into t values (1, 'a', 1.5), (2, 'b', null)");
    assert.equal(inserted.rowsChanged, 2);
    await db.query('insert into t (a) values (3)');
    await db.query('insert into t select a + 10, b, c from t');
    assert.deepEqual(await values('select * from t'), [
      [1, 'a', 1.5],
      [2, 'b', null],
      [3, 'x', null],
      [11, 'a', 1.5],
      [12, 'b', null],
      [13, 'x', null],
    ]);
    const made = await db.query('create or replace table t as select a from t where a > 10');
    assert.equal(made.rowsChanged, 3);
    assert.deepEqual(await values('select a from t'), [[11], [12], [13]]);
    await db.query('drop table t');
    await assert.rejects(values('select * from t'), { code: '42P01', position: 14 });
  });

  test('keep their constraints, and are as they were after a statement that broke one', async () => {
    await db.query('create table k (a integer primary key, b integer not null)');
    await db.query('insert into k values (1, 1), (5, 5)');
    await assert.rejects(values('insert into k values (3, 3), (1, 0)'), {
      code: '23505',
      message: 'duplicate primary key: (a) = (1)',
    });
    await assert.rejects(values('insert into k values (7, null)'), { code: '23502' });
    await assert.rejects(values('create table k (a integer)'), { code: '42P07' });
    assert.deepEqual(await values('select * from k'), [
      [1, 1],
      [5, 5],
    ]);
    await db.query('create table kk (a integer, b integer, primary key (a, b))');
    await db.query('insert into kk values (1, 1), (1, 2), (2, 1)');
    await assert.rejects(values('insert into kk values (2, 1)'), { code: '23505' });
    await db.query('insert into kk values (1, 3)');
    await assert.rejects(values('insert into kk values (1, 2)'), { code: '23505' });
    await db.query('drop table k, kk');
  });

  test('a few rows are looked up in a large table by their keys', async () => {
    await db.query('create table big (a bigint, b varchar, primary key (a, b))');
    await db.query(
      "insert into big select range * 7919 % 200003, 'x' || range % 3 from range(200000)",
    );
    await db.query("insert into big values (5, 'y'), (6, 'y')");
    for (const [a, b] of await values('select a, b from big limit 3 offset 130000')) {
      await assert.rejects(values('insert into big values (-1, $2), ($1, $2)', [a, b]), {
        code: '23505',
        message: `duplicate primary key: (a, b) = (${a}, ${b})`,
      });
    }
    await assert.rejects(values("insert into big values (8, 'y'), (8, 'y')"), { code: '23505' });
    await assert.rejects(values("insert into big values (9, 'y'), (5, 'y')"), { code: '23505' });
    await db.query("update big set b = 'z' where a = 6 and b = 'y'");
    await db.query("insert into big values (6, 'y')");
    await assert.rejects(values("insert into big values (6, 'z')"), { code: '23505' });
    assert.deepEqual(await values('select count(*) from big'), [[200003]]);
    await db.query('drop table big');
  });

  test('a thousand small inserts, with ever new values, are a thousand rows', async () => {
    await db.query('create table many (n bigint, s varchar, d double)');
    for (let i = 0; i < 1000; i++) {
      const n = i % 2 === 0 ? i ** 4 : -i;
      await db.query('insert into many values ($1, $2, $3)', [n, `s${i % 300}`, i / 4]);
    }
    const rows = await values('select * from many');
    assert.deepEqual(rows[999], [-999, 's99', 249.75]);
    assert.deepEqual(
      rows,
      Array.from({ length: 1000 }, (_, i) => [i % 2 === 0 ? i ** 4 : -i, `s${i % 300}`, i / 4]),
    );
    await db.query('drop table many');
  });

  test('statements at the same time each see one state', async () => {
    await db.query('create table c as select range as x from range(200000)');
    const reads = Array.from({ length: 5 }, () => values('select count(*), sum(x) from c'));
    const write = db.query('insert into c select x from c');
    const late = values('select count(*) from c');
    for (const read of await Promise.all(reads)) assert.deepEqual(read, [[200000, 19999900000]]);
    await write;
    assert.ok([200000, 400000].includes((await late)[0][0] as number));
    assert.deepEqual(await values('select count(*), sum(x) from c'), [[400000, 39999800000]]);
    await db.query('drop table c');
  });

  test('views are bound anew at each use', async () => {
    await db.query('create table base as select 1 as a');
    await db.query('create view v(z) as select a + 1 from base');
    assert.deepEqual(await values('select z from v'), [[2]]);
    await db.query('insert into base values (5)');
    assert.deepEqual(await values('select z from v'), [[2], [6]]);
    await db.query('drop view v');
    await db.query('drop table base');
  });
});

test('a join on several keys finds all rows of a first key', async () => {
  await db.query('create table ps (p integer, s integer)');
  await db.query('insert into ps values (1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2)');
  const grouped = 'select p as lp, s as ls, count(*) as n from ps group by p, s';
  const sql = `select p, s, n from ps, (${grouped}) x where lp = p and ls = s order by p, s`;
  const expected = [1, 2, 3, 4].map((s) => [1, s, 1]).concat([1, 2].map((s) => [2, s, 1]));
  assert.deepEqual(await values(sql), expected);
  await db.query('drop table ps');
});

describe('files', () => {
  test('COPY writes what COPY and FROM read', async () => {
    const path = join(folder, 'a.csv');
    await db.query('create table f as select 1 as a, \'x, "y"\' as b union all select 2, null');
    await db.query(`copy f to '${path}'`);
    assert.equal(readFileSync(path, 'utf8'), 'a,b\n1,"x, ""y"""\n2,\n');
    await db.query('create table g (a integer, b varchar, c integer)');
    await db.query(`copy g (a, b) from '${path}'`);
    assert.deepEqual(await values('select * from g'), [
      [1, 'x, "y"', null],
      [2, null, null],
    ]);
    assert.deepEqual(await values(`select b, a from '${path}' where a = 1`), [['x, "y"', 1]]);
    await db.query('drop table f, g');
  });

  test('every format gives back what was written to it', async () => {
    await db.query('create table w (a integer, b varchar, c decimal(9,2), d date, e double)');
    await db.query("insert into w values (1, 'é', 1.25, '2024-02-29', 0.5)");
    await db.query('insert into w (a) values (2)');
    const exact = async (from: string) => {
      return (await db.query(`select * from ${from}`, [], { values: 'exact' })).values();
    };
    const rows = await exact('w');
    for (const ending of ['csv', 'parquet', 'arrow', 'arrows', 'json', 'ndjson']) {
      const path = join(folder, `w.${ending}`);
      await db.query(`copy w to '${path}'`);
      await db.query('create or replace table back as select * from w where false');
      const { rowsChanged } = await db.query(`copy back from '${path}'`);
      assert.equal(rowsChanged, 2, ending);
      assert.deepEqual(await exact('back'), rows, ending);
      assert.equal((await exact(`'${path}'`)).length, 2, ending);
    }
    await assert.rejects(values(`copy w to '${join(folder, 'w.xls')}'`), { code: '0A000' });
    await assert.rejects(values(`copy w to '${join(folder, 'w.csv')}' (color 'red')`), /"color"/);
    await db.query('drop table w, back');
  });

  test('a file is read again each time, and errors name it', async () => {
    const path = join(folder, 'b.csv');
    writeFileSync(path, 'x\n1\n');
    assert.deepEqual(await values(`select x from '${path}'`), [[1]]);
    writeFileSync(path, 'x\n2\n3\n');
    assert.deepEqual(await values(`select x from '${path}'`), [[2], [3]]);
    await assert.rejects(values("select * from 'missing.csv'"), { code: '58P01' });
    await db.query('create table h (x integer)');
    writeFileSync(path, 'x\n2\nthree\n');
    await assert.rejects(values(`copy h from '${path}' (header true)`), /line 3, column "x"/);
    assert.deepEqual(await values('select count(*) from h'), [[0]]);
    await db.query('drop table h');
  });
});

describe('the rest', () => {
  test('range and generate_series', async () => {
    assert.deepEqual((await values('select * from range(3)')).flat(), [0, 1, 2]);
    assert.deepEqual((await values('select * from range(5, 1, -2)')).flat(), [5, 3]);
    assert.deepEqual((await values('select * from generate_series(1, 7, 3)')).flat(), [1, 4, 7]);
    assert.deepEqual(await values('select * from range(5, 5)'), []);
  });

  test('what is not there yet says so', async () => {
    await assert.rejects(openDatabase('shop.quern', {}), { code: '0A000' });
    await assert.rejects(values('begin'), { code: '0A000' });
    await assert.rejects(values('explain create table x (a integer)'), { code: '0A000' });
  });

  test('EXPLAIN shows the plan; with ANALYZE, what running it took', async () => {
    const plan = (await values('explain select 1 as x')).flat().join('\n');
    assert.match(plan, /project|values/);
    await db.query('create table e as select range as x from range(100000)');
    const profile = (await values('explain analyze select sum(x) from e')).flat().join('\n');
    assert.match(profile, /scan \w+: \d+\.\d+ ms, 100000 rows in \d+ morsels/);
    await db.query('drop table e');
  });

  test('a procedure that is not there is named with its place', async () => {
    await assert.rejects(db.query('call nothing(1)'), { code: '42883', position: 5 });
  });

  test('settings', async () => {
    assert.deepEqual(await values('show threads'), [['2']]);
    await db.query('set threads = 1');
    assert.deepEqual(await values('show threads'), [['1']]);
    await db.query('reset threads');
    await assert.rejects(values('set threads = 3'), { code: '22023' });
    await assert.rejects(values('set thread = 1'), { hint: 'did you mean "threads"?' });
  });

  test('prepared statements, in JavaScript and in SQL', async () => {
    const prepared = await db.prepare('select $1::integer + 1 as x');
    assert.deepEqual((await prepared.query([1])).rows(), [{ x: 2 }]);
    assert.deepEqual((await prepared.query([41])).rows(), [{ x: 42 }]);
    await db.query('prepare p as select $1::integer * 2 as y');
    assert.deepEqual(await values('execute p(21)'), [[42]]);
    await db.query('deallocate p');
    await assert.rejects(values('execute p(1)'), { code: '26000' });
  });

  test('a stream gives all rows in parts', async () => {
    let count = 0;
    for await (const batch of db.stream('select * from range(150000)'))
      count += batch.rows().length;
    assert.equal(count, 150000);
  });

  test('read-only refuses changes; a closed database refuses everything', async () => {
    const other = await openDatabase(undefined, { readOnly: true, threads: 1 });
    await assert.rejects(other.query('create table x (a integer)'), { code: '25006' });
    assert.deepEqual((await other.query('select 1 as a')).values(), [[1]]);
    await other.close();
    await assert.rejects(other.query('select 1'), { code: '08000' });
  });

  test('an abort before the start is an abort', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(db.query('select 1', [], { signal }), { code: '57014' });
  });
});

test('a cast that fails tells the value, whichever thread finds it', async () => {
  await db.query(
    "create table casts as select case when range > 150000 then 'x' || range else '1' end as t from range(200000)",
  );
  for (let i = 0; i < 10; i++) {
    await assert.rejects(db.query('select sum(cast(t as integer)) from casts'), {
      code: '22P02',
      message: /"x1\d{5}"/,
    });
  }
  await db.query('drop table casts');
});

test('statements give back all memory, whether they succeed, fail or are left early', async () => {
  const other = await openDatabase(undefined, { threads: 2 });
  const usage = async () => Number((await other.query('show memory_usage')).values()[0][0]);
  const round = async () => {
    await other.query('create table m as select range as a, range % 7 as b from range(300000)');
    await other.query('insert into m select a + 300000, b from m');
    await other.query('select b, count(*), sum(a) from m group by b order by b');
    await other.query('select x.a from m x join m y on x.a = y.a order by x.a desc limit 5');
    await assert.rejects(other.query('select 1 / (a - 400000) from m'), { code: '22012' });
    await assert.rejects(other.query('insert into m select a, missing from m'), { code: '42703' });
    await assert.rejects(other.query('create table n as select a / (b - 3) from m'), {
      code: '22012',
    });
    for await (const batch of other.stream('select a from m')) {
      assert.ok(batch.rowCount > 0);
      break;
    }
    const signal = AbortSignal.timeout(5);
    const many = 'select count(*) from m x join (select b from m where a < 500) y on x.b = y.b';
    await other.query(many, [], { signal }).catch(() => {});
    await other.query('drop table m');
  };
  await round();
  const before = await usage();
  for (let i = 0; i < 3; i++) await round();
  assert.equal(await usage(), before);
  await other.close();
});

test('a table larger than the memory is read by way of moving its columns in and out', async () => {
  // Eight columns of 8 MB each in 40 MB; a query of a few of them fits.
  const small = await openDatabase(undefined, { threads: 2, memoryLimit: 40 << 20 });
  const columns = Array.from({ length: 8 }, (_, i) => `range * 5000000000 + ${i} as c${i}`);
  await small.query('create table wide as select range as k from range(1000000)');
  for (const [i, column] of columns.entries()) {
    await small.query(`create table part${i} as select ${column} from range(1000000)`);
  }
  const expected = (i: number) => 999_999 * 500_000 * 5_000_000_000 + i * 1_000_000;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 8; i++) {
      const [[sum, count]] = (
        await small.query(`select sum(c${i}), count(*) from part${i}`)
      ).values();
      assert.equal(Number(sum), expected(i));
      assert.equal(count, 1_000_000);
    }
  }
  // Rows of 48 bytes and more, a million of them, are sorted by way of the disk.
  const wide = [1, 2, 3, 4, 5, 6].map((i) => `k * 500000000${i} as w${i}`).join();
  const sorted = (await small.query(`select ${wide} from wide order by w1 desc`)).values();
  assert.equal(sorted.length, 1_000_000);
  const disordered = sorted.findIndex(([w1], i) => w1 !== (999_999 - i) * 5_000_000_001);
  assert.equal(disordered, -1);
  const ranks = `select k, rank() over (order by k % 7, w1) as r from (select k, ${wide} from wide)`;
  const least = `select max(r), max(k) filter (where r = 1000000) from (${ranks})`;
  assert.deepEqual((await small.query(least)).values(), [[1_000_000, 999_998]]);
  assert.deepEqual(
    (await small.query('select min(c7), max(k) from part7, wide where c7 = 7 and k < 9')).values(),
    [[7, 8]],
  );
  await small.close();
});
