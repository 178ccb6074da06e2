import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArrow } from './arrow/read.ts';
import { writeArrowStream } from './arrow/write.ts';
import { readCsv } from './csv/read.ts';
import { readJson } from './json/read.ts';
import { readParquet } from './parquet/read.ts';
import { writeParquet } from './parquet/write.ts';
import { bytesRandomSource, bytesSource, chunkSource } from './source.ts';

const csv = () => bytesSource(new TextEncoder().encode('a,b\n1,x\n2,y\n'));

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return new Uint8Array(Buffer.concat(parts));
}

test('a source is closed once, whether all batches are read, some or none', async () => {
  const arrow = await bytesOf(writeArrowStream(await readCsv(csv())));
  const parquet = await bytesOf(writeParquet(await readCsv(csv())));
  const json = new TextEncoder().encode('{"a":1}\n');
  let closed = 0;
  const counted = <T extends { close(): Promise<void> }>(source: T): T => {
    const close = async () => {
      closed++;
    };
    return { ...source, close };
  };
  const openers = [
    () => readCsv(counted(csv())),
    () => readJson(counted(bytesSource(json))),
    () => readArrow(counted(bytesSource(arrow))),
    () => readParquet(counted(bytesRandomSource(parquet))),
  ];
  for (const open of openers) {
    closed = 0;
    for await (const batch of (await open()).batches) assert.ok(batch.rowCount > 0);
    assert.equal(closed, 1);
    for await (const batch of (await open()).batches) {
      assert.ok(batch.rowCount > 0);
      break;
    }
    assert.equal(closed, 2);
    await (await open()).batches[Symbol.asyncIterator]().return?.();
    assert.equal(closed, 3);
  }
});

test('chunks of any size make one source', async () => {
  const chunks = async function* () {
    for (const text of ['a,b', '\n1', ',x\n2,', '', 'y']) yield new TextEncoder().encode(text);
  };
  const stream = await readCsv(chunkSource(chunks()));
  let rows = 0;
  for await (const batch of stream.batches) rows += batch.rowCount;
  assert.equal(rows, 2);
});
