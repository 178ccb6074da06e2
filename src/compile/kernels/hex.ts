import { type Func, i8x16, i32, type ModuleBuilder, v128 } from '../../wasm/index.ts';
import { once } from './kernel.ts';

/**
 * (address, length, out) → the address behind two hexadecimal digits for each byte. Reads up to 15
 * bytes past the bytes and writes up to 31 past the digits.
 */
export function emitHex(m: ModuleBuilder, which: 'lower' | 'upper'): Func {
  const params = { address: 'i32', length: 'i32', out: 'i32' } as const;
  return once(m, `hex_${which}`, (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const end = f.let(i32.add(out, i32.shl(length, 1)), 'end');
      const bytes = f.local('v128', 'bytes');
      const halves = f.local('v128', 'halves');
      const letter = (which === 'lower' ? 'a' : 'A').charCodeAt(0) - 10 - 0x30;
      const digits = i8x16.add(
        i8x16.add(halves, i8x16.const(0x30)),
        v128.and(i8x16.gtS(halves, i8x16.const(9)), i8x16.const(letter)),
      );
      const order = (from: number) =>
        Array.from({ length: 16 }, (_, i) => from + (i >> 1) + (i & 1 ? 16 : 0));
      f.while(i32.ltU(out, end), () => {
        f.set(bytes, v128.load(address, 0, 1));
        const low = f.let(v128.and(bytes, i8x16.const(15)), 'low');
        const high = f.let(i8x16.shrU(bytes, 4), 'high');
        for (const part of [0, 1]) {
          f.set(halves, i8x16.shuffle(order(8 * part), high, low));
          f.do(v128.store(out, digits, 16 * part, 1));
        }
        f.set(address, i32.add(address, 16));
        f.set(out, i32.add(out, 32));
      });
      f.return(end);
    }),
  );
}
