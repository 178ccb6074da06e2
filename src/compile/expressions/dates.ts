import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { CallExpression } from '../../plan/expression.ts';
import { civilFromDays } from '../../value/date.ts';
import { microsPerDay } from '../../value/time.ts';
import { type Expr, i64 } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import type { IntValue } from '../value.ts';
import { floorDivide } from './cast.ts';
import { compileExpression } from './compile.ts';

/**
 * EXTRACT of fields that follow from the day; see `date.ts` of the value layer for the algorithm.
 */
export function compileExtract(expression: CallExpression, scope: Scope): IntValue {
  const value = compileExpression(expression.args[0], scope);
  assert(value.form === 'int', 'dates and timestamps are integers');
  const field = expression.name.slice('extract_'.length);
  const isDate = expression.args[0].type.kind === 'date';
  const days = isDate
    ? value
    : {
        ...value,
        x: floorDivide(value, microsPerDay),
        range: rangeOf(value.range.min / microsPerDay - 1n, value.range.max / microsPerDay),
      };
  const { isNull } = value;
  if (field === 'year') {
    const year = (day: bigint) => BigInt(civilFromDays(Number(day)).year);
    const range = rangeOf(year(days.range.min), year(days.range.max));
    return { form: 'int', x: civil(days, scope).year, range, isNull };
  }
  if (field === 'month') {
    return { form: 'int', x: civil(days, scope).month, range: rangeOf(1n, 12n), isNull };
  }
  if (field === 'day') {
    return { form: 'int', x: civil(days, scope).day, range: rangeOf(1n, 31n), isNull };
  }
  throw new QuernError(
    sqlState.featureNotSupported,
    `EXTRACT of ${field.toUpperCase()} is not supported yet`,
  );
}

/** Year, month and day of days since 1970-01-01, all arithmetic on what is not negative. */
function civil(days: IntValue, scope: Scope): { year: Expr; month: Expr; day: Expr } {
  const { f } = scope;
  // Eras of 400 years start on 1 March; 2000 of them before 1970 keep all terms positive.
  const eras = 2000n;
  const shifted = f.let(i64.add(days.x, i64.const(719468n + eras * 146097n)), 'shifted');
  const era = f.let(i64.divU(shifted, 146097n), 'era');
  const dayOfEra = f.let(i64.sub(shifted, i64.mul(era, 146097n)), 'day_of_era');
  const leaps = i64.sub(
    i64.add(i64.divU(dayOfEra, 36524n), dayOfEra),
    i64.add(i64.divU(dayOfEra, 1460n), i64.divU(dayOfEra, 146096n)),
  );
  const yearOfEra = f.let(i64.divU(leaps, 365n), 'year_of_era');
  const daysBefore = i64.sub(
    i64.add(i64.mul(yearOfEra, 365n), i64.divU(yearOfEra, 4n)),
    i64.divU(yearOfEra, 100n),
  );
  const dayOfYear = f.let(i64.sub(dayOfEra, daysBefore), 'day_of_year');
  const fromMarch = f.let(i64.divU(i64.add(i64.mul(dayOfYear, 5n), 2n), 153n), 'from_march');
  const early = i64.extendI32U(i64.geU(fromMarch, 10n));
  const month = i64.add(fromMarch, i64.select(i64.ltU(fromMarch, 10n), 3n, -9n));
  const day = i64.add(i64.sub(dayOfYear, i64.divU(i64.add(i64.mul(fromMarch, 153n), 2n), 5n)), 1n);
  const year = i64.sub(
    i64.add(i64.add(yearOfEra, i64.mul(era, 400n)), early),
    i64.const(eras * 400n),
  );
  return { year, month, day };
}
