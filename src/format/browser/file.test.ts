import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCsv } from '../csv/read.ts';
import { readParquet } from '../parquet/read.ts';
import { writeParquet } from '../parquet/write.ts';
import { blobRandomSource, blobSource } from './file.ts';

// Node has Blob too, and that of the same specification.
test('blobs can be read from start to end and anywhere', async () => {
  const text = 'id,name\n1,a\n2,b\n';
  const stream = await readCsv(blobSource(new Blob([text]), 'a.csv'));
  const parts: BlobPart[] = [];
  for await (const chunk of writeParquet(stream)) parts.push(chunk);
  const file = await readParquet(blobRandomSource(new Blob(parts), 'a.parquet'));
  let rows = 0;
  for await (const batch of file.batches) rows += batch.rowCount;
  assert.equal(rows, 2);
  assert.deepEqual(
    file.schema.map((field) => field.name),
    ['id', 'name'],
  );
});
