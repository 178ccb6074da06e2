import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openQuern, openSpillingQuern } from '../src/bench/adapters/quern.ts';
import { readScript, scriptFiles } from './slt/files.ts';
import { type Outcome, runScript } from './slt/run.ts';

/**
 * Every sqllogictest file on Quern, in memory and with hardly any memory. A record with a pending
 * mark may fail; one that passes in spite of it is told, so that the mark can go (`npm run sql --
 * --settle`).
 */
for (const name of scriptFiles([])) {
  testScript(name, '');
  testScript(name, ', everything spills');
}

function testScript(name: string, way: string): void {
  test(`tests/sql/${name}${way}`, { timeout: 60_000 }, async (context) => {
    const engine = await (way === '' ? openQuern : openSpillingQuern)({ threads: 1 });
    let outcomes: Outcome[];
    try {
      outcomes = await runScript(readScript(name), engine, { engine: 'quern' });
    } finally {
      await engine.close();
    }
    const of = (result: Outcome['result']) => outcomes.filter((each) => each.result === result);
    const pending = of('pending').length;
    const surprises = of('surprise').length;
    if (pending > 0)
      context.diagnostic(`${name}: ${pending} of ${outcomes.length} records pending`);
    if (surprises > 0) context.diagnostic(`${name}: ${surprises} pending records pass`);
    const failures = of('failed').map(({ record, message }) => `line ${record.line}: ${message}`);
    assert.deepEqual(failures, []);
  });
}
