/** What every format must do: what is written reads back the same; broken input is an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { readArrow } from '../../src/format/arrow/read.ts';
import { writeArrowFile, writeArrowStream } from '../../src/format/arrow/write.ts';
import { tblDialect } from '../../src/format/csv/plan.ts';
import { readCsv } from '../../src/format/csv/read.ts';
import { writeCsv } from '../../src/format/csv/write.ts';
import { readJson } from '../../src/format/json/read.ts';
import { writeJson, writeNdjson } from '../../src/format/json/write.ts';
import { readParquet } from '../../src/format/parquet/read.ts';
import { writeParquet } from '../../src/format/parquet/write.ts';
import { bytesRandomSource, bytesSource, chunkSource } from '../../src/format/source.ts';
import type { BatchStream, Schema } from '../../src/value/batch.ts';
import type { SqlType } from '../../src/value/type.ts';
import { breakBytes } from './break-bytes.ts';
import { bytesOf, randomData, rowsOf, streamOf } from './random-batches.ts';

interface Format {
  readonly name: string;
  write(stream: BatchStream): AsyncIterable<Uint8Array>;
  /** Given the schema, for text does not carry it. */
  read(bytes: Uint8Array, schema: Schema): Promise<BatchStream>;
  readonly accepts?: (type: SqlType) => boolean;
}

const formats: readonly Format[] = [
  {
    name: 'CSV',
    write: (stream) => writeCsv(stream),
    read: (bytes, schema) => readCsv(bytesSource(bytes), { schema, header: true }),
  },
  {
    name: 'CSV with CR LF and \\N',
    write: (stream) => writeCsv(stream, { carriageReturn: true, nullText: '\\N' }),
    read: (bytes, schema) => readCsv(bytesSource(bytes), { schema, header: true, nullText: '\\N' }),
  },
  {
    name: 'CSV with escapes',
    write: (stream) => writeCsv(stream, { delimiter: ';', quote: "'", escape: '\\' }),
    read: (bytes, schema) =>
      readCsv(smallChunks(bytes), {
        schema,
        delimiter: ';',
        quote: "'",
        escape: '\\',
        header: true,
      }),
  },
  {
    name: 'tbl',
    write: (stream) => writeCsv(stream, tblDialect),
    read: (bytes, schema) => readCsv(bytesSource(bytes), { schema, ...tblDialect }),
  },
  {
    name: 'JSON',
    write: writeJson,
    read: (bytes, schema) => readJson(bytesSource(bytes), { schema }),
  },
  {
    name: 'NDJSON',
    write: writeNdjson,
    read: (bytes, schema) => readJson(smallChunks(bytes), { schema }),
  },
  {
    name: 'Parquet',
    write: (stream) => writeParquet(stream, { rowGroupRows: 1000 }),
    read: (bytes) => readParquet(bytesRandomSource(bytes)),
    accepts: ({ kind }) => kind !== 'hugeint' && kind !== 'interval',
  },
  {
    name: 'Parquet with Snappy',
    write: (stream) => writeParquet(stream, { codec: 'snappy', rowGroupRows: 37 }),
    read: (bytes) => readParquet(bytesRandomSource(bytes)),
    accepts: ({ kind }) => kind !== 'hugeint' && kind !== 'interval',
  },
  {
    name: 'Parquet without compression',
    write: (stream) => writeParquet(stream, { codec: 'none' }),
    read: (bytes) => readParquet(bytesRandomSource(bytes)),
    accepts: ({ kind }) => kind !== 'hugeint' && kind !== 'interval',
  },
  {
    name: 'Arrow stream',
    write: writeArrowStream,
    read: (bytes) => readArrow(smallChunks(bytes)),
    accepts: ({ kind }) => kind !== 'hugeint',
  },
  {
    name: 'Arrow file',
    write: writeArrowFile,
    read: (bytes) => readArrow(bytesSource(bytes)),
    accepts: ({ kind }) => kind !== 'hugeint',
  },
];

/** The bytes in chunks of odd sizes. */
function smallChunks(bytes: Uint8Array) {
  const chunks = async function* () {
    for (let from = 0; from < bytes.length; from += 977) yield bytes.subarray(from, from + 977);
  };
  return chunkSource(chunks());
}

for (const format of formats) {
  test(`${format.name}: what is written reads back the same`, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const { accepts } = format;
      const rowCountMax = seed % 10 === 0 ? 3000 : 60;
      const data = randomData(random, { rowCountMax, ...(accepts ? { accepts } : {}) });
      const bytes = await bytesOf(format.write(streamOf(data)));
      const read = await format.read(bytes, data.schema);
      assert.deepEqual(await rowsOf(read), data.rows, `seed ${seed}`);
      assert.deepEqual(
        read.schema.map(({ name, type }) => ({ name, type })),
        data.schema.map(({ name, type }) => ({ name, type })),
      );
    }
  });

  test(`${format.name}: broken bytes give an error or rows, never a crash`, async () => {
    let failures = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed);
      const { accepts } = format;
      const data = randomData(random, { rowCountMax: 30, ...(accepts ? { accepts } : {}) });
      const bytes = await bytesOf(format.write(streamOf(data)));
      const broken = breakBytes(random, bytes);
      try {
        await rowsOf(await format.read(broken, data.schema));
      } catch (error) {
        failures++;
        assert.equal(
          (error as Error).name,
          'QuernError',
          `seed ${seed}: ${(error as Error).stack}`,
        );
      }
    }
    assert.ok(failures > 20, `only ${failures} of 150 broken inputs were refused`);
  });
}
