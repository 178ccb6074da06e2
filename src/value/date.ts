/**
 * Dates: whole days since 1970-01-01 in the proleptic Gregorian calendar, from 0001-01-01 to
 * 9999-12-31. The conversions are those of Howard Hinnant, "chrono-compatible low-level date
 * algorithms" (eras of 400 years whose years start on 1 March).
 */
import { QuernError, sqlState } from '../base/error.ts';

/** 0001-01-01. */
export const dateMin = -719162;
/** 9999-12-31. */
export const dateMax = 2932896;

export interface CivilDate {
  readonly year: number;
  /** From 1 to 12. */
  readonly month: number;
  /** From 1 to 31. */
  readonly day: number;
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** The number of days of a month, from 1 to 12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 of a valid civil date of any year. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

export function civilFromDays(days: number): CivilDate {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36524) -
      Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day };
}

/** Returns `days`, or throws when it lies outside 0001-01-01..9999-12-31. */
export function checkDate(days: number): number {
  if (days >= dateMin && days <= dateMax) return days;
  throw new QuernError(sqlState.datetimeFieldOverflow, 'date out of range', {
    hint: 'Dates go from 0001-01-01 to 9999-12-31.',
  });
}

/** Days of a civil date whose fields come from a user; errors name `text`. */
export function dateFromFields(year: number, month: number, day: number, text: string): number {
  const valid =
    year >= 1 &&
    year <= 9999 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysInMonth(year, month);
  if (valid) return daysFromCivil(year, month, day);
  throw new QuernError(
    sqlState.datetimeFieldOverflow,
    `date/time field value out of range: "${text}"`,
    year < 1 || year > 9999 ? { hint: 'Dates go from 0001-01-01 to 9999-12-31.' } : {},
  );
}

const datePattern = /^\s*(\d{1,6})([-/])(\d{1,2})\2(\d{1,2})\s*$/;

/** Reads `1998-09-02`; also `1998/9/2`. Spaces around it are allowed. */
export function parseDate(text: string): number {
  const match = datePattern.exec(text);
  if (match === null) {
    throw new QuernError(
      sqlState.invalidDatetimeFormat,
      `invalid input syntax for type DATE: "${text}"`,
      { hint: 'Dates are written YYYY-MM-DD.' },
    );
  }
  return dateFromFields(Number(match[1]), Number(match[3]), Number(match[4]), text);
}

export function pad2(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** ISO 8601: `1998-09-02`. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${String(year).padStart(4, '0')}-${pad2(month)}-${pad2(day)}`;
}
