import { type Func, i32, i64, type Local, type ModuleBuilder, memory } from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { emitRadixSort, entryBytes } from './radix-sort.ts';

const size = entryBytes[8];
/** Runs of so many entries are sorted by insertion. */
const runBytes = 16 * size;
/** From so many on, counting bytes is faster than comparing keys. */
const radixMin = 1500;

/**
 * A function (entries: i32, count: i32, scratch: i32) that sorts entries of 16 bytes by their keys,
 * see `radix-sort.ts`, as that does, but quickly where they are few, too: by merging.
 */
export function emitSortEntries(m: ModuleBuilder): Func {
  const radixSort = emitRadixSort(m, 8);
  const sortRun = emitInsertion(m);
  const merge = emitMerge(m);
  return once(m, 'sort_entries', (name) => {
    const params = { entries: 'i32', count: 'i32', scratch: 'i32' } as const;
    return m.func(name, { params, suspendable: true }, (f) => {
      const { entries, count, scratch } = f.param;
      f.if(i32.geU(count, radixMin), () => {
        f.call(radixSort, entries, count, scratch);
        f.return();
      });
      const bytes = f.let(i32.mul(count, size), 'bytes');
      const low = f.local('i32', 'low');
      const middle = f.local('i32', 'middle');
      const high = f.local('i32', 'high');
      const upTo = (place: Local, offset: Local) => {
        f.set(place, i32.select(i32.ltU(offset, bytes), offset, bytes));
      };
      const run = (): void => {
        f.set(high, i32.add(low, runBytes));
        upTo(high, high);
        f.call(sortRun, i32.add(entries, low), i32.add(entries, high));
      };
      f.for(low, 0, bytes, run, { step: runBytes, unsigned: true });
      const source = f.let(entries, 'source');
      const target = f.let(scratch, 'target');
      const width = f.let(i32.const(runBytes), 'width');
      f.while(i32.ltU(width, bytes), () => {
        f.set(low, 0);
        f.while(i32.ltU(low, bytes), () => {
          f.set(middle, i32.add(low, width));
          f.set(high, i32.add(middle, width));
          upTo(middle, middle);
          upTo(high, high);
          const from = (offset: Local) => i32.add(source, offset);
          f.call(merge, from(low), from(middle), from(high), i32.add(target, low));
          f.set(low, high);
        });
        f.set(width, i32.shl(width, 1));
        f.set(low, source);
        f.set(source, target);
        f.set(target, low);
      });
      f.if(i32.ne(source, entries), () => f.do(memory.copy(entries, source, bytes)));
    });
  });
}

/** (start, end): sorts the entries between by insertion. */
function emitInsertion(m: ModuleBuilder): Func {
  return once(m, 'insert_entries', (name) =>
    m.func(name, { params: { start: 'i32', end: 'i32' } }, (f) => {
      const { start, end } = f.param;
      const next = f.local('i32', 'next');
      const place = f.local('i32', 'place');
      const key = f.local('i64', 'key');
      const payload = f.local('i64', 'payload');
      const insert = (): void => {
        f.set(key, i64.load(next));
        f.set(payload, i64.load(next, 8));
        f.set(place, next);
        f.block((done) => {
          f.loop((again) => {
            f.brIf(done, i64.leU(i64.load(i32.sub(place, size)), key));
            f.do(i64.store(place, i64.load(i32.sub(place, size))));
            f.do(i64.store(place, i64.load(i32.sub(place, size), 8), 8));
            f.set(place, i32.sub(place, size));
            f.brIf(again, i32.gtU(place, start));
          });
        });
        f.do(i64.store(place, key));
        f.do(i64.store(place, payload, 8));
      };
      f.for(next, i32.add(start, size), end, insert, { step: size, unsigned: true });
    }),
  );
}

/** (start, middle, end, out): merges the sorted runs on both sides of `middle` into `out`. */
function emitMerge(m: ModuleBuilder): Func {
  const params = { start: 'i32', middle: 'i32', end: 'i32', out: 'i32' } as const;
  return once(m, 'merge_entries', (name) =>
    m.func(name, { params }, (f) => {
      const { start, middle, end, out } = f.param;
      const left = f.let(start, 'left');
      const right = f.let(middle, 'right');
      const takeRight = f.local('i32', 'take_right');
      const from = f.local('i32', 'from');
      f.if(i32.ltU(middle, end), () => {
        f.loop((again) => {
          // Which side comes next cannot be foretold: no branch on it.
          f.set(takeRight, i64.ltU(i64.load(right), i64.load(left)));
          f.set(from, i32.select(takeRight, right, left));
          f.do(i64.store(out, i64.load(from)));
          f.do(i64.store(out, i64.load(from, 8), 8));
          f.set(out, i32.add(out, size));
          f.set(right, i32.add(right, i32.mul(takeRight, size)));
          f.set(left, i32.add(left, i32.mul(i32.eqz(takeRight), size)));
          f.brIf(again, i32.and(i32.ltU(left, middle), i32.ltU(right, end)));
        });
      });
      f.do(memory.copy(out, left, i32.sub(middle, left)));
      f.set(out, i32.add(out, i32.sub(middle, left)));
      f.do(memory.copy(out, right, i32.sub(end, right)));
    }),
  );
}
