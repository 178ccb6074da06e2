/** The types of WebAssembly values, and of functions over them. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/** How each value type is written in the binary format. */
export const valueTypeCode: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
};

/** The signature of a function. */
export interface FuncType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A text that is equal for equal signatures, and only for those. */
export function signatureKey(type: FuncType): string {
  return `${type.params.join(' ')} -> ${type.results.join(' ')}`;
}

/**
 * `minimum` and `maximum` in units of the thing: pages of 64 KiB for memories, elements for tables.
 */
export interface Limits {
  readonly min: number;
  readonly max?: number | undefined;
}
