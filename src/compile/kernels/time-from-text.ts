/** Dates and times from text. */
import {
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { emitDaysFromCivil, emitDaysInMonth } from './civil.ts';
import { once } from './kernel.ts';
import { TextScanner } from './text-scanner.ts';

const text = { address: 'i32', length: 'i32' } as const;
const microsPerDay = 86_400_000_000n;
const colon = 0x3a;

/** A kernel over a text that answers its value, and 1 where the text stands for none. */
function reader(
  m: ModuleBuilder,
  name: string,
  read: (f: FunctionBuilder, scanner: TextScanner) => Local,
): Func {
  return once(m, name, (unique) =>
    m.func(unique, { params: text, results: ['i64', 'i32'] }, (f) => {
      const { address, length } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      f.block((wrong) => {
        const scanner = new TextScanner(f, address, end, wrong);
        scanner.skipSpaces();
        const value = read(f, scanner);
        scanner.skipSpaces();
        scanner.expectEnd();
        f.return(value, 0);
      });
      f.return(0, 1);
    }),
  );
}

/** (address, length) → (days, wrong): a date such as `1998-09-02` or `1998/9/2`. */
export function emitDateFromText(m: ModuleBuilder): Func {
  return reader(m, 'date_from_text', (f, scanner) =>
    f.let(i64.extendI32S(readDate(f, scanner)), 'value'),
  );
}

/** (address, length) → (microseconds, wrong): a time such as `17:30` or `17:30:59.5`. */
export function emitTimeFromText(m: ModuleBuilder): Func {
  return reader(m, 'time_from_text', (f, scanner) => readClock(f, scanner));
}

/**
 * (address, length) → (microseconds, wrong): a date, maybe a time behind a space or `T`, maybe an
 * offset from UTC behind that, which is applied.
 */
export function emitTimestampFromText(m: ModuleBuilder): Func {
  return reader(m, 'timestamp_from_text', (f, scanner) => {
    const days = i64.extendI32S(readDate(f, scanner));
    const micros = f.let(i64.mul(days, i64.const(microsPerDay)), 'micros');
    const before = f.let(scanner.cursor, 'before');
    const isT = i32.eq(i32.or(scanner.byte, 0x20), 't'.charCodeAt(0));
    f.if(
      isT,
      () => scanner.advance(),
      () => scanner.skipSpaces(),
    );
    f.if(i32.and(i32.ne(scanner.cursor, before), i32.ne(scanner.cursor, scanner.end)), () => {
      f.set(micros, i64.add(micros, readClock(f, scanner)));
      scanner.skipSpaces();
      readZone(f, scanner, micros);
    });
    return micros;
  });
}

/** A valid date between the years 1 and 9999, an i32. */
function readDate(f: FunctionBuilder, scanner: TextScanner): Local {
  const year = scanner.number(1, 6);
  const separator = f.let(scanner.byte, 'separator');
  const known = i32.or(i32.eq(separator, 0x2d), i32.eq(separator, 0x2f));
  f.brIf(scanner.wrong, i32.eqz(known));
  scanner.advance();
  const month = scanner.number(1, 2);
  scanner.expect(separator);
  const day = scanner.number(1, 2);
  const outside = (x: Local, max: number) => i32.geU(i32.sub(x, 1), max);
  f.brIf(scanner.wrong, i32.or(outside(year, 9999), outside(month, 12)));
  const last = emitDaysInMonth(f, year, month);
  f.brIf(scanner.wrong, i32.geU(i32.sub(day, 1), last));
  return emitDaysFromCivil(f, year, month, day);
}

/** Microseconds since midnight, an i64, at most those of a day. */
function readClock(f: FunctionBuilder, scanner: TextScanner): Local {
  const hour = scanner.number(1, 2);
  scanner.expect(colon);
  const minute = scanner.number(2, 2);
  const second = f.local('i32', 'second');
  const fraction = f.local('i32', 'fraction');
  f.set(second, 0);
  f.set(fraction, 0);
  f.if(scanner.takes(colon), () => {
    f.set(second, scanner.number(2, 2));
    f.if(scanner.takes(0x2e), () => f.set(fraction, scanner.millionths()));
  });
  const inHours = i32.add(i32.mul(i32.add(i32.mul(hour, 60), minute), 60), second);
  const total = i64.add(i64.mul(i64.extendI32U(inHours), 1_000_000), i64.extendI32U(fraction));
  const micros = f.let(total, 'clock');
  const tooLarge = i32.or(i32.gtU(minute, 59), i32.gtU(second, 60));
  f.brIf(scanner.wrong, i32.or(tooLarge, i64.gtU(micros, i64.const(microsPerDay))));
  return micros;
}

/** Takes an offset from UTC off `micros`: `Z`, `UTC`, `+02`, `-03:30`. */
function readZone(f: FunctionBuilder, scanner: TextScanner, micros: Local): void {
  f.block((done) => {
    f.brIf(done, i32.eq(scanner.cursor, scanner.end));
    const letter = f.let(i32.or(scanner.byte, 0x20), 'letter');
    f.if(i32.eq(letter, 'z'.charCodeAt(0)), () => {
      scanner.advance();
      f.br(done);
    });
    f.if(i32.eq(letter, 'u'.charCodeAt(0)), () => {
      for (const code of 'utc') {
        f.brIf(scanner.wrong, i32.ne(i32.or(scanner.byte, 0x20), code.charCodeAt(0)));
        scanner.advance();
      }
      f.br(done);
    });
    const sign = f.let(scanner.byte, 'sign');
    f.brIf(scanner.wrong, i32.and(i32.ne(sign, 0x2b), i32.ne(sign, 0x2d)));
    scanner.advance();
    const hours = scanner.number(2, 2);
    const minutes = f.local('i32', 'zone_minutes');
    f.set(minutes, 0);
    const more = f.let(i32.or(scanner.takes(colon), scanner.isDigit), 'more');
    f.if(more, () => f.set(minutes, scanner.number(2, 2)));
    f.brIf(scanner.wrong, i32.or(i32.gtU(hours, 15), i32.gtU(minutes, 59)));
    const all = i64.extendI32U(i32.add(i32.mul(hours, 60), minutes));
    const offset = f.let(i64.mul(all, 60_000_000), 'offset');
    const east = i64.sub(micros, offset);
    f.set(micros, i64.select(i32.eq(sign, 0x2b), east, i64.add(micros, offset)));
  });
}
