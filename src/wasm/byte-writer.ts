const encoder = new TextEncoder();

/** A byte array that grows as it is written to, with the number formats of WebAssembly. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Unsigned LEB128 of an integer in [0, 2^32). */
  unsigned(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit integer, given in [-2^31, 2^32). */
  signed32(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of a 64-bit integer, given in [-2^63, 2^64). */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    // BigInts are slow: the common small ones, and the last bits of the others, take the short way.
    while (rest < -0x80000000n || rest > 0x7fffffffn) {
      this.byte(Number(BigInt.asUintN(7, rest)) | 0x80);
      rest >>= 7n;
    }
    this.signed32(Number(rest));
  }

  float32(value: number): void {
    this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  float64(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer).setFloat64(this.length, value, true);
    this.length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** UTF-8 text after its length in bytes. */
  text(text: string): void {
    const start = this.beginSized();
    this.reserve(text.length * 3);
    // Names are short and plain: the encoder's call costs more than this loop.
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.length = start;
        this.length += encoder.encodeInto(text, this.bytes.subarray(start)).written;
        break;
      }
      this.bytes[this.length++] = unit;
    }
    this.endSized(start);
  }

  /** Begins a part that is preceded by its size; give the answer to {@link endSized}. */
  beginSized(): number {
    this.byte(0);
    return this.length;
  }

  /** Ends the part: writes its size before it, moving it if the size needs more than one byte. */
  endSized(start: number): void {
    const end = this.length;
    const size = end - start;
    if (size < 0x80) {
      this.bytes[start - 1] = size;
      return;
    }
    const extra = size < 0x4000 ? 1 : size < 0x200000 ? 2 : size < 0x10000000 ? 3 : 4;
    this.reserve(extra);
    this.bytes.copyWithin(start + extra, start, end);
    this.length = start - 1;
    this.unsigned(size);
    this.length = end + extra;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}
