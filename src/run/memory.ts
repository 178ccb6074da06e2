/** The one linear memory of an engine: what tables, running queries and compiled code share. */
import {
  engineOwner,
  PageAllocator,
  pageBytes,
  pagesMax,
  pagesMin,
  zero,
} from './page-allocator.ts';

export interface MemoryOptions {
  /** Most bytes in use at once; 4 GiB when not given. */
  readonly limitBytes?: number;
  /** False forces an unshared memory; true is a wish that needs SharedArrayBuffer. */
  readonly shared?: boolean;
}

const pagesInitial = 64;

const decoder = new TextDecoder();

/**
 * A memory with an allocator. Views (`u8`, `u32`, …) cover the whole memory; fetch them anew after
 * anything that may allocate, since growth leaves them short, or dead when the memory is unshared.
 */
export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  readonly pages: PageAllocator;
  readonly shared: boolean;
  #buffer: ArrayBufferLike;
  #u8: Uint8Array;
  #u16: Uint16Array;
  #u32: Uint32Array;
  #i32: Int32Array;
  #f32: Float32Array;
  #f64: Float64Array;
  #i64: BigInt64Array;

  private constructor(memory: WebAssembly.Memory, pages: PageAllocator) {
    this.memory = memory;
    this.pages = pages;
    this.#buffer = memory.buffer;
    this.shared = !(memory.buffer instanceof ArrayBuffer);
    this.#u8 = new Uint8Array(this.#buffer);
    this.#u16 = new Uint16Array(this.#buffer);
    this.#u32 = new Uint32Array(this.#buffer);
    this.#i32 = new Int32Array(this.#buffer);
    this.#f32 = new Float32Array(this.#buffer);
    this.#f64 = new Float64Array(this.#buffer);
    this.#i64 = new BigInt64Array(this.#buffer);
  }

  static create(options: MemoryOptions = {}): EngineMemory {
    const shared = (options.shared ?? true) && canShareMemory();
    const memory = new WebAssembly.Memory({
      initial: Math.max(pagesInitial, pagesMin),
      maximum: pagesMax,
      shared,
    });
    const limit = options.limitBytes ?? pagesMax * pageBytes;
    return new EngineMemory(memory, PageAllocator.format(memory, limit));
  }

  /** For workers: the memory another thread has created. */
  static attach(memory: WebAssembly.Memory): EngineMemory {
    return new EngineMemory(memory, new PageAllocator(memory));
  }

  get buffer(): ArrayBufferLike {
    this.#refresh();
    return this.#buffer;
  }

  get u8(): Uint8Array {
    this.#refresh();
    return this.#u8;
  }

  get u16(): Uint16Array {
    this.#refresh();
    return this.#u16;
  }

  get u32(): Uint32Array {
    this.#refresh();
    return this.#u32;
  }

  get i32(): Int32Array {
    this.#refresh();
    return this.#i32;
  }

  get f32(): Float32Array {
    this.#refresh();
    return this.#f32;
  }

  get f64(): Float64Array {
    this.#refresh();
    return this.#f64;
  }

  get i64(): BigInt64Array {
    this.#refresh();
    return this.#i64;
  }

  get bytesFree(): number {
    const { bytes, limitBytes } = this.pages.total();
    return limitBytes - bytes;
  }

  /** Page runs for table data; the table layer packs small blocks into them. */
  allocate(bytes: number): number {
    return this.pages.allocate(bytes, engineOwner);
  }

  release(address: number): void {
    this.pages.release(address);
  }

  /** A text in memory; browsers do not decode what is shared. */
  text(address: number, length: number): string {
    return decoder.decode(this.u8.slice(address, address + length));
  }

  zero(address: number, bytes: number): void {
    zero(new Uint8Array(this.buffer, address, bytes));
  }

  #refresh(): void {
    const buffer = this.pages.buffer();
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#i32 = new Int32Array(buffer);
    this.#f32 = new Float32Array(buffer);
    this.#f64 = new Float64Array(buffer);
    this.#i64 = new BigInt64Array(buffer);
  }
}

/**
 * Whether threads can share memory here: always in Node, in browsers on cross-origin isolated
 * pages.
 */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer !== 'undefined';
}
