import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFixture } from './fixture.ts';
import { environmentOf, layerTable } from './layer-table.ts';
import { checkLayers, type Import } from './layers.ts';
import { checkPlatform } from './platform.ts';
import { Program } from './program.ts';
import { readText } from './repository.ts';

function edge(from: string, to: string | undefined, rest: Partial<Import> = {}): Import {
  return { from, to, line: 1, specifier: to ?? 'x', dynamic: false, ...rest };
}

function messages(...imports: Import[]): string[] {
  return checkLayers(imports).map(({ message }) => message);
}

test('the table has no cycle: a row names only rows above it', () => {
  const seen = new Set<string>();
  const side = new Set(['tpc', 'bench']);
  for (const [layer, allowed] of Object.entries(layerTable)) {
    for (const name of allowed) assert.ok(seen.has(name) || side.has(name), `${layer} → ${name}`);
    seen.add(layer);
  }
  assert.deepEqual(
    [...side].flatMap((name) => layerTable[name]).filter((name) => name === 'cli'),
    [],
  );
});

test('imports upwards, into tasks and from unknown folders are refused, downwards are not', () => {
  assert.deepEqual(messages(edge('src/value/a.ts', 'src/base/b.ts')), []);
  assert.deepEqual(messages(edge('src/value/a.ts', 'src/value/b.ts')), []);
  assert.deepEqual(messages(edge('tasks/a.ts', 'src/cli/main.ts')), []);
  assert.deepEqual(
    messages(edge('src/base/a.ts', 'src/value/b.ts', { specifier: '../value/b.ts' })),
    ["base must not import value ('../value/b.ts')"],
  );
  assert.deepEqual(messages(edge('src/value/a.test.ts', 'src/engine/b.ts')), []);
  assert.equal(messages(edge('src/bind/a.ts', 'src/table/b.ts')).length, 1);
  assert.deepEqual(messages(edge('src/bind/a.test.ts', 'src/table/b.ts')), []);
  assert.equal(messages(edge('src/wasm/a.ts', 'tasks/b.ts')).length, 1);
  assert.equal(messages(edge('src/nowhere/a.ts', 'src/base/b.ts')).length, 1);
});

test('a core file reaches Node and the browser only through import() of a platform file', () => {
  const platformFile = 'src/store/device/node/file.ts';
  assert.equal(environmentOf(platformFile), 'node');
  assert.equal(environmentOf('src/store/device/memory.ts'), 'core');
  assert.equal(environmentOf('src/cli/main.ts'), 'node');
  assert.equal(messages(edge('src/store/a.ts', undefined, { specifier: 'node:fs' })).length, 1);
  assert.equal(messages(edge('src/store/a.ts', undefined, { specifier: 'fs/promises' })).length, 1);
  assert.deepEqual(messages(edge('src/store/a.test.ts', undefined, { specifier: 'node:fs' })), []);
  assert.deepEqual(messages(edge(platformFile, undefined, { specifier: 'node:fs' })), []);
  assert.equal(messages(edge('src/store/a.ts', platformFile)).length, 1);
  assert.deepEqual(messages(edge('src/store/a.ts', platformFile, { dynamic: true })), []);
  assert.equal(messages(edge('src/store/browser/a.ts', platformFile)).length, 1);
  assert.equal(messages(edge('src/store/a.ts', 'src/store/b.test.ts')).length, 1);
});

test('imports are read from the syntax tree, whatever their form', () => {
  const files = {
    'src/base/target.ts': 'export interface T { a: number }\nexport const t = 1;\n',
    'src/value/all.ts': [
      "import type { T } from '../base/target.ts';",
      "export * from '../base/target.ts';",
      "export const late = () => import('../base/target.ts');",
      "export type Inline = import('../base/target.ts').T;",
      "// import '../base/not.ts'",
      'export const text: T | string = "import \'../base/not.ts\'";',
      '',
    ].join('\n'),
  };
  withFixture(files, {}, (config) => {
    const program = new Program(config);
    const imports = program.imports();
    program.close();
    assert.deepEqual(
      imports.map(({ from, to, line, dynamic }) => [from, to, line, dynamic]),
      [
        ['src/value/all.ts', 'src/base/target.ts', 1, false],
        ['src/value/all.ts', 'src/base/target.ts', 2, false],
        ['src/value/all.ts', 'src/base/target.ts', 3, true],
        ['src/value/all.ts', 'src/base/target.ts', 4, false],
      ],
    );
  });
});

test('globals of Node and of the DOM do not compile in a core file', () => {
  const files = {
    'platform.d.ts': readText('tasks/check/platform.d.ts'),
    'src/value/good.ts': [
      'export const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });',
      'export const bytes = new TextEncoder().encode("x");',
      'export const cells = Atomics.load(new Int32Array(new SharedArrayBuffer(8)), 0);',
      'export const when = performance.now();',
      '',
    ].join('\n'),
    'src/value/bad.ts': [
      'export const a = process.argv;',
      'export const b = document.title;',
      'export const c = Buffer.from("x");',
      'export const d = new Worker("x");',
      'export const e = require("x");',
      '',
    ].join('\n'),
    'src/value/node/free.ts': 'export const a = process.argv;\n',
  };
  withFixture(files, { lib: ['ES2023'], types: [] }, (config) => {
    const findings = checkPlatform(config);
    assert.deepEqual(
      findings.map(({ file, line }) => `${file}:${line}`),
      [1, 2, 3, 4, 5].map((line) => `src/value/bad.ts:${line}`),
    );
    assert.match(findings[0].message, /'process'/);
  });
});
