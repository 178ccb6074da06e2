/**
 * A growing buffer of text in UTF-8, with the digits of numbers and dates written straight into it.
 */
import { civilFromDays } from '../value/date.ts';

const encoder = new TextEncoder();

export class TextBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  /** Number of bytes written. */
  at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + count));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  /** What was written; the buffer starts afresh. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.at);
    this.at = 0;
    return taken;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  copy(source: Uint8Array, from: number, to: number): void {
    this.reserve(to - from);
    const { bytes } = this;
    let at = this.at;
    if (to - from > 64) {
      bytes.set(source.subarray(from, to), at);
      at += to - from;
    } else {
      for (let i = from; i < to; i++) bytes[at++] = source[i];
    }
    this.at = at;
  }

  text(value: string): void {
    this.reserve(value.length * 3);
    this.at += encoder.encodeInto(value, this.bytes.subarray(this.at)).written;
  }

  /** A safe integer in decimal. */
  integer(value: number): void {
    this.reserve(20);
    if (value < 0) {
      this.bytes[this.at++] = 45;
      value = -value;
    }
    this.#digits(value, digitCount(value));
  }

  /** A safe integer scaled by 10^scale, 1 <= scale <= 15. */
  scaled(value: number, scale: number): void {
    this.reserve(24);
    if (value < 0) {
      this.bytes[this.at++] = 45;
      value = -value;
    }
    const power = 10 ** scale;
    const whole = Math.floor(value / power);
    this.#digits(whole, digitCount(whole));
    this.bytes[this.at++] = 46;
    this.#digits(value - whole * power, scale);
  }

  /** Days since 1970-01-01 as `YYYY-MM-DD`. */
  date(days: number): void {
    this.reserve(10);
    const { year, month, day } = civilFromDays(days);
    this.#digits(year, 4);
    this.bytes[this.at++] = 45;
    this.#digits(month, 2);
    this.bytes[this.at++] = 45;
    this.#digits(day, 2);
  }

  /** The last `count` digits of `value`. */
  #digits(value: number, count: number): void {
    const { bytes } = this;
    let rest = value;
    let i = this.at + count;
    this.at = i;
    // Division of 32-bit integers is much faster than that of doubles.
    while (rest > 0x7fffffff && count > 0) {
      const quotient = Math.floor(rest / 10);
      bytes[--i] = 48 + (rest - quotient * 10);
      rest = quotient;
      count--;
    }
    for (let small = rest | 0; count > 0; count--) {
      const quotient = (small / 10) | 0;
      bytes[--i] = 48 + (small - quotient * 10);
      small = quotient;
    }
  }
}

function digitCount(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}
