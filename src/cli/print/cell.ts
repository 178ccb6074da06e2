import { formatDouble, formatReal } from '../../value/number.ts';

/** Whether values of a SQL type are numbers, which tables align right and JSON does not quote. */
export function isNumericType(type: string): boolean {
  return /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL|NUMERIC|REAL|FLOAT|DOUBLE)/.test(type);
}

/** The text of one value; NULL is for the caller to show in its way. */
export function cellText(value: unknown, type: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (type === 'DOUBLE') return formatDouble(value);
    return type === 'REAL' ? formatReal(value) : String(value);
  }
  if (value instanceof Uint8Array) return hexText(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) return jsonText(value, type);
  return String(value);
}

/** A value as JSON: numbers with all their digits, everything JSON has no word for as a text. */
export function jsonText(value: unknown, type: string): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === 'string') return isNumericType(type) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, '')).join(',')}]`;
  if (value instanceof Uint8Array || value instanceof Date) {
    return JSON.stringify(cellText(value, type));
  }
  const entries = Object.entries(value as object);
  const parts = entries.map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item, '')}`);
  return `{${parts.join(',')}}`;
}

/** Bytes as PostgreSQL writes them: `\x` and two hexadecimal digits a byte. */
function hexText(bytes: Uint8Array): string {
  return `\\x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
