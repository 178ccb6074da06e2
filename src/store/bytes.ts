import { QuernError, sqlState } from '../base/error.ts';

/** Grows as it is written to; numbers are little-endian, lengths are varints (LEB128). */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    for (let i = 0; i < 4; i++) this.#bytes[this.#length++] = value >>> (i * 8);
  }

  /** An integer in [0, 2^48). */
  u48(value: number): void {
    this.u32(value >>> 0);
    const high = Math.floor(value / 4294967296);
    this.#reserve(2);
    this.#bytes[this.#length++] = high;
    this.#bytes[this.#length++] = high >>> 8;
  }

  /** An integer in [0, 2^53). */
  varint(value: number): void {
    this.#reserve(8);
    while (value >= 128) {
      this.#bytes[this.#length++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#length++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A length, then the bytes. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.block(new TextEncoder().encode(text));
  }

  /** What was written, as a view that the next write invalidates. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, as a copy. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }
}

/**
 * Reads what {@link ByteWriter} wrote. Running past the end is an error of the data, not of ours.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  #need(count: number): void {
    if (count > this.left) {
      throw new QuernError(sqlState.dataCorrupted, 'a record ends before its contents do');
    }
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++];
  }

  u32(): number {
    this.#need(4);
    const b = this.bytes;
    const value = b[this.at] | (b[this.at + 1] << 8) | (b[this.at + 2] << 16);
    const high = b[this.at + 3];
    this.at += 4;
    return (value | (high << 24)) >>> 0;
  }

  u48(): number {
    const low = this.u32();
    this.#need(2);
    const high = this.bytes[this.at] | (this.bytes[this.at + 1] << 8);
    this.at += 2;
    return low + high * 4294967296;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new QuernError(sqlState.dataCorrupted, 'a number in a record has no end');
  }

  raw(count: number): Uint8Array {
    this.#need(count);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  block(): Uint8Array {
    return this.raw(this.varint());
  }

  text(): string {
    return new TextDecoder().decode(this.block());
  }
}

/** Bytewise order, as memcmp; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}
