/**
 * Strings as sequences of characters: UTF-8, given as address and length in bytes. All of these may
 * read up to 16 bytes past a string.
 */
import { type Expr, type Func, i8x16, i32, type ModuleBuilder, v128 } from '../../wasm/index.ts';
import { once } from './kernel.ts';

const oneString = { address: 'i32', length: 'i32' } as const;

/**
 * A bit for each of the 16 bytes at `address` that begins a character: not of the form 10xxxxxx.
 */
function characterStarts(address: Expr): Expr {
  return i8x16.bitmask(i8x16.gtS(v128.load(address, 0, 1), i8x16.const(-65)));
}

function lowBits(count: Expr): Expr {
  return i32.sub(i32.shl(1, count), 1);
}

/** (address, length) → the number of characters. */
export function emitCharacterCount(m: ModuleBuilder): Func {
  return once(m, 'character_count', (name) =>
    m.func(name, { params: oneString, results: ['i32'] }, (f) => {
      const { address, length } = f.param;
      const count = f.local('i32', 'count');
      const starts = characterStarts(address);
      f.while(i32.gtU(length, 16), () => {
        f.set(count, i32.add(count, i32.popcnt(starts)));
        f.set(address, i32.add(address, 16));
        f.set(length, i32.sub(length, 16));
      });
      f.return(i32.add(count, i32.popcnt(i32.and(starts, lowBits(length)))));
    }),
  );
}

/**
 * (address, length, n) → the offset in bytes of character n, from 0; `length` if there are fewer.
 */
export function emitCharacterOffset(m: ModuleBuilder): Func {
  const params = { ...oneString, n: 'i32' } as const;
  return once(m, 'character_offset', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, n } = f.param;
      const offset = f.local('i32', 'offset');
      const starts = f.local('i32', 'starts');
      const count = f.local('i32', 'count');
      f.while(i32.ltU(offset, length), () => {
        f.set(starts, characterStarts(i32.add(address, offset)));
        f.set(count, i32.popcnt(starts));
        f.if(i32.gtU(count, n), () => {
          // Where every byte is a character, as in ASCII, there is nothing to search.
          f.if(
            i32.eq(starts, 0xffff),
            () => f.set(offset, i32.add(offset, n)),
            () => {
              f.while(n, () => {
                f.set(starts, i32.and(starts, i32.sub(starts, 1)));
                f.set(n, i32.sub(n, 1));
              });
              f.set(offset, i32.add(offset, i32.ctz(starts)));
            },
          );
          f.return(i32.select(i32.ltU(offset, length), offset, length));
        });
        f.set(n, i32.sub(n, count));
        f.set(offset, i32.add(offset, 16));
      });
      f.return(length);
    }),
  );
}

/**
 * (address, length, start, count) → (address, length) of the characters from `start`, counted from
 * 1 or, below 0, from the end, to before `start + count`, or the other way for a negative count:
 * places outside the string are cut off.
 */
export function emitSubstring(m: ModuleBuilder): Func {
  const characterOffset = emitCharacterOffset(m);
  const characterCount = emitCharacterCount(m);
  const params = { ...oneString, start: 'i32', count: 'i32' } as const;
  return once(m, 'substring', (name) =>
    m.func(name, { params, results: ['i32', 'i32'] }, (f) => {
      const { address, length, start, count } = f.param;
      f.if(i32.ltS(start, 0), () => {
        f.set(start, i32.add(i32.add(characterCount.call(address, length), start), 1));
      });
      f.if(i32.ltS(count, 0), () => {
        f.set(start, i32.add(start, count));
        f.set(count, i32.sub(0, count));
      });
      const skip = f.let(i32.sub(start, 1), 'skip');
      // What lies before the string uses up the count.
      f.if(i32.eqz(count), () => f.return(address, 0));
      f.if(i32.leS(start, 0), () => {
        f.set(skip, 0);
        const before = f.let(i32.sub(1, start), 'before');
        f.set(count, i32.select(i32.gtU(count, before), i32.sub(count, before), 0));
      });
      f.if(skip, () => {
        f.set(skip, characterOffset.call(address, length, skip));
        f.set(address, i32.add(address, skip));
        f.set(length, i32.sub(length, skip));
      });
      f.return(address, characterOffset.call(address, length, count));
    }),
  );
}

export type TrimSide = 'both' | 'leading' | 'trailing';

/** (address, length) → (address, length) without the spaces on that side. */
export function emitTrim(m: ModuleBuilder, side: TrimSide): Func {
  const space = 0x20;
  return once(m, `trim_${side}`, (name) =>
    m.func(name, { params: oneString, results: ['i32', 'i32'] }, (f) => {
      const { address, length } = f.param;
      const last = i32.load8U(i32.sub(i32.add(address, length), 1));
      if (side !== 'leading') {
        f.while(i32.if(length, i32.eq(last, space), 0), () => f.set(length, i32.sub(length, 1)));
      }
      if (side !== 'trailing') {
        f.while(i32.if(length, i32.eq(i32.load8U(address), space), 0), () => {
          f.set(address, i32.add(address, 1));
          f.set(length, i32.sub(length, 1));
        });
      }
      f.return(address, length);
    }),
  );
}

/** Bytes that {@link emitStringCopy} may write behind a string. */
export const copySlack = 16;

/**
 * (to, from, length): copies a string that does not overlap its destination, 16 bytes at a time,
 * which for short strings is faster than `memory.copy`. Writes up to 15 bytes past the copy.
 */
export function emitStringCopy(m: ModuleBuilder): Func {
  const params = { to: 'i32', from: 'i32', length: 'i32' } as const;
  return once(m, 'string_copy', (name) =>
    m.func(name, { params }, (f) => {
      const { to, from, length } = f.param;
      const offset = f.local('i32', 'offset');
      f.for(
        offset,
        0,
        length,
        () => {
          f.do(v128.store(i32.add(to, offset), v128.load(i32.add(from, offset), 0, 1), 0, 1));
        },
        { step: 16, unsigned: true },
      );
    }),
  );
}
