/** Statements that do not fit in memory: the same results, clean failures, nothing left behind. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { QuernError } from '../src/base/error.ts';
import { type Database, open } from '../src/main/index.ts';
import { platform } from '../src/run/node/platform.ts';
import { spillFiles } from '../src/run/node/spill-file.ts';
import { memoryStores } from '../src/run/spill/memory-store.ts';
import { type SpillStore, type SpillStores, spillPageBytes } from '../src/run/spill/store.ts';
import { makeQueries } from '../src/tpc/h/queries.ts';

const directory = mkdtempSync(join(tmpdir(), 'quern-spilling-'));
after(() => rmSync(directory, { recursive: true }));

/**
 * `big` has many rows for some keys, `small` a few for each, both NULLs and texts of all lengths.
 */
const setUp = `
  create table big as select
    case when i % 7 = 0 then null when i % 3 = 0 then 5 else i % 5000 end as k,
    i as v,
    case when i % 11 = 0 then null else repeat('text ', i % 9) || i % 700 end as t,
    i % 97 / 7.0 as d
  from range(40000) r(i);
  create table small as select
    case when i % 50 = 0 then null when i % 4 = 0 then 5 else i end as k,
    i as w,
    case when i % 13 = 0 then null else 'text ' || i % 700 end as t
  from range(6000) r(i);
  create table small_ones as select range as v from range(3);
`;

const queries = [
  'select count(*), sum(v), sum(w), min(small.t), max(big.t) from big join small on big.k = small.k',
  `select count(*), count(w), sum(v), min(small.t) from big left join small
   on big.k = small.k and v % 3 = w % 3`,
  'select count(*), sum(w), sum(v) from big right join small on big.k = small.k and v > 39000',
  'select count(*), count(v), count(w) from big full join small on big.t = small.t and v < 20000',
  'select count(*), sum(v) from big where k in (select k from small where w % 3 = 0)',
  'select count(*), sum(v) from big where exists (select 1 from small where small.k = big.k and w > v)',
  'select count(*), sum(v) from big where not exists (select 1 from small where small.t = big.t)',
  'select count(*), sum(v) from big where k not in (select k from small where k is not null)',
  'select k in (select k from small) as found, count(*), sum(v) from big group by 1 order by 1',
  `select v < any (select w from small where small.k = big.k) as found, count(*) from big
   group by 1 order by 1`,
  'select count(*) from big, small where v > w * 6',
  'select t, count(*), sum(v), min(d), max(t), first(v) from big group by t order by t',
  'select k, t, v from big order by t nulls first, k desc, v',
  'select v, t from big order by d, v desc limit 300 offset 15000',
  'select t from big order by t limit 20000',
  'select d, v from big order by d',
  'select v from big limit 30000 offset 9000',
  'select distinct t, d from big order by t, d',
  'select count(distinct t), count(distinct k), count(distinct v % 100), sum(v) from big',
  'select d, count(distinct t) from big group by d order by d',
  `select count(*) from (select t, k from big intersect select t, k from small
   union all select t, k from big except all select t, v from big)`,
  `with doubled as (select v, t || t as tt from big) select count(*), min(a.tt), max(b.tt)
   from doubled a join doubled b on a.v = b.v + 1 and a.tt <> b.tt`,
  'select (select max(w) from small where small.k = big.k) as m, count(*) from big group by 1 order by 1',
  'select last(t), min(t), max(t || v), min_by(t, v) from big',
  'select upper(t), sum(v) from big where t is not null group by upper(t) order by 2, 1 limit 900',
];

/** Windows of small partitions, of one that has a third of the rows, and of none. */
const windows = ['partition by k', 'partition by t order by v', 'partition by d, k order by t, v']
  .concat(['partition by v % 3 order by d desc, v', '', 'order by t desc nulls last, v'])
  .flatMap((window) => [
    `select v, row_number() over w, rank() over w, ntile(7) over w, cume_dist() over w from big
     window w as (${window})`,
    `select v, lag(t, 2) over w, lead(upper(t), 1, 'none') over w, first_value(t) over w,
       lag(t ignore nulls) over w from big window w as (${window})`,
    `select v, sum(v) over w, min(t || v) over w, max(t) over (w rows between 3 preceding and
       2 following), avg(d) over (w rows between unbounded preceding and unbounded following)
     from big window w as (${window})`,
  ]);

const recursions = [
  `with recursive n(i, t) as (select 1, 'a' union all select i + 1, t || i from n where i < 300)
   select count(*), sum(i), max(length(t)), max(t) from n`,
  // More rows at once than fit beside those that are known, and rows that come again.
  `with recursive p(x) as (select v % 20000 from big union select x * 2 % 30011 from p where x < 15000)
   select count(*), sum(x), min(x), max(x) from p`,
  `with recursive p(x, t) as (select k, 't' || k from big where v < 30
     union select k * 3 % 500, 't' || small.w % 90 from p join small on p.x = small.k % 50)
   select count(*), sum(x), min(t), max(t) from p`,
  // Operators that spill in rounds.
  `with recursive p(x, d, t) as (select k, 0, t from big where v < 2000
     union all (select distinct p.x, p.d + 1, max(big.t) over (partition by p.x % 7) from p join big
       on p.x = big.v where p.d < 3))
   select d, count(*), sum(x), min(t), max(t) from p group by d order by d`,
];

const orderedAggregates = ['', 'group by k', 'group by d, t', 'group by v % 3'].flatMap(
  (groups) => [
    `select count(*), string_agg(t, ',' order by v), max(t) from big ${groups}`,
    `select median(v), quantile_disc(d, 0.3), mode(t), count(distinct k), first(t order by d, v desc)
   from big ${groups}`,
  ],
);

async function rowsOf(db: Database, sql: string): Promise<string[]> {
  const result = await db.query(sql, [], { values: 'exact' });
  const rows = result.values().map((row) => row.map(String).join('|'));
  // Only the order that a statement asks for is one.
  return /order by [^()]*$/.test(sql) ? rows : rows.sort();
}

const usage = async (db: Database) => Number((await db.query('show memory_usage')).values()[0][0]);

for (const threads of [1, 2]) {
  describe(`everything spills, ${threads} threads`, () => {
    test('operators', async () => {
      const options = { threads, tempDirectory: directory };
      const inMemory = await open(undefined, options);
      const spilling = await open(undefined, { ...options, alwaysSpill: true });
      for (const db of [inMemory, spilling]) await db.query(setUp);
      const before = await usage(spilling);
      for (const sql of [...queries, ...windows, ...orderedAggregates, ...recursions]) {
        const expected = await rowsOf(inMemory, sql);
        assert.deepEqual(await rowsOf(spilling, sql), expected, sql);
      }
      const { profile } = await spilling.query('select k, t from big order by t');
      assert.ok((profile?.spilledBytes ?? 0) > 1e6, 'rows were written');
      assert.equal(await usage(spilling), before, 'all memory was given back');
      assert.deepEqual(readdirSync(directory), []);
      await Promise.all([inMemory.close(), spilling.close()]);
    });

    test('the queries of TPC-H', async () => {
      const inMemory = await open(undefined, { threads });
      const spilling = await open(undefined, { threads, alwaysSpill: true });
      for (const db of [inMemory, spilling]) await db.query('call tpch(scale => 0.01)');
      for (const { number, sql } of makeQueries({ scale: 0.01 })) {
        assert.deepEqual(await rowsOf(spilling, sql), await rowsOf(inMemory, sql), `Q${number}`);
      }
      await Promise.all([inMemory.close(), spilling.close()]);
    });
  });
}

test('a statement that needs more memory than there is spills', async () => {
  const db = await open(undefined, { threads: 2, tempDirectory: directory });
  await db.query(setUp);
  const sql = 'select a.v, a.t, b.t from big a join big b on a.v = b.v order by a.t, a.v';
  const expected = await rowsOf(db, sql);
  await db.query(`set memory_limit = ${(await usage(db)) + 3_000_000}`);
  const result = await db.query(sql);
  assert.ok((result.profile?.spilledBytes ?? 0) > 0, 'rows were written');
  assert.deepEqual(await rowsOf(db, sql), expected);
  await db.close();
});

test('recursions of many times the memory', async () => {
  const db = await open(undefined, { threads: 2, tempDirectory: directory });
  await db.query('create table step as select range as a, range * 31 % 4001 as b from range(4001)');
  const statements = [
    `with recursive p(x, y) as (select a, b from step where a < 900
       union select x, (y + b) % 4001 from p join step on y = a)
     select count(*), sum(x), sum(y) from p`,
    `with recursive p(x, d, t) as (select a, 0, '' from step
       union all select b, d + 1, t || b from p join step on x = a where d < 50)
     select d, count(*), sum(x), max(t) from p group by d order by d`,
  ];
  const expected = [];
  for (const sql of statements) expected.push(await rowsOf(db, sql));
  await db.query(`set memory_limit = ${(await usage(db)) + 5_000_000}`);
  for (const [i, sql] of statements.entries()) {
    const { profile } = await db.query(sql);
    assert.ok((profile?.spilledBytes ?? 0) > 3e6, `rows are written: ${sql}`);
    assert.deepEqual(await rowsOf(db, sql), expected[i], sql);
  }
  await db.close();
});

test('a limit of what may be elsewhere', async () => {
  for (const threads of [1, 2]) {
    const options = { threads, tempDirectory: directory, tempLimit: 3_000_000, alwaysSpill: true };
    const db = await open(undefined, options);
    await db.query(setUp);
    const large = 'select a.t, b.t from big a join big b on a.v = b.v order by a.t, b.t';
    await assert.rejects(db.query(large), { code: '53400' });
    assert.equal((await db.query('select v from small_ones order by v')).rowCount, 3);
    await db.close();
  }
});

test('texts of a table that are larger than the memory', async () => {
  const db = await open(undefined, { threads: 2, tempDirectory: directory });
  await db.query(
    `create table texts as select i, repeat('text ', 12) || i as t from range(400000) r(i)`,
  );
  await db.query('set memory_limit = 16000000');
  let rows = 0;
  for await (const part of db.stream('select * from texts')) rows += part.rowCount;
  assert.equal(rows, 400000);
  const grouped = 'select count(*), max(t) from (select t, count(*) from texts group by t)';
  assert.deepEqual(await rowsOf(db, grouped), [`400000|${'text '.repeat(12)}99999`]);
  await db.close();
});

test('windows and ordered aggregates of many times the memory', async () => {
  const db = await open(undefined, { threads: 2, tempDirectory: directory });
  await db.query(`create table facts as select i as v, i * 7919 % 400000 as h, i % 3000 as k,
    repeat('x', i % 30) || i as t from range(400000) r(i)`);
  const statements = [
    // Partitions that fit, of rows that do not.
    `select sum(a), max(b), sum(c) from (select row_number() over w as a, lag(t) over w as b,
       sum(v) over w as c from facts window w as (partition by k order by h))`,
    // One partition of a third of the rows; no partitions.
    `select sum(a), sum(hash) from (select sum(v) over w as a, length(max(t) over w) as hash
       from facts window w as (partition by k % 3 = 0 order by h))`,
    `select sum(a * v), sum(b * v), max(c) from (select v, row_number() over (order by h) as a,
       sum(v) over (order by h rows between 9 preceding and current row) as b,
       first_value(t) over (order by h desc) as c from facts)`,
    'select sum(v * 1.0 / a), max(t) from (select v, t, sum(h) over () as a from facts)',
    `select sum(length(a)), sum(b), max(c) from (select string_agg(t, '' order by h) as a,
       median(h) as b, mode(t) as c from facts group by k)`,
    'select median(h), quantile_disc(t, 0.25), first(t order by h) from facts',
    // Texts of groups that are more than the memory.
    `select count(*), max(m), sum(length(n)) from (select v, max(t) as m, min_by(t, h) as n
       from facts group by v)`,
  ];
  const expected = [];
  for (const sql of statements) expected.push(await rowsOf(db, sql));
  await db.query(`set memory_limit = ${(await usage(db)) + 4_000_000}`);
  for (const [i, sql] of statements.entries()) {
    const { profile } = await db.query(sql);
    assert.ok((profile?.spilledBytes ?? 0) > 8e6, `rows are written: ${sql}`);
    assert.deepEqual(await rowsOf(db, sql), expected[i], sql);
  }
  await db.close();
});

test('tables that are larger than the memory are made and copied', async () => {
  const db = await open(undefined, { threads: 2, memoryLimit: 28e6, tempDirectory: directory });
  await db.query('call tpch(scale => 0.05)');
  await db.query('create table twice as select * from lineitem');
  await db.query('insert into twice select * from lineitem');
  await db.query(`copy (select * from twice) to '${join(directory, 'twice.csv')}'`);
  await db.query('create table copied as select * from lineitem limit 0');
  await db.query(`copy copied from '${join(directory, 'twice.csv')}'`);
  const sum = (table: string) =>
    rowsOf(db, `select count(*), sum(l_extendedprice), min(l_comment) from ${table}`);
  const [line] = await sum('copied');
  assert.match(line, /^599628\|/);
  assert.deepEqual(await sum('twice'), [line]);
  rmSync(join(directory, 'twice.csv'));
  await db.close();
});

test('rows of few groups are grouped before they are written', async () => {
  const db = await open(undefined, { threads: 2, alwaysSpill: true, tempDirectory: directory });
  await db.query('create table r as select i as v from range(400000) r(i)');
  const bytes = async (sql: string) => (await db.query(sql)).profile?.spilledBytes ?? 0;
  const few = await bytes('select v // 200 as g, count(*), sum(v) from r group by g');
  const many = await bytes('select v % 300000 as g, count(*), sum(v) from r group by g');
  assert.ok(few * 10 < many, `${few} bytes of few groups, ${many} of many`);
  await db.close();
});

test('the space of rows that were read for the last time is used again', async () => {
  let end = 0;
  const stores: SpillStores = {
    attach: spillFiles.attach,
    create: () => {
      const real = spillFiles.create(directory);
      const write = (page: number, bytes: Uint8Array) => {
        end = Math.max(end, page * spillPageBytes + bytes.length);
        real.write(page, bytes);
      };
      return { handle: real.handle, write, read: real.read.bind(real), close: () => real.close() };
    },
  };
  const place = platform as { spillStores: typeof platform.spillStores };
  const real = platform.spillStores;
  place.spillStores = () => stores;
  const db = await open(undefined, { threads: 1, alwaysSpill: true });
  await db.query(setUp);
  const { profile } = await db.query('select k, t, v, d from big order by t, v');
  place.spillStores = real;
  await db.close();
  const { spilledBytes = 0, spilledBytesMax = 0 } = profile ?? {};
  assert.ok(spilledBytes > 2 * spilledBytesMax, `${spilledBytesMax} of ${spilledBytes} at once`);
  assert.ok(end < 1.2 * spilledBytesMax, `${spilledBytesMax} at once, up to ${end}`);
});

test('what spills may be held in memory of another kind', async () => {
  for (const shared of [true, false]) {
    const stores = memoryStores(shared);
    const store = stores.create(undefined);
    const other = shared ? stores.attach(store.handle) : store;
    const bytes = Uint8Array.from({ length: 3 * 65536 }, (_, i) => i * 31);
    // One run of pages lies in two buffers.
    for (const page of [5, 16382]) {
      store.write(page, bytes);
      const back = new Uint8Array(bytes.length);
      other.read(page, back);
      assert.deepEqual(back, bytes);
    }
    store.close();
  }
});

/** Files of the directory that are open, removed ones too; where the system tells. */
function openFiles(): string[] {
  const descriptors = '/proc/self/fd';
  if (!existsSync(descriptors)) return [];
  const links = readdirSync(descriptors).map((name) => {
    try {
      return readlinkSync(join(descriptors, name));
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(directory));
}

describe('failures', () => {
  const sql = 'select k, t, v from big order by t, v';

  /** Its rows are read in the middle of a step. */
  const paged =
    'select k, max(t) over (order by t, v rows between 9 preceding and 7 following) from big';

  /** Runs the statement on stores that are `broken`; what it fails with. */
  async function failure(
    broken: SpillStores,
    threads: number,
    statement = sql,
  ): Promise<QuernError> {
    const real = platform.spillStores;
    const db = await open(undefined, { threads, alwaysSpill: true });
    await db.query(setUp);
    const before = await usage(db);
    const place = platform as { spillStores: typeof platform.spillStores };
    place.spillStores = () => broken;
    const error = await db.query(statement).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    place.spillStores = real;
    assert.ok(error instanceof QuernError, 'the statement fails');
    assert.equal(await usage(db), before, 'all memory was given back');
    assert.equal((await db.query(statement)).rowCount, 40000, 'the next statement works');
    await db.close();
    return error;
  }

  /** Stores whose calls number `good` and on fail. */
  function brokenStores(call: 'read' | 'write', good: number): SpillStores & { closed: number } {
    const stores = {
      closed: 0,
      attach: spillFiles.attach,
      create: (): SpillStore => {
        const real = spillFiles.create(directory);
        let calls = 0;
        const count = (kind: typeof call) => {
          if (kind === call && calls++ >= good) {
            throw new QuernError(kind === 'write' ? '53100' : '58030', 'broken');
          }
        };
        return {
          handle: real.handle,
          write: (page, bytes) => {
            count('write');
            real.write(page, bytes);
          },
          read: (page, into) => {
            count('read');
            real.read(page, into);
          },
          close: () => {
            stores.closed++;
            real.close();
          },
        };
      },
    };
    return stores;
  }

  for (const [call, code] of [
    ['write', '53100'],
    ['read', '58030'],
  ] as const) {
    test(`a ${call} that fails ends the statement cleanly`, async () => {
      for (const statement of [sql, paged]) {
        for (const good of [0, 1, 7, 20, 100]) {
          const stores = brokenStores(call, good);
          assert.equal((await failure(stores, 1, statement)).code, code);
          assert.equal(stores.closed, 1);
        }
      }
      assert.deepEqual(readdirSync(directory), []);
    });
  }

  test('a full disk', { skip: !existsSync('/dev/full') }, async () => {
    const stores: SpillStores = {
      attach: spillFiles.attach,
      create: () => spillFiles.attach(openSync('/dev/full', 'r+')),
    };
    for (const threads of [1, 2]) assert.equal((await failure(stores, threads)).code, '53100');
  });

  test('no directory for temporary files', async () => {
    const tempDirectory = join(directory, 'missing');
    const db = await open(undefined, { threads: 1, alwaysSpill: true, tempDirectory });
    await assert.rejects(db.query('select 1 union select 2'), { code: '58030' });
    await db.close();
  });

  test('an abort in the middle of it', async () => {
    const db = await open(undefined, { threads: 2, alwaysSpill: true, tempDirectory: directory });
    await db.query(setUp);
    const slow =
      'select a.t, count(*) from big a join big b on a.k = b.k group by a.t order by 2, 1';
    await db.query(sql);
    const before = await usage(db);
    for (const ms of [1, 20, 60]) {
      const signal = AbortSignal.timeout(ms);
      await assert.rejects(db.query(slow, [], { signal }), { code: '57014' });
      const walk = db.query(paged, [], { signal: AbortSignal.timeout(ms) });
      await walk.catch((error: unknown) => {
        assert.equal(error instanceof QuernError && error.code, '57014');
      });
    }
    assert.equal(await usage(db), before);
    assert.deepEqual(readdirSync(directory), []);
    assert.deepEqual(openFiles(), []);
    await db.close();
  });
});
