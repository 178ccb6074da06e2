import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnBatch } from '../../value/batch.ts';
import { readTable, shareGenerator, TpchGenerator } from './generator.ts';
import { type TableName, tableNames } from './scale.ts';

test('streams one after the other, and two at once, give what a generator of its own gives', () => {
  const scale = 0.002;
  const own = new TpchGenerator(shareGenerator({ scale, tables: tableNames, workers: 1 }));
  const all = (table: TableName): ColumnBatch[] => [own.columns(table, 0, own.unitCount(table))];
  const read = (table: TableName): ColumnBatch[] => [
    ...readTable(table, { scale, unitsPerBatch: 1e6 }).batches,
  ];
  for (const table of ['lineitem', 'part', 'region', 'customer', 'lineitem'] as const) {
    assert.deepEqual(read(table), all(table), table);
  }
  // The second begins while the first has the memory; a third follows on one that was left early.
  const [slow, quick] = ['orders', 'supplier'].map((table) =>
    readTable(table as TableName, { scale, unitsPerBatch: 7 }).batches[Symbol.iterator](),
  );
  const first = slow.next().value;
  quick.next();
  assert.deepEqual(slow.next().value, own.columns('orders', 7, 7));
  assert.deepEqual(first, own.columns('orders', 0, 7));
  slow.return?.();
  assert.deepEqual(read('partsupp'), all('partsupp'));
  assert.deepEqual(quick.next().value, own.columns('supplier', 7, 7));
});
