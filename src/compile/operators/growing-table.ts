import { i32, i64 } from '../../wasm/index.ts';
import type { Query } from '../query.ts';

const firstSlots = 1024;

/**
 * (area) → (): doubles the table of open addressing at `slot` of the area, or makes the first: its
 * address, then its mask. Entries are 8 bytes, the address of a row (never 0) below its hash, so
 * that rows are not touched.
 */
export function growFunction(query: Query, slot: number) {
  return query.helper(`grow_${slot}`, (name) =>
    query.module.func(name, { params: { area: 'i32' }, suspendable: true }, (f) => {
      const { area } = f.param;
      const old = f.let(i32.load(area, slot), 'old');
      const oldMask = f.let(i32.load(area, slot + 4), 'old_mask');
      const doubled = i32.sub(i32.shl(i32.add(oldMask, 1), 1), 1);
      const mask = f.let(i32.select(old, doubled, firstSlots - 1), 'mask');
      const table = f.let(query.allocate.call(i32.shl(i32.add(mask, 1), 3)), 'table');
      f.do(i32.store(area, table, slot));
      f.do(i32.store(area, mask, slot + 4));
      f.if(i32.eqz(old), () => f.return());
      const i = f.local('i32', 'i');
      const entry = f.local('i64', 'entry');
      const at = f.local('i32', 'at');
      const place = () => i32.add(table, i32.shl(at, 3));
      f.for(i, 0, i32.add(oldMask, 1), () => {
        // An entry is moved in less time than a row takes.
        f.if(i32.eqz(i32.and(i, 15)), () => f.checkpoint(4));
        f.set(entry, i64.load(i32.add(old, i32.shl(i, 3))));
        f.if(i64.ne(entry, 0n), () => {
          f.set(at, i32.and(i32.wrapI64(i64.shrU(entry, 32n)), mask));
          f.while(i32.load(place()), () => {
            f.set(at, i32.and(i32.add(at, 1), mask));
          });
          f.do(i64.store(place(), entry));
        });
      });
      f.call(query.release, old);
    }),
  );
}
