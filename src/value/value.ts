/**
 * One value as a JavaScript value, exact for every type: what text is parsed to and formatted from,
 * and what {@link ColumnBuilder} takes. Batches never hold these; they are for edges and slow
 * paths.
 *
 * | type | JavaScript |
 * |---|---|
 * | BOOLEAN | boolean |
 * | TINYINT, SMALLINT, INTEGER, REAL, DOUBLE | number |
 * | BIGINT, HUGEINT | bigint |
 * | DECIMAL | bigint, scaled |
 * | VARCHAR | string |
 * | BLOB | Uint8Array |
 * | DATE | number of days since 1970-01-01 |
 * | TIME, TIMESTAMP, TIMESTAMP WITH TIME ZONE | bigint microseconds |
 * | INTERVAL | {@link Interval} |
 * | UUID | string, 36 characters in lower case |
 */
import { assert } from '../base/assert.ts';
import { formatDate, parseDate } from './date.ts';
import { formatDecimal, parseDecimal } from './decimal.ts';
import { formatInterval, type Interval, parseInterval } from './interval.ts';
import {
  formatDouble,
  formatReal,
  invalidText,
  parseBoolean,
  parseFloating,
  parseInteger,
} from './number.ts';
import {
  formatTime,
  formatTimestamp,
  formatTimestamptz,
  parseTime,
  parseTimestamp,
} from './time.ts';
import type { SqlType } from './type.ts';

export type Value = boolean | number | bigint | string | Uint8Array | Interval;

/** Reads a value of `type` from its text form; a QuernError says what is wrong with it. */
export function parseValue(type: SqlType, text: string): Value {
  switch (type.kind) {
    case 'null':
    case 'varchar':
      return text;
    case 'boolean':
      return parseBoolean(text);
    case 'tinyint':
    case 'smallint':
    case 'integer':
      return Number(parseInteger(text, type.kind));
    case 'bigint':
    case 'hugeint':
      return parseInteger(text, type.kind);
    case 'decimal':
      return parseDecimal(text, type.precision, type.scale);
    case 'real':
    case 'double':
      return parseFloating(text, type.kind);
    case 'date':
      return parseDate(text);
    case 'time':
      return parseTime(text);
    case 'timestamp':
      return parseTimestamp(text);
    case 'timestamptz':
      return parseTimestamp(text, 'TIMESTAMP WITH TIME ZONE');
    case 'interval':
      return parseInterval(text);
    case 'blob':
      return parseBlob(text);
    case 'uuid':
      return parseUuid(text);
  }
}

/** The text form of a value: what CSV files, the shell and casts to VARCHAR show. */
export function formatValue(type: SqlType, value: Value): string {
  switch (type.kind) {
    case 'real':
      return formatReal(value as number);
    case 'double':
      return formatDouble(value as number);
    case 'decimal':
      return formatDecimal(value as bigint, type.scale);
    case 'date':
      return formatDate(value as number);
    case 'time':
      return formatTime(value as bigint);
    case 'timestamp':
      return formatTimestamp(value as bigint);
    case 'timestamptz':
      return formatTimestamptz(value as bigint);
    case 'interval':
      return formatInterval(value as Interval);
    case 'blob':
      return formatBlob(value as Uint8Array);
    default:
      return String(value);
  }
}

const blobPattern = /^\\x((?:[0-9a-f]{2})*)$/i;

/** PostgreSQL's hex form, `\xdeadbeef`; text without the `\x` stands for its UTF-8 bytes. */
export function parseBlob(text: string): Uint8Array {
  if (!text.startsWith('\\x')) return new TextEncoder().encode(text);
  const match = blobPattern.exec(text);
  if (match === null) throw invalidText('BLOB', text);
  const bytes = new Uint8Array(match[1].length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(match[1].slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

export function formatBlob(bytes: Uint8Array): string {
  let text = '\\x';
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16);
  return text;
}

const uuidPattern =
  /^\s*\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?\s*$/i;

export function parseUuid(text: string): string {
  const match = uuidPattern.exec(text);
  if (match === null) throw invalidText('UUID', text);
  return match.slice(1).join('-').toLowerCase();
}

/**
 * A UUID as the signed 128-bit integer that stands for it in a column: the number its hex digits
 * spell, less 2^127, so that comparing as HUGEINT orders them as their text does.
 */
export function uuidToHugeint(uuid: string): bigint {
  assert(uuid.length === 36, 'a UUID has 36 characters');
  return BigInt(`0x${uuid.replaceAll('-', '')}`) - (1n << 127n);
}

export function uuidFromHugeint(value: bigint): string {
  const hex = (value + (1n << 127n)).toString(16).padStart(32, '0');
  const part = (from: number, to: number) => hex.slice(from, to);
  return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20, 32)}`;
}
