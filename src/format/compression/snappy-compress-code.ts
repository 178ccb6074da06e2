/**
 * Snappy's compression as WebAssembly: greedy matching of four bytes by a hash table of positions;
 * strides grow where nothing matches. Blocks begin with an empty table, so copies reach back less
 * than 64 KiB.
 *
 *     compress(from, to, out, table) → the end of the output
 *
 * The output has room for the worst case ({@link compressedBytesMax}); {@link snappySlack} bytes
 * behind the input are readable.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  memory,
  v128,
} from '../../wasm/index.ts';

const hashBits = 14;
/** Bytes of the table: a position of 16 bits for each hash. */
export const hashTableBytes = 2 << hashBits;
/** Copies reach back so far at most; so blocks of this size need no check of the distance. */
const blockBytes = 65536;

export function compressedBytesMax(bytes: number): number {
  return 32 + bytes + Math.ceil(bytes / 6);
}

const blockParams = { from: 'i32', to: 'i32', out: 'i32', table: 'i32' } as const;

/** Both functions of the module; `compress` is exported. */
export function defineCompress(m: ModuleBuilder): void {
  const literal = literalFunc(m);
  const copy = copyFunc(m);
  const block = m.func('compress_block', { params: blockParams, results: ['i32'] }, (f) => {
    new BlockCompressor(f, literal, copy).emit();
  });
  m.func('compress', { params: blockParams, results: ['i32'], export: true }, (f) => {
    const { from, to, out, table } = f.param;
    const end = f.local('i32', 'end');
    f.while(i32.ltU(from, to), () => {
      f.do(memory.fill(table, 0, hashTableBytes));
      const left = f.let(i32.sub(to, from), 'left');
      f.set(end, i32.add(from, i32.select(i32.ltU(left, blockBytes), left, blockBytes)));
      f.set(out, block.call(from, end, out, table));
      f.set(from, end);
    });
    f.return(out);
  });
}

class BlockCompressor {
  readonly f: FunctionBuilder<typeof blockParams>;
  readonly literal: Func;
  readonly copy: Func;
  readonly at: Local;
  readonly candidate: Local;
  readonly length: Local;

  constructor(f: FunctionBuilder<typeof blockParams>, literal: Func, copy: Func) {
    this.f = f;
    this.literal = literal;
    this.copy = copy;
    this.at = f.local('i32', 'at');
    this.candidate = f.local('i32', 'candidate');
    this.length = f.local('i32', 'length');
  }

  emit(): void {
    const { f, at, candidate, length } = this;
    const { from, to, out, table } = f.param;
    const pending = f.let(from, 'pending');
    const misses = f.let(i32.const(32), 'misses');
    const word = f.local('i32', 'word');
    const slot = f.local('i32', 'slot');
    f.set(at, i32.add(from, 1));
    f.while(i32.geS(i32.sub(i32.sub(to, at), 4), 0), ({ continue: next }) => {
      f.set(word, i32.load(at, 0, 1));
      const hash = i32.shrU(i32.mul(word, 0x1e35a7bd), 32 - hashBits);
      f.set(slot, i32.add(table, i32.shl(hash, 1)));
      f.set(candidate, i32.add(from, i32.load16U(slot)));
      f.do(i32.store16(slot, i32.sub(at, from)));
      const misfit = i32.ne(i32.load(candidate, 0, 1), word);
      f.if(i32.or(i32.geU(candidate, at), misfit), () => {
        f.set(at, i32.add(at, i32.shrU(misses, 5)));
        f.set(misses, i32.add(misses, 1));
        f.br(next);
      });
      f.set(misses, 32);
      this.#measure();
      f.set(out, this.literal.call(pending, at, out));
      f.set(out, this.copy.call(i32.sub(at, candidate), length, out));
      f.set(at, i32.add(at, length));
      f.set(pending, at);
    });
    f.return(this.literal.call(pending, to, out));
  }

  /** Sets `length` to the bytes that agree, eight at a time; no further than the block's end. */
  #measure(): void {
    const { f, at, candidate, length } = this;
    const room = f.let(i32.sub(f.param.to, at), 'room');
    const differences = f.local('i64', 'differences');
    f.set(length, 4);
    f.block((done) => {
      f.loop((more) => {
        f.brIf(done, i32.geU(length, room));
        const here = i64.load(i32.add(at, length), 0, 1);
        f.set(differences, i64.xor(here, i64.load(i32.add(candidate, length), 0, 1)));
        f.if(i64.ne(differences, 0n), () => {
          const same = i32.shrU(i32.wrapI64(i64.ctz(differences)), 3);
          f.set(length, i32.add(length, same));
          f.br(done);
        });
        f.set(length, i32.add(length, 8));
        f.br(more);
      });
    });
    f.set(length, i32.select(i32.ltU(length, room), length, room));
  }
}

/** (from, to, out) → the end of the output: the bytes as they are. */
function literalFunc(m: ModuleBuilder): Func {
  const params = { from: 'i32', to: 'i32', out: 'i32' } as const;
  return m.func('put_literal', { params, results: ['i32'] }, (f) => {
    const { from, to, out } = f.param;
    const length = f.let(i32.sub(to, from), 'length');
    f.if(i32.eqz(length), () => f.return(out));
    const last = i32.sub(length, 1);
    const head = (bytes: number, value: Expr) => {
      f.do(i32.store(out, value, 0, 1));
      f.set(out, i32.add(out, bytes));
    };
    f.if(
      i32.leU(length, 60),
      () => head(1, i32.shl(last, 2)),
      () =>
        f.if(
          i32.leU(length, 256),
          () => head(2, i32.or(60 << 2, i32.shl(last, 8))),
          () => head(3, i32.or(61 << 2, i32.shl(last, 8))),
        ),
    );
    f.if(
      i32.leU(length, 16),
      () => f.do(v128.store(out, v128.load(from, 0, 1), 0, 1)),
      () => f.do(memory.copy(out, from, length)),
    );
    f.return(i32.add(out, length));
  });
}

/** (offset, length, out) → the end of the output: copies of at most 64 bytes each. */
function copyFunc(m: ModuleBuilder): Func {
  const params = { offset: 'i32', length: 'i32', out: 'i32' } as const;
  return m.func('put_copy', { params, results: ['i32'] }, (f) => {
    const { offset, length, out } = f.param;
    const part = f.local('i32', 'part');
    f.while(length, () => {
      // What remains must be at least four bytes long or nothing.
      const rest = f.let(i32.sub(length, 4), 'rest');
      f.set(part, i32.select(i32.ltU(rest, 64), rest, 64));
      f.set(part, i32.select(i32.leU(length, 64), length, part));
      const isShort = i32.and(i32.leU(i32.sub(part, 4), 7), i32.ltU(offset, 2048));
      f.if(
        isShort,
        () => {
          const high = i32.shl(i32.shrU(offset, 8), 5);
          const tag = i32.or(i32.or(1, i32.shl(i32.sub(part, 4), 2)), high);
          f.do(i32.store16(out, i32.or(tag, i32.shl(i32.and(offset, 255), 8)), 0, 1));
          f.set(out, i32.add(out, 2));
        },
        () => {
          const tag = i32.or(2, i32.shl(i32.sub(part, 1), 2));
          f.do(i32.store(out, i32.or(tag, i32.shl(offset, 8)), 0, 1));
          f.set(out, i32.add(out, 3));
        },
      );
      f.set(length, i32.sub(length, part));
    });
    f.return(out);
  });
}
