/**
 * Intervals keep months, days and microseconds apart, as in PostgreSQL: a month has no fixed number
 * of days, nor has a day a fixed number of hours.
 */
import { QuernError, sqlState } from '../base/error.ts';
import { invalidText } from './number.ts';
import { formatClock, microsPerSecond } from './time.ts';

export interface Interval {
  /** Within 32 bits. */
  readonly months: number;
  /** Within 32 bits. */
  readonly days: number;
  /** Within 64 bits. */
  readonly micros: bigint;
}

interface Unit {
  readonly months?: number;
  readonly days?: number;
  readonly micros?: number;
}

const unitTable: readonly (readonly [names: string, unit: Unit])[] = [
  ['us usec usecs microsecond microseconds', { micros: 1 }],
  ['ms msec msecs millisecond milliseconds', { micros: 1000 }],
  ['s sec secs second seconds', { micros: 1_000_000 }],
  ['m min mins minute minutes', { micros: 60_000_000 }],
  ['h hr hrs hour hours', { micros: 3_600_000_000 }],
  ['d day days', { days: 1 }],
  ['w week weeks', { days: 7 }],
  ['mon mons month months', { months: 1 }],
  ['quarter quarters', { months: 3 }],
  ['y yr yrs year years', { months: 12 }],
  ['decade decades', { months: 120 }],
  ['century centuries', { months: 1200 }],
  ['millennium millennia millenniums', { months: 12000 }],
];

const units: ReadonlyMap<string, Unit> = new Map(
  unitTable.flatMap(([names, unit]) => names.split(' ').map((name) => [name, unit] as const)),
);

/** Adds up parts of an interval in plain integers; fractions flow down to smaller units. */
class IntervalSum {
  months = 0;
  days = 0;
  micros = 0n;

  add(amount: string, unit: Unit): void {
    const [whole, fraction = ''] = amount.replace(/^[+-]/, '').split('.');
    const sign = amount.startsWith('-') ? -1 : 1;
    const count = Number(whole === '' ? 0 : whole) * sign;
    const part = fraction === '' ? 0 : Number(`0.${fraction}`) * sign;
    if (unit.months !== undefined) {
      const months = part * unit.months;
      this.months += count * unit.months + Math.trunc(months);
      this.addDays((months - Math.trunc(months)) * 30);
    } else if (unit.days !== undefined) {
      this.days += count * unit.days;
      this.addDays(part * unit.days);
    } else if (unit.micros !== undefined) {
      this.micros += BigInt(count) * BigInt(unit.micros) + BigInt(Math.round(part * unit.micros));
    }
  }

  private addDays(days: number): void {
    this.days += Math.trunc(days);
    this.micros += BigInt(Math.round((days - Math.trunc(days)) * 86_400_000_000));
  }

  finish(text: string): Interval {
    const fits =
      this.months === (this.months | 0) &&
      this.days === (this.days | 0) &&
      this.micros === BigInt.asIntN(64, this.micros);
    if (!fits) {
      throw new QuernError(
        sqlState.datetimeFieldOverflow,
        `interval field value out of range: "${text}"`,
      );
    }
    return { months: this.months + 0, days: this.days + 0, micros: this.micros };
  }
}

const clockPart = /([+-]?)(\d{1,12}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?![\w.])/;
const unitPart = /([+-]?(?:\d{1,15}(?:\.\d*)?|\.\d+))\s*([a-z]+)/;
const partPattern = new RegExp(`\\s*(?:${clockPart.source}|${unitPart.source})`, 'iy');

/** Reads `3 months`, `1 year 2 mons -3 days 04:05:06.7`; `ago` at the end turns all signs. */
export function parseInterval(text: string): Interval {
  const sum = new IntervalSum();
  const trimmed = text.trim();
  const ago = /\sago$/i.test(trimmed);
  const body = ago ? trimmed.slice(0, -3).trimEnd() : trimmed;
  if (body === '') throw invalidText('INTERVAL', text);
  partPattern.lastIndex = 0;
  while (partPattern.lastIndex < body.length) {
    const match = partPattern.exec(body);
    if (match === null) throw invalidText('INTERVAL', text);
    if (match[2] !== undefined) {
      if (Number(match[3]) > 59 || Number(match[4] ?? 0) >= 60) throw invalidText('INTERVAL', text);
      sum.add(`${match[1]}${match[2]}`, { micros: 3_600_000_000 });
      sum.add(`${match[1]}${match[3]}`, { micros: 60_000_000 });
      sum.add(`${match[1]}${match[4] ?? 0}`, { micros: 1_000_000 });
    } else {
      const unit = units.get(match[6].toLowerCase());
      if (unit === undefined) throw invalidText('INTERVAL', text);
      sum.add(match[5], unit);
    }
  }
  const { months, days, micros } = sum.finish(text);
  return ago ? { months: 0 - months, days: 0 - days, micros: -micros } : { months, days, micros };
}

/** `1 year 2 months 3 days 04:05:06`; an empty interval is `00:00:00`. */
export function formatInterval(interval: Interval): string {
  const parts: string[] = [];
  const years = Math.trunc(interval.months / 12);
  const months = interval.months - years * 12;
  if (years !== 0) parts.push(counted(years, 'year'));
  if (months !== 0) parts.push(counted(months, 'month'));
  if (interval.days !== 0) parts.push(counted(interval.days, 'day'));
  if (interval.micros !== 0n || parts.length === 0) parts.push(formatSignedMicros(interval.micros));
  return parts.join(' ');
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${Math.abs(count) === 1 ? '' : 's'}`;
}

function formatSignedMicros(micros: bigint): string {
  const magnitude = micros < 0n ? -micros : micros;
  const clock = formatClock(
    Number(magnitude / microsPerSecond),
    Number(magnitude % microsPerSecond),
  );
  return micros < 0n ? `-${clock}` : clock;
}
