/**
 * Strings made of others: UTF-8, given as address and length in bytes. `room` is a function
 * (local, bytes) → address of memory for so many. Kernels that need more than
 * {@link textBytesMax} answer the length -1.
 */
import { textBytesMax } from '../../plan/functions/texts.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  memory,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { emitDecode } from './string-case.ts';
import { emitStringFind } from './string-compare.ts';
import {
  copySlack,
  emitCharacterCount,
  emitCharacterOffset,
  emitStringCopy,
} from './string-text.ts';

const oneText = { address: 'i32', length: 'i32' } as const;
const tooLong = -1;

/** How many bytes the character at an address has. */
export function characterBytes(address: Expr): Expr {
  const lead = i32.load8U(address);
  const long = i32.add(i32.add(2, i32.geU(lead, 0xe0)), i32.geU(lead, 0xf0));
  return i32.select(i32.ltU(lead, 0x80), 1, long);
}

/**
 * (local, text, from, to) → (address, length) with every occurrence of `from` replaced by `to`;
 * the text itself where there is none.
 */
export function emitReplace(m: ModuleBuilder, room: Func): Func {
  const find = emitStringFind(m);
  const copy = emitStringCopy(m);
  const params = {
    local: 'i32',
    ...oneText,
    from: 'i32',
    fromLength: 'i32',
    to: 'i32',
    toLength: 'i32',
  } as const;
  return once(m, 'replace', (name) =>
    m.func(name, { params, results: ['i32', 'i32'] }, (f) => {
      const { local, address, length, from, fromLength, to, toLength } = f.param;
      const cursor = f.let(address, 'cursor');
      const end = f.let(i32.add(address, length), 'end');
      const at = f.local('i32', 'at');
      const count = f.local('i64', 'count');
      f.if(i32.eqz(fromLength), () => f.return(address, length));
      const next = () => find.call(cursor, i32.sub(end, cursor), from, fromLength);
      f.while(i32.geS(f.tee(at, next()), 0), () => {
        f.set(count, i64.add(count, 1));
        f.set(cursor, i32.add(i32.add(cursor, at), fromLength));
      });
      f.if(i64.eqz(count), () => f.return(address, length));
      const change = i64.mul(count, i64.extendI32S(i32.sub(toLength, fromLength)));
      const total = f.let(i64.add(i64.extendI32U(length), change), 'total');
      f.if(i64.gtS(total, textBytesMax), () => f.return(0, tooLong));
      const out = f.let(room.call(local, i32.add(i32.wrapI64(total), copySlack)), 'out');
      const write = f.let(out, 'write');
      f.set(cursor, address);
      const append = (source: Expr, bytes: Expr) => {
        f.call(copy, write, source, bytes);
        f.set(write, i32.add(write, bytes));
      };
      f.while(i32.geS(f.tee(at, next()), 0), () => {
        append(cursor, at);
        append(to, toLength);
        f.set(cursor, i32.add(i32.add(cursor, at), fromLength));
      });
      append(cursor, i32.sub(end, cursor));
      f.return(out, i32.wrapI64(total));
    }),
  );
}

/**
 * (address, length, set, setLength) → (address, length) without the characters of the set on that
 * side.
 */
export function emitTrimSet(m: ModuleBuilder, side: 'leading' | 'trailing'): Func {
  const find = emitStringFind(m);
  const params = { ...oneText, set: 'i32', setLength: 'i32' } as const;
  return once(m, `trim_set_${side}`, (name) =>
    m.func(name, { params, results: ['i32', 'i32'] }, (f) => {
      const { address, length, set, setLength } = f.param;
      const bytes = f.local('i32', 'bytes');
      const at = f.local('i32', 'at');
      f.loop((again) => {
        f.if(i32.eqz(length), () => f.return(address, 0));
        if (side === 'leading') {
          f.set(bytes, characterBytes(address));
          f.set(at, address);
        } else {
          f.set(bytes, 0);
          f.loop((back) => {
            f.set(bytes, i32.add(bytes, 1));
            f.set(at, i32.sub(i32.add(address, length), bytes));
            const inside = i32.eq(i32.and(i32.load8U(at), 0xc0), 0x80);
            f.brIf(back, i32.and(inside, i32.ltU(bytes, length)));
          });
        }
        f.if(i32.geS(find.call(set, setLength, at, bytes), 0), () => {
          if (side === 'leading') f.set(address, i32.add(address, bytes));
          f.set(length, i32.sub(length, bytes));
          f.br(again);
        });
      });
      f.return(address, length);
    }),
  );
}

/**
 * (address, length, delimiter, delimiterLength, n) → (address, length) of the n-th part between
 * delimiters, which are not empty: from 1, or from -1 for the last one; without bytes if there is
 * none.
 */
export function emitSplitPart(m: ModuleBuilder): Func {
  const find = emitStringFind(m);
  const params = { ...oneText, by: 'i32', byLength: 'i32', n: 'i32' } as const;
  return once(m, 'split_part', (name) =>
    m.func(name, { params, results: ['i32', 'i32'] }, (f) => {
      const { address, length, by, byLength, n } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const at = f.local('i32', 'at');
      const next = () => find.call(address, i32.sub(end, address), by, byLength);
      f.if(i32.ltS(n, 0), () => {
        const start = f.let(address, 'start');
        f.set(n, i32.add(n, 2));
        f.while(i32.geS(f.tee(at, next()), 0), () => {
          f.set(n, i32.add(n, 1));
          f.set(address, i32.add(i32.add(address, at), byLength));
        });
        f.set(address, start);
      });
      f.if(i32.leS(n, 0), () => f.return(address, 0));
      f.loop((again) => {
        f.set(at, next());
        f.set(n, i32.sub(n, 1));
        const last = f.let(i32.ltS(at, 0), 'last');
        f.if(i32.eqz(n), () => {
          f.return(address, i32.select(last, i32.sub(end, address), at));
        });
        f.if(last, () => f.return(address, 0));
        f.set(address, i32.add(i32.add(address, at), byLength));
        f.br(again);
      });
      f.return(address, 0);
    }),
  );
}

/** (address, length, missing) → the first character's code point, `missing` if there is none. */
export function emitFirstCode(m: ModuleBuilder): Func {
  const params = { ...oneText, missing: 'i32' } as const;
  return once(m, 'first_code', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, missing } = f.param;
      f.if(i32.eqz(length), () => f.return(missing));
      const code = f.let(i32.load8U(address), 'code');
      f.if(i32.geU(code, 0x80), () => emitDecode(f, address, code));
      f.return(code);
    }),
  );
}

/**
 * (local, text, n, filler) → (address, length): cut to n characters, or filled up to them on that
 * side. Of what cannot be filled up the length is -2.
 */
export function emitPad(m: ModuleBuilder, side: 'left' | 'right', room: Func): Func {
  const count = emitCharacterCount(m);
  const offset = emitCharacterOffset(m);
  const copy = emitStringCopy(m);
  const params = {
    local: 'i32',
    ...oneText,
    n: 'i64',
    filler: 'i32',
    fillerLength: 'i32',
  } as const;
  return once(m, `pad_${side}`, (name) =>
    m.func(name, { params, results: ['i32', 'i32'] }, (f) => {
      const { local, address, length, n, filler, fillerLength } = f.param;
      const present = f.let(count.call(address, length), 'present');
      f.if(i64.leS(n, i64.extendI32U(present)), () => {
        const kept = i32.select(i64.gtS(n, 0), i32.wrapI64(n), 0);
        f.return(address, offset.call(address, length, kept));
      });
      f.if(i32.eqz(fillerLength), () => f.return(0, -2));
      f.if(i64.gtS(n, textBytesMax / 4), () => f.return(0, tooLong));
      const missing = f.let(i32.sub(i32.wrapI64(n), present), 'missing');
      const each = f.let(count.call(filler, fillerLength), 'each');
      const times = f.let(i32.divU(missing, each), 'times');
      const rest = i32.sub(missing, i32.mul(times, each));
      const restBytes = f.let(offset.call(filler, fillerLength, rest), 'rest_bytes');
      const fill = i64.add(
        i64.mul(i64.extendI32U(times), i64.extendI32U(fillerLength)),
        i64.extendI32U(restBytes),
      );
      const total = f.let(i64.add(fill, i64.extendI32U(length)), 'total');
      f.if(i64.gtS(total, textBytesMax), () => f.return(0, tooLong));
      const size = f.let(i32.wrapI64(total), 'size');
      const out = f.let(room.call(local, i32.add(size, copySlack)), 'out');
      const write = f.let(out, 'write');
      const append = (source: Expr, bytes: Expr) => {
        f.call(copy, write, source, bytes);
        f.set(write, i32.add(write, bytes));
      };
      if (side === 'right') append(address, length);
      f.while(times, () => {
        append(filler, fillerLength);
        f.set(times, i32.sub(times, 1));
      });
      append(filler, restBytes);
      if (side === 'left') append(address, length);
      f.return(out, size);
    }),
  );
}

/** (local, text, n) → (address, length) of the text n times. */
export function emitRepeat(m: ModuleBuilder, room: Func): Func {
  const params = { local: 'i32', ...oneText, n: 'i64' } as const;
  return once(m, 'repeat', (name) =>
    m.func(name, { params, results: ['i32', 'i32'] }, (f) => {
      const { local, address, length, n } = f.param;
      f.if(i32.or(i64.leS(n, 0), i32.eqz(length)), () => f.return(address, 0));
      f.if(i64.gtS(n, textBytesMax), () => f.return(0, tooLong));
      const total = f.let(i64.mul(n, i64.extendI32U(length)), 'total');
      f.if(i64.gtS(total, textBytesMax), () => f.return(0, tooLong));
      const size = f.let(i32.wrapI64(total), 'size');
      const out = f.let(room.call(local, i32.add(size, copySlack)), 'out');
      f.do(memory.copy(out, address, length));
      const done = f.let(length, 'done');
      // What is there already is copied behind itself.
      f.while(i32.ltU(done, size), () => {
        const left = f.let(i32.sub(size, done), 'left');
        const bytes = f.let(i32.select(i32.ltU(done, left), done, left), 'bytes');
        f.do(memory.copy(i32.add(out, done), out, bytes));
        f.set(done, i32.add(done, bytes));
      });
      f.return(out, size);
    }),
  );
}

/**
 * (text, from, to, out) → the address behind the text with each character of `from` replaced by
 * that of `to` at the same place, or removed. Needs room for four times the length.
 */
export function emitTranslate(m: ModuleBuilder): Func {
  const find = emitStringFind(m);
  const count = emitCharacterCount(m);
  const offset = emitCharacterOffset(m);
  const copy = emitStringCopy(m);
  const params = {
    ...oneText,
    from: 'i32',
    fromLength: 'i32',
    to: 'i32',
    toLength: 'i32',
    out: 'i32',
  } as const;
  return once(m, 'translate', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, from, fromLength, to, toLength, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const bytes = f.local('i32', 'bytes');
      const at = f.local('i32', 'at');
      f.while(i32.ltU(address, end), () => {
        f.set(bytes, characterBytes(address));
        f.set(at, find.call(from, fromLength, address, bytes));
        const source = f.let(address, 'source');
        f.set(address, i32.add(address, bytes));
        f.if(i32.geS(at, 0), () => {
          f.set(at, offset.call(to, toLength, count.call(from, at)));
          f.set(source, i32.add(to, at));
          f.set(bytes, i32.if(i32.ltU(at, toLength), characterBytes(source), 0));
        });
        f.call(copy, out, source, bytes);
        f.set(out, i32.add(out, bytes));
      });
      f.return(out);
    }),
  );
}

/** A loop over the characters of a text, each of them decoded. */
export function eachCharacter(
  f: FunctionBuilder,
  address: Local,
  end: Local,
  body: (code: Local, start: Local) => void,
): void {
  const code = f.local('i32', 'code');
  const start = f.local('i32', 'start');
  f.while(i32.ltU(address, end), () => {
    f.set(start, address);
    f.set(code, i32.load8U(address));
    f.if(
      i32.ltU(code, 0x80),
      () => f.set(address, i32.add(address, 1)),
      () => emitDecode(f, address, code),
    );
    body(code, start);
  });
}
