/**
 * The hybrid of runs and bit-packed groups that codes and levels are in (apache/parquet-format,
 * Encodings.md), each code replaced by its entry of a table at once.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../../wasm/index.ts';
import type { IntWidth } from './layout.ts';

const params = {
  at: 'i32',
  end: 'i32',
  width: 'i32',
  count: 'i32',
  table: 'i32',
  entries: 'i32',
  out: 'i32',
} as const;

type HybridBuilder = FunctionBuilder<typeof params>;

/** The bytes of an entry; `plain` leaves the codes as they are, four bytes each. */
type Entry = IntWidth | 'plain';

/**
 * (at, end, width, count, table, entries, out) → 1, or 0 for broken data. Codes are checked at the
 * end only: what a wrong one reads is thrown away, or traps.
 */
export function hybridFunc(m: ModuleBuilder, entry: Entry): Func {
  return m.func(`hybrid_${entry}`, { params, results: ['i32'] }, (f) => {
    new HybridReader(f, entry).emit();
  });
}

class HybridReader {
  readonly f: HybridBuilder;
  readonly entry: Entry;
  /** Bytes of what is written for a code. */
  readonly bytes: IntWidth;
  readonly code: Local;
  readonly greatest: Local;
  /** Codes of the run under way that are still to be written. */
  readonly left: Local;
  readonly mask: Local;
  readonly word: Local;

  constructor(f: HybridBuilder, entry: Entry) {
    this.f = f;
    this.entry = entry;
    this.bytes = entry === 'plain' ? 4 : entry;
    this.code = f.local('i32', 'code');
    this.greatest = f.local('i32', 'greatest');
    this.left = f.local('i32', 'left');
    this.mask = f.local('i32', 'mask');
    this.word = f.local('i64', 'word');
  }

  emit(): void {
    const { f } = this;
    const { at, end, width, count, entries } = f.param;
    const head = f.local('i32', 'head');
    const size = f.local('i32', 'size');
    f.if(i32.gtU(width, 32), () => f.return(0));
    f.set(this.mask, i32.sub(i32.select(i32.eq(width, 32), 0, i32.shl(1, width)), 1));
    f.while(count, () => {
      emitVarint(f, at, end, head);
      f.set(size, i32.shrU(head, 1));
      f.if(i32.eqz(size), () => f.return(0));
      f.if(
        i32.eqz(i32.and(head, 1)),
        () => this.#run(size),
        () => this.#groups(size),
      );
      f.set(count, i32.sub(count, size));
    });
    f.return(i32.ltU(this.greatest, entries));
  }

  /** The same code `size` times; sets `size` to how many of them are wanted. */
  #run(size: Local): void {
    const { f, code, left } = this;
    const { at, end, width, count, entries } = f.param;
    const bytes = f.let(i32.shrU(i32.add(width, 7), 3), 'bytes');
    f.if(i32.gtU(bytes, i32.sub(end, at)), () => f.return(0));
    f.set(code, i32.and(i32.load(at, 0, 1), this.mask));
    f.set(at, i32.add(at, bytes));
    this.#note();
    f.if(i32.geU(code, entries), () => f.return(0));
    f.set(size, i32.select(i32.ltU(size, count), size, count));
    f.set(left, size);
    const value = f.let(this.#lookUp(code), 'value');
    f.while(left, () => {
      this.#store(value, 0);
      this.#advance(1);
    });
  }

  /** `size` groups of eight packed codes; sets `size` to how many codes of them are wanted. */
  #groups(size: Local): void {
    const { f, left } = this;
    const { at, end, width, count } = f.param;
    // More groups than there are values left say nothing.
    const groupsMax = f.let(i32.shrU(i32.add(count, 7), 3), 'groupsMax');
    f.set(size, i32.select(i32.ltU(size, groupsMax), size, groupsMax));
    const bytes = f.let(i32.mul(size, width), 'bytes');
    f.set(left, i32.shl(size, 3));
    f.set(left, i32.select(i32.ltU(left, count), left, count));
    // Some writers cut the last group short.
    const there = f.let(i32.sub(end, at), 'there');
    f.if(i32.gtU(bytes, there), () => {
      f.set(bytes, there);
      const wanted = i64.mul(i64.extendI32U(left), i64.extendI32U(width));
      const had = i64.shl(i64.extendI32U(there), 3n);
      f.if(i64.gtU(wanted, had), () => f.return(0));
    });
    const next = f.let(i32.add(at, bytes), 'next');
    f.set(size, left);
    f.if(
      i32.leU(width, 8),
      () => this.#eightByEight(() => this.#oneWord()),
      () => f.if(i32.leU(width, 16), () => this.#eightByEight(() => this.#twoWords())),
    );
    this.#oneByOne();
    f.set(at, next);
  }

  #eightByEight(group: () => void): void {
    const { f } = this;
    f.while(i32.geU(this.left, 8), () => {
      group();
      f.set(f.param.at, i32.add(f.param.at, f.param.width));
      this.#advance(8);
    });
  }

  #oneWord(): void {
    this.f.set(this.word, i64.load(this.f.param.at, 0, 1));
    this.#fromWord(0, 8);
  }

  /** The second four codes begin in mid-byte if the width is odd. */
  #twoWords(): void {
    const { f, word } = this;
    const { at, width } = f.param;
    f.set(word, i64.load(at, 0, 1));
    this.#fromWord(0, 4);
    const odd = i64.extendI32U(i32.shl(i32.and(width, 1), 2));
    f.set(word, i64.shrU(i64.load(i32.add(at, i32.shrU(width, 1)), 0, 1), odd));
    this.#fromWord(4, 4);
  }

  #oneByOne(): void {
    const { f, left, word } = this;
    const { at, width } = f.param;
    const bit = f.local('i32', 'bit');
    f.set(bit, 0);
    f.while(left, () => {
      f.set(word, i64.load(i32.add(at, i32.shrU(bit, 3)), 0, 1));
      f.set(word, i64.shrU(word, i64.extendI32U(i32.and(bit, 7))));
      this.#fromWord(0, 1);
      f.set(bit, i32.add(bit, width));
      // Eight codes fill whole bytes, so the bits never grow many.
      f.if(i32.eq(bit, i32.shl(width, 3)), () => {
        f.set(at, i32.add(at, width));
        f.set(bit, 0);
      });
      this.#advance(1);
    });
  }

  /** Writes the codes at the low end of `word`, as the `first` and later ones from `out` on. */
  #fromWord(first: number, codes: number): void {
    const { f, code, word } = this;
    for (let k = first; k < first + codes; k++) {
      f.set(code, i32.and(i32.wrapI64(word), this.mask));
      this.#note();
      this.#store(this.#lookUp(code), k * this.bytes);
      if (k === first + codes - 1) break;
      f.set(word, i64.shrU(word, i64.extendI32U(f.param.width)));
    }
  }

  #note(): void {
    const { code, greatest } = this;
    this.f.set(greatest, i32.select(i32.gtU(code, greatest), code, greatest));
  }

  #lookUp(code: Local): Expr {
    const { table } = this.f.param;
    switch (this.entry) {
      case 'plain':
        return code;
      case 1:
        return i32.load8U(i32.add(table, code));
      case 2:
        return i32.load16U(i32.add(table, i32.shl(code, 1)));
      case 4:
        return i32.load(i32.add(table, i32.shl(code, 2)));
      case 8:
        return i64.load(i32.add(table, i32.shl(code, 3)));
    }
  }

  #store(value: Expr, offset: number): void {
    const { f } = this;
    const { out } = f.param;
    if (this.bytes === 1) f.do(i32.store8(out, value, offset));
    else if (this.bytes === 2) f.do(i32.store16(out, value, offset));
    else if (this.bytes === 4) f.do(i32.store(out, value, offset));
    else f.do(i64.store(out, value, offset));
  }

  #advance(codes: number): void {
    const { f, left } = this;
    f.set(f.param.out, i32.add(f.param.out, codes * this.bytes));
    f.set(left, i32.sub(left, codes));
  }
}

/** Reads a varint of 32 bits to `into`; the function returns 0 where it is broken. */
function emitVarint(f: HybridBuilder, at: Local, end: Local, into: Local): void {
  const shift = f.local('i32', 'shift');
  const byte = f.local('i32', 'byte');
  f.set(into, 0);
  f.set(shift, 0);
  f.loop((again) => {
    f.if(i32.geU(at, end), () => f.return(0));
    f.set(byte, i32.load8U(at));
    f.set(at, i32.add(at, 1));
    f.set(into, i32.or(into, i32.shl(i32.and(byte, 127), shift)));
    f.set(shift, i32.add(shift, 7));
    f.if(i32.geU(byte, 128), () => {
      f.if(i32.geU(shift, 35), () => f.return(0));
      f.br(again);
    });
  });
}
