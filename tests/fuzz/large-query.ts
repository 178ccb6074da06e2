/** Random queries on the tables of TPC-H that need much memory, each with one row as its result. */
import type { Random } from '../../src/base/random.ts';

/** Expressions of `lineitem`: few values and many, skewed ones, one value, long texts. */
const keys = [
  ...['l_orderkey', 'l_partkey', 'l_suppkey', 'l_linenumber', 'l_shipdate', 'l_comment'],
  ...['l_extendedprice', 'l_shipmode', 'l_orderkey + l_linenumber', 'l_partkey * 7919 % 100003'],
  'case when l_orderkey % 10 < 8 then 1 else l_orderkey end',
  "case when l_partkey % 10 < 8 then 'the same' else l_comment end",
  ...['1', "l_comment || '-' || l_orderkey", "substr(l_comment, 1, 9) || repeat('x', 40)"],
  'case when l_suppkey % 3 = 0 then null else l_partkey end',
];

const values = [
  ...['count(*)', 'sum(l_quantity)', 'avg(l_discount)', 'min(l_shipdate)', 'max(l_extendedprice)'],
  ...['min(l_comment)', 'max(l_shipinstruct)', 'count(distinct l_suppkey)', 'stddev(l_tax)'],
  ...['count(distinct l_comment)', 'sum(distinct l_quantity)', 'max_by(l_comment, l_orderkey)'],
  "sum(l_extendedprice) filter (where l_shipmode = 'AIR')",
];

const wide = 'l_orderkey, l_linenumber, l_partkey, l_extendedprice, l_shipinstruct, l_comment';

export function largeQuery(random: Random): string {
  const makers = [grouping, distinctCounts, joining, selfJoin, sorting, setOperation, membership];
  return random.pick(makers)(random);
}

/** A condition that leaves all rows, most or some. */
function condition(random: Random): string {
  const conditions = ['true', 'l_quantity < 40', "l_shipmode <> 'RAIL'", 'l_orderkey % 3 = 1'];
  return random.pick(conditions);
}

function several<T>(random: Random, items: readonly T[], most: number): T[] {
  return random.shuffle([...items]).slice(0, random.int(1, most));
}

function grouping(random: Random): string {
  const by = several(random, keys, 3).map((key, i) => `${key} as k${i}`);
  const results = several(random, values, 4).map((value, i) => `${value} as v${i}`);
  const names = results.map((_, i) => `count(v${i}), min(v${i}), max(v${i})`);
  const groups = by.map((_, i) => i + 1).join(', ');
  return `select count(*), count(k0), min(k0), max(k0), ${names.join(', ')}
    from (select ${[...by, ...results].join(', ')} from lineitem
      where ${condition(random)} group by ${groups})`;
}

function distinctCounts(random: Random): string {
  const counts = several(random, keys, 5).map((key) => `count(distinct ${key})`);
  return `select ${counts.join(', ')}, count(*), sum(l_quantity) from lineitem
    where ${condition(random)}`;
}

function joining(random: Random): string {
  const type = random.pick(['join', 'left join', 'right join', 'full join']);
  const extra = random.pick(['', ' and l_quantity < 20', ' and o_totalprice > 150000']);
  return `select count(*), count(l_comment), max(l_comment), min(o_comment), sum(l_quantity),
      sum(o_totalprice), max(o_clerk || l_shipmode)
    from lineitem ${type} orders on l_orderkey = o_orderkey + ${random.pick([0, 1, 4])}${extra}`;
}

function selfJoin(random: Random): string {
  const on = random.pick([
    'a.l_orderkey = b.l_orderkey and a.l_linenumber = b.l_linenumber',
    'a.l_comment = b.l_comment and a.l_shipdate = b.l_shipdate',
    'a.l_orderkey = b.l_orderkey and a.l_partkey <> b.l_partkey',
  ]);
  return `select count(*), max(a.l_comment), min(b.l_comment), sum(a.l_quantity * b.l_tax)
    from lineitem a join lineitem b on ${on}`;
}

function sorting(random: Random): string {
  const by = several(random, keys.slice(0, 11), 2).map((key) =>
    random.chance(0.5) ? `${key} desc` : key,
  );
  const order = [...by, 'l_orderkey', 'l_linenumber'].join(', ');
  const limit = random.int(1, 200);
  return `select ${wide} from lineitem where ${condition(random)}
    order by ${order} limit ${limit} offset ${random.int(0, 100_000)}`;
}

function setOperation(random: Random): string {
  const columns = several(random, [...keys.slice(0, 8), "l_comment || '!'"], 3).join(', ');
  const operation = random.pick(['intersect', 'except', 'union', 'union all', 'except all']);
  return `select count(*) from (select ${columns} from lineitem where ${condition(random)}
    ${operation} select ${columns} from lineitem where ${condition(random)})`;
}

function membership(random: Random): string {
  const key = random.pick(['l_comment', 'l_partkey', 'l_orderkey', 'l_extendedprice']);
  const not = random.pick(['', 'not ']);
  const inner = random.chance(0.5)
    ? `${key} ${not}in (select ${key} from lineitem where l_linenumber = 2)`
    : `${not}exists (select 1 from lineitem b where b.${key} = a.${key}
        and b.l_linenumber <> a.l_linenumber)`;
  return `select count(*), max(l_comment), sum(l_quantity) from lineitem a where ${inner}`;
}
