import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goldenNames, readGolden } from './golden-files.ts';
import { goldens, goldenText } from './stages.ts';

const hint = 'if the change is wanted: node dist/tasks/main.js accept, and review the difference';

for (const golden of goldens) {
  test(`the stages of ${golden.name}`, () => {
    assert.equal(goldenText(golden), readGolden(golden.name), hint);
  });
}

test('every golden file belongs to a query', () => {
  assert.deepEqual(goldenNames().sort(), goldens.map(({ name }) => name).sort(), hint);
});
