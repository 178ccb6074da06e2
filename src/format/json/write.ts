/** Writing JSON: an array of objects, or an object a line (NDJSON). */
import type { BatchStream, ColumnBatch, ColumnVector, Schema } from '../../value/batch.ts';
import { isValid } from '../../value/batch.ts';
import type { SqlType } from '../../value/type.ts';
import { formatValue, type Value } from '../../value/value.ts';
import { rowReader } from '../../value/vector.ts';
import { TextBuffer } from '../text-buffer.ts';
import { type PutString, type PutText, textColumn } from '../text-column.ts';

const chunkBytes = 256 * 1024;
const encoder = new TextEncoder();
const nullBytes = encoder.encode('null');

/**
 * An object a line. Numbers are written exactly, with all their digits; dates and the like as text.
 */
export function writeNdjson(stream: BatchStream): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return writeObjects(stream, { open: '', between: '\n', close: '\n', empty: '' });
}

/** One array of objects, one a line; values as {@link writeNdjson} writes them. */
export function writeJson(stream: BatchStream): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return writeObjects(stream, { open: '[\n', between: ',\n', close: '\n]\n', empty: '[]\n' });
}

interface Frame {
  readonly open: string;
  readonly between: string;
  readonly close: string;
  /** The whole when there are no rows. */
  readonly empty: string;
}

async function* writeObjects(
  stream: BatchStream,
  frame: Frame,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const out = new TextBuffer(2 * chunkBytes);
  const between = encoder.encode(frame.between);
  const keys = objectKeys(stream.schema);
  let any = false;
  for await (const batch of stream.batches) {
    const columns = objectColumns(stream.schema, batch);
    for (let row = 0; row < batch.rowCount; row++) {
      if (any) out.copy(between, 0, between.length);
      else out.text(frame.open);
      any = true;
      for (let i = 0; i < columns.length; i++) {
        out.copy(keys[i], 0, keys[i].length);
        columns[i](row, out);
      }
      out.byte(125);
      if (out.at >= chunkBytes) yield out.take();
    }
  }
  out.text(any ? frame.close : frame.empty);
  if (out.at > 0) yield out.take();
}

/** What stands before each value: `{"a":` and `,"b":`. */
function objectKeys(schema: Schema): Uint8Array[] {
  return schema.map(({ name }, i) =>
    encoder.encode(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
  );
}

function objectColumns(schema: Schema, batch: ColumnBatch): PutText[] {
  return batch.columns.map((vector, i) => {
    const put = valueColumn(schema[i].type, vector);
    const { validity } = vector;
    if (validity === undefined) return put;
    return (row, out) => {
      if (isValid(validity, row)) put(row, out);
      else out.copy(nullBytes, 0, nullBytes.length);
    };
  });
}

function valueColumn(type: SqlType, vector: ColumnVector): PutText {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'hugeint':
    case 'decimal':
    case 'null':
    case 'varchar':
    case 'blob':
      return textColumn(type, vector, putJsonString);
    case 'real':
    case 'double': {
      const read = rowReader(type, vector);
      return (row, out) => {
        const text = formatValue(type, read(row) as Value);
        // JSON has no infinities and no NaN.
        out.text(/[in]/.test(text) ? `"${text}"` : text);
      };
    }
    default: {
      const put = textColumn(type, vector, putJsonString);
      return (row, out) => {
        out.byte(34);
        put(row, out);
        out.byte(34);
      };
    }
  }
}

const escapes = new Map<number, string>([
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [12, '\\f'],
  [13, '\\r'],
  [34, '\\"'],
  [92, '\\\\'],
]);

const putJsonString: PutString = (out, bytes, from, to) => {
  out.byte(34);
  let start = from;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte >= 32 && byte !== 34 && byte !== 92) continue;
    out.copy(bytes, start, i);
    out.text(escapes.get(byte) ?? `\\u${byte.toString(16).padStart(4, '0')}`);
    start = i + 1;
  }
  out.copy(bytes, start, to);
  out.byte(34);
};
