import { type Func, i32, type ModuleBuilder, memory } from '../../wasm/index.ts';
import { once } from './kernel.ts';

/**
 * (address, length, plus, separator, zerosTo, out) → the address behind the digits with a sign,
 * `separator` between thousands, and zeros before them up to a width. `plus`: the code of what
 * stands before numbers that are not negative, 0 for nothing. Needs room for twice the length,
 * the width and 16 bytes more.
 */
export function emitNumberStyle(m: ModuleBuilder): Func {
  const params = {
    address: 'i32',
    length: 'i32',
    plus: 'i32',
    separator: 'i32',
    zerosTo: 'i32',
    out: 'i32',
  } as const;
  return once(m, 'number_style', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, plus, separator, zerosTo, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const limit = f.let(i32.add(out, zerosTo), 'limit');
      const isNegative = f.let(i32.eq(i32.load8U(address), 0x2d), 'isNegative');
      const sign = f.let(i32.select(isNegative, 0x2d, plus), 'sign');
      f.set(address, i32.add(address, isNegative));
      f.do(i32.store8(out, sign));
      f.set(out, i32.add(out, i32.ne(sign, 0)));
      const digitsEnd = f.let(address, 'digitsEnd');
      const isDigit = i32.ltU(i32.sub(i32.load8U(digitsEnd), 0x30), 10);
      f.while(i32.if(i32.ltU(digitsEnd, end), isDigit, 0), () => {
        f.set(digitsEnd, i32.add(digitsEnd, 1));
      });
      const digits = f.let(i32.sub(digitsEnd, address), 'digits');
      const marks = i32.select(digits, i32.divU(i32.sub(digits, 1), 3), 0);
      const width = f.let(i32.sub(end, address), 'width');
      const allMarks = i32.select(i32.ne(separator, 0), marks, 0);
      f.set(width, i32.add(width, allMarks));
      const zeros = f.let(i32.sub(i32.sub(limit, out), width), 'zeros');
      f.if(i32.gtS(zeros, 0), () => {
        f.do(memory.fill(out, 0x30, zeros));
        f.set(out, i32.add(out, zeros));
      });
      f.while(i32.ltU(address, end), () => {
        f.do(i32.store8(out, i32.load8U(address)));
        f.set(address, i32.add(address, 1));
        f.set(out, i32.add(out, 1));
        const left = f.let(i32.sub(digitsEnd, address), 'left');
        const isBetween = i32.and(i32.gtS(left, 0), i32.eqz(i32.remU(left, 3)));
        f.if(i32.and(i32.ne(separator, 0), isBetween), () => {
          f.do(i32.store8(out, separator));
          f.set(out, i32.add(out, 1));
        });
      });
      f.return(out);
    }),
  );
}
