import { type Func, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { once } from './kernel.ts';

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
      const x = f.let(i64.load(address), 'x');
      const swap = (shift: bigint, mask: bigint): void => {
        const upper = i64.and(i64.shrU(x, shift), i64.const(mask));
        f.set(x, i64.or(upper, i64.shl(i64.and(x, i64.const(mask)), shift)));
      };
      swap(8n, 0x00ff00ff00ff00ffn);
      swap(16n, 0x0000ffff0000ffffn);
      f.set(x, i64.rotl(x, 32n));
      f.if(i32.ltU(length, 8), () => {
        const unused = i64.extendI32U(i32.sub(64, i32.shl(length, 3)));
        f.set(x, i64.shl(i64.shrU(x, unused), unused));
      });
      f.return(x);
    });
  });
}
