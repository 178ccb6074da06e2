import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell } from './result-table.ts';
import { compareAnswer, parseAnswer } from './tpch-answers.ts';

const answer = parseAnswer('l|sum_qty   |avg_qty\nA|37734107.00|25.52\nN|991417.00|  25.50\n');

function compare(...rows: Cell[][]) {
  const columns = ['l', 'sum_qty', 'avg_qty'];
  return compareAnswer({ columns, types: columns, rows }, answer);
}

const a: Cell[] = ['A ', { decimal: '37734107.00' }, 25.522005853257337];
const n: Cell[] = ['N', 991417n, { decimal: '25.495' }];

test('values agree when they round to the digits of the answer', () => {
  assert.deepEqual(compare(a, n), { kind: 'exact' });
  assert.deepEqual(answer.rows[1], ['N', '991417.00', '25.50']);
});

test('sums must agree exactly, averages within one per cent are named as such', () => {
  const off = compare(a, ['N', { decimal: '991417.01' }, 25.5]);
  assert.equal(off.kind, 'different');
  const near = compare(a, ['N', 991417n, 25.6]);
  assert.deepEqual(near, {
    kind: 'tolerated',
    difference: 'row 2, avg_qty: 25.6 instead of 25.50',
  });
  assert.equal(compare(a, ['N', 991417n, 25.8]).kind, 'different');
});

test('missing rows and another order are told apart', () => {
  assert.deepEqual(compare(a), { kind: 'different', difference: '1 rows instead of 2' });
  assert.deepEqual(compare(n, a), { kind: 'reordered' });
});

test('rounding is exact at any number of digits, and either way from the middle', () => {
  const one = parseAnswer('x\n-1.01\n');
  const check = (decimal: string) =>
    compareAnswer({ columns: ['x'], types: ['X'], rows: [[{ decimal }]] }, one).kind;
  assert.equal(check('-1.005'), 'exact');
  assert.equal(check('-1.0149999999999999999'), 'exact');
  assert.equal(check('-1.0150'), 'exact');
  assert.equal(check('-1.01501'), 'different');
  assert.equal(check('-1.0049'), 'different');
});
