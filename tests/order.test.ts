import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Database, open } from '../src/main/index.ts';

/** So many rows are sorted by keys, in several buckets. */
const rowCount = 40_000;

/** Texts of many kinds: with a long common beginning, equal, cut short, with zeros; and NULLs. */
const rowsSql = `create table t as select
    x::bigint as id,
    case when x % 11 = 0 then null
      when x % 5 = 0 then repeat('ab', (x * 7919 % 200)::int) || (x % 3)
      when x % 5 = 1 then 'common beginning of a text, ' || (x * 7919 % 40000)
      when x % 5 = 2 then repeat(chr(0), (x % 21)::int) || chr((97 + x % 3)::int)
      when x % 5 = 3 then left('sphinx of black quartz, judge my vow', (x * 31 % 37)::int)
      else repeat('z', 270) || (x * 104729 % 7000) end as s,
    case when x % 13 = 0 then null else (x * 7919 % 100003) / 7 - 5000 end as d,
    case when x % 17 = 0 then null else x * 7919 % 50 end as k,
    case when x % 1000 = 0 then x * 1000000 else x * 31 % 4096 end as skewed
  from range(${rowCount}) r(x)`;

type Cell = string | number | null;
type Row = readonly Cell[];
const columns = ['id', 's', 'd', 'k', 'skewed'];

interface Key {
  readonly column: string;
  readonly descending?: boolean;
  readonly nullsFirst?: boolean;
}

const orders: readonly (readonly Key[])[] = [
  [{ column: 's' }],
  [{ column: 's', descending: true }],
  [{ column: 's', descending: true, nullsFirst: true }, { column: 'd' }],
  [{ column: 'k' }, { column: 's', nullsFirst: true }],
  [{ column: 's' }, { column: 'k', descending: true }, { column: 'id', descending: true }],
  [{ column: 'd' }],
  [{ column: 'd', descending: true, nullsFirst: true }],
  [{ column: 'skewed' }],
  [{ column: 'skewed', descending: true }, { column: 's' }],
  [{ column: 'k' }, { column: 'skewed' }, { column: 'd' }],
];

const encoder = new TextEncoder();
const encoded = new Map<string, Uint8Array>();

function bytesOf(text: string): Uint8Array {
  let bytes = encoded.get(text);
  if (bytes === undefined) encoded.set(text, (bytes = encoder.encode(text)));
  return bytes;
}

function compare(a: Cell, b: Cell, { descending, nullsFirst }: Key): number {
  if (a === null || b === null) {
    const order = Number(a === null) - Number(b === null);
    return nullsFirst ? -order : order;
  }
  const order =
    typeof a === 'string' ? Buffer.compare(bytesOf(a), bytesOf(b as string)) : a - Number(b);
  return descending ? -order : order;
}

function sorted(rows: readonly Row[], keys: readonly Key[]): Row[] {
  return [...rows].sort((a, b) => {
    for (const key of keys) {
      const at = columns.indexOf(key.column);
      const order = compare(a[at], b[at], key);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function toSql({ column, descending, nullsFirst }: Key): string {
  return `${column} ${descending ? 'desc' : 'asc'} nulls ${nullsFirst ? 'first' : 'last'}`;
}

const idsOf = (rows: readonly Row[]) => rows.map(([id]) => Number(id));

for (const threads of [1, 3]) {
  test(`many rows are in order, and as they came where that is equal: ${threads} threads`, async () => {
    const db: Database = await open(undefined, { threads });
    try {
      await db.query(rowsSql);
      const rows = (await db.query(`select ${columns} from t`)).values() as Row[];
      assert.equal(rows.length, rowCount);
      for (const keys of orders) {
        const order = keys.map(toSql).join(', ');
        const expected = idsOf(sorted(rows, keys));
        const sql = `select id from t order by ${order}`;
        assert.deepEqual(idsOf((await db.query(sql)).values() as Row[]), expected, order);
        for (const [limit, offset] of [
          [10, 0],
          [333, 40],
          [20_000, 0],
          [11, 33_333],
          [100, rowCount - 50],
          [5, rowCount + 5],
        ]) {
          const wanted = expected.slice(offset, offset + limit);
          const parts = [
            await db.query(`${sql} limit ? offset ?`, [limit, offset]),
            await db.query(`${sql} limit ${limit} offset ${offset}`),
          ];
          for (const part of parts) {
            assert.deepEqual(idsOf(part.values() as Row[]), wanted, `${order}, ${offset}`);
          }
        }
      }
    } finally {
      await db.close();
    }
  });
}
