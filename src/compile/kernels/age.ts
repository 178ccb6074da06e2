import { type Func, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { emitCivilFromDays, emitDaysInMonth } from './civil.ts';
import { once } from './kernel.ts';

const microsPerDay = 86_400_000_000n;
/** Days by which timestamps are moved to be above 0: more than lie before 1970. */
const shift = 1_000_000;

/**
 * (late, early) → (months and days as in an interval, microseconds): what lies between two
 * timestamps, counted as one counts a person's age; negative if they come the other way round.
 */
export function emitAge(m: ModuleBuilder): Func {
  const params = { a: 'i64', b: 'i64' } as const;
  return once(m, 'age', (name) =>
    m.func(name, { params, results: ['i64', 'i64'] }, (f) => {
      const { a, b } = f.param;
      const ahead = f.let(i64.geS(a, b), 'ahead');
      const moved = microsPerDay * BigInt(shift);
      const split = (x: ReturnType<typeof i64.add>) => {
        const all = f.let(i64.add(x, i64.const(moved)), 'all');
        const day = f.let(i64.divU(all, i64.const(microsPerDay)), 'day');
        const time = f.let(i64.sub(all, i64.mul(day, i64.const(microsPerDay))), 'time');
        return { time, civil: emitCivilFromDays(f, i32.sub(i32.wrapI64(day), shift)) };
      };
      const late = split(i64.select(ahead, a, b));
      const early = split(i64.select(ahead, b, a));
      const [to, from] = [late.civil, early.civil];
      const micros = f.let(i64.sub(late.time, early.time), 'micros');
      const days = f.let(i32.sub(to.day, from.day), 'days');
      const years = i32.mul(i32.sub(to.year, from.year), 12);
      const months = f.let(i32.add(years, i32.sub(to.month, from.month)), 'months');
      f.if(i64.ltS(micros, 0n), () => {
        f.set(micros, i64.add(micros, i64.const(microsPerDay)));
        f.set(days, i32.sub(days, 1));
      });
      f.if(i32.ltS(days, 0), () => {
        // The month of the earlier day is given back.
        f.set(days, i32.add(days, emitDaysInMonth(f, from.year, from.month)));
        f.set(months, i32.sub(months, 1));
      });
      f.if(i32.eqz(ahead), () => {
        f.set(months, i32.sub(0, months));
        f.set(days, i32.sub(0, days));
        f.set(micros, i64.sub(0n, micros));
      });
      const packed = i64.or(i64.shl(i64.extendI32S(days), 32n), i64.extendI32U(months));
      f.return(packed, micros);
    }),
  );
}
