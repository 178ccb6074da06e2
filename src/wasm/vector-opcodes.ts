/** The vector instructions (SIMD128) of the specification 2.0; see `opcodes.ts`. */
import { group, memoryGroup, vectorPrefix } from './opcodes.ts';

const vector = ['v128'] as const;
const vectors = ['v128', 'v128'] as const;

// biome-ignore format: a table
export const v128Ops = {
  ...group('v128', vector, 'v128', { not: 77 }, vectorPrefix),
  ...group('v128', vectors, 'v128', { and: 78, andnot: 79, or: 80, xor: 81 }, vectorPrefix),
  ...group('v128', ['v128', 'v128', 'v128'], 'v128', { bitselect: 82 }, vectorPrefix),
  ...group('v128', vector, 'i32', { any_true: 83 }, vectorPrefix),
};

// biome-ignore format: a table
export const v128Loads = memoryGroup('v128', ['i32'], 'v128', {
  load: [0, 16], load8x8_s: [1, 8], load8x8_u: [2, 8], load16x4_s: [3, 8], load16x4_u: [4, 8],
  load32x2_s: [5, 8], load32x2_u: [6, 8], load8_splat: [7, 1], load16_splat: [8, 2],
  load32_splat: [9, 4], load64_splat: [10, 8], load32_zero: [92, 4], load64_zero: [93, 8],
}, vectorPrefix);
export const v128Stores = memoryGroup(
  'v128',
  ['i32', 'v128'],
  undefined,
  { store: [11, 16] },
  vectorPrefix,
);
// biome-ignore format: a table
export const v128LaneLoads = memoryGroup('v128', ['i32', 'v128'], 'v128', {
  load8_lane: [84, 1], load16_lane: [85, 2], load32_lane: [86, 4], load64_lane: [87, 8],
}, vectorPrefix);
// biome-ignore format: a table
export const v128LaneStores = memoryGroup('v128', ['i32', 'v128'], undefined, {
  store8_lane: [88, 1], store16_lane: [89, 2], store32_lane: [90, 4], store64_lane: [91, 8],
}, vectorPrefix);

// biome-ignore format: a table
export const i8x16Ops = {
  ...group('i8x16', ['i32'], 'v128', { splat: 15 }, vectorPrefix),
  ...group('i8x16', vector, 'v128', { abs: 96, neg: 97, popcnt: 98 }, vectorPrefix),
  ...group('i8x16', vector, 'i32', { all_true: 99, bitmask: 100 }, vectorPrefix),
  ...group('i8x16', ['v128', 'i32'], 'v128', { shl: 107, shr_s: 108, shr_u: 109 }, vectorPrefix),
  ...group('i8x16', vectors, 'v128', {
    swizzle: 14, eq: 35, ne: 36, lt_s: 37, lt_u: 38, gt_s: 39, gt_u: 40, le_s: 41, le_u: 42,
    ge_s: 43, ge_u: 44, narrow_i16x8_s: 101, narrow_i16x8_u: 102, add: 110, add_sat_s: 111,
    add_sat_u: 112, sub: 113, sub_sat_s: 114, sub_sat_u: 115, min_s: 118, min_u: 119, max_s: 120,
    max_u: 121, avgr_u: 123,
  }, vectorPrefix),
};
// biome-ignore format: a table
export const i16x8Ops = {
  ...group('i16x8', ['i32'], 'v128', { splat: 16 }, vectorPrefix),
  ...group('i16x8', vector, 'v128', {
    extadd_pairwise_i8x16_s: 124, extadd_pairwise_i8x16_u: 125, abs: 128, neg: 129,
    extend_low_i8x16_s: 135, extend_high_i8x16_s: 136, extend_low_i8x16_u: 137,
    extend_high_i8x16_u: 138,
  }, vectorPrefix),
  ...group('i16x8', vector, 'i32', { all_true: 131, bitmask: 132 }, vectorPrefix),
  ...group('i16x8', ['v128', 'i32'], 'v128', { shl: 139, shr_s: 140, shr_u: 141 }, vectorPrefix),
  ...group('i16x8', vectors, 'v128', {
    eq: 45, ne: 46, lt_s: 47, lt_u: 48, gt_s: 49, gt_u: 50, le_s: 51, le_u: 52, ge_s: 53, ge_u: 54,
    q15mulr_sat_s: 130, narrow_i32x4_s: 133, narrow_i32x4_u: 134, add: 142, add_sat_s: 143,
    add_sat_u: 144, sub: 145, sub_sat_s: 146, sub_sat_u: 147, mul: 149, min_s: 150, min_u: 151,
    max_s: 152, max_u: 153, avgr_u: 155, extmul_low_i8x16_s: 156, extmul_high_i8x16_s: 157,
    extmul_low_i8x16_u: 158, extmul_high_i8x16_u: 159,
  }, vectorPrefix),
};
// biome-ignore format: a table
export const i32x4Ops = {
  ...group('i32x4', ['i32'], 'v128', { splat: 17 }, vectorPrefix),
  ...group('i32x4', vector, 'v128', {
    extadd_pairwise_i16x8_s: 126, extadd_pairwise_i16x8_u: 127, abs: 160, neg: 161,
    extend_low_i16x8_s: 167, extend_high_i16x8_s: 168, extend_low_i16x8_u: 169,
    extend_high_i16x8_u: 170, trunc_sat_f32x4_s: 248, trunc_sat_f32x4_u: 249,
    trunc_sat_f64x2_s_zero: 252, trunc_sat_f64x2_u_zero: 253,
  }, vectorPrefix),
  ...group('i32x4', vector, 'i32', { all_true: 163, bitmask: 164 }, vectorPrefix),
  ...group('i32x4', ['v128', 'i32'], 'v128', { shl: 171, shr_s: 172, shr_u: 173 }, vectorPrefix),
  ...group('i32x4', vectors, 'v128', {
    eq: 55, ne: 56, lt_s: 57, lt_u: 58, gt_s: 59, gt_u: 60, le_s: 61, le_u: 62, ge_s: 63, ge_u: 64,
    add: 174, sub: 177, mul: 181, min_s: 182, min_u: 183, max_s: 184, max_u: 185,
    dot_i16x8_s: 186, extmul_low_i16x8_s: 188, extmul_high_i16x8_s: 189, extmul_low_i16x8_u: 190,
    extmul_high_i16x8_u: 191,
  }, vectorPrefix),
};
// biome-ignore format: a table
export const i64x2Ops = {
  ...group('i64x2', ['i64'], 'v128', { splat: 18 }, vectorPrefix),
  ...group('i64x2', vector, 'v128', {
    abs: 192, neg: 193, extend_low_i32x4_s: 199, extend_high_i32x4_s: 200,
    extend_low_i32x4_u: 201, extend_high_i32x4_u: 202,
  }, vectorPrefix),
  ...group('i64x2', vector, 'i32', { all_true: 195, bitmask: 196 }, vectorPrefix),
  ...group('i64x2', ['v128', 'i32'], 'v128', { shl: 203, shr_s: 204, shr_u: 205 }, vectorPrefix),
  ...group('i64x2', vectors, 'v128', {
    add: 206, sub: 209, mul: 213, eq: 214, ne: 215, lt_s: 216, gt_s: 217, le_s: 218, ge_s: 219,
    extmul_low_i32x4_s: 220, extmul_high_i32x4_s: 221, extmul_low_i32x4_u: 222,
    extmul_high_i32x4_u: 223,
  }, vectorPrefix),
};
// biome-ignore format: a table
export const f32x4Ops = {
  ...group('f32x4', ['f32'], 'v128', { splat: 19 }, vectorPrefix),
  ...group('f32x4', vector, 'v128', {
    demote_f64x2_zero: 94, ceil: 103, floor: 104, trunc: 105, nearest: 106, abs: 224, neg: 225,
    sqrt: 227, convert_i32x4_s: 250, convert_i32x4_u: 251,
  }, vectorPrefix),
  ...group('f32x4', vectors, 'v128', {
    eq: 65, ne: 66, lt: 67, gt: 68, le: 69, ge: 70, add: 228, sub: 229, mul: 230, div: 231,
    min: 232, max: 233, pmin: 234, pmax: 235,
  }, vectorPrefix),
};
// biome-ignore format: a table
export const f64x2Ops = {
  ...group('f64x2', ['f64'], 'v128', { splat: 20 }, vectorPrefix),
  ...group('f64x2', vector, 'v128', {
    promote_low_f32x4: 95, ceil: 116, floor: 117, trunc: 122, nearest: 148, abs: 236, neg: 237,
    sqrt: 239, convert_low_i32x4_s: 254, convert_low_i32x4_u: 255,
  }, vectorPrefix),
  ...group('f64x2', vectors, 'v128', {
    eq: 71, ne: 72, lt: 73, gt: 74, le: 75, ge: 76, add: 240, sub: 241, mul: 242, div: 243,
    min: 244, max: 245, pmin: 246, pmax: 247,
  }, vectorPrefix),
};

/** Lanes to scalars. */
export const i8x16Extracts = group(
  'i8x16',
  vector,
  'i32',
  { extract_lane_s: 21, extract_lane_u: 22 },
  vectorPrefix,
);
export const i16x8Extracts = group(
  'i16x8',
  vector,
  'i32',
  { extract_lane_s: 24, extract_lane_u: 25 },
  vectorPrefix,
);
export const i32x4Extracts = group('i32x4', vector, 'i32', { extract_lane: 27 }, vectorPrefix);
export const i64x2Extracts = group('i64x2', vector, 'i64', { extract_lane: 29 }, vectorPrefix);
export const f32x4Extracts = group('f32x4', vector, 'f32', { extract_lane: 31 }, vectorPrefix);
export const f64x2Extracts = group('f64x2', vector, 'f64', { extract_lane: 33 }, vectorPrefix);

/** Scalars to lanes; the other lanes stay. */
const replace = <const T extends 'i32' | 'i64' | 'f32' | 'f64'>(
  space: string,
  type: T,
  code: number,
) => group(space, ['v128', type], 'v128', { replace_lane: code }, vectorPrefix);
export const i8x16Replaces = replace('i8x16', 'i32', 23);
export const i16x8Replaces = replace('i16x8', 'i32', 26);
export const i32x4Replaces = replace('i32x4', 'i32', 28);
export const i64x2Replaces = replace('i64x2', 'i64', 30);
export const f32x4Replaces = replace('f32x4', 'f32', 32);
export const f64x2Replaces = replace('f64x2', 'f64', 34);
