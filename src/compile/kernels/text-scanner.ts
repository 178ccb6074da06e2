import {
  type Expr,
  type FunctionBuilder,
  i32,
  i64,
  type Label,
  type Local,
} from '../../wasm/index.ts';

const space = 0x20;
const zero = 0x30;

/**
 * Reads a text from a cursor to its end; whatever is not as expected leaves by the label `wrong`.
 * Spaces are those that JavaScript's \s has of ASCII.
 */
export class TextScanner {
  readonly cursor: Local;
  readonly end: Local;
  readonly wrong: Label;
  readonly #f: FunctionBuilder;

  constructor(f: FunctionBuilder, cursor: Local, end: Local, wrong: Label) {
    this.#f = f;
    this.cursor = cursor;
    this.end = end;
    this.wrong = wrong;
  }

  /** The byte at the cursor, 0 at the end. */
  get byte(): Expr {
    return i32.if(i32.ltU(this.cursor, this.end), i32.load8U(this.cursor), 0);
  }

  get isDigit(): Expr {
    return i32.ltU(i32.sub(this.byte, zero), 10);
  }

  advance(): void {
    this.#f.set(this.cursor, i32.add(this.cursor, 1));
  }

  skipSpaces(): void {
    const isSpace = i32.or(i32.eq(this.byte, space), i32.ltU(i32.sub(this.byte, 9), 5));
    this.#f.while(isSpace, () => this.advance());
  }

  /** Whether the byte at the cursor was `code`, which is then skipped. */
  takes(code: number): Local {
    const taken = this.#f.let(i32.eq(this.byte, code), 'taken');
    this.#f.set(this.cursor, i32.add(this.cursor, taken));
    return taken;
  }

  expect(code: Expr | number): void {
    this.#f.brIf(this.wrong, i32.ne(this.byte, code));
    this.advance();
  }

  expectEnd(): void {
    this.#f.brIf(this.wrong, i32.ne(this.cursor, this.end));
  }

  /** A number of `min` to `max` digits, at most 9. */
  number(min: number, max: number): Local {
    const f = this.#f;
    const value = f.local('i32', 'number');
    const count = f.local('i32', 'digits');
    f.set(value, 0);
    f.set(count, 0);
    f.while(i32.and(this.isDigit, i32.ltU(count, max)), () => {
      f.set(value, i32.add(i32.mul(value, 10), i32.sub(this.byte, zero)));
      f.set(count, i32.add(count, 1));
      this.advance();
    });
    f.brIf(this.wrong, i32.ltU(count, min));
    return value;
  }

  /** Digits behind a point as millionths, rounded by the seventh. */
  millionths(): Local {
    const f = this.#f;
    const value = f.local('i32', 'millionths');
    const count = f.local('i32', 'places');
    f.set(value, 0);
    f.set(count, 0);
    f.brIf(this.wrong, i32.eqz(this.isDigit));
    f.while(this.isDigit, () => {
      const digit = f.let(i32.sub(this.byte, zero), 'digit');
      f.if(
        i32.ltU(count, 6),
        () => f.set(value, i32.add(i32.mul(value, 10), digit)),
        () => {
          const rounds = i32.and(i32.eq(count, 6), i32.geU(digit, 5));
          f.set(value, i32.add(value, rounds));
        },
      );
      f.set(count, i32.add(count, 1));
      this.advance();
    });
    f.while(i32.ltU(count, 6), () => {
      f.set(value, i32.mul(value, 10));
      f.set(count, i32.add(count, 1));
    });
    return value;
  }

  /** Digits as a number, of which no more than 18 count; how many there were goes to `count`. */
  longNumber(value: Local, count: Local): void {
    const f = this.#f;
    f.while(this.isDigit, () => {
      const digit = i64.extendI32U(i32.sub(this.byte, zero));
      f.set(value, i64.add(i64.mul(value, 10), digit));
      f.set(count, i32.add(count, 1));
      this.advance();
    });
  }
}
