import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..', '..', '..');

test('the example of the readme runs and prints what it says', async () => {
  const readme = await readFile(join(root, 'src/wasm/README.md'), 'utf8');
  const [, example] = /```js\n([\s\S]*?)```/.exec(readme)!;
  const [, expected] = /console\.log\(.*\); \/\/ (.*)\n/.exec(example)!;
  const library = pathToFileURL(join(root, 'dist/src/wasm/index.js')).href;
  const folder = await mkdtemp(join(tmpdir(), 'quern-readme-'));
  const printed: unknown[] = [];
  const { log } = console;
  try {
    const file = join(folder, 'example.mjs');
    await writeFile(file, example.replace("'quern/wasm'", JSON.stringify(library)));
    console.log = (value) => printed.push(value);
    await import(pathToFileURL(file).href);
  } finally {
    console.log = log;
    await rm(folder, { recursive: true });
  }
  assert.deepEqual(
    printed.map((value) => (typeof value === 'bigint' ? `${value}n` : String(value))),
    [expected],
  );
});
