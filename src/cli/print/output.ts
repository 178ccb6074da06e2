import type { BatchStream } from '../../value/batch.ts';
import type { Database, QueryOptions, Result } from '../database.ts';
import { type Io, write } from '../io.ts';
import { UsageError } from '../usage-error.ts';
import { createPrinter, type ResultPrinter, textFormats } from './printer.ts';

export const outputFormats = [...textFormats, 'arrow', 'parquet'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Characters gathered before they are written: few writes, and no result as one text. */
const chunkLength = 1 << 16;

/**
 * Runs one statement and writes its result, if it has one, to stdout, as it comes. `onResult` is
 * called before it writes anything.
 */
export async function runStatement(
  database: Database,
  sql: string,
  format: OutputFormat,
  io: Io,
  options: Pick<QueryOptions, 'signal' | 'onProgress'> & { readonly onResult?: () => void } = {},
): Promise<void> {
  const { onResult, ...others } = options;
  const queryOptions = { values: 'exact', ...others } as const;
  if (format === 'arrow' || format === 'parquet') {
    const result = await database.query(sql, [], queryOptions);
    onResult?.();
    if (result.columns.length > 0) await writeBinary(result, format, io);
    return;
  }
  let printer: ResultPrinter | undefined;
  let text = '';
  for await (const part of database.stream(sql, [], queryOptions)) {
    onResult?.();
    if (part.columns.length === 0) return;
    if (printer === undefined) {
      printer = createPrinter(format);
      text = printer.begin(part.columns);
    }
    for (const row of part.values()) {
      text += printer.row(row);
      if (text.length < chunkLength) continue;
      await write(io.stdout, text);
      text = '';
    }
  }
  if (printer !== undefined) await write(io.stdout, text + printer.end());
}

async function writeBinary(result: Result, format: 'arrow' | 'parquet', io: Io): Promise<void> {
  if (io.stdout.isTTY === true) {
    throw new UsageError(`${format} is not for a terminal: send stdout to a file or a program`);
  }
  const stream = { schema: result.schema, batches: asAsync(result.batches) };
  for await (const bytes of await encode(stream, format)) await write(io.stdout, bytes);
}

async function encode(stream: BatchStream, format: 'arrow' | 'parquet') {
  if (format === 'parquet') {
    const { writeParquet } = await import('../../format/parquet/write.ts');
    return writeParquet(stream);
  }
  const { writeArrowStream } = await import('../../format/arrow/write.ts');
  return writeArrowStream(stream);
}

async function* asAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
