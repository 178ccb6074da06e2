/** Writing delimited text. */
import type { BatchStream, ColumnBatch, ColumnVector, Schema } from '../../value/batch.ts';
import { isValid } from '../../value/batch.ts';
import { TextBuffer } from '../text-buffer.ts';
import { type PutString, type PutText, textColumn } from '../text-column.ts';
import { type CsvDialect, csvDialect, tblDialect } from './plan.ts';

export type CsvWriteOptions = Partial<CsvDialect>;

/** Chunks of output are at least so long, but for the last. */
const chunkBytes = 256 * 1024;

/**
 * Delimited text, RFC 4180 unless `options` says otherwise. NULL is an unquoted empty field, an
 * empty text a quoted one, so that both can be read back.
 */
export async function* writeCsv(
  stream: BatchStream,
  options: CsvWriteOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const writer = new CsvWriter(stream.schema, { ...csvDialect, ...options });
  const out = new TextBuffer(2 * chunkBytes);
  writer.header(out);
  for await (const batch of stream.batches) {
    for (let from = 0; from < batch.rowCount; from += 1024) {
      writer.rows(batch, from, Math.min(from + 1024, batch.rowCount), out);
      if (out.at >= chunkBytes) yield out.take();
    }
  }
  if (out.at > 0) yield out.take();
}

/** dbgen's format: a delimiter behind every field, no header. */
export function writeTbl(stream: BatchStream): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return writeCsv(stream, tblDialect);
}

/** Appends header and rows to a buffer, for those who write in parallel. */
export class CsvWriter {
  readonly #schema: Schema;
  readonly #dialect: CsvDialect;
  readonly #delimiter: number;
  readonly #nullBytes: Uint8Array;
  readonly #putString: PutString;
  #batch: ColumnBatch | undefined;
  #columns: readonly PutText[] = [];

  constructor(schema: Schema, dialect: CsvDialect) {
    this.#schema = schema;
    this.#dialect = dialect;
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#nullBytes = new TextEncoder().encode(dialect.nullText);
    this.#putString = quoting(dialect, this.#nullBytes);
  }

  header(out: TextBuffer): void {
    if (!this.#dialect.header) return;
    this.#schema.forEach((field, i) => {
      if (i > 0) out.byte(this.#delimiter);
      const name = new TextEncoder().encode(field.name);
      this.#putString(out, name, 0, name.length);
    });
    this.#endRow(out);
  }

  rows(batch: ColumnBatch, from: number, to: number, out: TextBuffer): void {
    if (batch !== this.#batch) this.#open(batch);
    const columns = this.#columns;
    const delimiter = this.#delimiter;
    for (let row = from; row < to; row++) {
      for (let i = 0; i < columns.length; i++) {
        if (i > 0) out.byte(delimiter);
        columns[i](row, out);
      }
      this.#endRow(out);
    }
  }

  #open(batch: ColumnBatch): void {
    this.#batch = batch;
    this.#columns = batch.columns.map((vector, i) => this.#column(i, vector));
  }

  #column(index: number, vector: ColumnVector): PutText {
    const put = textColumn(this.#schema[index].type, vector, this.#putString);
    const { validity } = vector;
    if (validity === undefined) return put;
    const nullBytes = this.#nullBytes;
    return (row, out) => {
      if (isValid(validity, row)) put(row, out);
      else out.copy(nullBytes, 0, nullBytes.length);
    };
  }

  #endRow(out: TextBuffer): void {
    if (this.#dialect.trailingDelimiter) out.byte(this.#delimiter);
    if (this.#dialect.carriageReturn) out.byte(13);
    out.byte(10);
  }
}

/** Quotes a text where it holds what would end it, or where it would read as NULL. */
function quoting(dialect: CsvDialect, nullBytes: Uint8Array): PutString {
  if (dialect.quote === '') return (out, bytes, from, to) => out.copy(bytes, from, to);
  const quote = dialect.quote.charCodeAt(0);
  const escaping = dialect.escape === '' ? quote : dialect.escape.charCodeAt(0);
  const special = new Uint8Array(256);
  for (const byte of [quote, escaping, dialect.delimiter.charCodeAt(0), 10, 13]) special[byte] = 1;
  const isNull = (bytes: Uint8Array, from: number, to: number): boolean => {
    if (to - from !== nullBytes.length) return false;
    for (let i = 0; i < nullBytes.length; i++) if (bytes[from + i] !== nullBytes[i]) return false;
    return true;
  };
  return (out, bytes, from, to) => {
    let i = from;
    while (i < to && special[bytes[i]] === 0) i++;
    if (i === to && !isNull(bytes, from, to)) {
      out.copy(bytes, from, to);
      return;
    }
    out.reserve(2 * (to - from) + 2);
    out.byte(quote);
    for (i = from; i < to; i++) {
      const byte = bytes[i];
      if (byte === quote || byte === escaping) out.byte(escaping);
      out.byte(byte);
    }
    out.byte(quote);
  };
}
