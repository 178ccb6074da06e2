import { isExtending, isPictograph, regionalIndicator } from '../../value/grapheme.ts';
import { type Expr, type Func, i32, type ModuleBuilder } from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { eachCharacter } from './string-make.ts';

/** Code points of clusters lie below this, but for tags and variation selectors. */
const clusterEnd = 0x20000;
const tags = { first: 0xe0000, last: 0xe0fff } as const;
const joiner = 0x200d;

interface ClusterTables {
  readonly bytes: Uint8Array;
  readonly extendingCount: number;
  readonly pictographCount: number;
}

let tables: ClusterTables | undefined;

/**
 * The ranges of code points that extend a cluster, and behind them those of pictographs: pairs of
 * first and last, each 32 bits.
 */
export function clusterTables(): ClusterTables {
  if (tables === undefined) {
    const extending = rangesOf(isExtending);
    const pictographs = rangesOf(isPictograph);
    const words = Uint32Array.from([...extending, ...pictographs].flat());
    tables = {
      bytes: new Uint8Array(words.buffer),
      extendingCount: extending.length,
      pictographCount: pictographs.length,
    };
  }
  return tables;
}

function rangesOf(holds: (code: number) => boolean): [number, number][] {
  const ranges: [number, number][] = [];
  const visit = (code: number) => {
    if ((code >= 0xd800 && code < 0xe000) || !holds(code)) return;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  };
  for (let code = 0x80; code < clusterEnd; code++) visit(code);
  for (let code = tags.first; code <= tags.last; code++) visit(code);
  return ranges;
}

/** (code, table, count) → whether one of the ranges of a table has the code point. */
function emitInRanges(m: ModuleBuilder): Func {
  const params = { code: 'i32', table: 'i32', count: 'i32' } as const;
  return once(m, 'in_ranges', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { code, table, count } = f.param;
      const low = f.local('i32', 'low');
      const middle = f.local('i32', 'middle');
      const entry = (index: Expr) => i32.add(table, i32.shl(index, 3));
      f.while(i32.ltU(low, count), () => {
        f.set(middle, i32.shrU(i32.add(low, count), 1));
        f.if(
          i32.ltU(i32.load(entry(middle), 4), code),
          () => f.set(low, i32.add(middle, 1)),
          () => f.set(count, middle),
        );
      });
      // The table is followed by bytes that belong to it, if only padding.
      f.return(
        i32.and(i32.leU(i32.load(entry(low)), code), i32.geU(i32.load(entry(low), 4), code)),
      );
    }),
  );
}

/**
 * (address, length, out, table) → the address behind the text with its clusters in reverse order,
 * see grapheme.ts. `table`: the address of {@link clusterTables}.
 */
export function emitReverse(m: ModuleBuilder): Func {
  const inRanges = emitInRanges(m);
  const { extendingCount, pictographCount } = clusterTables();
  const params = { address: 'i32', length: 'i32', out: 'i32', table: 'i32' } as const;
  return once(m, 'reverse', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, out, table } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const behind = f.let(i32.add(out, length), 'behind');
      const write = f.let(behind, 'write');
      // The bytes before the first that is not ASCII are a character each.
      f.while(i32.if(i32.ltU(address, end), i32.ltU(i32.load8U(address), 0x80), 0), () => {
        f.set(write, i32.sub(write, 1));
        f.do(i32.store8(write, i32.load8U(address)));
        f.set(address, i32.add(address, 1));
      });
      f.if(i32.eq(address, end), () => f.return(behind));
      // What was written last may be the letter of a mark that follows: it is taken back.
      f.if(i32.ne(write, behind), () => {
        f.set(write, i32.add(write, 1));
        f.set(address, i32.sub(address, 1));
      });
      const cluster = f.let(address, 'cluster');
      const before = f.local('i32', 'before');
      const indicators = f.local('i32', 'indicators');
      f.set(before, -1);
      eachCharacter(f, address, end, (code, start) => {
        const pictographs = i32.add(table, extendingCount * 8);
        const marks = i32.and(i32.gtS(before, 0x1f), i32.gtU(code, 0x7f));
        const extends_ = i32.if(marks, inRanges.call(code, table, extendingCount), 0);
        const joined = i32.if(
          i32.eq(before, joiner),
          inRanges.call(code, pictographs, pictographCount),
          0,
        );
        const { first, last } = regionalIndicator;
        const regional = f.let(i32.leU(i32.sub(code, first), last - first), 'regional');
        const flag = i32.and(regional, i32.and(indicators, 1));
        const continues = i32.or(i32.or(extends_, joined), flag);
        f.if(i32.and(i32.eqz(continues), i32.ne(start, cluster)), () => {
          const bytes = f.let(i32.sub(start, cluster), 'bytes');
          f.set(write, i32.sub(write, bytes));
          // Copies write past their end, where what came before already is: bytes one by one.
          const i = f.local('i32', 'i');
          f.for(i, 0, bytes, () => {
            f.do(i32.store8(i32.add(write, i), i32.load8U(i32.add(cluster, i))));
          });
          f.set(cluster, start);
        });
        f.set(indicators, i32.select(regional, i32.add(indicators, 1), 0));
        f.set(before, code);
      });
      const rest = f.let(i32.sub(end, cluster), 'rest');
      const i = f.local('i32', 'j');
      f.for(i, 0, rest, () => {
        f.do(i32.store8(i32.add(out, i), i32.load8U(i32.add(cluster, i))));
      });
      f.return(behind);
    }),
  );
}
