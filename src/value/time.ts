/**
 * Times of day (microseconds since midnight) and timestamps (microseconds since 1970-01-01
 * 00:00:00). Both are bigint: the microseconds of the year 9999 do not fit in a double.
 */
import { QuernError, sqlState } from '../base/error.ts';
import { dateFromFields, dateMax, dateMin, formatDate, pad2 } from './date.ts';

export const microsPerSecond = 1_000_000n;
export const microsPerDay = 86_400_000_000n;

/** 0001-01-01 00:00:00. */
export const timestampMin = BigInt(dateMin) * microsPerDay;
/** 9999-12-31 23:59:59.999999. */
export const timestampMax = (BigInt(dateMax) + 1n) * microsPerDay - 1n;

/** Returns `micros`, or throws when it lies outside the years 1 to 9999. */
export function checkTimestamp(micros: bigint): bigint {
  if (micros >= timestampMin && micros <= timestampMax) return micros;
  throw new QuernError(sqlState.datetimeFieldOverflow, 'timestamp out of range', {
    hint: 'Timestamps go from 0001-01-01 00:00:00 to 9999-12-31 23:59:59.999999.',
  });
}

function fieldOverflow(text: string): QuernError {
  return new QuernError(
    sqlState.datetimeFieldOverflow,
    `date/time field value out of range: "${text}"`,
  );
}

/** Microseconds of a fraction's digits, rounded half up beyond the sixth. */
function fractionMicros(digits: string | undefined): number {
  if (digits === undefined) return 0;
  const micros = Number(digits.slice(0, 6).padEnd(6, '0'));
  return digits.length > 6 && digits.charCodeAt(6) >= 53 ? micros + 1 : micros;
}

/** Microseconds since midnight; 24:00:00 is allowed, as is a leap second (it counts as :60). */
function microsOfDay(
  hour: string,
  minute: string,
  second: string | undefined,
  fraction: string | undefined,
  text: string,
): number {
  const h = Number(hour);
  const m = Number(minute);
  const s = Number(second ?? 0);
  const micros = ((h * 60 + m) * 60 + s) * 1_000_000 + fractionMicros(fraction);
  if (m > 59 || s > 60 || micros > 86_400_000_000) throw fieldOverflow(text);
  return micros;
}

const timePattern = /^\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*$/;

/** Reads `17:30`, `17:30:59` or `17:30:59.123456`. */
export function parseTime(text: string): bigint {
  const match = timePattern.exec(text);
  if (match === null) {
    throw new QuernError(
      sqlState.invalidDatetimeFormat,
      `invalid input syntax for type TIME: "${text}"`,
      { hint: 'Times are written HH:MM:SS, with up to six digits of a fraction.' },
    );
  }
  return BigInt(microsOfDay(match[1], match[2], match[3], match[4], text));
}

/** `17:30:59`, with as many digits of the fraction as are needed. */
export function formatTime(micros: bigint): string {
  return formatClock(Number(micros / microsPerSecond), Number(micros % microsPerSecond));
}

/** Neither part may be negative; hours may go beyond 24, for intervals use this too. */
export function formatClock(seconds: number, fractionMicros: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const text = `${pad2(hours)}:${pad2(minutes - hours * 60)}:${pad2(seconds - minutes * 60)}`;
  if (fractionMicros === 0) return text;
  return `${text}.${String(fractionMicros).padStart(6, '0').replace(/0+$/, '')}`;
}

const datePart = /(\d{1,6})([-/])(\d{1,2})\2(\d{1,2})/;
const clockPart = /(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?/;
const zonePart = /(Z|UTC)|([+-])(\d{2})(?::?(\d{2}))?/;
const timestampPattern = new RegExp(
  `^\\s*${datePart.source}(?:(?:\\s+|T)${clockPart.source}\\s*(?:${zonePart.source})?)?\\s*$`,
  'i',
);

/**
 * Reads `1998-09-02 17:30:59.5`, with `T` or spaces between, a date alone, and an offset from UTC
 * (`Z`, `+02`, `-03:30`), which is applied: the result is always the instant in UTC.
 */
export function parseTimestamp(text: string, type = 'TIMESTAMP'): bigint {
  const match = timestampPattern.exec(text);
  if (match === null) {
    throw new QuernError(
      sqlState.invalidDatetimeFormat,
      `invalid input syntax for type ${type}: "${text}"`,
      { hint: 'Timestamps are written YYYY-MM-DD HH:MM:SS.' },
    );
  }
  const days = dateFromFields(Number(match[1]), Number(match[3]), Number(match[4]), text);
  let micros = BigInt(days) * microsPerDay;
  if (match[5] !== undefined) {
    micros += BigInt(microsOfDay(match[5], match[6], match[7], match[8], text));
  }
  if (match[10] !== undefined) {
    const hours = Number(match[11]);
    const minutes = Number(match[12] ?? 0);
    if (hours > 15 || minutes > 59) throw fieldOverflow(text);
    const offset = BigInt(hours * 60 + minutes) * 60n * microsPerSecond;
    micros += match[10] === '+' ? -offset : offset;
  }
  return checkTimestamp(micros);
}

/** `1998-09-02 17:30:59.5` */
export function formatTimestamp(micros: bigint): string {
  let days = micros / microsPerDay;
  if (days * microsPerDay > micros) days -= 1n;
  return `${formatDate(Number(days))} ${formatTime(micros - days * microsPerDay)}`;
}

/** `1998-09-02 17:30:59.5+00`: always in UTC, for the engine knows no local time. */
export function formatTimestamptz(micros: bigint): string {
  return `${formatTimestamp(micros)}+00`;
}
