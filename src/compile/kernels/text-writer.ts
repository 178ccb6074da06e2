import { type Expr, type FunctionBuilder, i32, i64, type Local, v128 } from '../../wasm/index.ts';

const pairOfZeros = 0x3030;

/** Writes ASCII at a cursor, which moves on. May write up to 31 bytes past what it writes. */
export class TextWriter {
  readonly cursor: Local;
  readonly #f: FunctionBuilder;

  constructor(f: FunctionBuilder, cursor: Local) {
    this.#f = f;
    this.cursor = cursor;
  }

  #advance(bytes: Expr | number): void {
    this.#f.set(this.cursor, i32.add(this.cursor, bytes));
  }

  byte(code: Expr | number): void {
    this.#f.do(i32.store8(this.cursor, code));
    this.#advance(1);
  }

  /** A text that is known. */
  literal(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += 8) {
      let word = 0n;
      bytes.slice(at, at + 8).forEach((byte, i) => {
        word |= BigInt(byte) << BigInt(8 * i);
      });
      this.#f.do(i64.store(this.cursor, i64.const(BigInt.asIntN(64, word)), at, 1));
    }
    this.#advance(bytes.length);
  }

  /** Two digits of a number below 100. */
  pair(value: Expr): void {
    const x = this.#f.let(value, 'pair');
    const tens = this.#f.let(i32.shrU(i32.mul(x, 205), 11), 'tens');
    const ones = i32.sub(x, i32.mul(tens, 10));
    const both = i32.add(i32.add(i32.shl(ones, 8), tens), pairOfZeros);
    this.#f.do(i32.store16(this.cursor, both, 0, 1));
    this.#advance(2);
  }

  /** All digits of a number below 10^count, zeros before it. */
  digits(value: Expr, count: 1 | 2 | 3 | 4 | 6): void {
    if (count === 1) {
      this.byte(i32.add(value, 0x30));
      return;
    }
    if (count === 2) {
      this.pair(value);
      return;
    }
    const odd = count === 3;
    const x = this.#f.let(value, 'number');
    const divisor = odd ? 10 : 100;
    const high = this.#f.let(i32.divU(x, divisor), 'high');
    this.digits(high, odd ? 2 : ((count - 2) as 2 | 4));
    const rest = i32.sub(x, i32.mul(high, divisor));
    if (odd) this.byte(i32.add(rest, 0x30));
    else this.pair(rest);
  }

  /** Up to 32 bytes from another place, of which `length` count. */
  copy(from: Expr, length: Expr): void {
    const f = this.#f;
    const first = f.let(v128.load(from, 0, 1), 'first');
    const second = f.let(v128.load(from, 16, 1), 'second');
    f.do(v128.store(this.cursor, first, 0, 1));
    f.do(v128.store(this.cursor, second, 16, 1));
    this.#advance(length);
  }
}
