import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../../src/main/index.ts';

/** Generated SQL is long: no stage may fall over for its length or depth. */
const statements: Readonly<Record<string, string>> = {
  'a long sum': `select ${'a + '.repeat(900)}1 from t`,
  'many conditions': `select a from t where ${list(3000, ' and ', (i) => `a <> ${i + 2}`)}`,
  'many alternatives': `select a from t where ${list(2000, ' or ', (i) => `a = ${i + 1}`)}`,
  'a long IN list': `select a from t where a in (${list(5000, ', ', (i) => `${i}`)})`,
  'many branches of a union': list(200, ' union all ', (i) => `select ${i}`),
  'deep parentheses': `select ${'('.repeat(390)}1${')'.repeat(390)}`,
  'deep subqueries': `${'select * from ('.repeat(100)}select * from t${') x'.repeat(100)}`,
  'deep CASE': `select ${'case when a = 1 then '.repeat(200)}1${' end'.repeat(200)} from t`,
  'many tables':
    `select t0.a from ${list(36, ', ', (i) => `t t${i}`)} ` +
    `where ${list(35, ' and ', (i) => `t${i}.a = t${i + 1}.a`)}`,
};

function list(count: number, separator: string, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(separator);
}

test('long and deep statements run', { timeout: 60_000 }, async (context) => {
  const database = await open(undefined, { threads: 1 });
  await database.query('create table t (a integer)');
  await database.query('insert into t values (1)');
  for (const [name, sql] of Object.entries(statements)) {
    await context.test(name, async () => {
      const result = await database.query(sql);
      assert.ok(result.values().length > 0);
    });
  }
  await database.close();
});
