import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog, TableEntry, ViewEntry } from '../catalog/catalog.ts';
import type { Program } from '../compile/index.ts';
import { CatalogReads, PlanCache } from './plan-cache.ts';

type Entries = Readonly<Record<string, TableEntry | ViewEntry>>;

function catalogOf(version: number, entries: Entries): Catalog {
  const find = (kind: string, name: string) =>
    entries[name]?.kind === kind ? entries[name] : undefined;
  return {
    version,
    table: (name) => find('table', name) as TableEntry | undefined,
    view: (name) => find('view', name) as ViewEntry | undefined,
    names: () => Object.keys(entries),
  };
}

const table = (name: string): TableEntry => ({ kind: 'table', name }) as TableEntry;
const view = (name: string): ViewEntry => ({ kind: 'view', name }) as ViewEntry;

/** Whether a query that looked things up in one catalog is still there with another. */
function survives(before: Entries, look: (catalog: Catalog) => void, after: Entries): boolean {
  const read = new CatalogReads(catalogOf(1, before));
  look(read);
  const cache = new PlanCache();
  const program = {} as Program;
  cache.set('q', { program, parameters: [], read });
  assert.equal(cache.get('q', catalogOf(1, before))?.program, program);
  return cache.get('q', catalogOf(2, after))?.program === program;
}

test('a query is forgotten when what it looked up has changed, and only then', () => {
  const [t, u, v] = [table('t'), table('u'), view('v')];
  const readsT = (catalog: Catalog): void => {
    catalog.table('t');
  };
  assert.ok(survives({ t, u }, readsT, { t, u: table('u') }));
  assert.ok(survives({ t, u }, readsT, { t, v }));
  assert.ok(!survives({ t, u }, readsT, { t: table('t'), u }));
  assert.ok(!survives({ t, u }, readsT, { u }));
  // A name that was looked for in vain may be taken by now.
  const looksForV = (catalog: Catalog): void => {
    catalog.view('v');
    catalog.table('t');
  };
  assert.ok(survives({ t }, looksForV, { t, u }));
  assert.ok(!survives({ t }, looksForV, { t, v }));
  // Lists of tables change with any of them.
  assert.ok(!survives({ t }, (catalog) => catalog.names(), { t, u }));
});
