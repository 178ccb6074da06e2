/** Texts and bytes: put back to back, with an offset each. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  type Local,
  type ModuleBuilder,
  memory,
  v128,
} from '../../../wasm/index.ts';

/** Copies of at most so many bytes are done here; `memory.copy` is a call. */
const shortTextMax = 64;

/** Copies `count` bytes sixteen at a time, into and out of the slack. */
function copyText(
  f: Pick<FunctionBuilder, 'if' | 'do' | 'while' | 'set' | 'local'>,
  to: Local,
  from: Local,
  count: Local,
  done: Local,
): void {
  const move = (offset: Expr | 0) => {
    const target = offset === 0 ? to : i32.add(to, offset);
    const source = offset === 0 ? from : i32.add(from, offset);
    f.do(v128.store(target, v128.load(source, 0, 1), 0, 1));
  };
  f.if(
    i32.leU(count, shortTextMax),
    () => {
      move(0);
      f.set(done, 16);
      f.while(i32.ltU(done, count), () => {
        move(done);
        f.set(done, i32.add(done, 16));
      });
    },
    () => f.do(memory.copy(to, from, count)),
  );
}

/** What makes a text fail: the page is broken, or the heap is full. */
export const textResult = { broken: -1, full: -2 } as const;

const plainParams = {
  at: 'i32',
  end: 'i32',
  count: 'i32',
  offsets: 'i32',
  heap: 'i32',
  used: 'i32',
  room: 'i32',
} as const;

/**
 * (at, end, count, offsets, heap, used, room) → bytes of the heap in use, or a
 * {@link textResult}: texts with their lengths in front of them.
 */
export function plainTextsFunc(m: ModuleBuilder): Func {
  return m.func('plain_texts', { params: plainParams, results: ['i32'] }, (f) => {
    const { at, end, count, offsets, heap, used, room } = f.param;
    const length = f.local('i32', 'length');
    const to = f.local('i32', 'to');
    const done = f.local('i32', 'done');
    f.while(count, () => {
      f.do(i32.store(offsets, used));
      f.set(offsets, i32.add(offsets, 4));
      f.if(i32.ltU(i32.sub(end, at), 4), () => f.return(textResult.broken));
      f.set(length, i32.load(at, 0, 1));
      f.set(at, i32.add(at, 4));
      f.if(i32.gtU(length, i32.sub(end, at)), () => f.return(textResult.broken));
      f.if(i32.gtU(length, i32.sub(room, used)), () => f.return(textResult.full));
      f.set(to, i32.add(heap, used));
      copyText(f, to, at, length, done);
      f.set(at, i32.add(at, length));
      f.set(used, i32.add(used, length));
      f.set(count, i32.sub(count, 1));
    });
    f.do(i32.store(offsets, used));
    f.return(used);
  });
}

const codedParams = {
  codes: 'i32',
  count: 'i32',
  table: 'i32',
  entryBytes: 'i32',
  offsets: 'i32',
  heap: 'i32',
  used: 'i32',
  room: 'i32',
} as const;

/** The same for codes into a dictionary, whose texts lie at `entryBytes` by the offsets `table`. */
export function codedTextsFunc(m: ModuleBuilder): Func {
  return m.func('coded_texts', { params: codedParams, results: ['i32'] }, (f) => {
    const { codes, count, table, entryBytes, offsets, heap, used, room } = f.param;
    const entry = f.local('i32', 'entry');
    const from = f.local('i32', 'from');
    const length = f.local('i32', 'length');
    const to = f.local('i32', 'to');
    const done = f.local('i32', 'done');
    f.while(count, () => {
      f.do(i32.store(offsets, used));
      f.set(offsets, i32.add(offsets, 4));
      f.set(entry, i32.add(table, i32.shl(i32.load(codes), 2)));
      f.set(codes, i32.add(codes, 4));
      f.set(from, i32.load(entry));
      f.set(length, i32.sub(i32.load(entry, 4), from));
      f.if(i32.gtU(length, i32.sub(room, used)), () => f.return(textResult.full));
      f.set(from, i32.add(entryBytes, from));
      f.set(to, i32.add(heap, used));
      copyText(f, to, from, length, done);
      f.set(used, i32.add(used, length));
      f.set(count, i32.sub(count, 1));
    });
    f.do(i32.store(offsets, used));
    f.return(used);
  });
}

/** (from, to) → whether a byte has its highest bit set; reads up to 15 bytes beyond. */
export function notAsciiFunc(m: ModuleBuilder): Func {
  const params = { from: 'i32', to: 'i32' } as const;
  return m.func('not_ascii', { params, results: ['i32'] }, (f) => {
    const { from, to } = f.param;
    const left = f.local('i32', 'left');
    f.while(i32.ltU(from, to), () => {
      const high = f.let(i8x16.bitmask(v128.load(from, 0, 1)), 'high');
      f.set(left, i32.sub(to, from));
      f.if(i32.ltU(left, 16), () => f.set(high, i32.and(high, i32.sub(i32.shl(1, left), 1))));
      f.if(high, () => f.return(1));
      f.set(from, i32.add(from, 16));
    });
    f.return(0);
  });
}
