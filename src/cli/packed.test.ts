import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quern-packed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function quern(...args: string[]) {
  const bin = join(root, 'bin', 'quern.js');
  return spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' });
}

test('the build packs the command, with the files that threads start from', () => {
  const files = readdirSync(join(root, 'dist', 'packed', 'node'));
  const wanted = ['cli.js', 'csv-worker.js', 'helper.js', 'job-worker.js', 'tpch-worker.js'];
  assert.deepEqual(
    files.filter((name) => wanted.includes(name)),
    wanted,
  );
});

test('the packed command knows its version, and says what is wrong', () => {
  assert.match(quern('--version').stdout, /^quern \d+\.\d+\.\d+\n$/);
  const wrong = quern('--formt', 'csv');
  assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /--format/);
  const failing = quern('-c', 'select 1 / 0');
  assert.deepEqual([failing.status, failing.stdout], [1, '']);
  assert.match(failing.stderr, /division by zero/);
});

test('the packed command works with threads: generating, reading a file, running a query', () => {
  const path = join(folder, 'many.csv');
  writeFileSync(path, `a,b\n${`12345678,${'x'.repeat(24)}\n`.repeat(1e6)}`);
  const script = `call tpch(0.1); select count(*) as n from lineitem where l_quantity < 51;
    select sum(a) as n from '${path}'`;
  const { status, stdout, stderr } = quern('--threads', '2', '--format', 'csv', '-c', script);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.equal(stdout, 'n\n600572\nn\n12345678000000\n');
});
