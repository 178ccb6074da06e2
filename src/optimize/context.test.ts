import assert from 'node:assert/strict';
import { test } from 'node:test';
import { integerType } from '../value/type.ts';
import { OptimizerContext } from './context.ts';

test('a plan that grows without end is an error, not a wait', () => {
  const context = new OptimizerContext({ kind: 'values', rows: [[]], columns: [] });
  const makeColumns = (count: number): void => {
    for (let i = 0; i < count; i++) context.column('c', integerType, false);
  };
  makeColumns(50_000);
  assert.throws(() => makeColumns(60_000), { code: '54000' });
});
