import { type Func, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { once } from './kernel.ts';

/** (a, b) → their greatest common divisor, unsigned: that of 0 and -2^63 is 2^63. */
export function emitGcd(m: ModuleBuilder): Func {
  return once(m, 'gcd', (name) =>
    m.func(name, { params: { a: 'i64', b: 'i64' }, results: ['i64'] }, (f) => {
      const { a, b } = f.param;
      for (const x of [a, b]) f.set(x, i64.select(i64.ltS(x, 0n), i64.sub(0n, x), x));
      f.while(i64.ne(b, 0n), () => {
        const rest = f.let(i64.remU(a, b), 'rest');
        f.set(a, b);
        f.set(b, rest);
      });
      f.return(a);
    }),
  );
}
