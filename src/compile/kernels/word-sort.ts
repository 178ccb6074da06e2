import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { emitSortEntries } from './entry-sort.ts';
import { entryBytes, payloadOffset, radixScratchBytes } from './radix-sort.ts';
import { emitSort, type Less } from './sort.ts';

/**
 * The eight bytes of a row's text from `depth` on, the first of them the highest, as an i64 that is
 * ordered as unsigned. Bytes behind the end are 0.
 */
export type WordOf = (f: FunctionBuilder, row: Local, depth: Local) => Expr;

export interface WordOrder {
  readonly wordOf: WordOf;
  readonly descending: boolean;
  /** The whole order, for rows whose texts are equal, or equal for long. */
  readonly less: Less;
}

const wordBytes = 8;
/** Texts that are equal so far are compared as a whole from then on. */
const depthMax = 256;
/** Bytes of a group that waits: address, count, depth. */
const groupBytes = 12;

/** Room for {@link emitSortByWords} to sort `count` rows. */
export function wordScratchBytes(count: Expr): Expr {
  const perRow = 2 * entryBytes[8] + groupBytes / 2;
  return i32.add(i32.mul(count, perRow), radixScratchBytes(8) + groupBytes);
}

/**
 * Adds a function (array: i32, count: i32, depth: i32, scratch: i32) that sorts `count` u32 at
 * `array`, addresses of rows whose texts are equal in their first `depth` bytes, by the bytes that
 * follow: rows get the next eight bytes as a key, and those that share it wait for the eight after.
 * So a text is only looked at as far as it takes to tell it apart, and never twice at one place
 * (Bentley and Sedgewick, "Fast algorithms for sorting and searching strings", SODA 1997, with
 * words in place of characters). Stable.
 */
export function emitSortByWords(m: ModuleBuilder, name: string, order: WordOrder): Func {
  const sortEntries = emitSortEntries(m);
  const sortTied = emitSort(m, `${name}_tied`, order.less);
  const params = { array: 'i32', count: 'i32', depth: 'i32', scratch: 'i32' } as const;
  return m.func(name, { params, suspendable: true }, (f) => {
    const { array, count, depth, scratch } = f.param;
    const entriesBytes = i32.mul(count, entryBytes[8]);
    const spare = f.let(i32.add(scratch, entriesBytes), 'spare');
    const bottom = f.let(i32.add(i32.add(spare, entriesBytes), radixScratchBytes(8)), 'bottom');
    const top = f.let(bottom, 'top');
    const push = (start: Expr, rows: Expr, known: Expr): void => {
      f.do(i32.store(top, start));
      f.do(i32.store(top, rows, 4));
      f.do(i32.store(top, known, 8));
      f.set(top, i32.add(top, groupBytes));
    };
    push(array, count, depth);
    f.while(i32.gtU(top, bottom), () => {
      f.checkpoint();
      f.set(top, i32.sub(top, groupBytes));
      f.set(array, i32.load(top));
      f.set(count, i32.load(top, 4));
      f.set(depth, i32.load(top, 8));
      f.if(
        i32.gtU(depth, depthMax),
        () => f.call(sortTied, array, count, scratch),
        () => {
          makeEntries(f, order, { array, count, depth, scratch });
          f.call(sortEntries, scratch, count, spare);
          takeRows(f, { array, count, scratch }, (start, rows, key) => {
            const word = order.descending ? i64.xor(key, -1n) : key;
            f.if(
              i64.eqz(i64.and(word, 0xffn)),
              // These texts have ended, or have a zero there.
              () => f.call(sortTied, start, rows, spare),
              () => push(start, rows, i32.add(depth, wordBytes)),
            );
          });
        },
      );
    });
  });
}

/** Writes an entry for each row to `scratch`. */
function makeEntries(
  f: FunctionBuilder,
  { wordOf, descending }: WordOrder,
  { array, count, depth, scratch }: Record<'array' | 'count' | 'depth' | 'scratch', Local>,
): void {
  const from = f.let(array, 'from');
  const entry = f.let(scratch, 'entry');
  const row = f.local('i32', 'row');
  const end = f.let(i32.add(array, i32.shl(count, 2)), 'end');
  f.while(i32.ltU(from, end), () => {
    f.set(row, i32.load(from));
    const word = wordOf(f, row, depth);
    f.do(i64.store(entry, descending ? i64.xor(word, -1n) : word));
    f.do(i32.store(entry, row, payloadOffset[8]));
    f.set(entry, i32.add(entry, entryBytes[8]));
    f.set(from, i32.add(from, 4));
    f.checkpoint();
  });
}

/** Writes the rows of sorted entries back, and calls `tied` for each group of equal keys. */
function takeRows(
  f: FunctionBuilder,
  { array, count, scratch }: Record<'array' | 'count' | 'scratch', Local>,
  tied: (start: Local, rows: Local, key: Local) => void,
): void {
  const entry = f.let(scratch, 'sorted');
  const out = f.let(array, 'out');
  const end = f.let(i32.add(scratch, i32.mul(count, entryBytes[8])), 'sorted_end');
  const start = f.local('i32', 'tied_start');
  const key = f.local('i64', 'tied_key');
  const rows = f.local('i32', 'tied_rows');
  f.while(i32.ltU(entry, end), () => {
    f.checkpoint();
    f.set(key, i64.load(entry));
    f.set(start, out);
    f.loop((same) => {
      f.do(i32.store(out, i32.load(entry, payloadOffset[8])));
      f.set(out, i32.add(out, 4));
      f.set(entry, i32.add(entry, entryBytes[8]));
      f.brIf(same, i32.if(i32.ltU(entry, end), i64.eq(i64.load(entry), key), 0));
    });
    f.set(rows, i32.shrU(i32.sub(out, start), 2));
    f.if(i32.gtU(rows, 1), () => tied(start, rows, key));
  });
}
