/**
 * Packed deltas (DELTA_BINARY_PACKED; apache/parquet-format, Encodings.md): the first value, then
 * blocks of a least delta and miniblocks of what each delta has beyond it, in as few bits as do.
 */
import {
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  memory,
} from '../../../wasm/index.ts';
import type { IntWidth } from './layout.ts';

const params = {
  at: 'i32',
  end: 'i32',
  count: 'i32',
  base: 'i64',
  min: 'i64',
  span: 'i64',
  out: 'i32',
} as const;

/** What the function gives instead of the address behind the deltas. */
export const deltaResult = { outOfBounds: 0, broken: 1 } as const;

/** (at, end, count, base, min, span, out) → the address behind them, or a {@link deltaResult}. */
export function deltasFunc(m: ModuleBuilder, form: 'i32' | 'i64', width: IntWidth): Func {
  return m.func(`deltas_${form}_to_${width}`, { params, results: ['i32'] }, (f) => {
    new DeltaReader(f, form, width).emit();
  });
}

class DeltaReader {
  readonly f: FunctionBuilder<typeof params>;
  readonly form: 'i32' | 'i64';
  readonly width: IntWidth;
  readonly value: Local;
  readonly wrong: Local;
  /** Values that are still wanted. */
  readonly left: Local;

  constructor(f: FunctionBuilder<typeof params>, form: 'i32' | 'i64', width: IntWidth) {
    this.f = f;
    this.form = form;
    this.width = width;
    this.value = f.local('i64', 'value');
    this.wrong = f.local('i32', 'wrong');
    this.left = f.local('i32', 'left');
  }

  emit(): void {
    const { f, value, left } = this;
    const { at, end, count } = f.param;
    const number = f.local('i64', 'number');
    const small = (name: string): Local => {
      this.#varint(number);
      return f.let(i32.wrapI64(number), name);
    };
    const blockSize = small('blockSize');
    const miniblocks = small('miniblocks');
    const total = small('total');
    this.#zigzag(value);
    f.if(i32.geU(i32.sub(miniblocks, 1), 65535), () => f.return(deltaResult.broken));
    f.if(i32.geU(blockSize, 65536), () => f.return(deltaResult.broken));
    const size = f.let(i32.divU(blockSize, miniblocks), 'size');
    const uneven = i32.or(i32.and(size, 7), i32.ne(i32.mul(size, miniblocks), blockSize));
    f.if(i32.or(uneven, i32.eqz(size)), () => f.return(deltaResult.broken));
    f.if(i32.ltU(total, count), () => f.return(deltaResult.broken));
    this.#store();
    f.set(left, i32.sub(count, 1));
    const least = f.local('i64', 'least');
    const widths = f.local('i32', 'widths');
    const block = f.local('i32', 'block');
    f.while(left, () => {
      this.#zigzag(least);
      f.if(i32.gtU(miniblocks, i32.sub(end, at)), () => f.return(deltaResult.broken));
      f.set(widths, at);
      f.set(at, i32.add(at, miniblocks));
      f.for(block, 0, miniblocks, ({ break: done }) => {
        f.brIf(done, i32.eqz(left));
        this.#miniblock(i32.load8U(i32.add(widths, block)), size, least);
      });
    });
    f.return(i32.select(this.wrong, deltaResult.outOfBounds, at));
  }

  #miniblock(bits: ReturnType<typeof i32.load8U>, size: Local, least: Local): void {
    const { f, value, left } = this;
    const { at, end } = f.param;
    const width = f.let(bits, 'width');
    f.if(i32.gtU(width, 64), () => f.return(deltaResult.broken));
    const bytes = f.let(i32.mul(i32.shrU(size, 3), width), 'bytes');
    f.if(i32.gtU(bytes, i32.sub(end, at)), () => f.return(deltaResult.broken));
    const long = i64.extendI32U(width);
    const mask = f.let(i64.select(i32.eq(width, 64), -1n, i64.sub(i64.shl(1n, long), 1n)), 'mask');
    const bit = f.let(i32.const(0), 'bit');
    const here = f.let(i32.select(i32.ltU(size, left), size, left), 'here');
    f.set(left, i32.sub(left, here));
    const delta = f.local('i64', 'delta');
    f.while(here, () => {
      const from = f.let(i32.add(at, i32.shrU(bit, 3)), 'from');
      const shift = f.let(i64.extendI32U(i32.and(bit, 7)), 'shift');
      f.set(delta, i64.shrU(i64.load(from, 0, 1), shift));
      // From the ninth byte; shifted away entirely where it has no part.
      f.if(i32.gtU(width, 56), () => {
        const high = i64.shl(i64.shl(i64.load8U(from, 8), 1n), i64.sub(63n, shift));
        f.set(delta, i64.or(delta, high));
      });
      f.set(delta, i64.add(i64.and(delta, mask), least));
      f.set(value, i64.add(value, delta));
      if (this.form === 'i32') f.set(value, i64.extendI32S(i32.wrapI64(value)));
      this.#store();
      f.set(bit, i32.add(bit, width));
      f.set(here, i32.sub(here, 1));
    });
    f.set(at, i32.add(at, bytes));
  }

  /** Writes `value`, and notes whether it is out of bounds. */
  #store(): void {
    const { f, value, wrong, width } = this;
    const { base, min, span, out } = f.param;
    f.set(wrong, i32.or(wrong, i64.gtU(i64.sub(value, min), span)));
    const stored = i64.sub(value, base);
    if (width === 1) f.do(i64.store8(out, stored));
    else if (width === 2) f.do(i64.store16(out, stored));
    else if (width === 4) f.do(i64.store32(out, stored));
    else f.do(i64.store(out, stored));
    f.set(out, i32.add(out, width));
  }

  #varint(into: Local): void {
    const { f } = this;
    const { at, end } = f.param;
    const shift = f.local('i64', 'shift');
    const byte = f.local('i32', 'byte');
    f.set(into, 0n);
    f.set(shift, 0n);
    f.loop((again) => {
      f.if(i32.geU(at, end), () => f.return(deltaResult.broken));
      f.set(byte, i32.load8U(at));
      f.set(at, i32.add(at, 1));
      f.set(into, i64.or(into, i64.shl(i64.extendI32U(i32.and(byte, 127)), shift)));
      f.set(shift, i64.add(shift, 7n));
      f.if(i32.geU(byte, 128), () => {
        f.if(i64.geU(shift, 70n), () => f.return(deltaResult.broken));
        f.br(again);
      });
    });
  }

  #zigzag(into: Local): void {
    const { f } = this;
    this.#varint(into);
    f.set(into, i64.xor(i64.shrU(into, 1n), i64.sub(0n, i64.and(into, 1n))));
  }
}

const textParams = {
  from: 'i32',
  to: 'i32',
  lengths: 'i32',
  count: 'i32',
  offsets: 'i32',
  heap: 'i32',
  used: 'i32',
  room: 'i32',
} as const;

/**
 * (from, to, lengths, count, offsets, heap, used, room) → bytes of the heap in use: texts back to
 * back, whose lengths have been read. -1 if they are longer than what there is.
 */
export function lengthTextsFunc(m: ModuleBuilder): Func {
  return m.func('length_texts', { params: textParams, results: ['i32'] }, (f) => {
    const { from, to, lengths, count, offsets, heap, used, room } = f.param;
    const start = f.let(used, 'start');
    const length = f.local('i32', 'length');
    const most = f.let(i32.sub(to, from), 'most');
    const left = f.let(i32.sub(room, used), 'left');
    f.set(left, i32.select(i32.ltU(left, most), left, most));
    f.while(count, () => {
      f.do(i32.store(offsets, used));
      f.set(length, i32.load(lengths));
      f.if(i32.gtU(length, left), () => f.return(-1));
      f.set(left, i32.sub(left, length));
      f.set(used, i32.add(used, length));
      f.set(offsets, i32.add(offsets, 4));
      f.set(lengths, i32.add(lengths, 4));
      f.set(count, i32.sub(count, 1));
    });
    f.do(i32.store(offsets, used));
    f.do(memory.copy(i32.add(heap, start), from, i32.sub(used, start)));
    f.return(used);
  });
}
