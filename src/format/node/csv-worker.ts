/** The main module of a thread that parses ranges of a file of delimited text. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import type { ColumnBatch, ColumnVector } from '../../value/batch.ts';
import { copyBatch } from '../../value/copy.ts';
import { CsvParser, type CsvProgram } from '../csv/parser.ts';
import { type CsvRange, parseCsvRange } from '../csv/ranges.ts';
import { openRandomFile } from './file.ts';

export interface WorkerStart {
  readonly path: string;
  readonly program: CsvProgram;
  readonly dataStart: number;
}

export interface RangeTask {
  readonly index: number;
  readonly range: CsvRange;
}

export interface RangeReply {
  readonly index: number;
  readonly start: number | undefined;
  readonly lineCount: number;
  readonly clean: boolean;
  readonly batches: readonly ColumnBatch[];
}

const port = parentPort;
assert(port !== null, 'this file is the main module of a worker thread');
const { path, program, dataStart } = workerData as WorkerStart;
const parser = new CsvParser(program);
const source = openRandomFile(path);

/** Tasks come faster than they are done, and one parser does them one at a time. */
let last: Promise<void> = Promise.resolve();
port.on('message', (task: RangeTask) => {
  last = last.then(() => parse(task));
});

async function parse({ index, range }: RangeTask): Promise<void> {
  const batches: ColumnBatch[] = [];
  const onBatch = (batch: ColumnBatch) => batches.push(copyBatch(batch));
  const file = await source;
  const { start, lineCount, clean } = await parseCsvRange(parser, file, range, {
    dataStart,
    onBatch,
  });
  const reply: RangeReply = { index, start, lineCount, clean, batches };
  port?.postMessage(reply, batches.flatMap(buffersOf));
}

/** The memory of a batch, which goes to the receiver. */
function buffersOf(batch: ColumnBatch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const add = (array: { readonly buffer: ArrayBufferLike } | undefined) => {
    if (array !== undefined) buffers.add(array.buffer as ArrayBuffer);
  };
  for (const vector of batch.columns) vectorArrays(vector).forEach(add);
  return [...buffers];
}

function vectorArrays(vector: ColumnVector) {
  switch (vector.form) {
    case 'fixed':
      return [vector.data, vector.validity];
    case 'string':
      return [vector.offsets, vector.bytes, vector.validity];
    case 'dictionary':
      return [vector.codes, vector.dictionary.offsets, vector.dictionary.bytes, vector.validity];
  }
}
