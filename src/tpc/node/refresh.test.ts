import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deleteSegments, insertSegments } from '../h/refresh.ts';
import { generateRefreshSets } from './refresh.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-refresh-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function md5(data: Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

/** Digests of what dbgen writes for set 75 of scale factor 1, its segments joined. */
const digests75 = {
  orders: '1add19c4752f14b8a4bea15e3a770185',
  lineitem: '5344910b6b0a55d07c5f4365c7b917a9',
  delete: 'e3a9231fce99ee37e938f9fceac53325',
};

test('refresh sets are those of dbgen', async () => {
  const out = join(folder, 'whole');
  await generateRefreshSets({ scale: 1, first: 75, sets: 2, out, threads: 2 });
  const digest = (name: string) => md5(readFileSync(join(out, name)));
  assert.deepEqual(
    {
      orders: digest('orders.tbl.u75'),
      lineitem: digest('lineitem.tbl.u75'),
      delete: digest('delete.75'),
    },
    digests75,
  );
  const names = ['delete', 'lineitem.tbl', 'orders.tbl'].flatMap((name) =>
    [75, 76].map((set) => (name === 'delete' ? `${name}.${set}` : `${name}.u${set}`)),
  );
  assert.deepEqual(readdirSync(out).sort(), names.sort());
});

test('segments of a refresh set make up the whole, the last deletes fewer', async () => {
  const out = join(folder, 'segments');
  const segments = { insertSegments: 100, deleteSegments: 100 };
  await generateRefreshSets({ scale: 1, first: 75, sets: 1, out, threads: 2, ...segments });
  const joined = (prefix: string, count: number): string => {
    const files = Array.from({ length: count }, (_, i) => join(out, `${prefix}.${i + 1}`));
    return md5(Buffer.concat(files.map((file) => readFileSync(file))));
  };
  assert.equal(readdirSync(out).length, 294);
  assert.deepEqual(
    {
      orders: joined('orders.tbl.u75', 100),
      lineitem: joined('lineitem.tbl.u75', 100),
      delete: joined('delete.u75', 94),
    },
    digests75,
  );
});

test('what does not divide evenly goes to the first segments of inserts', () => {
  const sizes = insertSegments(23, 5).map(({ count }) => count);
  assert.deepEqual(sizes, [5, 5, 5, 4, 4]);
  assert.deepEqual(insertSegments(2, 5).length, 2);
  assert.deepEqual(deleteSegments(1500, 100).at(-1), { start: 1488, count: 12 });
});

test('sets that do not exist are refused', async () => {
  const out = join(folder, 'none');
  const bad = [
    { sets: 0 },
    { sets: 1, first: 0 },
    { sets: 2, first: 4000 },
    { sets: 1, scale: 0.001 },
    { sets: 1, insertSegments: 0 },
  ];
  for (const options of bad) {
    await assert.rejects(generateRefreshSets({ scale: 1, out, ...options }), {
      name: 'QuernError',
    });
  }
  assert.ok(!existsSync(out));
});
