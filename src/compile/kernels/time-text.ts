/** Dates, times and intervals as text. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { emitCivilFromDays } from './civil.ts';
import { once } from './kernel.ts';
import { emitWholeToText, wholeTextBytes } from './number-text.ts';
import { TextWriter } from './text-writer.ts';

/** The bytes that a date, time or timestamp may write at most. */
export const timeTextBytes = 64;
/** The same of an interval. */
export const intervalTextBytes = 128 + wholeTextBytes;

const microsPerDay = 86_400_000_000n;

/** (days: i32, out) → the address behind `1998-09-02` at `out`. */
export function emitDateToText(m: ModuleBuilder): Func {
  return once(m, 'date_to_text', (name) =>
    m.func(name, { params: { days: 'i32', out: 'i32' }, results: ['i32'] }, (f) => {
      const { days, out } = f.param;
      const { year, month, day } = emitCivilFromDays(f, days);
      const writer = new TextWriter(f, out);
      writer.digits(year, 4);
      writer.byte(0x2d);
      writer.pair(month);
      writer.byte(0x2d);
      writer.pair(day);
      f.return(out);
    }),
  );
}

/**
 * (micros: i64, out) → the address behind `17:30:59.5` at `out`: hours may have more than two
 * digits, the fraction as many as it needs.
 */
export function emitClockToText(m: ModuleBuilder): Func {
  const whole = emitWholeToText(m);
  return once(m, 'clock_to_text', (name) =>
    m.func(name, { params: { micros: 'i64', out: 'i32' }, results: ['i32'] }, (f) => {
      const { micros, out } = f.param;
      const writer = new TextWriter(f, out);
      const seconds = f.let(i64.divU(micros, 1_000_000), 'seconds');
      const rest = i32.wrapI64(i64.sub(micros, i64.mul(seconds, 1_000_000)));
      const fraction = f.let(rest, 'fraction');
      const hours = f.let(i64.divU(seconds, 3600), 'hours');
      const inHour = f.let(i32.wrapI64(i64.sub(seconds, i64.mul(hours, 3600))), 'in_hour');
      f.if(
        i64.ltU(hours, 100),
        () => writer.pair(i32.wrapI64(hours)),
        () => f.set(out, whole.call(hours, 0, out)),
      );
      writer.byte(0x3a);
      const minutes = f.let(i32.divU(inHour, 60), 'minutes');
      writer.pair(minutes);
      writer.byte(0x3a);
      writer.pair(i32.sub(inHour, i32.mul(minutes, 60)));
      f.if(fraction, () => {
        writer.byte(0x2e);
        writer.digits(fraction, 6);
        f.while(i32.eq(i32.load8U(i32.sub(out, 1)), 0x30), () => f.set(out, i32.sub(out, 1)));
      });
      f.return(out);
    }),
  );
}

/** (micros: i64, out) → the address behind `1998-09-02 17:30:59.5` at `out`. */
export function emitTimestampToText(m: ModuleBuilder): Func {
  const date = emitDateToText(m);
  const clock = emitClockToText(m);
  return once(m, 'timestamp_to_text', (name) =>
    m.func(name, { params: { micros: 'i64', out: 'i32' }, results: ['i32'] }, (f) => {
      const { micros, out } = f.param;
      // A million days before 1970 is before all timestamps.
      const moved = f.let(i64.add(micros, i64.const(1_000_000n * microsPerDay)), 'moved');
      const days = f.let(i64.divU(moved, i64.const(microsPerDay)), 'days');
      const time = i64.sub(moved, i64.mul(days, i64.const(microsPerDay)));
      const day = i32.sub(i32.wrapI64(days), 1_000_000);
      f.set(out, date.call(day, out));
      new TextWriter(f, out).byte(0x20);
      f.return(clock.call(time, out));
    }),
  );
}

/** (x: i64, y: i64, out) → the address behind `1 year 2 months 3 days 04:05:06` at `out`. */
export function emitIntervalToText(m: ModuleBuilder): Func {
  const clock = emitClockToText(m);
  const whole = emitWholeToText(m);
  const params = { x: 'i64', y: 'i64', out: 'i32' } as const;
  return once(m, 'interval_to_text', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { x, y, out } = f.param;
      const start = f.let(out, 'start');
      const months = f.let(i32.wrapI64(x), 'months');
      const writer = new TextWriter(f, out);
      const space = () => f.if(i32.ne(out, start), () => writer.byte(0x20));
      const counted = (count: Expr, unit: string): void => {
        const number = f.let(count, 'count');
        f.if(number, () => {
          space();
          f.set(out, whole.call(i64.extendI32S(number), 0, out));
          writer.literal(` ${unit}`);
          const one = i32.or(i32.eq(number, 1), i32.eq(number, -1));
          f.if(i32.eqz(one), () => writer.byte('s'.charCodeAt(0)));
        });
      };
      counted(i32.divS(months, 12), 'year');
      counted(i32.remS(months, 12), 'month');
      counted(i32.wrapI64(i64.shrS(x, 32)), 'day');
      f.if(i32.or(i64.ne(y, 0), i32.eq(out, start)), () => {
        space();
        writeSigned(f, writer, y);
        f.set(out, clock.call(y, out));
      });
      f.return(out);
    }),
  );
}

function writeSigned(f: FunctionBuilder, writer: TextWriter, micros: Local): void {
  f.if(i64.ltS(micros, 0), () => {
    writer.byte(0x2d);
    f.set(micros, i64.sub(0, micros));
  });
}
