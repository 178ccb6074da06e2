/** The parts of TPC-H that random queries are made of. */

export type ColumnKind = 'key' | 'integer' | 'decimal' | 'date' | 'word' | 'text';

export interface FuzzColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

function columns(prefix: string, kinds: Record<string, ColumnKind>): FuzzColumn[] {
  return Object.entries(kinds).map(([name, kind]) => ({ name: `${prefix}_${name}`, kind }));
}

/** `word`: a text with few different values, to group by. */
export const fuzzTables: Record<string, readonly FuzzColumn[]> = {
  customer: columns('c', {
    custkey: 'key',
    name: 'text',
    nationkey: 'key',
    phone: 'text',
    acctbal: 'decimal',
    mktsegment: 'word',
    comment: 'text',
  }),
  lineitem: columns('l', {
    orderkey: 'key',
    partkey: 'key',
    suppkey: 'key',
    linenumber: 'integer',
    quantity: 'decimal',
    extendedprice: 'decimal',
    discount: 'decimal',
    tax: 'decimal',
    returnflag: 'word',
    linestatus: 'word',
    shipdate: 'date',
    commitdate: 'date',
    receiptdate: 'date',
    shipinstruct: 'word',
    shipmode: 'word',
    comment: 'text',
  }),
  nation: columns('n', { nationkey: 'key', name: 'word', regionkey: 'key', comment: 'text' }),
  orders: columns('o', {
    orderkey: 'key',
    custkey: 'key',
    orderstatus: 'word',
    totalprice: 'decimal',
    orderdate: 'date',
    orderpriority: 'word',
    clerk: 'text',
    shippriority: 'integer',
    comment: 'text',
  }),
  part: columns('p', {
    partkey: 'key',
    name: 'text',
    mfgr: 'word',
    brand: 'word',
    type: 'text',
    size: 'integer',
    container: 'word',
    retailprice: 'decimal',
  }),
  partsupp: columns('ps', {
    partkey: 'key',
    suppkey: 'key',
    availqty: 'integer',
    supplycost: 'decimal',
  }),
  region: columns('r', { regionkey: 'key', name: 'word' }),
  supplier: columns('s', {
    suppkey: 'key',
    name: 'text',
    nationkey: 'key',
    acctbal: 'decimal',
  }),
};

/** Columns that join: `[table, column, table, column]`, either way round. */
export const fuzzJoins: readonly (readonly [string, string, string, string])[] = [
  ['lineitem', 'l_orderkey', 'orders', 'o_orderkey'],
  ['lineitem', 'l_partkey', 'part', 'p_partkey'],
  ['lineitem', 'l_suppkey', 'supplier', 's_suppkey'],
  ['lineitem', 'l_partkey', 'partsupp', 'ps_partkey'],
  ['orders', 'o_custkey', 'customer', 'c_custkey'],
  ['customer', 'c_nationkey', 'nation', 'n_nationkey'],
  ['supplier', 's_nationkey', 'nation', 'n_nationkey'],
  ['customer', 'c_nationkey', 'supplier', 's_nationkey'],
  ['nation', 'n_regionkey', 'region', 'r_regionkey'],
  ['partsupp', 'ps_partkey', 'part', 'p_partkey'],
  ['partsupp', 'ps_suppkey', 'supplier', 's_suppkey'],
];
