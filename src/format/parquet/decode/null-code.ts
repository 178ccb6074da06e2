/** NULLs are left out of pages: putting what is there in the places of its rows. */
import { type Func, i32, i64, type ModuleBuilder } from '../../../wasm/index.ts';
import type { IntWidth } from './layout.ts';

/** (at, count) → how many of the bytes, each 0 or 1, are 1. */
export function countOnesFunc(m: ModuleBuilder): Func {
  const params = { at: 'i32', count: 'i32' } as const;
  return m.func('count_ones', { params, results: ['i32'] }, (f) => {
    const { at, count } = f.param;
    const ones = f.local('i32', 'ones');
    f.while(i32.geU(count, 8), () => {
      f.set(ones, i32.add(ones, i32.wrapI64(i64.popcnt(i64.load(at, 0, 1)))));
      f.set(at, i32.add(at, 8));
      f.set(count, i32.sub(count, 8));
    });
    f.while(count, () => {
      f.set(ones, i32.add(ones, i32.load8U(at)));
      f.set(at, i32.add(at, 1));
      f.set(count, i32.sub(count, 1));
    });
    f.return(ones);
  });
}

const params = { data: 'i32', nulls: 'i32', rows: 'i32', values: 'i32' } as const;

/** (data, nulls, rows, values): spreads the first `values` over the rows; the others become 0. */
export function spreadFunc(m: ModuleBuilder, width: IntWidth): Func {
  const address = Math.log2(width);
  return m.func(`spread_${width}`, { params }, (f) => {
    const { data, nulls, rows, values } = f.param;
    const value = f.local(width === 8 ? 'i64' : 'i32', 'value');
    f.while(rows, () => {
      f.set(rows, i32.sub(rows, 1));
      const from = () => i32.add(data, i32.shl(values, address));
      f.if(
        i32.load8U(i32.add(nulls, rows)),
        () => f.set(value, width === 8 ? 0n : 0),
        () => {
          f.set(values, i32.sub(values, 1));
          if (width === 8) f.set(value, i64.load(from()));
          else if (width === 4) f.set(value, i32.load(from()));
          else f.set(value, width === 2 ? i32.load16U(from()) : i32.load8U(from()));
        },
      );
      const to = i32.add(data, i32.shl(rows, address));
      if (width === 8) f.do(i64.store(to, value));
      else if (width === 4) f.do(i32.store(to, value));
      else f.do(width === 2 ? i32.store16(to, value) : i32.store8(to, value));
    });
  });
}

/** The same for offsets of texts; a NULL is as long as an empty one. */
export function spreadOffsetsFunc(m: ModuleBuilder): Func {
  return m.func('spread_offsets', { params }, (f) => {
    const { data, nulls, rows, values } = f.param;
    const start = f.local('i32', 'start');
    f.set(start, i32.load(i32.add(data, i32.shl(values, 2))));
    f.do(i32.store(i32.add(data, i32.shl(rows, 2)), start));
    f.while(rows, () => {
      f.set(rows, i32.sub(rows, 1));
      f.if(i32.eqz(i32.load8U(i32.add(nulls, rows))), () => {
        f.set(values, i32.sub(values, 1));
        f.set(start, i32.load(i32.add(data, i32.shl(values, 2))));
      });
      f.do(i32.store(i32.add(data, i32.shl(rows, 2)), start));
    });
  });
}
