import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type { LinearMemory } from './linear-memory.ts';

/** A linear memory without an engine: pages from the end, freed ones used again. For tests. */
export class MemoryForTests implements LinearMemory {
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: 16384 });
  readonly #sizes = new Map<number, number>();
  #end = 65536;
  #free: number[] = [];
  /** Most bytes in use at once. */
  limitBytes = Infinity;

  get buffer(): ArrayBuffer {
    return this.#memory.buffer as ArrayBuffer;
  }

  get u8(): Uint8Array {
    return new Uint8Array(this.buffer);
  }

  get u16(): Uint16Array {
    return new Uint16Array(this.buffer);
  }

  get u32(): Uint32Array {
    return new Uint32Array(this.buffer);
  }

  get i32(): Int32Array {
    return new Int32Array(this.buffer);
  }

  get f32(): Float32Array {
    return new Float32Array(this.buffer);
  }

  get f64(): Float64Array {
    return new Float64Array(this.buffer);
  }

  get i64(): BigInt64Array {
    return new BigInt64Array(this.buffer);
  }

  get bytesFree(): number {
    let pages = 0;
    for (const run of this.#sizes.values()) pages += run;
    return this.limitBytes - pages * 65536;
  }

  /** Runs that are allocated now. */
  get runCount(): number {
    return this.#sizes.size;
  }

  allocate(bytes: number): number {
    const pages = Math.ceil(bytes / 65536);
    if (pages * 65536 > this.bytesFree) throw new QuernError(sqlState.outOfMemory, 'out of memory');
    let address = pages === 1 ? this.#free.pop() : undefined;
    if (address === undefined) {
      address = this.#end;
      this.#end += pages * 65536;
      const missing = this.#end - this.buffer.byteLength;
      if (missing > 0) this.#memory.grow(missing / 65536);
    }
    // Whoever expects zeros, or leaves a byte unwritten, shall notice.
    this.u8.fill(0xa5, address, address + pages * 65536);
    this.#sizes.set(address, pages);
    return address;
  }

  release(address: number): void {
    const pages = this.#sizes.get(address);
    assert(pages !== undefined, 'what is released was allocated');
    this.#sizes.delete(address);
    this.u8.fill(0x5a, address, address + pages * 65536);
    for (let i = 0; i < pages; i++) this.#free.push(address + i * 65536);
  }
}
