/**
 * What scalar instructions mean, written down a second time: an evaluator for tests that shares
 * nothing with the assembler. i32 values are numbers in [-2^31, 2^31), i64 values bigints in
 * [-2^63, 2^63), floats numbers (f32 rounded). Instructions whose answer WebAssembly leaves open
 * for NaN (the bits of a NaN) are left out.
 */
export type Scalar = 'i32' | 'i64' | 'f32' | 'f64';
export type Value = number | bigint;

/** What WebAssembly calls a trap. */
export class Trap extends Error {}

export interface Meaning {
  readonly params: readonly Scalar[];
  readonly result: Scalar;
  readonly apply: (...args: never[]) => Value;
}

const s64 = (x: bigint) => BigInt.asIntN(64, x);
const u64 = (x: bigint) => BigInt.asUintN(64, x);
const bit = (x: boolean) => (x ? 1 : 0);

function trapIf(condition: boolean, why: string): void {
  if (condition) throw new Trap(why);
}

/** Rounds half to even, as IEEE 754 does by default. */
function nearest(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const low = Math.floor(x);
  const rest = x - low;
  const up = rest > 0.5 || (rest === 0.5 && low % 2 !== 0);
  const rounded = up ? low + 1 : low;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

/** Truncates `x` to an integer in [low, high]; beyond, traps or answers the nearest end. */
function truncate(x: number, low: bigint, high: bigint, saturate: boolean): bigint {
  if (Number.isNaN(x)) {
    trapIf(!saturate, 'NaN');
    return 0n;
  }
  if (!Number.isFinite(x)) {
    trapIf(!saturate, 'infinity');
    return x > 0 ? high : low;
  }
  const integer = BigInt(Math.trunc(x));
  if (integer >= low && integer <= high) return integer;
  trapIf(!saturate, 'out of range');
  return integer > high ? high : low;
}

/** Rounds an integer to f32 once, where `Math.fround(Number(x))` would round twice. */
function toFloat32(x: bigint): number {
  const magnitude = x < 0n ? -x : x;
  const bits = magnitude.toString(2).length;
  if (bits <= 24) return Number(x);
  const shift = BigInt(bits - 24);
  const kept = magnitude >> shift;
  const rest = magnitude - (kept << shift);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (kept & 1n) === 1n);
  const rounded = Number((kept + (up ? 1n : 0n)) << shift);
  return x < 0n ? -rounded : rounded;
}

type Table = Record<string, (...args: never[]) => Value>;

function meanings(
  space: string,
  params: readonly Scalar[],
  result: Scalar,
  table: Table,
): [string, Meaning][] {
  return Object.entries(table).map(([name, apply]) => [
    `${space}.${name}`,
    { params, result, apply },
  ]);
}

const i32Binary: Table = {
  add: (a: number, b: number) => (a + b) | 0,
  sub: (a: number, b: number) => (a - b) | 0,
  mul: (a: number, b: number) => Math.imul(a, b),
  and: (a: number, b: number) => a & b,
  or: (a: number, b: number) => a | b,
  xor: (a: number, b: number) => a ^ b,
  shl: (a: number, b: number) => a << b,
  shr_s: (a: number, b: number) => a >> b,
  shr_u: (a: number, b: number) => (a >>> b) | 0,
  rotl: (a: number, b: number) => (a << b) | (a >>> -b),
  rotr: (a: number, b: number) => (a >>> b) | (a << -b),
  eq: (a: number, b: number) => bit(a === b),
  ne: (a: number, b: number) => bit(a !== b),
  lt_s: (a: number, b: number) => bit(a < b),
  lt_u: (a: number, b: number) => bit(a >>> 0 < b >>> 0),
  gt_s: (a: number, b: number) => bit(a > b),
  gt_u: (a: number, b: number) => bit(a >>> 0 > b >>> 0),
  le_s: (a: number, b: number) => bit(a <= b),
  le_u: (a: number, b: number) => bit(a >>> 0 <= b >>> 0),
  ge_s: (a: number, b: number) => bit(a >= b),
  ge_u: (a: number, b: number) => bit(a >>> 0 >= b >>> 0),
  div_s: (a: number, b: number) => {
    trapIf(b === 0 || (a === -0x80000000 && b === -1), 'division');
    return (a / b) | 0;
  },
  div_u: (a: number, b: number) => {
    trapIf(b === 0, 'division');
    return Math.floor((a >>> 0) / (b >>> 0)) | 0;
  },
  rem_s: (a: number, b: number) => {
    trapIf(b === 0, 'division');
    return (a % b) | 0;
  },
  rem_u: (a: number, b: number) => {
    trapIf(b === 0, 'division');
    return ((a >>> 0) % (b >>> 0)) | 0;
  },
};

const i32Unary: Table = {
  eqz: (a: number) => bit(a === 0),
  clz: (a: number) => Math.clz32(a),
  ctz: (a: number) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
  popcnt: (a: number) => (a >>> 0).toString(2).replaceAll('0', '').length,
  extend8_s: (a: number) => (a << 24) >> 24,
  extend16_s: (a: number) => (a << 16) >> 16,
};

const i64Compare: Table = {
  eq: (a: bigint, b: bigint) => bit(a === b),
  ne: (a: bigint, b: bigint) => bit(a !== b),
  lt_s: (a: bigint, b: bigint) => bit(a < b),
  lt_u: (a: bigint, b: bigint) => bit(u64(a) < u64(b)),
  gt_s: (a: bigint, b: bigint) => bit(a > b),
  gt_u: (a: bigint, b: bigint) => bit(u64(a) > u64(b)),
  le_s: (a: bigint, b: bigint) => bit(a <= b),
  le_u: (a: bigint, b: bigint) => bit(u64(a) <= u64(b)),
  ge_s: (a: bigint, b: bigint) => bit(a >= b),
  ge_u: (a: bigint, b: bigint) => bit(u64(a) >= u64(b)),
};

const i64Binary: Table = {
  add: (a: bigint, b: bigint) => s64(a + b),
  sub: (a: bigint, b: bigint) => s64(a - b),
  mul: (a: bigint, b: bigint) => s64(a * b),
  and: (a: bigint, b: bigint) => a & b,
  or: (a: bigint, b: bigint) => a | b,
  xor: (a: bigint, b: bigint) => a ^ b,
  shl: (a: bigint, b: bigint) => s64(a << (b & 63n)),
  shr_s: (a: bigint, b: bigint) => a >> (b & 63n),
  shr_u: (a: bigint, b: bigint) => s64(u64(a) >> (b & 63n)),
  rotl: (a: bigint, b: bigint) => s64((u64(a) << (b & 63n)) | (u64(a) >> (-b & 63n))),
  rotr: (a: bigint, b: bigint) => s64((u64(a) >> (b & 63n)) | (u64(a) << (-b & 63n))),
  div_s: (a: bigint, b: bigint) => {
    trapIf(b === 0n || (a === -(2n ** 63n) && b === -1n), 'division');
    return a / b;
  },
  div_u: (a: bigint, b: bigint) => {
    trapIf(b === 0n, 'division');
    return s64(u64(a) / u64(b));
  },
  rem_s: (a: bigint, b: bigint) => {
    trapIf(b === 0n, 'division');
    return a % b;
  },
  rem_u: (a: bigint, b: bigint) => {
    trapIf(b === 0n, 'division');
    return s64(u64(a) % u64(b));
  },
};

const binaryText = (a: bigint) => u64(a).toString(2).padStart(64, '0');
const i64Unary: Table = {
  clz: (a: bigint) => BigInt(binaryText(a).indexOf('1') < 0 ? 64 : binaryText(a).indexOf('1')),
  ctz: (a: bigint) => BigInt(a === 0n ? 64 : 63 - binaryText(a).lastIndexOf('1')),
  popcnt: (a: bigint) => BigInt(binaryText(a).replaceAll('0', '').length),
  extend8_s: (a: bigint) => BigInt.asIntN(8, a),
  extend16_s: (a: bigint) => BigInt.asIntN(16, a),
  extend32_s: (a: bigint) => BigInt.asIntN(32, a),
};

const floatCompare: Table = {
  eq: (a: number, b: number) => bit(a === b),
  ne: (a: number, b: number) => bit(a !== b),
  lt: (a: number, b: number) => bit(a < b),
  gt: (a: number, b: number) => bit(a > b),
  le: (a: number, b: number) => bit(a <= b),
  ge: (a: number, b: number) => bit(a >= b),
};

const floatBinary: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
};

const floatUnary: Record<string, (a: number) => number> = {
  abs: Math.abs,
  neg: (a) => -a,
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  nearest,
};

function rounded(table: Record<string, (...args: number[]) => number>): Table {
  return Object.fromEntries(
    Object.entries(table).map(([name, apply]) => [
      name,
      (...args: number[]) => Math.fround(apply(...args)),
    ]),
  );
}

function truncations(bits: 32 | 64, from: 'f32' | 'f64'): Table {
  const answer = (x: bigint) => (bits === 32 ? Number(BigInt.asIntN(32, x)) : s64(x));
  const min = -(2n ** BigInt(bits - 1));
  const max = 2n ** BigInt(bits - 1) - 1n;
  const top = 2n ** BigInt(bits) - 1n;
  return {
    [`trunc_${from}_s`]: (x: number) => answer(truncate(x, min, max, false)),
    [`trunc_${from}_u`]: (x: number) => answer(truncate(x, 0n, top, false)),
    [`trunc_sat_${from}_s`]: (x: number) => answer(truncate(x, min, max, true)),
    [`trunc_sat_${from}_u`]: (x: number) => answer(truncate(x, 0n, top, true)),
  };
}

const bits = new DataView(new ArrayBuffer(8));

/** By the name in the text format. */
export const semantics: ReadonlyMap<string, Meaning> = new Map([
  ...meanings('i32', ['i32', 'i32'], 'i32', i32Binary),
  ...meanings('i32', ['i32'], 'i32', i32Unary),
  ...meanings('i32', ['i64'], 'i32', { wrap_i64: (a: bigint) => Number(BigInt.asIntN(32, a)) }),
  ...meanings('i32', ['f32'], 'i32', truncations(32, 'f32')),
  ...meanings('i32', ['f64'], 'i32', truncations(32, 'f64')),
  ...meanings('i64', ['i64', 'i64'], 'i32', i64Compare),
  ...meanings('i64', ['i64', 'i64'], 'i64', i64Binary),
  ...meanings('i64', ['i64'], 'i64', i64Unary),
  ...meanings('i64', ['i64'], 'i32', { eqz: (a: bigint) => bit(a === 0n) }),
  ...meanings('i64', ['i32'], 'i64', {
    extend_i32_s: (a: number) => BigInt(a),
    extend_i32_u: (a: number) => BigInt(a >>> 0),
  }),
  ...meanings('i64', ['f32'], 'i64', truncations(64, 'f32')),
  ...meanings('i64', ['f64'], 'i64', truncations(64, 'f64')),
  ...meanings('f32', ['f32', 'f32'], 'i32', floatCompare),
  ...meanings('f32', ['f32', 'f32'], 'f32', rounded(floatBinary)),
  ...meanings('f32', ['f32'], 'f32', rounded(floatUnary)),
  ...meanings('f32', ['f64'], 'f32', { demote_f64: (a: number) => Math.fround(a) }),
  ...meanings('f32', ['i32'], 'f32', {
    convert_i32_s: (a: number) => Math.fround(a),
    convert_i32_u: (a: number) => Math.fround(a >>> 0),
    reinterpret_i32: (a: number) => {
      bits.setInt32(0, a);
      return bits.getFloat32(0);
    },
  }),
  ...meanings('f32', ['i64'], 'f32', {
    convert_i64_s: (a: bigint) => toFloat32(a),
    convert_i64_u: (a: bigint) => toFloat32(u64(a)),
  }),
  ...meanings('f64', ['f64', 'f64'], 'i32', floatCompare),
  ...meanings('f64', ['f64', 'f64'], 'f64', floatBinary as Table),
  ...meanings('f64', ['f64'], 'f64', floatUnary as Table),
  ...meanings('f64', ['f32'], 'f64', { promote_f32: (a: number) => a }),
  ...meanings('f64', ['i32'], 'f64', {
    convert_i32_s: (a: number) => a,
    convert_i32_u: (a: number) => a >>> 0,
  }),
  ...meanings('f64', ['i64'], 'f64', {
    convert_i64_s: (a: bigint) => Number(a),
    convert_i64_u: (a: bigint) => Number(u64(a)),
    reinterpret_i64: (a: bigint) => {
      bits.setBigInt64(0, a);
      return bits.getFloat64(0);
    },
  }),
]);
