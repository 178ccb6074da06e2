import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkCount, chunkSize, textCheckpoints } from './checkpoints.ts';
import { TextPoolWriter } from './reference/text-pool.ts';

test('a walk through the whole text pool comes past every checkpoint', () => {
  const { offsets, seeds } = textCheckpoints();
  const writer = new TextPoolWriter();
  for (let chunk = 0; chunk <= chunkCount; chunk++) {
    while (writer.length < chunk * chunkSize) writer.writeSentence();
    const expected = { offset: writer.length, seed: writer.seed };
    assert.deepEqual({ offset: offsets[chunk], seed: seeds[chunk] }, expected, `chunk ${chunk}`);
  }
});
