/**
 * Parquet files of pyarrow, which writes what most of the world does: decimals as bytes, pages of a
 * megabyte, dictionaries that are given up in mid-chunk, and every encoding it can be asked for.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Database } from '../../src/engine/index.ts';
import { open } from '../../src/main/index.ts';

const python = spawnSync('python3', ['-c', 'import pyarrow.parquet'], { encoding: 'utf8' });
const skip = python.status === 0 ? false : 'python3 with pyarrow is not installed';

/** Writes the same rows in many ways, and what they are as text. */
const script = `
import datetime, decimal, json, sys, uuid
import pyarrow as pa, pyarrow.parquet as pq
folder = sys.argv[1]
count = 70000
def column(kind, make, nulls=7):
    return pa.array([None if nulls and i % nulls == 3 else make(i) for i in range(count)], kind)
day = datetime.date(1970, 1, 1)
noon = datetime.datetime(2001, 9, 9, 1, 46, 40)
columns = {
  'i8': column(pa.int8(), lambda i: i % 256 - 128),
  'i16': column(pa.int16(), lambda i: (i * 7) % 65536 - 32768),
  'i32': column(pa.int32(), lambda i: (i * 2654435761) % 4294967296 - 2147483648),
  'i64': column(pa.int64(), lambda i: (i - 35000) * 263139245000000, 0),
  'u8': column(pa.uint8(), lambda i: i % 256),
  'u32': column(pa.uint32(), lambda i: (i * 2654435761) % 4294967296),
  'u64': column(pa.uint64(), lambda i: 18446744073709551615 - i),
  'f32': column(pa.float32(), lambda i: i / 8),
  'f64': column(pa.float64(), lambda i: i / 1024 - 30, 0),
  'flag': column(pa.bool_(), lambda i: i % 3 == 0),
  'small': column(pa.decimal128(9, 2), lambda i: decimal.Decimal(i - 35000) / 100),
  'large': column(pa.decimal128(38, 4), lambda i: decimal.Decimal(10**33 - i * 10**29) / 10000),
  'day': column(pa.date32(), lambda i: day + datetime.timedelta(days=i % 40000 - 10000)),
  'time': column(pa.time64('us'), lambda i: datetime.time(i % 24, i % 60, i % 60, i)),
  'millis': column(pa.timestamp('ms'), lambda i: noon + datetime.timedelta(milliseconds=i)),
  'micros': column(pa.timestamp('us'), lambda i: noon + datetime.timedelta(microseconds=i)),
  'instant': column(pa.timestamp('us', 'UTC'), lambda i: noon.replace(tzinfo=datetime.timezone.utc)),
  'few': column(pa.string(), lambda i: ['ab', 'c', '', 'größer'][i % 4]),
  'many': column(pa.string(), lambda i: 'text number %d' % i, 0),
  'given_up': column(pa.string(), lambda i: ('x' * 40 + str(i)) if i > 20000 else 'same'),
  'bytes': column(pa.binary(), lambda i: bytes([i % 256, 255])),
  'nothing': column(pa.int32(), lambda i: None),
}
table = pa.table(columns)
ways = {
  'default': {},
  'plain': dict(use_dictionary=False, compression='NONE'),
  'v2': dict(data_page_version='2.0', version='2.6', compression='ZSTD'),
  'gzip': dict(compression='GZIP', row_group_size=30000),
  'small_pages': dict(data_page_size=1000, write_statistics=False),
  'delta': dict(use_dictionary=False, column_encoding={
    'i32': 'DELTA_BINARY_PACKED', 'i64': 'DELTA_BINARY_PACKED', 'micros': 'DELTA_BINARY_PACKED',
    'many': 'DELTA_BYTE_ARRAY', 'few': 'DELTA_LENGTH_BYTE_ARRAY',
    'f32': 'BYTE_STREAM_SPLIT', 'f64': 'BYTE_STREAM_SPLIT', 'flag': 'RLE'}),
  'old': dict(version='1.0', use_deprecated_int96_timestamps=True),
}
for name, options in ways.items():
    pq.write_table(table, '%s/%s.parquet' % (folder, name), **options)
pq.write_table(table.select(['i32', 'many']), folder + '/lz4.parquet', compression='LZ4')
def total(values):
    return str(sum(v for v in values if v is not None))
facts = {}
for name in columns:
    values = columns[name].to_pylist()
    facts[name] = {'present': sum(v is not None for v in values)}
for name in ['i8', 'i16', 'i32', 'i64', 'u8', 'u32', 'u64', 'small']:
    facts[name]['sum'] = total(columns[name].to_pylist())
print(json.dumps(facts))
`;

interface Fact {
  readonly present: number;
  readonly sum?: string;
}

const ways = ['default', 'plain', 'v2', 'gzip', 'small_pages', 'delta', 'old'];
let directory: string;
let facts: Record<string, Fact>;
let db: Database;

before(async () => {
  if (skip !== false) return;
  directory = mkdtempSync(join(tmpdir(), 'quern-pyarrow-'));
  const run = spawnSync('python3', ['-c', script, directory], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  facts = JSON.parse(run.stdout) as Record<string, Fact>;
  db = await open(undefined, { threads: 2 });
});

after(async () => {
  if (skip !== false) return;
  await db.close();
  rmSync(directory, { recursive: true });
});

for (const way of ways) {
  test(`pyarrow's file, ${way}: counts, sums and single rows`, { skip }, async () => {
    const path = join(directory, `${way}.parquet`);
    for (const [name, { present, sum }] of Object.entries(facts)) {
      const wanted = sum === undefined ? `'-'` : `sum(${name})`;
      const { rowCount, values } = await exact(`select count(${name}), ${wanted} from '${path}'`);
      assert.equal(rowCount, 1);
      assert.equal(String(values[0][0]), String(present), name);
      if (sum !== undefined) assert.equal(Number(values[0][1]), Number(sum), name);
    }
    const { values } = await exact(`select * from '${path}' where many = 'text number 65009'`);
    const [row] = values;
    assert.deepEqual(row.slice(0, 10).map(String), [
      String((65009 % 256) - 128),
      String(((65009 * 7) % 65536) - 32768),
      String(Number((65009n * 2654435761n) % 4294967296n) - 2147483648),
      String(30009n * 263139245000000n),
      String(65009 % 256),
      String((65009n * 2654435761n) % 4294967296n),
      String(18446744073709551615n - 65009n),
      String(65009 / 8),
      String(65009 / 1024 - 30),
      String(65009 % 3 === 0),
    ]);
    assert.deepEqual(row.slice(10, 13), [
      '300.09',
      '-550090000000000000000000000000.0000',
      '2011-02-04',
    ]);
    const texts = ['c', 'text number 65009', `${'x'.repeat(40)}65009`];
    assert.deepEqual(row.slice(17, 20), texts);
    assert.equal(row[21], null);
  });
}

test('all ways give the same rows', { skip }, async () => {
  const columns = Object.keys(facts).join(', ');
  const of = async (way: string) => {
    const path = join(directory, `${way}.parquet`);
    const text = `select ${columns} from '${path}' where i32 % 40 = 0 or i8 is null and i32 > 0`;
    return (await exact(text)).values;
  };
  const expected = await of('default');
  assert.ok(expected.length > 1000);
  for (const way of ways.slice(1)) {
    // The timestamps of 96 bits in the old file do not say that they are instants.
    const wanted = way === 'old' ? expected.map(withoutZone) : expected;
    assert.deepEqual(await of(way), wanted, way);
  }
});

test('compression that is not supported is refused by name', { skip }, async () => {
  await assert.rejects(db.query(`select sum(i32) from '${join(directory, 'lz4.parquet')}'`), {
    code: '0A000',
    message: /LZ4/,
  });
});

async function exact(sql: string) {
  const result = await db.query(sql, [], { values: 'exact' });
  return { rowCount: result.rowCount, values: result.values() };
}

function withoutZone(row: unknown[]): unknown[] {
  return row.map((value) => (typeof value === 'string' ? value.replace(/\+00$/, '') : value));
}
