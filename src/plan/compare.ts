import { assert } from '../base/assert.ts';
import type { Interval } from '../value/interval.ts';
import { microsPerDay } from '../value/time.ts';
import type { ConstantValue } from './expression.ts';

/** Order of two values of one type: bytes for strings, NaN above all numbers. */
export function compareValues(a: ConstantValue, b: ConstantValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
    if (Number.isNaN(b)) return -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
    return a.length - b.length;
  }
  if (isInterval(a) && isInterval(b)) {
    const order = intervalMicros(a) - intervalMicros(b);
    return order < 0n ? -1 : order > 0n ? 1 : 0;
  }
  assert(a !== null && b !== null, 'NULL has no order');
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of the UTF-8 bytes: of the code points, which is not that of UTF-16 code units. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above all others, but their units lie below 0xE000.
    if (x >= 0xd800) x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
    if (y >= 0xd800) y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    return x - y;
  }
  return a.length - b.length;
}

export function isInterval(value: ConstantValue): value is Interval {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** An interval as microseconds, months counted as 30 days: PostgreSQL's order of intervals. */
function intervalMicros(interval: Interval): bigint {
  return BigInt(interval.months * 30 + interval.days) * microsPerDay + interval.micros;
}
