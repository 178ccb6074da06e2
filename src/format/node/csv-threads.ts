/**
 * Reading a large file of delimited text with worker threads: they parse ranges of it side by side,
 * and the batches come out in the order of the file. See `csv/ranges.ts` for why that is exact.
 */
import { Worker } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { BatchStream, ColumnBatch } from '../../value/batch.ts';
import { type CsvProgram, compileCsv } from '../csv/parser.ts';
import { type CsvRange, csvRanges } from '../csv/ranges.ts';
import { continueCsv, csvSchema, readCsv, readSample } from '../csv/read.ts';
import { type CsvFormat, type CsvReadOptions, sniffCsv } from '../csv/sniff.ts';
import type { RangeReply, RangeTask, WorkerStart } from './csv-worker.ts';
import { openFile, openRandomFile } from './file.ts';

const rangeBytes = 4 * 1024 * 1024;
/** Below this, starting threads takes longer than reading. */
const fileBytesMin = 32 * 1024 * 1024;
/** Ranges a thread that are parsed or wait to be taken: what bounds the memory. */
const rangesAhead = 2;

/**
 * Opens a file of delimited text, to be parsed on up to `threads` further threads; small files are
 * read without any. As `readCsv` otherwise.
 */
export async function readCsvFile(
  path: string,
  options: CsvReadOptions,
  threads: number,
): Promise<BatchStream> {
  const random = await openRandomFile(path);
  const { size } = random;
  await random.close();
  if (threads < 1 || size < fileBytesMin) return readCsv(await openFile(path), options);
  const source = await openFile(path);
  const { sample } = await readSample(source).finally(() => source.close());
  const format = sniffCsv(sample, options);
  const program = await compileCsv({ dialect: format.dialect, columns: format.columns });
  const count = Math.min(threads, Math.ceil(size / rangeBytes));
  const batches = readRanges(path, size, format, program, count);
  return { schema: csvSchema(format), batches };
}

async function* readRanges(
  path: string,
  size: number,
  format: CsvFormat,
  program: CsvProgram,
  threadCount: number,
): AsyncGenerator<ColumnBatch> {
  const ranges = csvRanges(format.dataStart, size, rangeBytes);
  const pool = new RangePool(path, format, program, threadCount);
  let lines = format.headerLines;
  try {
    const window = threadCount * rangesAhead;
    for (let i = 0; i < Math.min(window, ranges.length); i++) pool.request(i, ranges[i]);
    for (let i = 0; i < ranges.length; i++) {
      const reply = await pool.take(i);
      if (i + window < ranges.length) pool.request(i + window, ranges[i + window]);
      if (!reply.clean) {
        pool.close();
        const position = reply.start ?? ranges[i].from;
        yield* continueCsv(await openFile(path, position), format, lines);
        return;
      }
      lines += reply.lineCount;
      yield* reply.batches;
    }
  } finally {
    pool.close();
  }
}

interface PromiseSettler {
  resolve(reply: RangeReply): void;
  reject(error: Error): void;
}

/** Gives ranges to the threads in turn and keeps their replies until they are taken. */
class RangePool {
  readonly #workers: readonly Worker[];
  readonly #replies = new Map<number, Promise<RangeReply>>();
  readonly #settle = new Map<number, PromiseSettler>();

  constructor(path: string, format: CsvFormat, program: CsvProgram, threadCount: number) {
    const workerData: WorkerStart = { path, program, dataStart: format.dataStart };
    this.#workers = Array.from({ length: threadCount }, () => {
      const worker = new Worker(new URL('./csv-worker.js', import.meta.url), {
        workerData,
        name: 'quern csv',
      });
      worker.on('message', (reply: RangeReply) => {
        this.#settle.get(reply.index)?.resolve(reply);
      });
      worker.on('error', (error) => this.#fail(error));
      return worker;
    });
  }

  /** A thread died, most likely because the file cannot be read any more. */
  #fail(cause: Error): void {
    const error = new QuernError(sqlState.ioError, cause.message, { cause });
    for (const { reject } of this.#settle.values()) reject(error);
  }

  request(index: number, range: CsvRange): void {
    const reply = new Promise<RangeReply>((resolve, reject) => {
      this.#settle.set(index, { resolve, reject });
    });
    // Whoever takes the reply gets the error; it may be that nobody does.
    reply.catch(() => {});
    this.#replies.set(index, reply);
    const task: RangeTask = { index, range };
    this.#workers[index % this.#workers.length].postMessage(task);
  }

  async take(index: number): Promise<RangeReply> {
    const reply = this.#replies.get(index);
    assert(reply !== undefined, 'a range is requested before it is taken');
    this.#replies.delete(index);
    return reply.finally(() => this.#settle.delete(index));
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }
}
