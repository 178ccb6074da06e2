import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../../../bin/quern.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quern-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function quern(...args: string[]) {
  return spawnSync(process.execPath, [bin, 'tpch', ...args], { encoding: 'utf8' });
}

const out = join(folder, 'out');
const occupied = join(folder, 'file');
writeFileSync(occupied, '');

const refused: readonly [args: string[], status: number, message: RegExp][] = [
  [['generate', '--scale', '0', '--out', out], 1, /scale factor must be/],
  [['generate', '--parts', '2', '--part', '3', '--out', out], 1, /part 3 of 2/],
  [['generate', '--tables', 'lines', '--out', out], 1, /no TPC-H table 'lines'/],
  [['generate', '--format', 'xml', '--out', out], 1, /no format 'xml'/],
  [['generate', '--out', occupied], 1, /not a directory/],
  [['generate', '--out', join(occupied, 'below')], 1, /not a directory/],
  [['generate', '--scale', '0.01'], 2, /--out DIR or --stdout/],
  [['generate', '--sale', '1', '--out', out], 2, /--sale/],
  [['refresh', '--sets', '0', '--out', out], 1, /refresh sets/],
  [['queries', '--seed', '0'], 1, /a seed is/],
];

for (const [args, status, message] of refused) {
  test(`quern tpch ${args.slice(0, 3).join(' ')} … is refused in one line`, () => {
    const result = quern(...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, message);
    assert.match(result.stderr, /^[^\n]+\n$/);
    assert.equal(result.stdout, '');
    assert.ok(!existsSync(out));
  });
}

test('rows and queries go to stdout, and nothing else', () => {
  const rows = quern('generate', '--scale', '0.001', '--tables', 'region', '--stdout');
  assert.match(rows.stdout, /^0\|AFRICA\|lar deposits\./);
  assert.equal(rows.stdout.split('\n').length, 6);
  const query = quern('queries', '--query', '6', '--seed', '101000000', '--parameters');
  assert.equal(query.stdout, '6\t1994-01-01\t0.05\t25\n');
  assert.equal(rows.stderr + query.stderr, '');
});

test('an interrupt ends the command with its code and leaves nothing', async () => {
  const args = [bin, 'tpch', 'generate', '--scale', '30', '--out', out];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  // Not before there are files to remove.
  while (!existsSync(out) || readdirSync(out).length === 0) {
    await new Promise((resume) => setTimeout(resume, 20));
  }
  child.kill('SIGINT');
  const [code] = await new Promise<[number | null]>((resolve) => {
    child.once('exit', (code) => resolve([code]));
  });
  assert.equal(code, 130);
  assert.ok(!existsSync(out));
});
