/**
 * What the table layer needs of the engine's memory. Views cover the whole memory; fetch them anew
 * after every allocation, which may replace them.
 */
export interface LinearMemory {
  readonly buffer: ArrayBufferLike;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  /** Bytes that may still be allocated under the memory's limit. */
  readonly bytesFree: number;
  /** Whole 64 KiB pages with arbitrary content; throws 53200 when there is no room. */
  allocate(bytes: number): number;
  release(address: number): void;
}
