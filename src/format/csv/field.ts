/** Reading delimited text a field at a time in plain JavaScript: for sniffing and the slow path. */
import { decodeUtf8 } from '../../value/vector.ts';
import type { CsvDialect } from './plan.ts';

const lineFeed = 10;
const carriageReturn = 13;

/** The dialect as character codes. */
export interface FieldSyntax {
  readonly delimiter: number;
  /** -1 when nothing is ever quoted. */
  readonly quote: number;
  readonly escape: number;
}

export function fieldSyntax(dialect: CsvDialect): FieldSyntax {
  const quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
  return {
    delimiter: dialect.delimiter.charCodeAt(0),
    quote,
    escape: dialect.escape === '' ? quote : dialect.escape.charCodeAt(0),
  };
}

export interface RawField {
  readonly text: string;
  readonly quoted: boolean;
  /** Index of the byte behind the field. */
  readonly next: number;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The field at `at`; undefined when the text ends at `end` inside its quotes. */
export function readField(
  bytes: Uint8Array,
  at: number,
  end: number,
  syntax: FieldSyntax,
): RawField | undefined {
  if (at < end && bytes[at] === syntax.quote) return readQuoted(bytes, at + 1, end, syntax);
  let next = at;
  while (next < end && bytes[next] !== syntax.delimiter && bytes[next] !== lineFeed) next++;
  if (next > at && bytes[next] === lineFeed && bytes[next - 1] === carriageReturn) next--;
  return { text: decodeUtf8(bytes, at, next), quoted: false, next };
}

function readQuoted(
  bytes: Uint8Array,
  from: number,
  end: number,
  { quote, escape: escaping }: FieldSyntax,
): RawField | undefined {
  const content: number[] = [];
  for (let i = from; i < end; i++) {
    const byte = bytes[i];
    const follows = i + 1 < end ? bytes[i + 1] : -1;
    if (byte === escaping && (escaping === quote ? follows === quote : follows !== -1)) {
      content.push(follows);
      i++;
    } else if (byte === quote) {
      return { text: decoder.decode(Uint8Array.from(content)), quoted: true, next: i + 1 };
    } else {
      content.push(byte);
    }
  }
  return undefined;
}

export interface RawRecord {
  readonly fields: readonly RawField[];
  /** Index of the first byte of the next record. */
  readonly next: number;
}

/**
 * The record at `at`; undefined when the text ends at `end` before the record does. Text between a
 * closing quote and the next delimiter is dropped here: the generated code reports it.
 */
export function readRecord(
  bytes: Uint8Array,
  at: number,
  end: number,
  syntax: FieldSyntax,
): RawRecord | undefined {
  const fields: RawField[] = [];
  for (let position = at; ; position++) {
    const field = readField(bytes, position, end, syntax);
    if (field === undefined) return undefined;
    fields.push(field);
    position = field.next;
    while (position < end && bytes[position] !== syntax.delimiter) {
      if (bytes[position] === lineFeed) return { fields, next: position + 1 };
      position++;
    }
    if (position >= end) return undefined;
  }
}
