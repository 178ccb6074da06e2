/**
 * Sorting arrays of u32, mostly addresses of rows, in an order that the caller emits. Stable, with
 * about as few comparisons as possible, for comparisons are what costs: bottom-up merge sort.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  type Local,
  type ModuleBuilder,
  memory,
} from '../../wasm/index.ts';

/**
 * Emits the comparison of two elements into `f`: an i32 that is not zero if `a` comes strictly
 * before
 * `b`. It may append statements; the answer is used at once.
 */
export type Less = (f: FunctionBuilder, a: Local, b: Local) => Expr;

/** The order of a function (a: i32, b: i32) → i32 that is negative if a comes before b. */
export function lessBy(compare: Func): Less {
  return (_, a, b) => i32.ltS(compare.call(a, b), 0);
}

const elementBytes = 4;
/** Runs of so many elements are sorted by insertion, which beats merging for so few. */
const runBytes = 8 * elementBytes;

/**
 * Adds a function (array: i32, count: i32, scratch: i32) that sorts `count` u32 at `array`.
 * `scratch` is room for as many. 4 bytes behind both are read, never written. Sorted and reversed
 * arrays take one comparison an element.
 */
export function emitSort(m: ModuleBuilder, name: string, less: Less): Func {
  const sortRun = emitSortRun(m, `${name}_run`, less);
  const merge = emitMerge(m, `${name}_merge`, less);
  const params = { array: 'i32', count: 'i32', scratch: 'i32' } as const;
  return m.func(name, { params, suspendable: true }, (f) => {
    const { array, count, scratch } = f.param;
    const bytes = f.let(i32.shl(count, 2), 'bytes');
    const low = f.local('i32', 'low');
    const middle = f.local('i32', 'middle');
    const high = f.local('i32', 'high');
    const atMost = (offset: Expr) => i32.select(i32.ltU(offset, bytes), offset, bytes);
    f.for(
      low,
      0,
      bytes,
      () => {
        f.set(high, i32.add(low, runBytes));
        f.call(sortRun, i32.add(array, low), i32.add(array, atMost(high)));
        f.checkpoint(runBytes / elementBytes);
      },
      { step: runBytes, unsigned: true },
    );
    const source = f.let(array, 'source');
    const target = f.let(scratch, 'target');
    const width = f.let(i32.const(runBytes), 'width');
    f.while(i32.ltU(width, bytes), () => {
      f.set(low, 0);
      f.while(i32.ltU(low, bytes), () => {
        f.set(middle, i32.add(low, width));
        f.set(high, i32.add(middle, width));
        f.set(middle, atMost(middle));
        f.set(high, atMost(high));
        const from = (offset: Expr) => i32.add(source, offset);
        f.call(merge, from(low), from(middle), from(high), i32.add(target, low));
        f.set(low, high);
      });
      f.set(width, i32.shl(width, 1));
      f.set(low, source);
      f.set(source, target);
      f.set(target, low);
    });
    f.if(i32.ne(source, array), () => f.do(memory.copy(array, source, bytes)));
  });
}

/** (start, end): sorts the elements between by insertion. */
function emitSortRun(m: ModuleBuilder, name: string, less: Less): Func {
  return m.func(name, { params: { start: 'i32', end: 'i32' } }, (f) => {
    const { start, end } = f.param;
    const next = f.local('i32', 'next');
    const place = f.local('i32', 'place');
    const element = f.local('i32', 'element');
    const before = f.local('i32', 'before');
    f.for(
      next,
      i32.add(start, elementBytes),
      end,
      () => {
        f.set(element, i32.load(next));
        f.set(place, next);
        f.block((done) => {
          f.loop((again) => {
            f.set(before, i32.load(i32.sub(place, elementBytes)));
            f.brIf(done, i32.eqz(less(f, element, before)));
            f.do(i32.store(place, before));
            f.set(place, i32.sub(place, elementBytes));
            f.brIf(again, i32.gtU(place, start));
          });
        });
        f.do(i32.store(place, element));
      },
      { step: elementBytes, unsigned: true },
    );
  });
}

/** (start, middle, end, out): merges the sorted runs on both sides of `middle` into `out`. */
function emitMerge(m: ModuleBuilder, name: string, less: Less): Func {
  const params = { start: 'i32', middle: 'i32', end: 'i32', out: 'i32' } as const;
  return m.func(name, { params, suspendable: true }, (f) => {
    const { start, middle, end, out } = f.param;
    const left = f.let(start, 'left');
    const right = f.let(middle, 'right');
    const a = f.local('i32', 'a');
    const b = f.local('i32', 'b');
    const takeRight = f.local('i32', 'takeRight');
    const leftBytes = i32.sub(middle, start);
    const rightBytes = i32.sub(end, middle);
    f.block((copyBoth) => {
      f.brIf(copyBoth, i32.eq(middle, end));
      f.set(a, i32.load(i32.sub(middle, elementBytes)));
      f.set(b, i32.load(middle));
      f.brIf(copyBoth, i32.eqz(less(f, b, a)));
      f.set(a, i32.load(start));
      f.set(b, i32.load(i32.sub(end, elementBytes)));
      f.if(less(f, b, a), () => {
        f.do(memory.copy(out, middle, rightBytes));
        f.do(memory.copy(i32.add(out, rightBytes), start, leftBytes));
        f.return();
      });
      f.loop((again) => {
        f.checkpoint();
        f.set(a, i32.load(left));
        f.set(b, i32.load(right));
        // Which side comes next cannot be foretold: no branch on it.
        f.set(takeRight, i32.ne(less(f, b, a), 0));
        f.do(i32.store(out, i32.select(takeRight, b, a)));
        f.set(out, i32.add(out, elementBytes));
        f.set(right, i32.add(right, i32.shl(takeRight, 2)));
        f.set(left, i32.add(left, i32.shl(i32.eqz(takeRight), 2)));
        f.brIf(again, i32.and(i32.ltU(left, middle), i32.ltU(right, end)));
      });
      f.do(memory.copy(out, left, i32.sub(middle, left)));
      f.set(out, i32.add(out, i32.sub(middle, left)));
      f.do(memory.copy(out, right, i32.sub(end, right)));
      f.return();
    });
    f.do(memory.copy(out, start, i32.sub(end, start)));
  });
}
