import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BatchStream } from '../../value/batch.ts';
import { rowReader } from '../../value/vector.ts';
import { readCsvFile } from './csv-threads.ts';

/** Number of rows and sum of the first column; each row must hold what its number says. */
async function checkRows(stream: BatchStream): Promise<readonly [number, bigint]> {
  let count = 0;
  let sum = 0n;
  for await (const batch of stream.batches) {
    const key = rowReader(stream.schema[0].type, batch.columns[0]);
    for (let row = 0; row < batch.rowCount; row++) {
      const value = key(row) as bigint;
      if (value !== BigInt(count++)) assert.fail(`row ${count - 1} holds ${value}`);
      sum += value;
    }
  }
  return [count, sum];
}

test('threads give the rows in order, also where ranges begin inside quotes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'quern-csv-'));
  const path = join(directory, 'a.csv');
  try {
    const line = (i: number) => `${i},"${'text '.repeat(10)}"\n`;
    const many = Array.from({ length: 600_000 }, (_, i) => line(i));
    await writeFile(path, `id,text\n${many.join('')}`);
    const expected = [600_000, (600_000n * 599_999n) / 2n];
    assert.deepEqual(await checkRows(await readCsvFile(path, {}, 2)), expected);

    // One text of 6 MB, full of what looks like records.
    const trap = '7,"x"\n'.repeat(1_000_000).replaceAll('"', '""');
    many[300_000] = `300000,"${trap}"\n`;
    await writeFile(path, `id,text\n${many.join('')}`);
    assert.deepEqual(await checkRows(await readCsvFile(path, {}, 2)), expected);

    many[400_000] = 'x,y\n';
    await writeFile(path, `id,text\n${many.join('')}`);
    await assert.rejects(async () => checkRows(await readCsvFile(path, {}, 2)), {
      code: '22P02',
      message: /line 1400002, column "id": invalid input syntax for type BIGINT: "x"/,
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
