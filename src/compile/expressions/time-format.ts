import { assert } from '../../base/assert.ts';
import { dayNames, monthNames, splitFormat } from '../../plan/functions/times.ts';
import { type Expr, i32, i64, type Local } from '../../wasm/index.ts';
import { emitCivilFromDays, emitYearStart, mondayIndex } from '../kernels/civil.ts';
import { emitWholeToText, wholeTextBytes } from '../kernels/number-text.ts';
import { TextWriter } from '../kernels/text-writer.ts';
import type { Scope } from '../query.ts';
import { expectInt, type IntValue, type Value } from '../value.ts';
import type { Build } from './build.ts';
import { fold } from './compile.ts';
import { clockOf, type Days, daysOf, isoWeek } from './dates.ts';
import { writtenText } from './text-room.ts';

/** Bytes of an entry of a table of names: the name, and in the last byte its length. */
const nameBytes = 16;

/** The address of a name in a table of them. */
function nameAt(names: readonly string[], index: Expr, scope: Scope): Local {
  const table = new Uint8Array(names.length * nameBytes);
  names.forEach((name, i) => {
    table.set(new TextEncoder().encode(name), i * nameBytes);
    table[i * nameBytes + nameBytes - 1] = name.length;
  });
  const start = i32.add(scope.pipeline.frame, scope.query.constantBytes(table));
  return scope.f.let(i32.add(start, i32.mul(index, nameBytes)), 'name');
}

function nameLength(name: Local): Expr {
  return i32.load8U(name, nameBytes - 1);
}

function monthIndex(days: Days, scope: Scope): Expr {
  return i32.sub(emitCivilFromDays(scope.f, days.x).month, 1);
}

function sundayIndex(days: Days): Expr {
  return i32.remU(i32.add(mondayIndex(days.x), 1), 7);
}

function named(names: readonly string[], indexOf: (days: Days, scope: Scope) => Expr): Build {
  return ([value], { args: [argument] }, scope): Value => {
    const days = daysOf(expectInt(value), argument.type, scope);
    const name = nameAt(names, indexOf(days, scope), scope);
    const { isNull } = value;
    // Of a NULL the index may be any: nothing is read there.
    const y = isNull === undefined ? nameLength(name) : i32.if(isNull, 0, nameLength(name));
    return { form: 'string', x: name, y, isNull };
  };
}

/** Writes what the specifiers of a format stand for. */
class Formatter {
  readonly #scope: Scope;
  readonly #writer: TextWriter;
  readonly #days: Days;
  readonly #clock: Local;
  #civil: ReturnType<typeof emitCivilFromDays> | undefined;

  constructor(value: IntValue, type: Parameters<typeof daysOf>[1], cursor: Local, scope: Scope) {
    this.#scope = scope;
    this.#writer = new TextWriter(scope.f, cursor);
    this.#days = daysOf(value, type, scope);
    this.#clock = scope.f.let(clockOf(value, type, scope), 'clock');
  }

  get #date() {
    this.#civil ??= emitCivilFromDays(this.#scope.f, this.#days.x);
    return this.#civil;
  }

  literal(text: string): void {
    this.#writer.literal(text);
  }

  write(specifier: string): void {
    const short = specifier.startsWith('-');
    const field = this.#field(short ? specifier.slice(1) : specifier);
    if (field === undefined) return;
    const [value, digits] = field;
    if (short) this.#number(value);
    else this.#writer.digits(value, digits);
  }

  /** As many digits as there are. */
  #number(value: Expr): void {
    const { f, query } = this.#scope;
    const { cursor } = this.#writer;
    f.set(cursor, emitWholeToText(query.module).call(i64.extendI32U(value), 0, cursor));
  }

  #name(names: readonly string[], index: Expr, length?: number): void {
    const name = nameAt(names, index, this.#scope);
    this.#writer.copy(name, length === undefined ? nameLength(name) : i32.const(length));
  }

  /** A part of the time of the day. */
  #part(size: bigint, modulus: number): Expr {
    const units = i64.divU(this.#clock, i64.const(size));
    return i32.wrapI64(i64.remU(units, i64.const(BigInt(modulus))));
  }

  /** A number, and how many digits it is written with; undefined of what is no number. */
  #field(letter: string): readonly [Expr, 1 | 2 | 3 | 4 | 6] | undefined {
    switch (letter) {
      case 'a':
        this.#name(dayNames, sundayIndex(this.#days), 3);
        return undefined;
      case 'A':
        this.#name(dayNames, sundayIndex(this.#days));
        return undefined;
      case 'b':
        this.#name(monthNames, i32.sub(this.#date.month, 1), 3);
        return undefined;
      case 'B':
        this.#name(monthNames, i32.sub(this.#date.month, 1));
        return undefined;
      case 'p': {
        const noon = i64.ltU(this.#clock, i64.const(43_200_000_000n));
        this.#writer.byte(i32.select(noon, 'A'.charCodeAt(0), 'P'.charCodeAt(0)));
        this.#writer.byte('M'.charCodeAt(0));
        return undefined;
      }
      default:
        return this.#dayField(letter) ?? this.#clockField(letter);
    }
  }

  #dayField(letter: string): readonly [Expr, 1 | 2 | 3 | 4] | undefined {
    switch (letter) {
      case 'd':
        return [this.#date.day, 2];
      case 'm':
        return [this.#date.month, 2];
      case 'y':
        return [i32.remU(this.#date.year, 100), 2];
      case 'Y':
        return [this.#date.year, 4];
      case 'j': {
        const start = emitYearStart(this.#scope.f, this.#date.year);
        return [i32.add(i32.sub(this.#days.x, start), 1), 3];
      }
      case 'w':
        return [sundayIndex(this.#days), 1];
      case 'u':
        return [i32.add(mondayIndex(this.#days.x), 1), 1];
      case 'G':
        return [isoWeek(this.#days, this.#scope).year, 4];
      case 'V':
        return [isoWeek(this.#days, this.#scope).week, 2];
      default:
        return undefined;
    }
  }

  #clockField(letter: string): readonly [Expr, 2 | 3 | 6] {
    switch (letter) {
      case 'H':
        return [this.#part(3_600_000_000n, 24), 2];
      case 'I':
        return [i32.add(i32.remU(i32.add(this.#part(3_600_000_000n, 24), 11), 12), 1), 2];
      case 'M':
        return [this.#part(60_000_000n, 60), 2];
      case 'S':
        return [this.#part(1_000_000n, 60), 2];
      case 'f':
        return [this.#part(1n, 1_000_000), 6];
      default:
        assert(letter === 'g', `%${letter} is a specifier`);
        return [this.#part(1000n, 1000), 3];
    }
  }
}

/** No specifier writes more. */
const specifierBytes = 16;

const strftime: Build = ([value], expression, scope) => {
  const [{ type }, format] = expression.args;
  const text = fold(format)?.value;
  assert(typeof text === 'string', 'the binder wants a literal');
  const parts = splitFormat(text);
  const literals = parts.reduce((sum, { literal }) => sum + 3 * literal.length, 0);
  const bytes = literals + parts.length * specifierBytes + wholeTextBytes;
  return writtenText(scope, value.isNull, bytes, (out) => {
    const cursor = scope.f.let(out, 'cursor');
    const formatter = new Formatter(expectInt(value), type, cursor, scope);
    for (const { literal, specifier } of parts) {
      formatter.literal(literal);
      if (specifier !== undefined) formatter.write(specifier);
    }
    return cursor;
  });
};

export const timeFormatFunctions: Readonly<Record<string, Build>> = {
  strftime,
  monthname: named(monthNames, monthIndex),
  dayname: named(dayNames, sundayIndex),
};
