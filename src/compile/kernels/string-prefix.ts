import { type Func, i8x16, i32, i64, i64x2, type ModuleBuilder, v128 } from '../../wasm/index.ts';
import { once } from './kernel.ts';

/** The lanes of eight bytes in reverse order, and again. */
const reversed = [7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0];

/**
 * A function (address: i32, length: i32) → i64: the first eight bytes of a string as a number that,
 * taken as unsigned, orders strings as their bytes do, as far as these decide. Shorter strings end
 * in zeros.
 */
export function emitStringPrefix(m: ModuleBuilder): Func {
  return once(m, 'string_prefix', (name) => {
    const params = { address: 'i32', length: 'i32' } as const;
    return m.func(name, { params, results: ['i64'] }, (f) => {
      const { address, length } = f.param;
      f.if(i32.eqz(length), () => f.return(i64.const(0)));
      // Any address can be read from: the last page of the memory is never used.
      const bytes = v128.load64Zero(address);
      const x = f.let(i64x2.extractLane(i8x16.shuffle(reversed, bytes, bytes), 0), 'x');
      f.if(i32.ltU(length, 8), () => {
        const unused = i64.extendI32U(i32.sub(64, i32.shl(length, 3)));
        f.set(x, i64.shl(i64.shrU(x, unused), unused));
      });
      f.return(x);
    });
  });
}
