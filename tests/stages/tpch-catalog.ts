import type { Catalog, ColumnEntry, TableEntry } from '../../src/catalog/catalog.ts';
import type { ColumnStatistics } from '../../src/table/statistics.ts';
import { daysFromCivil } from '../../src/value/date.ts';
import {
  dateType,
  decimalType,
  integerType,
  type SqlType,
  varcharType,
} from '../../src/value/type.ts';

/**
 * The TPC-H schema at scale factor 1 with its statistics but without rows: enough to bind and to
 * optimize. The figures are those of the generated tables.
 */

type Figures = readonly [min: number | undefined, max: number | undefined, distinct: number];

const money = decimalType(15, 2);

function statistics([min, max, distinctCount]: Figures, first: boolean): ColumnStatistics {
  return {
    nullCount: 0,
    min: min === undefined ? undefined : BigInt(min),
    max: max === undefined ? undefined : BigInt(max),
    distinctCount,
    averageWidth: 8,
    order: first ? 'strict' : 'none',
  };
}

function table(
  name: string,
  rowCount: number,
  keys: number,
  columns: readonly (readonly [name: string, type: SqlType, figures: Figures])[],
): TableEntry {
  const entries = columns.map(([column, type, figures], i): ColumnEntry => {
    const first = keys === 1 && i === 0;
    return { name: column, type, notNull: true, statistics: statistics(figures, first) };
  });
  return {
    kind: 'table',
    name,
    columns: entries,
    rowCount,
    primaryKey: keys === 0 ? undefined : Array.from({ length: keys }, (_, i) => i),
    data: {
      schema: entries.map((entry) => ({ name: entry.name, type: entry.type, nullable: false })),
      columns: [],
      rowGroups: [],
      rowCount,
    },
  };
}

const day = (year: number, month: number, dayOfMonth: number): number =>
  daysFromCivil(year, month, dayOfMonth);

const text = (distinct: number): Figures => [undefined, undefined, distinct];

const tables: readonly TableEntry[] = [
  table('region', 5, 1, [
    ['r_regionkey', integerType, [0, 4, 5]],
    ['r_name', varcharType, text(5)],
    ['r_comment', varcharType, text(5)],
  ]),
  table('nation', 25, 1, [
    ['n_nationkey', integerType, [0, 24, 25]],
    ['n_name', varcharType, text(25)],
    ['n_regionkey', integerType, [0, 4, 5]],
    ['n_comment', varcharType, text(25)],
  ]),
  table('supplier', 10000, 1, [
    ['s_suppkey', integerType, [1, 10000, 10000]],
    ['s_name', varcharType, text(10000)],
    ['s_address', varcharType, text(10000)],
    ['s_nationkey', integerType, [0, 24, 25]],
    ['s_phone', varcharType, text(10000)],
    ['s_acctbal', money, [-99822, 999972, 9955]],
    ['s_comment', varcharType, text(9998)],
  ]),
  table('customer', 150000, 1, [
    ['c_custkey', integerType, [1, 150000, 150000]],
    ['c_name', varcharType, text(150000)],
    ['c_address', varcharType, text(150000)],
    ['c_nationkey', integerType, [0, 24, 25]],
    ['c_phone', varcharType, text(150000)],
    ['c_acctbal', money, [-99999, 999999, 140187]],
    ['c_mktsegment', varcharType, text(5)],
    ['c_comment', varcharType, text(149968)],
  ]),
  table('part', 200000, 1, [
    ['p_partkey', integerType, [1, 200000, 200000]],
    ['p_name', varcharType, text(199997)],
    ['p_mfgr', varcharType, text(5)],
    ['p_brand', varcharType, text(25)],
    ['p_type', varcharType, text(150)],
    ['p_size', integerType, [1, 50, 50]],
    ['p_container', varcharType, text(40)],
    ['p_retailprice', money, [90100, 209899, 20899]],
    ['p_comment', varcharType, text(131753)],
  ]),
  table('partsupp', 800000, 2, [
    ['ps_partkey', integerType, [1, 200000, 200000]],
    ['ps_suppkey', integerType, [1, 10000, 10000]],
    ['ps_availqty', integerType, [1, 9999, 9999]],
    ['ps_supplycost', money, [100, 100000, 99865]],
    ['ps_comment', varcharType, text(799124)],
  ]),
  table('orders', 1500000, 1, [
    ['o_orderkey', integerType, [1, 6000000, 1500000]],
    ['o_custkey', integerType, [1, 149999, 99996]],
    ['o_orderstatus', varcharType, text(3)],
    ['o_totalprice', money, [85771, 55528516, 1464556]],
    ['o_orderdate', dateType, [day(1992, 1, 1), day(1998, 8, 2), 2406]],
    ['o_orderpriority', varcharType, text(5)],
    ['o_clerk', varcharType, text(1000)],
    ['o_shippriority', integerType, [0, 0, 1]],
    ['o_comment', varcharType, text(1482071)],
  ]),
  table('lineitem', 6001215, 0, [
    ['l_orderkey', integerType, [1, 6000000, 1500000]],
    ['l_partkey', integerType, [1, 200000, 200000]],
    ['l_suppkey', integerType, [1, 10000, 10000]],
    ['l_linenumber', integerType, [1, 7, 7]],
    ['l_quantity', money, [100, 5000, 50]],
    ['l_extendedprice', money, [90100, 10494950, 933900]],
    ['l_discount', money, [0, 10, 11]],
    ['l_tax', money, [0, 8, 9]],
    ['l_returnflag', varcharType, text(3)],
    ['l_linestatus', varcharType, text(2)],
    ['l_shipdate', dateType, [day(1992, 1, 2), day(1998, 12, 1), 2526]],
    ['l_commitdate', dateType, [day(1992, 1, 31), day(1998, 10, 31), 2466]],
    ['l_receiptdate', dateType, [day(1992, 1, 4), day(1998, 12, 31), 2554]],
    ['l_shipinstruct', varcharType, text(4)],
    ['l_shipmode', varcharType, text(7)],
    ['l_comment', varcharType, text(4580667)],
  ]),
];

export const tpchCatalog: Catalog = {
  version: 1,
  table: (name) => tables.find((entry) => entry.name === name.toLowerCase()),
  view: () => undefined,
  names: () => tables.map((entry) => entry.name),
};
