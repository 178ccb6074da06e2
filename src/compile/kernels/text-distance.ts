/** How far texts are from each other, by bytes. `scratch` is memory that need not be zero. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  f64,
  i8x16,
  i32,
  type Local,
  type ModuleBuilder,
  memory,
  v128,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

const twoTexts = { a: 'i32', aLength: 'i32', b: 'i32', bLength: 'i32', scratch: 'i32' } as const;

function smaller(f: FunctionBuilder, x: Expr, y: Expr): Local {
  const [first, second] = [f.let(x, 'x'), f.let(y, 'y')];
  return f.let(i32.select(i32.ltU(first, second), first, second), 'smaller');
}

/** (a, b, scratch) → the distance of Levenshtein. Needs 4 bytes for each byte of b, and 4 more. */
export function emitLevenshtein(m: ModuleBuilder): Func {
  return once(m, 'levenshtein', (name) =>
    m.func(name, { params: twoTexts, results: ['i32'] }, (f) => {
      const { a, aLength, b, bLength, scratch } = f.param;
      const [i, j] = [f.local('i32', 'i'), f.local('i32', 'j')];
      const cell = f.local('i32', 'cell');
      const [left, above, diagonal] = ['left', 'above', 'diagonal'].map((l) => f.local('i32', l));
      f.for(j, 0, i32.add(bLength, 1), () => {
        f.do(i32.store(i32.add(scratch, i32.shl(j, 2)), j));
      });
      f.for(i, 0, aLength, () => {
        const byte = f.let(i32.load8U(i32.add(a, i)), 'byte');
        f.set(diagonal, i32.load(scratch));
        f.set(left, i32.add(i, 1));
        f.do(i32.store(scratch, left));
        f.set(cell, i32.add(scratch, 4));
        f.for(j, 0, bLength, () => {
          f.set(above, i32.load(cell));
          const differs = i32.ne(byte, i32.load8U(i32.add(b, j)));
          const step = smaller(f, i32.add(left, 1), i32.add(above, 1));
          f.set(left, smaller(f, step, i32.add(diagonal, differs)));
          f.do(i32.store(cell, left));
          f.set(diagonal, above);
          f.set(cell, i32.add(cell, 4));
        });
      });
      f.return(i32.load(i32.add(scratch, i32.shl(bLength, 2))));
    }),
  );
}

/** Before the table, for each byte the last row that has it. */
const lastRows = 4 * 256;

/**
 * (a, b, scratch) → the same where two bytes may also change places (Lowrance and Wagner, "An
 * extension of the string-to-string correction problem", 1975). Needs 1024 bytes and 4 for each
 * pair of bytes, counting two more in each text.
 */
export function emitDamerau(m: ModuleBuilder): Func {
  return once(m, 'damerau_levenshtein', (name) =>
    m.func(name, { params: twoTexts, results: ['i32'] }, (f) => {
      const { a, aLength, b, bLength, scratch } = f.param;
      const [i, j] = [f.local('i32', 'i'), f.local('i32', 'j')];
      const table = f.let(i32.add(scratch, lastRows), 'table');
      const rowBytes = f.let(i32.shl(i32.add(bLength, 2), 2), 'rowBytes');
      const at = (row: Expr, column: Expr) =>
        i32.add(table, i32.add(i32.mul(row, rowBytes), i32.shl(column, 2)));
      const most = f.let(i32.add(aLength, bLength), 'most');
      f.do(memory.fill(scratch, 0, lastRows));
      f.for(i, 0, i32.add(aLength, 2), () => {
        f.do(i32.store(at(i, i32.const(0)), most));
        f.do(i32.store(at(i, i32.const(1)), i32.select(i, i32.sub(i, 1), most)));
      });
      f.for(j, 0, i32.add(bLength, 2), () => {
        f.do(i32.store(at(i32.const(0), j), most));
        f.do(i32.store(at(i32.const(1), j), i32.select(j, i32.sub(j, 1), most)));
      });
      f.for(i, 0, aLength, () => {
        const byte = f.let(i32.load8U(i32.add(a, i)), 'byte');
        const lastColumn = f.let(i32.const(0), 'lastColumn');
        f.for(j, 0, bLength, () => {
          const other = f.let(i32.load8U(i32.add(b, j)), 'other');
          const k = f.let(i32.load(i32.add(scratch, i32.shl(other, 2))), 'k');
          // Rows and columns of the table are counted from one before the text.
          const turned = i32.add(
            i32.load(at(k, lastColumn)),
            i32.add(i32.sub(i, k), i32.add(i32.sub(j, lastColumn), 1)),
          );
          const differs = f.let(i32.ne(byte, other), 'differs');
          f.if(i32.eqz(differs), () => f.set(lastColumn, i32.add(j, 1)));
          const [row, column] = [i32.add(i, 1), i32.add(j, 1)];
          const replaced = i32.add(i32.load(at(row, column)), differs);
          const put = smaller(f, i32.add(i32.load(at(i32.add(i, 2), column)), 1), turned);
          const left = smaller(f, i32.add(i32.load(at(row, i32.add(j, 2))), 1), replaced);
          f.do(i32.store(at(i32.add(i, 2), i32.add(j, 2)), smaller(f, put, left)));
        });
        f.do(i32.store(i32.add(scratch, i32.shl(byte, 2)), i32.add(i, 1)));
      });
      f.return(i32.load(at(i32.add(aLength, 1), i32.add(bLength, 1))));
    }),
  );
}

/** (a, b, scratch) → how many bytes differ of two texts of one length. Needs no scratch memory. */
export function emitHamming(m: ModuleBuilder): Func {
  return once(m, 'hamming', (name) =>
    m.func(name, { params: twoTexts, results: ['i32'] }, (f) => {
      const { a, aLength, b } = f.param;
      const i = f.local('i32', 'i');
      const count = f.local('i32', 'count');
      f.for(i, 0, aLength, () => {
        const differs = i32.ne(i32.load8U(i32.add(a, i)), i32.load8U(i32.add(b, i)));
        f.set(count, i32.add(count, differs));
      });
      f.return(count);
    }),
  );
}

/** (a, b, scratch) → the share of their different bytes that are in both. Needs 256 bytes. */
export function emitJaccard(m: ModuleBuilder): Func {
  return once(m, 'jaccard', (name) =>
    m.func(name, { params: twoTexts, results: ['f64'] }, (f) => {
      const { a, aLength, b, bLength, scratch } = f.param;
      const i = f.local('i32', 'i');
      f.do(memory.fill(scratch, 0, 256));
      const mark = (text: Local, length: Local, bit: number) => {
        f.for(i, 0, length, () => {
          const place = f.let(i32.add(scratch, i32.load8U(i32.add(text, i))), 'place');
          f.do(i32.store8(place, i32.or(i32.load8U(place), bit)));
        });
      };
      mark(a, aLength, 1);
      mark(b, bLength, 2);
      const [common, all] = [f.local('i32', 'common'), f.local('i32', 'all')];
      f.for(
        i,
        0,
        256,
        () => {
          const marks = f.let(v128.load(i32.add(scratch, i), 0, 1), 'marks');
          const isBoth = i8x16.bitmask(i8x16.eq(marks, i8x16.const(3)));
          f.set(common, i32.add(common, i32.popcnt(isBoth)));
          const isAny = i8x16.bitmask(i8x16.gtS(marks, i8x16.const(0)));
          f.set(all, i32.add(all, i32.popcnt(isAny)));
        },
        { step: 16 },
      );
      f.return(f64.div(f64.convertI32U(common), f64.convertI32U(all)));
    }),
  );
}

/**
 * (a, b, scratch) → the similarity of Jaro, with `prefixes` that of Jaro and Winkler. Needs a byte
 * for each of both texts.
 */
export function emitJaro(m: ModuleBuilder, prefixes: boolean): Func {
  return once(m, prefixes ? 'jaro_winkler' : 'jaro', (name) =>
    m.func(name, { params: twoTexts, results: ['f64'] }, (f) => {
      const { a, aLength, b, bLength, scratch } = f.param;
      const count = f.local('i32', 'count');
      emitJaroMatches(f, f.param, count);
      f.if(i32.eqz(count), () => f.return(0));
      // The bytes of b that were taken, beside those of a in the order in which they took them.
      const [j, turned] = [f.local('i32', 'j'), f.local('i32', 'turned')];
      const taken = f.let(scratch, 'taken');
      const matched = f.let(i32.add(scratch, bLength), 'matched');
      f.for(j, 0, bLength, () => {
        f.if(i32.load8U(i32.add(taken, j)), () => {
          const differs = i32.ne(i32.load8U(matched), i32.load8U(i32.add(b, j)));
          f.set(turned, i32.add(turned, differs));
          f.set(matched, i32.add(matched, 1));
        });
      });
      const real = (x: Expr) => f64.convertI32U(x);
      const share = f64.div(real(i32.sub(count, i32.shrU(turned, 1))), real(count));
      const shares = f64.add(
        f64.div(real(count), real(aLength)),
        f64.div(real(count), real(bLength)),
      );
      const similarity = f.let(f64.div(f64.add(shares, share), 3), 'similarity');
      if (!prefixes) {
        f.return(similarity);
        return;
      }
      f.if(f64.le(similarity, 0.7), () => f.return(similarity));
      const limit = smaller(f, smaller(f, aLength, bLength), i32.const(4));
      const prefix = f.local('i32', 'prefix');
      const same = i32.eq(i32.load8U(i32.add(a, prefix)), i32.load8U(i32.add(b, prefix)));
      f.while(i32.if(i32.ltU(prefix, limit), same, 0), () => f.set(prefix, i32.add(prefix, 1)));
      const bonus = f64.mul(f64.mul(real(prefix), 0.1), f64.sub(1, similarity));
      f.return(f64.add(similarity, bonus));
    }),
  );
}

interface TwoTexts {
  readonly a: Local;
  readonly aLength: Local;
  readonly b: Local;
  readonly bLength: Local;
  readonly scratch: Local;
}

/** Finds for each byte of a one of b near its place: marks those, and lists the bytes of a. */
function emitJaroMatches(
  f: FunctionBuilder,
  { a, aLength, b, bLength, scratch }: TwoTexts,
  count: Local,
): void {
  const [i, j] = [f.local('i32', 'i'), f.local('i32', 'j')];
  const longer = f.let(i32.select(i32.gtU(aLength, bLength), aLength, bLength), 'longer');
  const half = f.let(i32.shrU(longer, 1), 'half');
  const window = f.let(i32.select(half, i32.sub(half, 1), 0), 'window');
  f.do(memory.fill(scratch, 0, bLength));
  f.for(i, 0, aLength, () => {
    const byte = f.let(i32.load8U(i32.add(a, i)), 'byte');
    const start = f.let(i32.select(i32.gtU(i, window), i32.sub(i, window), 0), 'start');
    const stop = smaller(f, bLength, i32.add(i32.add(i, window), 1));
    f.for(j, start, stop, (loop) => {
      const mark = f.let(i32.add(scratch, j), 'mark');
      f.brIf(loop.continue, i32.load8U(mark));
      f.brIf(loop.continue, i32.ne(i32.load8U(i32.add(b, j)), byte));
      f.do(i32.store8(mark, 1));
      f.do(i32.store8(i32.add(i32.add(scratch, bLength), count), byte));
      f.set(count, i32.add(count, 1));
      f.br(loop.break);
    });
  });
}
