import type { Field, Schema } from '../../value/batch.ts';
import {
  bigintType,
  dateType,
  decimalType,
  integerType,
  type SqlType,
  varcharType,
} from '../../value/type.ts';
import type { TableName } from './scale.ts';

const money = decimalType(15, 2);

function fields(prefix: string, columns: Readonly<Record<string, SqlType>>): readonly Field[] {
  return Object.entries(columns).map(([name, type]) => ({
    name: `${prefix}_${name}`,
    type,
    nullable: false,
  }));
}

/** The columns of the tables (clause 1.4 of the specification), in the order of dbgen's files. */
export const tableSchemas: Readonly<Record<TableName, Schema>> = {
  customer: fields('c', {
    custkey: bigintType,
    name: varcharType,
    address: varcharType,
    nationkey: integerType,
    phone: varcharType,
    acctbal: money,
    mktsegment: varcharType,
    comment: varcharType,
  }),
  lineitem: fields('l', {
    orderkey: bigintType,
    partkey: bigintType,
    suppkey: bigintType,
    linenumber: integerType,
    quantity: money,
    extendedprice: money,
    discount: money,
    tax: money,
    returnflag: varcharType,
    linestatus: varcharType,
    shipdate: dateType,
    commitdate: dateType,
    receiptdate: dateType,
    shipinstruct: varcharType,
    shipmode: varcharType,
    comment: varcharType,
  }),
  nation: fields('n', {
    nationkey: integerType,
    name: varcharType,
    regionkey: integerType,
    comment: varcharType,
  }),
  orders: fields('o', {
    orderkey: bigintType,
    custkey: bigintType,
    orderstatus: varcharType,
    totalprice: money,
    orderdate: dateType,
    orderpriority: varcharType,
    clerk: varcharType,
    shippriority: integerType,
    comment: varcharType,
  }),
  part: fields('p', {
    partkey: bigintType,
    name: varcharType,
    mfgr: varcharType,
    brand: varcharType,
    type: varcharType,
    size: integerType,
    container: varcharType,
    retailprice: money,
    comment: varcharType,
  }),
  partsupp: fields('ps', {
    partkey: bigintType,
    suppkey: bigintType,
    availqty: integerType,
    supplycost: money,
    comment: varcharType,
  }),
  region: fields('r', { regionkey: integerType, name: varcharType, comment: varcharType }),
  supplier: fields('s', {
    suppkey: bigintType,
    name: varcharType,
    address: varcharType,
    nationkey: integerType,
    phone: varcharType,
    acctbal: money,
    comment: varcharType,
  }),
};
