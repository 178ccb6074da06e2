import {
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { characterLength } from './search.ts';

const percent = '%'.charCodeAt(0);
const underscore = '_'.charCodeAt(0);

/**
 * Moves `cursor` to the next byte that is `code`, or somewhere at or behind `end` if there is none.
 */
function emitSkipTo(f: FunctionBuilder, code: Local, cursor: Local, end: Local): void {
  const hits = f.local('i32', 'hits');
  f.block((found) => {
    f.loop((next) => {
      f.set(hits, i8x16.bitmask(i8x16.eq(v128.load(cursor, 0, 1), i8x16.splat(code))));
      f.if(hits, () => {
        f.set(cursor, i32.add(cursor, i32.ctz(hits)));
        f.br(found);
      });
      f.set(cursor, i32.add(cursor, 16));
      f.brIf(next, i32.ltU(cursor, end));
    });
  });
}

/**
 * LIKE with a pattern that is only known at run time: a function (address: i32, length: i32,
 * pattern: i32, patternLength: i32, escape: i32) → i32. `escape` is the ASCII code of the escape
 * character, -1 for none. The answer is 1 for a match, 0 for none, -1 for a pattern that ends with
 * the escape character.
 *
 * On a mismatch the string is tried again one character behind where the last `%` began to match;
 * no earlier `%` needs to be tried again, so the time is at most length times patternLength. May
 * read up to 15 bytes past the string.
 */
export function emitDynamicLike(m: ModuleBuilder): Func {
  return once(m, 'dynamic like', (name) => {
    const params = {
      address: 'i32',
      length: 'i32',
      pattern: 'i32',
      patternLength: 'i32',
      escapeCode: 'i32',
    } as const;
    return m.func(name, { params, results: ['i32'] }, (f) => {
      const { pattern, escapeCode } = f.param;
      const cursor = f.param.address;
      const end = f.let(i32.add(cursor, f.param.length), 'end');
      const patternEnd = f.let(i32.add(pattern, f.param.patternLength), 'patternEnd');
      /** Behind the last `%`, 0 while there was none, and where in the string it stands. */
      const retryPattern = f.local('i32', 'retryPattern');
      const retryCursor = f.local('i32', 'retryCursor');
      const code = f.local('i32', 'code');
      f.loop((next) => {
        f.block((mismatch) => {
          f.if(i32.geU(pattern, patternEnd), () => {
            f.if(i32.geU(cursor, end), () => f.return(1));
            f.br(mismatch);
          });
          f.set(code, i32.load8U(pattern));
          f.set(pattern, i32.add(pattern, 1));
          // The escape character comes first: it may be one of the wildcards.
          f.if(
            i32.eq(code, escapeCode),
            () => {
              f.if(i32.geU(pattern, patternEnd), () => f.return(-1));
              f.set(code, i32.load8U(pattern));
              f.set(pattern, i32.add(pattern, 1));
            },
            () => {
              f.if(i32.eq(code, percent), () => {
                f.set(retryPattern, pattern);
                f.set(retryCursor, cursor);
                f.br(next);
              });
              f.brIf(mismatch, i32.geU(cursor, end));
              f.if(i32.eq(code, underscore), () => {
                f.set(cursor, i32.add(cursor, characterLength(f, cursor)));
                f.br(next);
              });
            },
          );
          f.brIf(mismatch, i32.geU(cursor, end));
          f.brIf(mismatch, i32.ne(i32.load8U(cursor), code));
          f.set(cursor, i32.add(cursor, 1));
          f.br(next);
        });
        // Behind a mismatch.
        f.if(i32.or(i32.eqz(retryPattern), i32.geU(retryCursor, end)), () => f.return(0));
        f.set(retryCursor, i32.add(retryCursor, characterLength(f, retryCursor)));
        f.block((anywhere) => {
          f.brIf(anywhere, i32.geU(retryPattern, patternEnd));
          f.set(code, i32.load8U(retryPattern));
          for (const special of [escapeCode, percent, underscore]) {
            f.brIf(anywhere, i32.eq(code, special));
          }
          emitSkipTo(f, code, retryCursor, end);
        });
        f.set(cursor, retryCursor);
        f.set(pattern, retryPattern);
        f.br(next);
      });
    });
  });
}
