/** What a rehearsal asks, and the small tables that it asks: sales, and what is sold where. */
import type { ColumnBatch, ColumnVector, Schema, StringVector } from '../value/batch.ts';
import { dateType, decimalType, integerType, type SqlType, varcharType } from '../value/type.ts';

interface RehearsalTable {
  readonly name: string;
  readonly schema: Schema;
  readonly batch: ColumnBatch;
  readonly primaryKey: readonly number[] | undefined;
}

const saleCount = 4096;
const itemCount = 1024;
const placeCount = 25;
/** Between two keys, so that they are looked up by hashing. */
const sparse = 100_003;
/** Several morsels, so that helpers take part. */
const numberCount = 131_072;
/** 2020-01-01. */
const day2020 = 18_262;
const money = decimalType(15, 2);

export function rehearsalTables(): RehearsalTable[] {
  const kinds = ['basic', 'fine', 'second hand', 'special order', 'wholesale'];
  const remarks = count(500).map((i) => `bought ${i % 9 === 0 ? 'on special' : 'by'} request ${i}`);
  const sales = makeTable('sales', saleCount, undefined, {
    sale: integers((row) => (row >> 2) * sparse),
    line: integers((row) => row & 3),
    item: integers((row) => (row * 2654435761) % itemCount),
    place: integers((row) => row % placeCount),
    sold: { type: dateType, value: (row) => day2020 + ((row * 37) % 1461) },
    sent: { type: dateType, value: (row) => day2020 + ((row * 37 + (row % 40)) % 1500) },
    price: { type: money, value: (row) => (row * 7919) % 1_000_000 },
    discount: { type: money, value: (row) => row % 11 },
    kind: texts(kinds, (row) => row % 5),
    remark: texts(remarks, (row) => (row * 31) % 500),
  });
  const names = count(itemCount).map((i) => `item ${i} ${i % 3 === 0 ? 'green' : 'red'} number`);
  const brands = count(25).map((i) => `Brand ${i}`);
  const items = makeTable('items', itemCount, [0], {
    item: integers((row) => row),
    lot: integers((row) => row * sparse),
    name: texts(names, (row) => row),
    brand: texts(brands, (row) => row % 25),
    size: integers((row) => row % 50),
    cost: { type: money, value: (row) => (row * 104_729) % 100_000 },
  });
  const towns = count(placeCount).map((i) => `TOWN ${i}`);
  const places = makeTable('places', placeCount, [0], {
    place: integers((row) => row),
    region: integers((row) => row % 5),
    town: texts(towns, (row) => row),
  });
  const numbers = makeTable('numbers', numberCount, undefined, { number: integers((row) => row) });
  return [sales, items, places, numbers];
}

/** A number for each row, or a text. */
interface Column {
  readonly type: SqlType;
  readonly value: (row: number) => number;
  /** What the numbers stand for; each row has its own if there are as many. */
  readonly texts?: StringVector;
}

function integers(value: (row: number) => number): Column {
  return { type: integerType, value };
}

function texts(list: readonly string[], value: (row: number) => number): Column {
  const bytes = new TextEncoder().encode(list.join(''));
  const offsets = new Uint32Array(list.length + 1);
  for (const [i, text] of list.entries()) offsets[i + 1] = offsets[i] + text.length;
  return { type: varcharType, value, texts: { form: 'string', offsets, bytes } };
}

function count(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

function makeTable(
  name: string,
  rowCount: number,
  primaryKey: readonly number[] | undefined,
  columns: Readonly<Record<string, Column>>,
): RehearsalTable {
  const entries = Object.entries(columns);
  const schema = entries.map(([name, { type }]) => ({ name, type, nullable: false }));
  const vectors = entries.map(([, column]) => vectorOf(column, rowCount));
  return { name, schema, primaryKey, batch: { rowCount, columns: vectors } };
}

function vectorOf({ texts, value }: Column, rowCount: number): ColumnVector {
  if (texts?.offsets.length === rowCount + 1) return texts;
  const data = new Uint32Array(rowCount);
  for (let row = 0; row < rowCount; row++) data[row] = value(row);
  if (texts === undefined) return { form: 'fixed', data };
  return { form: 'dictionary', codes: data, dictionary: texts };
}

/**
 * Between them these walk through most of what questions about data are made of: not all that there
 * is, for what is rare costs more here than it saves later.
 */
export const rehearsalStatements: readonly string[] = [
  `select kind, line, sum(price) as total, sum(price * (1 - discount / 100)) as net,
     avg(discount) as mean, count(*) as n
   from sales where sold <= date '2023-12-01' - interval '90' day
   group by kind, line order by kind, line`,
  `select town, extract(year from sold) as year, count(*) as n,
     100 * sum(case when remark like '%special%request%' then price else 0 end) / sum(price) as part
   from sales, items, places
   where sales.item = items.item and sales.place = places.place
     and (name like '%green%' or name like 'item 1%')
     and sold >= date '2020-03-01' and sold < date '2020-03-01' + interval '1' year
     and (kind in ('basic', 'fine', 'wholesale') or cost < 10.5 and size > 3)
   group by town, extract(year from sold) having count(*) > 2
   order by part desc, town limit 10`,
  `select brand, count(distinct size) as sizes from items
   where exists (select * from sales where sales.item = items.item and sales.place <> items.size)
     and not exists (select * from sales where sales.item = items.item and sent > sold + 60)
     and item in (select item from sales group by item having sum(price) > 100)
     and item not in (select sale from sales where remark like '%request 1%' and sent > sold)
   group by brand order by sizes desc, brand`,
  `select substring(town from 6 for 2) as code, n, count(*) as places from (
     select p.place, p.town, count(s.sale) from places p left outer join sales s
       on p.place = s.place and p.region = s.line and s.remark not like '%special%request%'
     group by p.place, p.town
   ) as o (place, town, n) group by code, n order by places desc, n desc`,
  `with takings as (select sale as at, sold, sum(price * (1 - discount)) as total from sales
     where sold >= date '2021-01-01' and sold < date '2021-04-01' group by sale, sold)
   select at, sold, total from takings, items, places
   where lot = at and size = place and region in (1, 2, 3)
     and total >= (select 0.1 * max(total) from takings)
     and cost < (select 0.5 * max(price) from sales, places
       where sales.item = items.item and sales.place = places.place and region in (1, 2, 3))
   order by at`,
  `select distinct kind from sales union all select brand from items where size > 45
   except select town from places
   union select substring(name from 1 for 6) from items, (
     select sale, sum(price * discount * line) from sales group by sale having sum(price) > 9000
   ) as large (lot, total) where items.lot = large.lot and name > 'item 3'`,
  'select number % 7 as k, count(*) as n from numbers where number % 5 <> 1 group by k order by k',
];
