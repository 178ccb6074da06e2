/** Every stage that a query walks through, and what they stand on. */
const engineParts = [
  'base',
  'value',
  'wasm',
  'store',
  'format',
  'table',
  'sql',
  'catalog',
  'regex',
  'plan',
  'bind',
  'optimize',
  'compile',
  'run',
];

/**
 * The layers of `src/`: each folder and what it may import besides itself. ARCHITECTURE.md explains
 * them; this table is what the checker holds. A row names every folder it may use: what a folder
 * below uses is not thereby allowed.
 */
export const layerTable: Record<string, readonly string[]> = {
  base: [],
  value: ['base'],
  wasm: ['base'],
  store: ['base', 'wasm'],
  format: ['base', 'value', 'wasm'],
  table: ['base', 'value', 'store'],
  sql: ['base', 'value'],
  catalog: ['base', 'value', 'table'],
  regex: ['base', 'value'],
  plan: ['base', 'value', 'catalog', 'regex'],
  bind: ['base', 'value', 'catalog', 'sql', 'regex', 'plan'],
  optimize: ['base', 'value', 'table', 'catalog', 'plan'],
  compile: ['base', 'value', 'wasm', 'table', 'catalog', 'regex', 'plan'],
  run: ['base', 'value', 'wasm', 'table', 'catalog', 'regex', 'plan', 'compile'],
  engine: engineParts,
  flow: ['base', 'value', 'store', 'engine'],
  server: ['base', 'value', 'store', 'engine', 'flow'],
  tpc: ['base', 'value', 'wasm', 'format'],
  main: ['base', 'value', 'engine', 'tpc', 'flow'],
  bench: ['base', 'value', 'format', 'tpc', 'engine', 'main', 'store'],
  cli: [...engineParts, 'engine', 'flow', 'server', 'tpc', 'bench', 'main'],
};

/** Folders of `src/` that run on Node only and may use all of it. */
const nodeFolders = new Set(['cli', 'server', 'bench']);

/** The folder of `src/` a source file belongs to; undefined outside `src/`. */
export function layerOf(file: string): string | undefined {
  const match = /^src\/([^/]+)\//.exec(file);
  return match?.[1];
}

/** Where a file runs: `core` files run on every platform and may use neither Node nor the DOM. */
export function environmentOf(file: string): 'core' | 'node' | 'browser' {
  const layer = layerOf(file);
  if (layer === undefined || nodeFolders.has(layer) || isTest(file)) return 'node';
  const folders = file.split('/').slice(0, -1);
  if (folders.includes('node')) return 'node';
  if (folders.includes('browser')) return 'browser';
  return 'core';
}

export function isTest(file: string): boolean {
  return file.endsWith('.test.ts');
}
