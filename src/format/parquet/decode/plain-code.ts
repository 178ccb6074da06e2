/** Values in the plain encoding, made as narrow as their target. */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  i64,
  i64x2,
  type Local,
  type ModuleBuilder,
  memory,
  v128,
} from '../../../wasm/index.ts';
import type { IntWidth } from './layout.ts';

const params = {
  at: 'i32',
  count: 'i32',
  stride: 'i32',
  base: 'i64',
  min: 'i64',
  span: 'i64',
  out: 'i32',
} as const;

type PlainBuilder = FunctionBuilder<typeof params>;

/** (at, count, stride, base, min, span, out) → 1, or 0 if a value is out of bounds. */
export function integersFunc(
  m: ModuleBuilder,
  form: 'i32' | 'u32' | 'i64' | 'flba',
  width: IntWidth,
): Func {
  return m.func(`${form}_to_${width}`, { params, results: ['i32'] }, (f) => {
    const { at, count, stride, base, min, span, out } = f.param;
    const value = f.local('i64', 'value');
    const wrong = f.local('i32', 'wrong');
    const load = form === 'flba' ? flbaLoader(f) : undefined;
    const body = (offset: number) => {
      f.set(value, load === undefined ? loadInteger(form, at, offset) : load(wrong));
      f.set(wrong, i32.or(wrong, i64.gtU(i64.sub(value, min), span)));
      store(f, width, out, i64.sub(value, base), offset);
    };
    const step = form === 'i64' ? 8 : 4;
    if (load === undefined) {
      f.while(i32.geU(count, 4), () => {
        for (let k = 0; k < 4; k++) body(k);
        f.set(at, i32.add(at, 4 * step));
        f.set(out, i32.add(out, 4 * width));
        f.set(count, i32.sub(count, 4));
      });
    }
    f.while(count, () => {
      body(0);
      f.set(at, i32.add(at, load === undefined ? step : stride));
      f.set(out, i32.add(out, width));
      f.set(count, i32.sub(count, 1));
    });
    f.return(i32.eqz(wrong));
  });
}

function loadInteger(form: 'i32' | 'u32' | 'i64' | 'flba', at: Local, index: number): Expr {
  if (form === 'i64') return i64.load(at, 8 * index, 1);
  return form === 'i32' ? i64.load32S(at, 4 * index, 1) : i64.load32U(at, 4 * index, 1);
}

function store(f: PlainBuilder, width: IntWidth, out: Local, value: Expr, index: number): void {
  if (width === 1) f.do(i64.store8(out, value, index));
  else if (width === 2) f.do(i64.store16(out, value, 2 * index));
  else if (width === 4) f.do(i64.store32(out, value, 4 * index));
  else f.do(i64.store(out, value, 8 * index));
}

/**
 * Integers of 1 to 16 bytes, the highest byte first: their bytes are turned around in a vector, and
 * what is beyond 64 bits must repeat the sign.
 */
function flbaLoader(f: PlainBuilder): (wrong: Local) => Expr {
  const { at, stride } = f.param;
  const order = f.local('v128', 'order');
  const bytes = f.local('v128', 'bytes');
  const unused = f.local('i64', 'unused');
  const low = f.local('i64', 'low');
  const high = f.local('i64', 'high');
  const descending = i8x16.const(
    0,
    -1,
    -2,
    -3,
    -4,
    -5,
    -6,
    -7,
    -8,
    -9,
    -10,
    -11,
    -12,
    -13,
    -14,
    -15,
  );
  // Positions below the first byte are out of range for the swizzle, which gives zeros for them.
  f.set(order, i8x16.add(i8x16.splat(i32.sub(stride, 1)), descending));
  f.set(unused, i64.extendI32U(i32.shl(i32.and(i32.sub(0, stride), 7), 3)));
  return (wrong) => {
    f.set(bytes, i8x16.swizzle(v128.load(at, 0, 1), order));
    f.set(low, i64x2.extractLane(bytes, 0));
    f.set(high, i64x2.extractLane(bytes, 1));
    f.if(
      i32.leU(stride, 8),
      () => f.set(low, i64.shrS(i64.shl(low, unused), unused)),
      () => {
        f.set(high, i64.shrS(i64.shl(high, unused), unused));
        f.set(wrong, i32.or(wrong, i64.ne(high, i64.shrS(low, 63n))));
      },
    );
    return low;
  };
}

/** Floating-point numbers are copied as they are. */
export function floatsFunc(m: ModuleBuilder, width: 4 | 8): Func {
  return m.func(`floats_${width}`, { params, results: ['i32'] }, (f) => {
    const { at, count, out } = f.param;
    f.do(memory.copy(out, at, i32.mul(count, width)));
    f.return(1);
  });
}

/** Booleans are bits. */
export function booleansFunc(m: ModuleBuilder): Func {
  return m.func('booleans', { params, results: ['i32'] }, (f) => {
    const { at, count, out } = f.param;
    const i = f.local('i32', 'i');
    f.for(i, 0, count, () => {
      const byte = i32.load8U(i32.add(at, i32.shrU(i, 3)));
      f.do(i32.store8(i32.add(out, i), i32.and(i32.shrU(byte, i32.and(i, 7)), 1)));
    });
    f.return(1);
  });
}
