/**
 * The bundle in headless Chromium: TPC-H Q1 and Q3, on a cross-origin isolated page with threads
 * and on a plain page without SharedArrayBuffer. The rows must be those that Node gives.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { open } from '../../src/main/index.ts';
import {
  type Bundle,
  buildBundle,
  bundleBytesMax,
  bundleDirectory,
  bundleGzipBytes,
} from '../../tasks/bundle.ts';
import { skipWithoutBrowser, visit } from './chromium.ts';

const setUp = 'call tpch(scale => 0.01)';
const queries = [
  `select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty,
      sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as sum_charge,
      avg(l_discount) as avg_disc, count(*) as count_order
    from lineitem where l_shipdate <= date '1998-12-01' - interval '90' day
    group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus`,
  `select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate
    from customer, orders, lineitem
    where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey
      and o_orderdate < date '1995-03-15' and l_shipdate > date '1995-03-15'
    group by l_orderkey, o_orderdate order by revenue desc, o_orderdate limit 10`,
];

/** What the page sends when it is done. */
interface Report {
  readonly isolated: boolean;
  readonly threads?: string;
  readonly rows?: unknown[];
  readonly error?: string;
}

const page = `<!doctype html><script type="module">
  const report = { isolated: globalThis.crossOriginIsolated };
  try {
    const { open } = await import('/bundle/quern.js');
    const db = await open();
    await db.query(${JSON.stringify(setUp)});
    report.threads = (await db.query('show threads')).values()[0][0];
    report.rows = [];
    for (const sql of ${JSON.stringify(queries)}) {
      report.rows.push((await db.query(sql, [], { values: 'exact' })).values());
    }
    await db.close();
  } catch (error) {
    report.error = String(error.stack ?? error);
  }
  const body = JSON.stringify(report, (_, value) => typeof value === 'bigint' ? String(value) : value);
  await fetch('/report', { method: 'POST', body });
</script>`;

let bundle: Bundle;

before(async () => {
  bundle = await buildBundle();
});

test('the bundle is small', () => {
  const bytes = bundleGzipBytes(bundle.files);
  assert.ok(bytes <= bundleBytesMax, `it has ${bytes} bytes, more than ${bundleBytesMax}`);
  // File formats and generators are apart.
  assert.ok(bundle.extras.length > 0);
});

for (const isolated of [true, false]) {
  const name = isolated ? 'with threads' : 'without SharedArrayBuffer';
  const options = { skip: skipWithoutBrowser, timeout: 120_000 };
  test(`Q1 and Q3 run in Chromium ${name}`, options, async () => {
    const folders = { '/bundle/': bundleDirectory };
    const report = (await visit({ page, folders, isolated })) as Report;
    assert.equal(report.error, undefined);
    assert.equal(report.isolated, isolated);
    if (!isolated) assert.equal(report.threads, '1');
    assert.deepEqual(report.rows, await rowsInNode());
  });
}

async function rowsInNode(): Promise<unknown[]> {
  const db = await open();
  await db.query(setUp);
  const rows: unknown[] = [];
  for (const sql of queries) rows.push((await db.query(sql, [], { values: 'exact' })).values());
  await db.close();
  const text = JSON.stringify(rows, (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return JSON.parse(text) as unknown[];
}
