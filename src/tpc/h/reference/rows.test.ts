import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { scaleOf, type TableName, tableNames, unitCount } from '../scale.ts';
import { referenceLines } from './rows.ts';

/** MD5 of dbgen's files at scale factor 0.01. */
const digests: Readonly<Record<TableName, string>> = {
  customer: 'a8aa97edad6d47b183a569759fbd3eec',
  lineitem: '4c6d44350a1f7974f56f5d3d7091c2be',
  nation: '2f588e0b7fa72939b498c2abecd9fbbe',
  orders: 'c8d2008fb47f47f9e56543d4cb0f4e6a',
  part: '9cce16188c241c25617ca5ed6191e37e',
  partsupp: 'c6889c3ed0939ca02475f7fb410cbb50',
  region: 'c235841b00d29ad4f817771fcc851207',
  supplier: '56e0621c472064c2a998757c70b44043',
};

test('the reference model writes the files of dbgen at scale factor 0.01', () => {
  const scale = scaleOf(0.01);
  const found = Object.fromEntries(
    tableNames.map((table) => {
      const hash = createHash('md5');
      const range = { start: 0, count: unitCount(table, scale) };
      for (const line of referenceLines(table, scale, range)) hash.update(line);
      return [table, hash.digest('hex')];
    }),
  );
  assert.deepEqual(found, digests);
});
