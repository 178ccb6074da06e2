/**
 * The bundle in headless Chromium: TPC-H Q1 and Q3, on a cross-origin isolated page with threads
 * and on a plain page without SharedArrayBuffer. The rows must be those that Node gives.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { before, test } from 'node:test';
import { open } from '../../src/main/index.ts';
import {
  type Bundle,
  buildBundle,
  bundleBytesMax,
  bundleDirectory,
  bundleGzipBytes,
} from '../../tasks/bundle.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const browser = names.find((name) => spawnSync(name, ['--version']).status === 0);

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
  // What runs before the first query must not wait for file formats or generators.
  const initial = bundle.files.filter((file) => file.initial);
  assert.ok(initial.length > 0 && bundleGzipBytes(initial) < 0.85 * bytes);
});

for (const isolated of [true, false]) {
  const name = isolated ? 'with threads' : 'without SharedArrayBuffer';
  const skip = browser === undefined ? `there is none of ${names.join(', ')} here` : false;
  test(`Q1 and Q3 run in Chromium ${name}`, { skip, timeout: 120_000 }, async () => {
    const report = await visit(isolated);
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

/** Opens the page in a browser of its own and waits for what it reports. */
async function visit(isolated: boolean): Promise<Report> {
  let receive: (report: Report) => void = () => {};
  const reported = new Promise<Report>((resolve) => {
    receive = resolve;
  });
  const server = createServer((request, response) => answer(request, response, isolated, receive));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'quern-chromium-'));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`];
  // A group of its own, so that the browser's own processes end with it.
  const child = spawn(browser as string, [...flags, url], { stdio: 'ignore', detached: true });
  const exited = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the browser ended with ${code}`)));
  });
  try {
    return await Promise.race([reported, exited]);
  } finally {
    exited.catch(() => {});
    const ended = new Promise((resolve) => child.on('exit', resolve));
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    await close(server);
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Serves the page, the bundle, and takes the report. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  isolated: boolean,
  receive: (report: Report) => void,
): void {
  const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
  if (isolated) {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  }
  if (path === '/report') {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.end();
      receive(JSON.parse(body) as Report);
    });
  } else if (path === '/') {
    response.setHeader('Content-Type', 'text/html').end(page);
  } else if (path.startsWith('/bundle/') && path.endsWith('.js')) {
    const file = join(bundleDirectory, path.slice('/bundle/'.length));
    response.setHeader('Content-Type', 'text/javascript').end(readFileSync(file));
  } else {
    response.writeHead(404).end();
  }
}
