/**
 * Comparing strings by their bytes, which for UTF-8 is the order of code points. Strings are given
 * as address and length in bytes. All of these may read up to 16 bytes past a string.
 */
import { type Expr, type Func, i8x16, i32, type ModuleBuilder, v128 } from '../../wasm/index.ts';
import { once } from './kernel.ts';

const twoStrings = { a: 'i32', aLength: 'i32', b: 'i32', bLength: 'i32' } as const;

/** A bit for each of the 16 bytes at `a` and `b` in which they differ. */
function differences(a: Expr, b: Expr): Expr {
  return i8x16.bitmask(i8x16.ne(v128.load(a, 0, 1), v128.load(b, 0, 1)));
}

/** As many low bits as `count`, at most 31. */
function lowBits(count: Expr): Expr {
  return i32.sub(i32.shl(1, count), 1);
}

/** (a, aLength, b, bLength) → 1 if the strings are equal, else 0. */
export function emitStringEqual(m: ModuleBuilder): Func {
  return once(m, 'string_equal', (name) =>
    m.func(name, { params: twoStrings, results: ['i32'] }, (f) => {
      const { a, aLength, b, bLength } = f.param;
      const mask = f.local('i32', 'mask');
      f.if(i32.ne(aLength, bLength), () => f.return(0));
      f.loop((next) => {
        f.set(mask, differences(a, b));
        f.if(i32.leU(aLength, 16), () => f.return(i32.eqz(i32.and(mask, lowBits(aLength)))));
        f.if(mask, () => f.return(0));
        f.set(a, i32.add(a, 16));
        f.set(b, i32.add(b, 16));
        f.set(aLength, i32.sub(aLength, 16));
        f.br(next);
      });
    }),
  );
}

/** (a, aLength, b, bLength) → -1, 0 or 1 as a comes before, with or after b. */
export function emitStringCompare(m: ModuleBuilder): Func {
  return once(m, 'string_compare', (name) =>
    m.func(name, { params: twoStrings, results: ['i32'] }, (f) => {
      const { a, aLength, b, bLength } = f.param;
      const shorter = f.let(i32.select(i32.ltU(aLength, bLength), aLength, bLength), 'shorter');
      const mask = f.local('i32', 'mask');
      const place = f.local('i32', 'place');
      f.loop((next) => {
        f.set(mask, differences(a, b));
        f.if(i32.leU(shorter, 16), () => f.set(mask, i32.and(mask, lowBits(shorter))));
        f.if(mask, () => {
          f.set(place, i32.ctz(mask));
          const aByte = i32.load8U(i32.add(a, place));
          const bByte = i32.load8U(i32.add(b, place));
          f.return(i32.select(i32.ltU(aByte, bByte), -1, 1));
        });
        f.if(i32.gtU(shorter, 16), () => {
          f.set(a, i32.add(a, 16));
          f.set(b, i32.add(b, 16));
          f.set(shorter, i32.sub(shorter, 16));
          f.br(next);
        });
      });
      f.return(i32.sub(i32.gtU(aLength, bLength), i32.ltU(aLength, bLength)));
    }),
  );
}

/** (text, length, prefix, prefixLength) → 1 if the text begins with the prefix, else 0. */
export function emitStartsWith(m: ModuleBuilder): Func {
  const equal = emitStringEqual(m);
  return once(m, 'starts_with', (name) =>
    m.func(name, { params: twoStrings, results: ['i32'] }, (f) => {
      const { a, aLength, b, bLength } = f.param;
      f.if(i32.ltU(aLength, bLength), () => f.return(0));
      f.returnCall(equal, a, bLength, b, bLength);
    }),
  );
}

/** (text, length, suffix, suffixLength) → 1 if the text ends with the suffix, else 0. */
export function emitEndsWith(m: ModuleBuilder): Func {
  const equal = emitStringEqual(m);
  return once(m, 'ends_with', (name) =>
    m.func(name, { params: twoStrings, results: ['i32'] }, (f) => {
      const { a, aLength, b, bLength } = f.param;
      f.if(i32.ltU(aLength, bLength), () => f.return(0));
      f.returnCall(equal, i32.sub(i32.add(a, aLength), bLength), bLength, b, bLength);
    }),
  );
}

/**
 * (text, length, word, wordLength) → the offset in bytes of the first place where the word stands
 * in the text, -1 if there is none. An empty word stands at 0.
 */
export function emitStringFind(m: ModuleBuilder): Func {
  const equal = emitStringEqual(m);
  const params = { text: 'i32', length: 'i32', word: 'i32', wordLength: 'i32' } as const;
  return once(m, 'string_find', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { text, length, word, wordLength } = f.param;
      f.if(i32.eqz(wordLength), () => f.return(0));
      f.if(i32.ltU(length, wordLength), () => f.return(-1));
      const lastByte = f.let(i32.sub(wordLength, 1), 'lastByte');
      const lastPlace = f.let(i32.sub(length, wordLength), 'lastPlace');
      const first = f.let(i8x16.splat(i32.load8U(word)), 'first');
      const last = f.let(i8x16.splat(i32.load8U(i32.add(word, lastByte))), 'last');
      const place = f.local('i32', 'place');
      const hits = f.local('i32', 'hits');
      const found = f.local('i32', 'found');
      f.loop((next) => {
        const address = i32.add(text, place);
        const firsts = i8x16.eq(v128.load(address, 0, 1), first);
        const lasts = i8x16.eq(v128.load(i32.add(address, lastByte), 0, 1), last);
        f.set(hits, i8x16.bitmask(v128.and(firsts, lasts)));
        f.while(hits, () => {
          f.set(found, i32.add(place, i32.ctz(hits)));
          f.if(i32.gtU(found, lastPlace), () => f.return(-1));
          const here = equal.call(i32.add(text, found), wordLength, word, wordLength);
          f.if(here, () => f.return(found));
          f.set(hits, i32.and(hits, i32.sub(hits, 1)));
        });
        f.set(place, i32.add(place, 16));
        f.brIf(next, i32.leU(place, lastPlace));
      });
      f.return(-1);
    }),
  );
}
