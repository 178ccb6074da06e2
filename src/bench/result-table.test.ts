import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cell, type ResultTable, resultDifference, sameCell } from './result-table.ts';

function table(...rows: Cell[][]): ResultTable {
  const width = rows[0].length;
  return { columns: ['a', 'b'].slice(0, width), types: ['X', 'Y'].slice(0, width), rows };
}

test('decimals and whole numbers are the same only exactly, doubles within the tolerance', () => {
  assert.ok(sameCell({ decimal: '1.50' }, { decimal: '1.5' }));
  assert.ok(sameCell({ decimal: '-0.00' }, { decimal: '0' }));
  assert.ok(sameCell({ decimal: '100' }, 100n));
  assert.ok(!sameCell({ decimal: '100' }, { decimal: '1' }));
  assert.ok(!sameCell({ decimal: '12345678901234567.89' }, { decimal: '12345678901234567.88' }));
  assert.ok(!sameCell(9007199254740993n, 9007199254740992n));
  assert.ok(sameCell(0.1 + 0.2, 0.3));
  assert.ok(!sameCell(1.000001, 1));
  assert.ok(sameCell({ decimal: '25.52' }, 25.52));
  assert.ok(sameCell(Number.NaN, Number.NaN));
  assert.ok(!sameCell(null, 0n));
  assert.ok(sameCell('1', 1n));
  assert.ok(!sameCell('a', 'A'));
});

test('the order of rows is no difference, a missing or changed row is', () => {
  const rows: Cell[][] = [
    ['x', 1.5],
    ['y', 2n],
    [null, null],
  ];
  assert.equal(resultDifference(table(...rows), table(...[...rows].reverse())), undefined);
  assert.equal(resultDifference(table(...rows), table(rows[0], rows[1])), '3 rows instead of 2');
  assert.equal(
    resultDifference(table(['x', 1n]), table(['x', 2n])),
    'row 1, column b: 1 instead of 2',
  );
  assert.equal(resultDifference(table(['x']), table(['x', 2n])), '1 columns instead of 2');
});

test('infinity is no rounding of a number', () => {
  assert.ok(sameCell(Infinity, Infinity));
  assert.ok(!sameCell(Infinity, 1e300));
  assert.ok(!sameCell(-Infinity, Infinity));
});
