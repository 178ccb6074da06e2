/**
 * What the workers of a generation share to agree on who does what: which job is next, whose turn
 * it is to be placed in its output, where outputs end. 32-bit cells, then 64-bit ones:
 *
 *     next job | aborted | finished jobs | turn of each span …  rows | bytes | work | ends …
 */
export class JobBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;

  /** Makes a board for a number of spans and outputs, or opens one made elsewhere. */
  constructor(spans: number, outputs: number, buffer?: SharedArrayBuffer) {
    const wordBytes = (4 * (3 + spans) + 7) & ~7;
    this.buffer = buffer ?? new SharedArrayBuffer(wordBytes + 8 * (3 + outputs));
    this.#words = new Int32Array(this.buffer, 0, 3 + spans);
    this.#longs = new BigInt64Array(this.buffer, wordBytes, 3 + outputs);
  }

  /** The next job to do; numbers beyond the last one mean that there is none. */
  take(): number {
    return Atomics.add(this.#words, 0, 1);
  }

  get aborted(): boolean {
    return Atomics.load(this.#words, 1) !== 0;
  }

  /** Tells all workers to stop, also those that wait for their turn. */
  abort(): void {
    Atomics.store(this.#words, 1, 1);
    for (let i = 0; i < this.#words.length; i++) Atomics.notify(this.#words, i);
  }

  get finishedJobs(): number {
    return Atomics.load(this.#words, 2);
  }

  get rows(): number {
    return Number(Atomics.load(this.#longs, 0));
  }

  get bytes(): number {
    return Number(Atomics.load(this.#longs, 1));
  }

  /** How much has been done, in the measure that the jobs were given. */
  get work(): number {
    return Number(Atomics.load(this.#longs, 2));
  }

  finish(rows: number, bytes: number, work: number): void {
    Atomics.add(this.#longs, 0, BigInt(rows));
    Atomics.add(this.#longs, 1, BigInt(bytes));
    Atomics.add(this.#longs, 2, BigInt(work));
    Atomics.add(this.#words, 2, 1);
  }

  /** Waits until it is the turn of `index` in a span; false when all is aborted. */
  waitForTurn(span: number, index: number): boolean {
    for (;;) {
      if (this.aborted) return false;
      const turn = Atomics.load(this.#words, 3 + span);
      if (turn === index) return true;
      Atomics.wait(this.#words, 3 + span, turn, 1000);
    }
  }

  /** Lets the next one of a span have its turn. */
  passTurn(span: number): void {
    Atomics.add(this.#words, 3 + span, 1);
    Atomics.notify(this.#words, 3 + span);
  }

  /** Where an output ends, and makes it end `bytes` later. Only in turn. */
  extend(output: number, bytes: number): number {
    return Number(Atomics.add(this.#longs, 3 + output, BigInt(bytes)));
  }
}
