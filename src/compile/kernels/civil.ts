/**
 * Days since 1970-01-01 to years, months and days, and back: C. Neri and L. Schneider, "Euclidean
 * affine functions and their application to calendar algorithms" (2022). Straight-line code over
 * i32, to be emitted where it is needed.
 */
import { type Expr, type FunctionBuilder, i32, i64, type Local } from '../../wasm/index.ts';

/** Days from 0000-03-01 to 1970-01-01. */
const epochDays = 719_468;
const eraDays = 146_097;
/** Eras of 400 years by which years are moved to be above 0, also far outside of our dates. */
const eras = 300;

export interface CivilLocals {
  readonly year: Local;
  /** From 1 to 12. */
  readonly month: Local;
  /** From 1 to 31. */
  readonly day: Local;
}

/** The date of a day between the years -100 000 and 100 000. */
export function emitCivilFromDays(f: FunctionBuilder, days: Expr): CivilLocals {
  const shifted = i32.add(days, i32.const(epochDays + eraDays * eras));
  const n1 = f.let(i32.add(i32.shl(shifted, 2), 3), 'n1');
  const century = f.let(i32.divU(n1, eraDays), 'century');
  const rest = i32.sub(n1, i32.mul(century, eraDays));
  const p2 = f.let(i64.mul(i64.extendI32U(i32.or(rest, 3)), 2_939_745n), 'p2');
  const dayOfYear = f.let(i32.divU(i32.wrapI64(p2), 2_939_745 * 4), 'day_of_year');
  const n3 = f.let(i32.add(i32.mul(dayOfYear, 2141), 197_913), 'n3');
  const early = f.let(i32.geU(dayOfYear, 306), 'early');
  const fromMarch = i32.add(i32.mul(century, 100), i32.wrapI64(i64.shrU(p2, 32n)));
  const year = f.let(i32.sub(i32.add(fromMarch, early), 400 * eras), 'year');
  const month = f.let(i32.sub(i32.shrU(n3, 16), i32.mul(early, 12)), 'month');
  const day = f.let(i32.add(i32.divU(i32.and(n3, 0xffff), 2141), 1), 'day');
  return { year, month, day };
}

/** The day of a date between the years -100 000 and 100 000. */
export function emitDaysFromCivil(f: FunctionBuilder, year: Expr, month: Expr, day: Expr): Local {
  const early = f.let(i32.ltU(month, 3), 'early');
  const years = f.let(i32.sub(i32.add(year, 400 * eras), early), 'years');
  const months = i32.add(month, i32.mul(early, 12));
  const century = f.let(i32.divU(years, 100), 'century');
  const quarters = i32.shrU(i32.mul(years, 1461), 2);
  const yearDays = i32.add(i32.sub(quarters, century), i32.shrU(century, 2));
  const monthDays = i32.shrU(i32.sub(i32.mul(months, 979), 2919), 5);
  const total = i32.add(i32.add(yearDays, monthDays), i32.sub(day, 1));
  return f.let(i32.sub(total, epochDays + eraDays * eras), 'days');
}

/** The first of January of a year in the same bounds. */
export function emitYearStart(f: FunctionBuilder, year: Expr): Local {
  return emitDaysFromCivil(f, year, i32.const(1), i32.const(1));
}

/** How many days the month of a year has. */
export function emitDaysInMonth(f: FunctionBuilder, year: Expr, month: Local): Expr {
  const y = f.let(i32.add(year, 400 * eras), 'leap_year');
  const century = i32.eqz(i32.remU(y, 100));
  const leap = i32.eqz(i32.and(y, i32.select(century, 15, 3)));
  const other = i32.or(30, i32.xor(month, i32.shrU(month, 3)));
  return i32.select(i32.eq(month, 2), i32.add(leap, 28), other);
}

/** A day moved by months, the day of the month cut to what the month has. */
export function emitAddMonths(f: FunctionBuilder, days: Expr, months: Expr): Local {
  const { year, month, day } = emitCivilFromDays(f, days);
  const limit = 1_000_000;
  const by = f.let(months, 'months');
  // Beyond this nothing is a date any more.
  f.set(by, i32.select(i32.gtS(by, limit), limit, by));
  f.set(by, i32.select(i32.ltS(by, -limit), -limit, by));
  const shift = 12 * 400 * eras;
  const total = i32.add(i32.add(i32.mul(year, 12), i32.sub(month, 1)), i32.add(by, shift));
  const index = f.let(total, 'month_index');
  const newYear = f.let(i32.sub(i32.divU(index, 12), 400 * eras), 'new_year');
  const newMonth = f.let(i32.add(i32.remU(index, 12), 1), 'new_month');
  const last = f.let(emitDaysInMonth(f, newYear, newMonth), 'last');
  return emitDaysFromCivil(f, newYear, newMonth, i32.select(i32.gtU(day, last), last, day));
}

/** The day of the week of a day of our dates, Monday 0. */
export function mondayIndex(days: Expr): Expr {
  // 2000 eras are whole weeks, and more than lies before 1970.
  return i32.remU(i32.add(days, 3 + 7 * 1_000_000), 7);
}
