/** The first k of many elements in an order: a heap with the last of them at its root. */
import { type Func, i32, type Local, type ModuleBuilder } from '../../wasm/index.ts';
import type { Less } from './sort.ts';

/**
 * Adds a function (heap: i32, count: i32, k: i32, element: i32) → i32 that offers a u32, as a rule
 * the address of a row, to the heap of `count` u32 at `heap`, which keeps the first `k` > 0 in the
 * order of
 * `less`. The answer is the element that is not among them: the one offered, or the one that had to
 * go for it, whose row can be used again. It is 0 while the heap is not full; the caller then
 * counts one more. Sort what is left at the end with `emitSort`. Not stable.
 */
export function emitTopK(m: ModuleBuilder, name: string, less: Less): Func {
  const params = { heap: 'i32', count: 'i32', k: 'i32', element: 'i32' } as const;
  return m.func(name, { params, results: ['i32'] }, (f) => {
    const { heap, count, k, element } = f.param;
    const place = f.local('i32', 'place');
    const other = f.local('i32', 'other');
    const neighbour = f.local('i32', 'neighbour');
    const address = (index: Local) => i32.add(heap, i32.shl(index, 2));
    f.if(i32.ltU(count, k), () => {
      // Up from the end, past parents that come before.
      f.set(place, count);
      const parent = f.local('i32', 'parent');
      f.block((done) => {
        f.while(place, () => {
          f.set(parent, i32.shrU(i32.sub(place, 1), 1));
          f.set(other, i32.load(address(parent)));
          f.brIf(done, i32.eqz(less(f, other, element)));
          f.do(i32.store(address(place), other));
          f.set(place, parent);
        });
      });
      f.do(i32.store(address(place), element));
      f.return(0);
    });
    const root = f.let(i32.load(heap), 'root');
    f.if(i32.eqz(less(f, element, root)), () => f.return(element));
    // Down from the root, past children that come behind.
    const child = f.local('i32', 'child');
    f.block((done) => {
      f.loop((again) => {
        f.set(child, i32.add(i32.shl(place, 1), 1));
        f.brIf(done, i32.geU(child, count));
        f.set(other, i32.load(address(child)));
        f.if(i32.ltU(i32.add(child, 1), count), () => {
          f.set(neighbour, i32.load(address(child), 4));
          f.if(less(f, other, neighbour), () => {
            f.set(other, neighbour);
            f.set(child, i32.add(child, 1));
          });
        });
        f.brIf(done, i32.eqz(less(f, element, other)));
        f.do(i32.store(address(place), other));
        f.set(place, child);
        f.br(again);
      });
    });
    f.do(i32.store(address(place), element));
    f.return(root);
  });
}
