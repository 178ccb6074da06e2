/** Upper, lower and folded case: letter for letter, as the Unicode data of the host has it. */

import { type LetterCase, letterCaseEnd, letterOfCase } from '../../value/letter-case.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

/** Code points from `first` to `last`, every `step`, have their counterpart `delta` further on. */
interface CaseRange {
  readonly first: number;
  last: number;
  step: number;
  readonly delta: number;
}

const known = new Map<LetterCase, readonly CaseRange[]>();

/** All letters beyond ASCII that have a counterpart of the other case, as ranges. */
function caseRanges(which: LetterCase): readonly CaseRange[] {
  const cached = known.get(which);
  if (cached !== undefined) return cached;
  const ranges: CaseRange[] = [];
  for (let code = 0x80; code < letterCaseEnd; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const target = letterOfCase(code, which);
    if (target === code) continue;
    const range = ranges.at(-1);
    const gap = range && code - range.last;
    const starts = range?.first === range?.last;
    if (range && range.delta === target - code && (starts ? gap! <= 2 : gap === range.step)) {
      range.last = code;
      range.step = gap!;
    } else {
      ranges.push({ first: code, last: code, step: 1, delta: target - code });
    }
  }
  known.set(which, ranges);
  return ranges;
}

/** The ranges as 16 bytes each: first, last, step, delta. */
export function caseTable(which: LetterCase): Uint8Array {
  const ranges = caseRanges(which);
  return new Uint8Array(
    Int32Array.from(ranges.flatMap(({ first, last, step, delta }) => [first, last, step, delta]))
      .buffer,
  );
}

/** (code, table) → what the code point becomes; finds its range by bisection. */
function emitMapCode(m: ModuleBuilder, which: LetterCase): Func {
  const count = caseRanges(which).length;
  const params = { code: 'i32', table: 'i32' } as const;
  return once(m, `${which}_code`, (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { code, table } = f.param;
      const low = f.local('i32', 'low');
      const high = f.let(i32.const(count), 'high');
      const middle = f.local('i32', 'middle');
      // The first range whose end is not before the code.
      f.while(i32.ltU(low, high), () => {
        f.set(middle, i32.shrU(i32.add(low, high), 1));
        f.if(
          i32.ltU(i32.load(i32.add(table, i32.shl(middle, 4)), 4), code),
          () => f.set(low, i32.add(middle, 1)),
          () => f.set(high, middle),
        );
      });
      f.if(i32.eq(low, count), () => f.return(code));
      f.set(low, i32.add(table, i32.shl(low, 4)));
      const into = f.let(i32.sub(code, i32.load(low)), 'into');
      f.if(i32.ltS(into, 0), () => f.return(code));
      f.if(i32.remU(into, i32.load(low, 8)), () => f.return(code));
      f.return(i32.add(code, i32.load(low, 12)));
    }),
  );
}

/** Changes the case of 16 bytes that are all ASCII. */
function changedAscii(bytes: Expr, which: LetterCase): Expr {
  const first = which === 'upper' ? 'a' : 'A';
  const distance = i8x16.sub(bytes, i8x16.const(first.charCodeAt(0)));
  const isLetter = i8x16.ltU(distance, i8x16.const(26));
  return v128.xor(bytes, v128.and(isLetter, i8x16.const(0x20)));
}

/**
 * (address, length, out, table) → the address behind the string in the other case, written to
 * `out`. Needs room for 3/2 of `length` and 16 bytes more, since some letters of two bytes have
 * counterparts of three. `table`: the address of {@link caseTable}, 4-byte aligned.
 */
export function emitChangeCase(m: ModuleBuilder, which: LetterCase): Func {
  const mapCode = emitMapCode(m, which);
  const params = { address: 'i32', length: 'i32', out: 'i32', table: 'i32' } as const;
  return once(m, which, (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, out, table } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const bytes = f.local('v128', 'bytes');
      const code = f.local('i32', 'code');
      const ascii = f.local('i32', 'ascii');
      f.while(i32.ltU(address, end), () => {
        f.set(bytes, v128.load(address, 0, 1));
        f.do(v128.store(out, changedAscii(bytes, which), 0, 1));
        // The plain bytes before the first that is not; of 16 plain ones, bit 16 is the first.
        f.set(ascii, i32.ctz(i32.or(i8x16.bitmask(bytes), 0x10000)));
        const left = f.let(i32.sub(end, address), 'left');
        f.set(ascii, i32.select(i32.ltU(ascii, left), ascii, left));
        f.set(address, i32.add(address, ascii));
        f.set(out, i32.add(out, ascii));
        f.if(i32.and(i32.ltU(ascii, 16), i32.ltU(address, end)), () => {
          emitDecode(f, address, code);
          f.set(code, mapCode.call(code, table));
          emitEncode(f, code, out);
        });
      });
      f.return(out);
    }),
  );
}

/** Reads a character of two to four bytes and moves `address` past it. */
export function emitDecode(f: FunctionBuilder, address: Local, code: Local): void {
  const lead = f.let(i32.load8U(address), 'lead');
  const more = (at: number) => i32.and(i32.load8U(address, at), 0x3f);
  const shifted = (value: Expr, bits: number) => i32.shl(value, bits);
  f.if(
    i32.ltU(lead, 0xe0),
    () => {
      f.set(code, i32.or(shifted(i32.and(lead, 0x1f), 6), more(1)));
      f.set(address, i32.add(address, 2));
    },
    () => {
      f.if(
        i32.ltU(lead, 0xf0),
        () => {
          const high = i32.or(shifted(i32.and(lead, 0x0f), 12), shifted(more(1), 6));
          f.set(code, i32.or(high, more(2)));
          f.set(address, i32.add(address, 3));
        },
        () => {
          const high = i32.or(shifted(i32.and(lead, 0x07), 18), shifted(more(1), 12));
          f.set(code, i32.or(high, i32.or(shifted(more(2), 6), more(3))));
          f.set(address, i32.add(address, 4));
        },
      );
    },
  );
}

/** Writes a character and moves `out` past it. */
export function emitEncode(f: FunctionBuilder, code: Local, out: Local): void {
  const tail = (bits: number) => i32.or(i32.and(i32.shrU(code, bits), 0x3f), 0x80);
  const write = (lead: Expr, ...tails: Expr[]) => {
    f.do(i32.store8(out, lead));
    tails.forEach((byte, i) => {
      f.do(i32.store8(out, byte, i + 1));
    });
    f.set(out, i32.add(out, 1 + tails.length));
  };
  f.block((done) => {
    f.if(i32.ltU(code, 0x80), () => {
      write(code);
      f.br(done);
    });
    f.if(i32.ltU(code, 0x800), () => {
      write(i32.or(i32.shrU(code, 6), 0xc0), tail(0));
      f.br(done);
    });
    f.if(i32.ltU(code, 0x10000), () => {
      write(i32.or(i32.shrU(code, 12), 0xe0), tail(6), tail(0));
      f.br(done);
    });
    write(i32.or(i32.shrU(code, 18), 0xf0), tail(12), tail(6), tail(0));
  });
}
