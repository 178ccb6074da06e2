import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import {
  emitRadixSort,
  entryBytes,
  loadKey,
  payloadOffset,
  radixScratchBytes,
} from './radix-sort.ts';
import { emitSort, type Less } from './sort.ts';
import { emitSortByWords, type WordOf, wordScratchBytes } from './word-sort.ts';

/** How rows with equal keys are ordered: by comparing them, or by the rest of a text. */
export interface TiedOrder {
  readonly less: Less;
  /** The text that the key is the beginning of. */
  readonly text?: {
    readonly wordOf: WordOf;
    readonly descending: boolean;
    /** How many of its bytes the key has. */
    readonly depth: number;
  };
}

/** Room for {@link emitSortByKey} to sort `count` entries. */
export function keyScratchBytes(count: Expr, keyBytes: 4 | 8, tiedOrder?: TiedOrder): Expr {
  if (tiedOrder?.text !== undefined) return wordScratchBytes(count);
  return i32.add(i32.mul(count, entryBytes[keyBytes]), radixScratchBytes(keyBytes));
}

type SortTied = (f: FunctionBuilder, start: Local, count: Local, scratch: Local) => void;

function emitSortTied(m: ModuleBuilder, name: string, { less, text }: TiedOrder): SortTied {
  if (text === undefined) {
    const sort = emitSort(m, name, less);
    return (f, start, count, scratch) => f.call(sort, start, count, scratch);
  }
  const sort = emitSortByWords(m, name, { ...text, less });
  return (f, start, count, scratch) => f.call(sort, start, count, text.depth, scratch);
}

/**
 * Adds a function (entries: i32, count: i32, scratch: i32, out: i32) that writes the payloads of
 * `count` entries (see `radix-sort.ts`) to `out`, a u32 each, in the order of their keys; those
 * whose keys are equal in the order of `tiedOrder`. So the key may be the beginning of a longer
 * one, like the first 8 bytes of a string, and rows are only looked at where it does not decide.
 * Stable. `scratch` is as {@link keyScratchBytes} says; the entries are sorted as well, unless
 * `out` is where they are, which is allowed.
 */
export function emitSortByKey(
  m: ModuleBuilder,
  name: string,
  keyBytes: 4 | 8,
  tiedOrder?: TiedOrder,
): Func {
  const radixSort = emitRadixSort(m, keyBytes);
  const sortTied = tiedOrder && emitSortTied(m, `${name}_tied`, tiedOrder);
  const size = entryBytes[keyBytes];
  const params = { entries: 'i32', count: 'i32', scratch: 'i32', out: 'i32' } as const;
  return m.func(name, { params, suspendable: true }, (f) => {
    const { entries, count, scratch, out } = f.param;
    f.call(radixSort, entries, count, scratch);
    f.if(i32.eqz(count), () => f.return());
    const end = f.let(i32.add(entries, i32.mul(count, size)), 'end');
    const key = f.local('i64', 'key');
    const tiedKey = f.let(loadKey(entries, keyBytes), 'tiedKey');
    const tiedStart = f.let(out, 'tiedStart');
    const endOfTied = (): void => {
      if (sortTied === undefined) return;
      const tied = f.let(i32.shrU(i32.sub(out, tiedStart), 2), 'tied');
      f.if(i32.gtU(tied, 1), () => sortTied(f, tiedStart, tied, scratch));
      f.set(tiedStart, out);
    };
    f.loop((next) => {
      f.checkpoint();
      f.set(key, loadKey(entries, keyBytes));
      f.if(i64.ne(key, tiedKey), () => {
        endOfTied();
        f.set(tiedKey, key);
      });
      f.do(i32.store(out, i32.load(entries, payloadOffset[keyBytes])));
      f.set(out, i32.add(out, 4));
      f.set(entries, i32.add(entries, size));
      f.brIf(next, i32.ltU(entries, end));
    });
    endOfTied();
  });
}
