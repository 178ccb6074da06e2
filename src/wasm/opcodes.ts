/**
 * Every instruction without control flow, once: its name in the text format, its code, its operands
 * and its result. Constructors (`i32.add`), the binary writer and the printer all work from here.
 * Names and numbers are those of the WebAssembly specification 2.0 and its threads proposal.
 */
import type { ValueType } from './types.ts';

/** An instruction whose only inputs are its operands. */
export interface Op<P extends readonly ValueType[] = readonly ValueType[]> {
  readonly mnemonic: string;
  /** The byte before the code, 0 where there is none. */
  readonly prefix: number;
  readonly code: number;
  readonly params: P;
  /** Undefined for an instruction that leaves no value. */
  readonly result: ValueType | undefined;
  /** Zero bytes that follow the code: the index of the only memory, or a reserved byte. */
  readonly zeros: number;
}

/** An instruction that reads or writes memory at its first operand plus a constant offset. */
export interface MemoryOp<P extends readonly ValueType[] = readonly ValueType[]> extends Op<P> {
  /** Bytes accessed, which is the natural alignment. */
  readonly width: number;
  /** Atomic accesses must be aligned naturally, others may be aligned to less. */
  readonly atomic: boolean;
}

/** Prefix bytes of the instruction groups. */
const numericPrefix = 0xfc;
export const vectorPrefix = 0xfd;
const atomicPrefix = 0xfe;

type Group<C, P extends readonly ValueType[]> = { readonly [K in keyof C]: Op<P> };
type MemoryGroup<C, P extends readonly ValueType[]> = { readonly [K in keyof C]: MemoryOp<P> };
type Codes = Readonly<Record<string, number>>;

/** Instructions `space.name` that share a signature. */
export function group<const P extends readonly ValueType[], const C extends Codes>(
  space: string,
  params: P,
  result: ValueType | undefined,
  codes: C,
  prefix = 0,
  zeros = 0,
): Group<C, P> {
  const entries = Object.entries(codes).map(([name, code]) => {
    const op: Op<P> = { mnemonic: `${space}.${name}`, prefix, code, params, result, zeros };
    return [name, op];
  });
  return Object.fromEntries(entries);
}

/** Memory instructions that share a signature; each entry is [code, bytes accessed]. */
export function memoryGroup<
  const P extends readonly ValueType[],
  const C extends Readonly<Record<string, readonly [code: number, width: number]>>,
>(
  space: string,
  params: P,
  result: ValueType | undefined,
  codes: C,
  prefix = 0,
): MemoryGroup<C, P> {
  const atomic = prefix === atomicPrefix;
  const entries = Object.entries(codes).map(([name, [code, width]]) => {
    const mnemonic = `${space}.${name}`;
    const op: MemoryOp<P> = { mnemonic, prefix, code, params, result, zeros: 0, width, atomic };
    return [name, op];
  });
  return Object.fromEntries(entries);
}

// biome-ignore format: a table
export const i32Ops = {
  ...group('i32', ['i32'], 'i32', {
    eqz: 0x45, clz: 0x67, ctz: 0x68, popcnt: 0x69, extend8_s: 0xc0, extend16_s: 0xc1,
  }),
  ...group('i32', ['i32', 'i32'], 'i32', {
    eq: 0x46, ne: 0x47, lt_s: 0x48, lt_u: 0x49, gt_s: 0x4a, gt_u: 0x4b, le_s: 0x4c, le_u: 0x4d,
    ge_s: 0x4e, ge_u: 0x4f, add: 0x6a, sub: 0x6b, mul: 0x6c, div_s: 0x6d, div_u: 0x6e, rem_s: 0x6f,
    rem_u: 0x70, and: 0x71, or: 0x72, xor: 0x73, shl: 0x74, shr_s: 0x75, shr_u: 0x76, rotl: 0x77,
    rotr: 0x78,
  }),
  ...group('i32', ['i64'], 'i32', { wrap_i64: 0xa7 }),
  ...group('i32', ['f32'], 'i32', { trunc_f32_s: 0xa8, trunc_f32_u: 0xa9, reinterpret_f32: 0xbc }),
  ...group('i32', ['f64'], 'i32', { trunc_f64_s: 0xaa, trunc_f64_u: 0xab }),
  ...group('i32', ['f32'], 'i32', { trunc_sat_f32_s: 0, trunc_sat_f32_u: 1 }, numericPrefix),
  ...group('i32', ['f64'], 'i32', { trunc_sat_f64_s: 2, trunc_sat_f64_u: 3 }, numericPrefix),
};

// biome-ignore format: a table
export const i64Ops = {
  ...group('i64', ['i64'], 'i32', { eqz: 0x50 }),
  ...group('i64', ['i64'], 'i64', {
    clz: 0x79, ctz: 0x7a, popcnt: 0x7b, extend8_s: 0xc2, extend16_s: 0xc3, extend32_s: 0xc4,
  }),
  ...group('i64', ['i64', 'i64'], 'i32', {
    eq: 0x51, ne: 0x52, lt_s: 0x53, lt_u: 0x54, gt_s: 0x55, gt_u: 0x56, le_s: 0x57, le_u: 0x58,
    ge_s: 0x59, ge_u: 0x5a,
  }),
  ...group('i64', ['i64', 'i64'], 'i64', {
    add: 0x7c, sub: 0x7d, mul: 0x7e, div_s: 0x7f, div_u: 0x80, rem_s: 0x81, rem_u: 0x82, and: 0x83,
    or: 0x84, xor: 0x85, shl: 0x86, shr_s: 0x87, shr_u: 0x88, rotl: 0x89, rotr: 0x8a,
  }),
  ...group('i64', ['i32'], 'i64', { extend_i32_s: 0xac, extend_i32_u: 0xad }),
  ...group('i64', ['f32'], 'i64', { trunc_f32_s: 0xae, trunc_f32_u: 0xaf }),
  ...group('i64', ['f64'], 'i64', { trunc_f64_s: 0xb0, trunc_f64_u: 0xb1, reinterpret_f64: 0xbd }),
  ...group('i64', ['f32'], 'i64', { trunc_sat_f32_s: 4, trunc_sat_f32_u: 5 }, numericPrefix),
  ...group('i64', ['f64'], 'i64', { trunc_sat_f64_s: 6, trunc_sat_f64_u: 7 }, numericPrefix),
};

// biome-ignore format: a table
export const f32Ops = {
  ...group('f32', ['f32'], 'f32', {
    abs: 0x8b, neg: 0x8c, ceil: 0x8d, floor: 0x8e, trunc: 0x8f, nearest: 0x90, sqrt: 0x91,
  }),
  ...group('f32', ['f32', 'f32'], 'i32', {
    eq: 0x5b, ne: 0x5c, lt: 0x5d, gt: 0x5e, le: 0x5f, ge: 0x60,
  }),
  ...group('f32', ['f32', 'f32'], 'f32', {
    add: 0x92, sub: 0x93, mul: 0x94, div: 0x95, min: 0x96, max: 0x97, copysign: 0x98,
  }),
  ...group('f32', ['i32'], 'f32', {
    convert_i32_s: 0xb2, convert_i32_u: 0xb3, reinterpret_i32: 0xbe,
  }),
  ...group('f32', ['i64'], 'f32', { convert_i64_s: 0xb4, convert_i64_u: 0xb5 }),
  ...group('f32', ['f64'], 'f32', { demote_f64: 0xb6 }),
};

// biome-ignore format: a table
export const f64Ops = {
  ...group('f64', ['f64'], 'f64', {
    abs: 0x99, neg: 0x9a, ceil: 0x9b, floor: 0x9c, trunc: 0x9d, nearest: 0x9e, sqrt: 0x9f,
  }),
  ...group('f64', ['f64', 'f64'], 'i32', {
    eq: 0x61, ne: 0x62, lt: 0x63, gt: 0x64, le: 0x65, ge: 0x66,
  }),
  ...group('f64', ['f64', 'f64'], 'f64', {
    add: 0xa0, sub: 0xa1, mul: 0xa2, div: 0xa3, min: 0xa4, max: 0xa5, copysign: 0xa6,
  }),
  ...group('f64', ['i32'], 'f64', { convert_i32_s: 0xb7, convert_i32_u: 0xb8 }),
  ...group('f64', ['i64'], 'f64', {
    convert_i64_s: 0xb9, convert_i64_u: 0xba, reinterpret_i64: 0xbf,
  }),
  ...group('f64', ['f32'], 'f64', { promote_f32: 0xbb }),
};

// biome-ignore format: a table
export const i32Loads = memoryGroup('i32', ['i32'], 'i32', {
  load: [0x28, 4], load8_s: [0x2c, 1], load8_u: [0x2d, 1], load16_s: [0x2e, 2], load16_u: [0x2f, 2],
});
// biome-ignore format: a table
export const i64Loads = memoryGroup('i64', ['i32'], 'i64', {
  load: [0x29, 8], load8_s: [0x30, 1], load8_u: [0x31, 1], load16_s: [0x32, 2], load16_u: [0x33, 2],
  load32_s: [0x34, 4], load32_u: [0x35, 4],
});
export const f32Loads = memoryGroup('f32', ['i32'], 'f32', { load: [0x2a, 4] });
export const f64Loads = memoryGroup('f64', ['i32'], 'f64', { load: [0x2b, 8] });

// biome-ignore format: a table
export const i32Stores = memoryGroup('i32', ['i32', 'i32'], undefined, {
  store: [0x36, 4], store8: [0x3a, 1], store16: [0x3b, 2],
});
// biome-ignore format: a table
export const i64Stores = memoryGroup('i64', ['i32', 'i64'], undefined, {
  store: [0x37, 8], store8: [0x3c, 1], store16: [0x3d, 2], store32: [0x3e, 4],
});
export const f32Stores = memoryGroup('f32', ['i32', 'f32'], undefined, { store: [0x38, 4] });
export const f64Stores = memoryGroup('f64', ['i32', 'f64'], undefined, { store: [0x39, 8] });

export const memoryOps = {
  ...group('memory', [], 'i32', { size: 0x3f }, 0, 1),
  ...group('memory', ['i32'], 'i32', { grow: 0x40 }, 0, 1),
};
export const memoryEffects = {
  ...group('memory', ['i32', 'i32', 'i32'], undefined, { copy: 10 }, numericPrefix, 2),
  ...group('memory', ['i32', 'i32', 'i32'], undefined, { fill: 11 }, numericPrefix, 1),
};

// biome-ignore format: a table
export const i32AtomicLoads = memoryGroup('i32.atomic', ['i32'], 'i32', {
  load: [0x10, 4], load8_u: [0x12, 1], load16_u: [0x13, 2],
}, atomicPrefix);
// biome-ignore format: a table
export const i64AtomicLoads = memoryGroup('i64.atomic', ['i32'], 'i64', {
  load: [0x11, 8], load8_u: [0x14, 1], load16_u: [0x15, 2], load32_u: [0x16, 4],
}, atomicPrefix);
// biome-ignore format: a table
export const i32AtomicStores = memoryGroup('i32.atomic', ['i32', 'i32'], undefined, {
  store: [0x17, 4], store8: [0x19, 1], store16: [0x1a, 2],
}, atomicPrefix);
// biome-ignore format: a table
export const i64AtomicStores = memoryGroup('i64.atomic', ['i32', 'i64'], undefined, {
  store: [0x18, 8], store8: [0x1b, 1], store16: [0x1c, 2], store32: [0x1d, 4],
}, atomicPrefix);

// biome-ignore format: a table
export const i32AtomicUpdates = memoryGroup('i32.atomic', ['i32', 'i32'], 'i32', {
  'rmw.add': [0x1e, 4], 'rmw8.add_u': [0x20, 1], 'rmw16.add_u': [0x21, 2],
  'rmw.sub': [0x25, 4], 'rmw8.sub_u': [0x27, 1], 'rmw16.sub_u': [0x28, 2],
  'rmw.and': [0x2c, 4], 'rmw8.and_u': [0x2e, 1], 'rmw16.and_u': [0x2f, 2],
  'rmw.or': [0x33, 4], 'rmw8.or_u': [0x35, 1], 'rmw16.or_u': [0x36, 2],
  'rmw.xor': [0x3a, 4], 'rmw8.xor_u': [0x3c, 1], 'rmw16.xor_u': [0x3d, 2],
  'rmw.xchg': [0x41, 4], 'rmw8.xchg_u': [0x43, 1], 'rmw16.xchg_u': [0x44, 2],
}, atomicPrefix);
// biome-ignore format: a table
export const i64AtomicUpdates = memoryGroup('i64.atomic', ['i32', 'i64'], 'i64', {
  'rmw.add': [0x1f, 8], 'rmw8.add_u': [0x22, 1], 'rmw16.add_u': [0x23, 2], 'rmw32.add_u': [0x24, 4],
  'rmw.sub': [0x26, 8], 'rmw8.sub_u': [0x29, 1], 'rmw16.sub_u': [0x2a, 2], 'rmw32.sub_u': [0x2b, 4],
  'rmw.and': [0x2d, 8], 'rmw8.and_u': [0x30, 1], 'rmw16.and_u': [0x31, 2], 'rmw32.and_u': [0x32, 4],
  'rmw.or': [0x34, 8], 'rmw8.or_u': [0x37, 1], 'rmw16.or_u': [0x38, 2], 'rmw32.or_u': [0x39, 4],
  'rmw.xor': [0x3b, 8], 'rmw8.xor_u': [0x3e, 1], 'rmw16.xor_u': [0x3f, 2], 'rmw32.xor_u': [0x40, 4],
  'rmw.xchg': [0x42, 8], 'rmw8.xchg_u': [0x45, 1], 'rmw16.xchg_u': [0x46, 2],
  'rmw32.xchg_u': [0x47, 4],
}, atomicPrefix);
// biome-ignore format: a table
export const i32AtomicExchanges = memoryGroup('i32.atomic', ['i32', 'i32', 'i32'], 'i32', {
  'rmw.cmpxchg': [0x48, 4], 'rmw8.cmpxchg_u': [0x4a, 1], 'rmw16.cmpxchg_u': [0x4b, 2],
}, atomicPrefix);
// biome-ignore format: a table
export const i64AtomicExchanges = memoryGroup('i64.atomic', ['i32', 'i64', 'i64'], 'i64', {
  'rmw.cmpxchg': [0x49, 8], 'rmw8.cmpxchg_u': [0x4c, 1], 'rmw16.cmpxchg_u': [0x4d, 2],
  'rmw32.cmpxchg_u': [0x4e, 4],
}, atomicPrefix);

export const atomicNotify = memoryGroup(
  'memory.atomic',
  ['i32', 'i32'],
  'i32',
  { notify: [0x00, 4] },
  atomicPrefix,
);
export const atomicWaits = {
  ...memoryGroup('memory.atomic', ['i32', 'i32', 'i64'], 'i32', { wait32: [1, 4] }, atomicPrefix),
  ...memoryGroup('memory.atomic', ['i32', 'i64', 'i64'], 'i32', { wait64: [2, 8] }, atomicPrefix),
};
export const atomicFence = group('atomic', [], undefined, { fence: 0x03 }, atomicPrefix, 1);

/** `select` for each type it takes without an annotation. */
export const selectOps = Object.fromEntries(
  (['i32', 'i64', 'f32', 'f64', 'v128'] as const).map((type) => [
    type,
    {
      mnemonic: 'select',
      prefix: 0,
      code: 0x1b,
      params: [type, type, 'i32'],
      result: type,
      zeros: 0,
    } satisfies Op,
  ]),
) as unknown as Readonly<Record<ValueType, Op<readonly [ValueType, ValueType, 'i32']>>>;
