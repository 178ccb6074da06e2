import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openQuern } from '../src/bench/adapters/quern.ts';
import { readScript, scriptFiles } from './slt/files.ts';
import { runScript } from './slt/run.ts';

/**
 * Queries give the same when their code is suspended and resumed at every checkpoint: the files of
 * whole queries, on an engine that does just that.
 */
const files = scriptFiles([]).filter((name) => /^(aggregate|query|tpch|window)\//.test(name));

test('suspended wherever possible, queries give what they should', async () => {
  for (const name of files) {
    const options = { threads: 1, impatient: true };
    const engine = await openQuern(options);
    try {
      const outcomes = await runScript(readScript(name), engine, { engine: 'quern' });
      const failed = outcomes.filter(({ result }) => result === 'failed');
      const failures = failed.map(({ record, message }) => `${name}:${record.line}: ${message}`);
      assert.deepEqual(failures, []);
    } finally {
      await engine.close();
    }
  }
});
