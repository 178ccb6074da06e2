/**
 * Snappy's decompression as WebAssembly: the format is described in `snappy.ts`. Literals and
 * copies are moved sixteen bytes at a time. Far from the ends of input and output, short elements
 * need no check of them; near the ends, and for long literals, every element is checked.
 *
 *     decompress(from, to, out, outEnd) → 1 if the input at [from, to) fills [out, outEnd) exactly
 *
 * The caller leaves {@link snappySlack} bytes of room behind input and output; positions are
 * checked, so that no input makes it write elsewhere.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Label,
  type Local,
  ModuleBuilder,
  memory,
  v128,
} from '../../wasm/index.ts';
import { defineCompress } from './snappy-compress-code.ts';

/** Bytes behind input and output that may be read and written. */
export const snappySlack = 32;

/** Bytes that one short element reads or writes at most, the next word included. */
const uncheckedRoom = 80;

const params = { from: 'i32', to: 'i32', out: 'i32', outEnd: 'i32' } as const;

/** The binary module; it exports `memory` and `decompress`. */
export function snappyCode(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ name: 'snappy' });
  module.defineMemory({ min: 1, export: 'memory' });
  decompressFunc(module, true);
  defineCompress(module);
  return module.toBytes();
}

/** The function for a module whose memory has both input and output. */
export function decompressFunc(module: ModuleBuilder, exported = false): Func {
  return module.func('decompress', { params, results: ['i32'], export: exported }, (f) => {
    new Decompressor(f).emit();
  });
}

class Decompressor {
  readonly f: FunctionBuilder<typeof params>;
  readonly at: Local;
  readonly end: Local;
  readonly out: Local;
  readonly outEnd: Local;
  /** Where the output begins: copies reach back no further. */
  readonly start: Local;
  readonly tag: Local;
  readonly count: Local;
  readonly offset: Local;

  constructor(f: FunctionBuilder<typeof params>) {
    this.f = f;
    this.at = f.param.from;
    this.end = f.param.to;
    this.out = f.param.out;
    this.outEnd = f.param.outEnd;
    this.start = f.local('i32', 'start');
    this.tag = f.local('i32', 'tag');
    this.count = f.local('i32', 'count');
    this.offset = f.local('i32', 'offset');
  }

  emit(): void {
    const { f, at, out, tag, count } = this;
    f.set(this.start, out);
    f.block((broken) => {
      f.while(i32.ltU(at, this.end), ({ continue: next }) => {
        this.#unchecked(broken);
        f.brIf(next, i32.geU(at, this.end));
        f.set(tag, i32.load8U(at));
        f.set(at, i32.add(at, 1));
        f.if(i32.eqz(i32.and(tag, 3)), () => {
          this.#literal(broken);
          f.br(next);
        });
        this.#copyHead();
        this.#checkOffset(broken);
        f.brIf(broken, i32.gtU(count, i32.sub(this.outEnd, out)));
        this.#copy();
      });
      f.return(i32.and(i32.eq(at, this.end), i32.eq(out, this.outEnd)));
    });
    f.return(0);
  }

  /** Elements of at most 64 bytes while both sides have room for them, whatever they say. */
  #unchecked(broken: Label): void {
    const { f, at, end, out, outEnd, tag, count, offset } = this;
    const roomy = () =>
      i32.and(
        i32.gtU(i32.sub(end, at), uncheckedRoom),
        i32.gtU(i32.sub(outEnd, out), uncheckedRoom),
      );
    f.block((leave) => {
      f.loop((again) => {
        f.brIf(leave, i32.eqz(roomy()));
        f.set(tag, i32.load(at, 0, 1));
        f.set(count, i32.add(i32.and(i32.shrU(tag, 2), 63), 1));
        f.if(i32.eqz(i32.and(tag, 3)), () => {
          f.brIf(leave, i32.gtU(count, 60));
          f.do(v128.store(out, v128.load(at, 1, 1), 0, 1));
          f.if(i32.gtU(count, 16), () => {
            for (const k of [16, 32, 48]) f.do(v128.store(out, v128.load(at, k + 1, 1), k, 1));
          });
          f.set(at, i32.add(i32.add(at, count), 1));
          f.set(out, i32.add(out, count));
          f.br(again);
        });
        f.if(
          i32.eq(i32.and(tag, 3), 1),
          () => {
            f.set(count, i32.add(i32.and(i32.shrU(tag, 2), 7), 4));
            const low = i32.and(i32.shrU(tag, 8), 255);
            f.set(offset, i32.or(i32.shl(i32.and(tag, 0xe0), 3), low));
            f.set(at, i32.add(at, 2));
          },
          () => {
            f.brIf(leave, i32.eq(i32.and(tag, 3), 3));
            f.set(offset, i32.and(i32.shrU(tag, 8), 0xffff));
            f.set(at, i32.add(at, 3));
          },
        );
        this.#checkOffset(broken);
        this.#copy();
        f.br(again);
      });
    });
  }

  /** An offset of zero is beyond any distance once one is taken off. */
  #checkOffset(broken: Label): void {
    const back = i32.sub(this.out, this.start);
    this.f.brIf(broken, i32.geU(i32.sub(this.offset, 1), back));
  }

  #literal(broken: Label): void {
    const { f, at, out, count, tag } = this;
    f.set(count, i32.add(i32.shrU(tag, 2), 1));
    f.if(i32.gtU(count, 60), () => {
      // One to four bytes of length, of which the upper ones are cut away.
      const extra = i32.sub(count, 60);
      f.set(this.offset, extra);
      const bits = i32.shl(i32.sub(4, this.offset), 3);
      f.set(count, i32.add(i32.shrU(i32.shl(i32.load(at, 0, 1), bits), bits), 1));
      f.set(at, i32.add(at, this.offset));
    });
    f.brIf(broken, i32.gtU(at, this.end));
    f.brIf(broken, i32.gtU(count, i32.sub(this.end, at)));
    f.brIf(broken, i32.gtU(count, i32.sub(this.outEnd, out)));
    f.if(
      i32.leU(count, 16),
      () => f.do(v128.store(out, v128.load(at, 0, 1), 0, 1)),
      () => f.do(memory.copy(out, at, count)),
    );
    f.set(at, i32.add(at, count));
    f.set(out, i32.add(out, count));
  }

  /** Sets `count` and `offset` of a copy. */
  #copyHead(): void {
    const { f, at, tag, count, offset } = this;
    f.if(
      i32.eq(i32.and(tag, 3), 1),
      () => {
        f.set(count, i32.add(i32.and(i32.shrU(tag, 2), 7), 4));
        f.set(offset, i32.or(i32.shl(i32.shrU(tag, 5), 8), i32.load8U(at)));
        f.set(at, i32.add(at, 1));
      },
      () => {
        f.set(count, i32.add(i32.shrU(tag, 2), 1));
        const long = i32.eq(i32.and(tag, 3), 3);
        f.set(offset, i32.if(long, i32.load(at, 0, 1), i32.load16U(at, 0, 1)));
        f.set(at, i32.add(at, i32.select(i32.eq(i32.and(tag, 3), 3), 4, 2)));
      },
    );
  }

  /** Copies `count` bytes, 1 to 64, from `offset` back; where they overlap, they repeat. */
  #copy(): void {
    const { f, out, count, offset } = this;
    const done = f.local('i32', 'done');
    const step = (width: number, move: (to: Expr, from: Expr) => void) => {
      f.set(done, 0);
      f.loop((again) => {
        const to = i32.add(out, done);
        move(to, i32.sub(to, offset));
        f.set(done, i32.add(done, width));
        f.brIf(again, i32.ltU(done, count));
      });
    };
    f.if(
      i32.or(i32.geU(offset, 16), i32.leU(count, offset)),
      () => step(16, (to, from) => f.do(v128.store(to, v128.load(from, 0, 1), 0, 1))),
      () =>
        f.if(
          i32.geU(offset, 8),
          () => step(8, (to, from) => f.do(i64.store(to, i64.load(from, 0, 1), 0, 1))),
          () => step(1, (to, from) => f.do(i32.store8(to, i32.load8U(from)))),
        ),
    );
    f.set(out, i32.add(out, count));
  }
}
