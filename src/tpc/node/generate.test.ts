import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { QuernError } from '../../base/error.ts';
import { referenceLines } from '../h/reference/rows.ts';
import { scaleOf, unitCount } from '../h/scale.ts';
import { tableSchemas } from '../h/schema.ts';
import { generateTables } from './generate.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-tpch-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function md5(data: Uint8Array | string): string {
  return createHash('md5').update(data).digest('hex');
}

const digests = {
  'customer.tbl': 'a8aa97edad6d47b183a569759fbd3eec',
  'lineitem.tbl': '4c6d44350a1f7974f56f5d3d7091c2be',
  'nation.tbl': '2f588e0b7fa72939b498c2abecd9fbbe',
  'orders.tbl': 'c8d2008fb47f47f9e56543d4cb0f4e6a',
  'part.tbl': '9cce16188c241c25617ca5ed6191e37e',
  'partsupp.tbl': 'c6889c3ed0939ca02475f7fb410cbb50',
  'region.tbl': 'c235841b00d29ad4f817771fcc851207',
  'supplier.tbl': '56e0621c472064c2a998757c70b44043',
};

for (const threads of [1, 3]) {
  test(`${threads} threads write the files of dbgen, and nothing else`, async () => {
    const out = join(folder, `threads-${threads}`, 'deeper');
    const { rows, bytes } = await generateTables({ scale: 0.01, format: 'tbl', out, threads });
    const names = readdirSync(out).sort();
    const found = names.map((name) => [name, md5(readFileSync(join(out, name)))]);
    assert.deepEqual(Object.fromEntries(found), digests);
    assert.equal(rows, 86_805);
    const sizes = names.map((name) => readFileSync(join(out, name)).length);
    assert.equal(
      bytes,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  });
}

test('parts, written all at once or one by one, make up the whole', async () => {
  const out = join(folder, 'parts');
  await generateTables({ scale: 0.01, format: 'tbl', out, parts: 3, threads: 2 });
  const single = join(folder, 'single-parts');
  for (const part of [3, 1, 2]) {
    await generateTables({ scale: 0.01, format: 'tbl', out: single, parts: 3, part, threads: 2 });
  }
  for (const [name, digest] of Object.entries(digests)) {
    const parts = [1, 2, 3].map((part) => readFileSync(join(out, `${name}.${part}`)));
    assert.equal(md5(Buffer.concat(parts)), digest, name);
    for (const [index, part] of parts.entries()) {
      assert.ok(part.equals(readFileSync(join(single, `${name}.${index + 1}`))), name);
    }
  }
  assert.equal(readdirSync(out).length, 24);
});

test('a part of scale factor 10 is what tpchgen-cli writes', async () => {
  const out = join(folder, 'part-of-10');
  const expected = {
    customer: '36ef128d2f1c0eaf86f65095615b84e5',
    lineitem: 'd774e349108fbb34518802842558c7d0',
    orders: '39bff86e5b4c0e6eded4b3f178e12660',
    part: 'bf49cb6a381195d79a7b9fdc7cea3127',
    partsupp: 'be50311e3b796116413d2253bcb2e040',
    supplier: 'eed74993228b69097437f471aec4627c',
  };
  const tables = Object.keys(expected);
  const parts = { parts: 5000, part: 2500 };
  await generateTables({ scale: 10, format: 'tbl', out, tables, threads: 2, ...parts });
  const found = tables.map((table) => [table, md5(readFileSync(join(out, `${table}.tbl.2500`)))]);
  assert.deepEqual(Object.fromEntries(found), expected);
});

test('a stream gets the tables in the order they are asked for', async () => {
  const path = join(folder, 'stream');
  const descriptor = openSync(path, 'w');
  const tables = ['supplier', 'lineitem', 'orders'] as const;
  await generateTables({ scale: 0.002, format: 'csv', out: { descriptor }, tables, threads: 3 });
  closeSync(descriptor);
  const scale = scaleOf(0.002);
  const expected = tables.flatMap((table) => {
    const fields = tableSchemas[table].map(({ name }) => name);
    const quoted = fields.map((name) => /comment|address/.test(name));
    const lines = [...referenceLines(table, scale, { start: 0, count: unitCount(table, scale) })];
    return [
      fields.join(','),
      ...lines.map((line) =>
        line
          .slice(0, -2)
          .split('|')
          .map((value, index) => (quoted[index] ? `"${value}"` : value))
          .join(','),
      ),
    ];
  });
  assert.deepEqual(readFileSync(path, 'utf8').split('\n'), [...expected, '']);
});

test('CSV files have a header even when a part has no rows', async () => {
  const out = join(folder, 'empty-part');
  const tables = ['region'];
  await generateTables({ scale: 1, format: 'csv', out, tables, parts: 7, part: 2 });
  assert.equal(readFileSync(join(out, 'region.2.csv'), 'utf8'), 'r_regionkey,r_name,r_comment\n');
});

test('what exists is not replaced unless that is wanted', async () => {
  const out = join(folder, 'existing');
  const options = { scale: 0.001, format: 'tbl', out, tables: ['nation'] } as const;
  await generateTables(options);
  writeFileSync(join(out, 'nation.tbl'), 'mine');
  await assert.rejects(generateTables(options), { code: '58P02' });
  await assert.rejects(generateTables({ ...options, tables: ['region'] }), { code: '58P02' });
  assert.equal(readFileSync(join(out, 'nation.tbl'), 'utf8'), 'mine');
  await generateTables({ ...options, overwrite: true });
  assert.equal(md5(readFileSync(join(out, 'nation.tbl'))), digests['nation.tbl']);
  assert.deepEqual(readdirSync(out), ['nation.tbl']);
});

test('an interrupted run leaves nothing behind, not even the directory', async () => {
  const out = join(folder, 'interrupted');
  const controller = new AbortController();
  const run = generateTables({
    scale: 20,
    format: 'tbl',
    out: join(out, 'deeper'),
    threads: 2,
    signal: controller.signal,
    onProgress: ({ bytes }) => {
      if (bytes > 0) controller.abort();
    },
  });
  await assert.rejects(run, { name: 'AbortError' });
  assert.ok(!existsSync(out));
});

for (const threads of [1, 3]) {
  test(`a full disk is an error with ${threads} threads`, {
    skip: !existsSync('/dev/full'),
  }, async () => {
    const descriptor = openSync('/dev/full', 'w');
    const run = generateTables({ scale: 0.1, format: 'tbl', out: { descriptor }, threads });
    await assert.rejects(run, (error: QuernError) => {
      assert.equal(error.code, '53100');
      assert.match(error.message, /no space is left/);
      return true;
    });
    closeSync(descriptor);
  });
}

test('nonsense is refused before anything is written', async () => {
  const out = join(folder, 'nonsense');
  const good = { scale: 0.01, format: 'tbl', out } as const;
  const bad = [
    { scale: 0 },
    { scale: -1 },
    { scale: Number.NaN },
    { scale: 200_000 },
    { scale: 0.0015 },
    { parts: 2, part: 3 },
    { parts: 2, part: 0 },
    { part: 1 },
    { parts: 0 },
    { parts: 1.5 },
    { tables: ['lineitems'] },
    { tables: [] },
  ];
  for (const options of bad) {
    await assert.rejects(generateTables({ ...good, ...options }), { name: 'QuernError' });
  }
  assert.ok(!existsSync(out));
});
