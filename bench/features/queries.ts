/** A query that leans on one feature, so that its time is that of the feature. */
export interface FeatureQuery {
  readonly name: string;
  readonly sql: string;
}

/** Doubles that are no whole numbers, of both signs and a few magnitudes. */
const doubles = 'from (select l_extendedprice::double / 777 - 50 as x from lineitem) t';

/** The sum keeps the function busy for every row and the result a single value. */
function ofDoubles(name: string, expression: string): FeatureQuery {
  return { name, sql: `select sum(${expression}) ${doubles}` };
}

function ofLines(name: string, expressions: string): FeatureQuery {
  return { name, sql: `select ${expressions} from lineitem` };
}

/** The millionth row of an order: all rows are sorted, ten are fetched. */
function sorted(name: string, columns: string, order: string, table = 'lineitem'): FeatureQuery {
  const sql = `select ${columns} from ${table} order by ${order} limit 10 offset 1000000`;
  return { name, sql };
}

/** Here all rows are needed in their order: a few are told by their number. */
function numbered(name: string, order: string): FeatureQuery {
  const sql = `select l_orderkey, l_linenumber from (select l_orderkey, l_linenumber,
    row_number() over (order by ${order}, l_orderkey, l_linenumber) n from lineitem) t
    where n % 1000000 = 0 order by n`;
  return { name, sql };
}

const numbers: readonly FeatureQuery[] = [
  ofDoubles('power(x, 1.5)', 'power(abs(x), 1.5)'),
  ofDoubles('power(x, y)', 'power(1 + abs(x) / 5, x / 50)'),
  ofDoubles('power(x, 2)', 'power(x, 2)'),
  ofDoubles('exp', 'exp(x / 10)'),
  ofDoubles('ln', 'ln(1 + abs(x))'),
  ofDoubles('log10', 'log10(1 + abs(x))'),
  ofDoubles('log2', 'log2(1 + abs(x))'),
  ofDoubles('sqrt', 'sqrt(abs(x))'),
  ofDoubles('sin', 'sin(x)'),
  ofDoubles('cos', 'cos(x)'),
  ofDoubles('tan', 'tan(x)'),
  ofDoubles('atan', 'atan(x)'),
  ofDoubles('asin', 'asin(x / 200)'),
  ofDoubles('atan2', 'atan2(x, 3)'),
  ofDoubles('cbrt', 'cbrt(x)'),
  ofDoubles('tanh', 'tanh(x / 10)'),
  ofDoubles('double % double', 'x % 0.7'),
  ofDoubles('round(double, 2)', 'round(x, 2)'),
  ofDoubles('floor and ceil', 'floor(x) + ceil(x)'),
  ofLines('bigint % bigint', 'sum(l_orderkey % (l_partkey + 1))'),
  ofLines('bigint // bigint', 'sum(l_orderkey // (l_suppkey + 1))'),
  ofLines('round(decimal, 1)', 'sum(round(l_extendedprice * l_discount, 1))'),
];

const texts: readonly FeatureQuery[] = [
  ofLines('bigint to text', 'sum(length(l_orderkey::varchar))'),
  ofLines('decimal to text', 'sum(length(l_extendedprice::varchar))'),
  ofLines('double to text', 'sum(length((l_extendedprice::double)::varchar))'),
  ofLines('date to text', 'max(l_shipdate::varchar)'),
  ofLines('text to bigint', 'sum(left(l_orderkey::varchar, 6)::bigint)'),
  ofLines('strftime', "max(strftime(l_shipdate, '%d.%m.%Y'))"),
  ofLines('substring', 'max(substring(l_comment, 3, 12))'),
  ofLines('left and right', 'max(left(l_comment, 5)), min(right(l_comment, 5))'),
  ofLines('length', 'sum(length(l_comment))'),
  ofLines('concat', "max(l_comment || '-' || l_shipmode)"),
  ofLines('upper', 'max(upper(l_comment))'),
  ofLines('lower', 'max(lower(l_comment))'),
  ofLines('replace', "max(replace(l_comment, 'the', 'a'))"),
  ofLines('reverse', 'max(reverse(l_comment))'),
  ofLines('trim', "max(trim(l_comment, 'aeiou. '))"),
  ofLines('lpad', "max(lpad(l_comment, 50, '*'))"),
  ofLines('split_part', "max(split_part(l_comment, ' ', 2))"),
  ofLines('strpos', "sum(strpos(l_comment, 'requests'))"),
  ofLines('min and max of texts', 'min(l_comment), max(l_comment)'),
  ofLines("like '%x%'", "count(*) filter (l_comment like '%requests%')"),
  ofLines("like 'x%'", "count(*) filter (l_comment like 'final%')"),
  ofLines("like '%x%y%'", "count(*) filter (l_comment like '%special%requests%')"),
  ofLines("ilike '%x%'", "count(*) filter (l_comment ilike '%REQUESTS%')"),
  ofLines("like '_x%'", "count(*) filter (l_comment like '_a_e%')"),
  ofLines('text = text', "count(*) filter (l_comment = 'carefully final requests')"),
  ofLines('text < text', "count(*) filter (l_comment < 'final requests')"),
  ofLines('string_agg', "length(string_agg(l_shipmode, ','))"),
];

const dates: readonly FeatureQuery[] = [
  ofLines('year and month', 'sum(year(l_shipdate) * 12 + month(l_shipdate))'),
  ofLines('date_trunc', "max(date_trunc('month', l_shipdate))"),
  ofLines('date_diff', "sum(date_diff('month', l_shipdate, l_receiptdate))"),
  ofLines('date + interval', "max(l_shipdate + interval '1 month')"),
  ofLines('day of week', 'sum(dayofweek(l_shipdate))'),
];

const groups: readonly FeatureQuery[] = [
  ofLines('count(distinct bigint)', 'count(distinct l_partkey)'),
  ofLines('count(distinct text)', 'count(distinct l_comment)'),
  ofLines('count(distinct date)', 'count(distinct l_shipdate)'),
  {
    name: 'group by long text',
    sql: 'select l_comment, count(*) c from lineitem group by 1 order by c desc, 1 limit 10',
  },
  {
    name: 'group by bigint',
    sql: 'select l_partkey, sum(l_quantity) s from lineitem group by 1 order by s desc, 1 limit 10',
  },
  {
    name: 'group by two',
    sql: `select l_partkey, l_suppkey, count(*), sum(l_quantity) s from lineitem
      group by 1, 2 order by s desc, 1, 2 limit 10`,
  },
  {
    name: 'group by expression',
    sql: 'select substring(l_comment, 1, 4) k, count(*) c from lineitem group by 1 order by c, k limit 10',
  },
  {
    name: 'median',
    sql: 'select l_returnflag, median(l_extendedprice) from lineitem group by 1 order by 1',
  },
  ofLines('stddev', 'stddev(l_extendedprice), corr(l_quantity, l_extendedprice)'),
  {
    name: 'select distinct',
    sql: 'select count(*) from (select distinct l_partkey, l_shipmode from lineitem) t',
  },
];

const orders: readonly FeatureQuery[] = [
  sorted('order by long text', 'l_comment', 'l_comment'),
  sorted('order by long text, wide rows', '*', 'l_comment'),
  sorted('order by short text', 'o_clerk, o_orderkey', 'o_clerk, o_orderkey', 'orders'),
  sorted('order by bigint', 'l_partkey', 'l_partkey'),
  sorted('order by decimal desc', 'l_extendedprice, l_orderkey', 'l_extendedprice desc, 2'),
  sorted('order by double', 'x', 'x', '(select l_extendedprice::double / 7 as x from lineitem) t'),
  sorted('order by date and text', 'l_shipdate, l_comment', 'l_shipdate, l_comment'),
  {
    name: 'order by text, limit',
    sql: 'select l_comment, l_orderkey from lineitem order by 1 desc, 2 limit 100',
  },
  {
    name: 'order by bigint, limit',
    sql: 'select l_partkey, l_orderkey, l_linenumber from lineitem order by 1 desc, 2, 3 limit 100',
  },
  numbered('every row by long text', 'l_comment'),
  numbered('every row by bigint', 'l_partkey'),
  numbered('every row by double', 'l_extendedprice::double / 7'),
  numbered('every row by date and text', 'l_shipdate, l_comment'),
  {
    name: 'row_number by partition',
    sql: `select count(*) from (select row_number() over
      (partition by l_suppkey order by l_extendedprice desc) n from lineitem) t where n <= 3`,
  },
  {
    name: 'running sum',
    sql: `select max(s) from (select sum(l_quantity) over
      (partition by l_partkey order by l_shipdate, l_orderkey) s from lineitem) t`,
  },
];

const joins: readonly FeatureQuery[] = [
  {
    name: 'join on long texts',
    sql: `select count(*) from orders a join orders b on a.o_comment = b.o_comment
      where b.o_orderkey % 4 = 0`,
  },
  {
    name: 'join on short texts',
    sql: `select count(*) from customer a join customer b on a.c_name = b.c_name`,
  },
  {
    name: 'join on bigint',
    sql: `select sum(o_totalprice) from lineitem join orders on l_orderkey = o_orderkey`,
  },
  {
    name: 'join on two',
    sql: `select sum(ps_supplycost) from lineitem
      join partsupp on l_partkey = ps_partkey and l_suppkey = ps_suppkey`,
  },
  {
    name: 'left join',
    sql: `select count(*), count(o_orderkey) from customer left join orders on c_custkey = o_custkey`,
  },
  {
    name: 'anti join',
    sql: `select count(*) from customer where not exists
      (select 1 from orders where o_custkey = c_custkey)`,
  },
];

/** Queries of a file of the table lineitem, whose SQL text has `$file` where the file stands. */
const files: readonly FeatureQuery[] = [
  { name: 'count(*)', sql: 'select count(*) from $file' },
  { name: 'sum of a column', sql: 'select sum(l_extendedprice) from $file' },
  { name: 'a text column', sql: 'select max(l_comment) from $file' },
  {
    name: 'Q1',
    sql: `select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice),
      sum(l_extendedprice * (1 - l_discount)),
      sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)),
      avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*)
      from $file where l_shipdate <= date '1998-09-02' group by 1, 2 order by 1, 2`,
  },
  {
    name: 'Q6',
    sql: `select sum(l_extendedprice * l_discount) from $file
      where l_shipdate >= date '1994-01-01' and l_shipdate < date '1995-01-01'
      and l_discount between 0.05 and 0.07 and l_quantity < 24`,
  },
];

/** Queries of tables, by group. */
export const featureQueries = { numbers, texts, dates, groups, orders, joins } as const;
export const fileQueries = files;
