import type { Progress } from '../../engine/index.ts';
import type { Io } from '../io.ts';

/** Statements of less than that show nothing. */
const quietMs = 1000;
const refreshMs = 200;
const clearLine = '\r\u001b[K';

/** A line on the terminal that says how far a long statement is. */
export class StatementProgress {
  readonly #io: Io;
  readonly #started = performance.now();
  #shownAt = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  update({ step, steps, done, total }: Progress): void {
    const now = performance.now();
    const isTerminal = this.#io.stderr.isTTY === true;
    if (!isTerminal || now - this.#started < quietMs || now - this.#shownAt < refreshMs) return;
    this.#shownAt = now;
    const seconds = ((now - this.#started) / 1000).toFixed(0);
    const percent = Math.floor((100 * done) / Math.max(total, 1));
    this.#io.stderr.write(`${clearLine}step ${step + 1} of ${steps}: ${percent} %, ${seconds} s`);
  }

  /** Takes the line away, before anything else is written. */
  clear(): void {
    if (this.#shownAt > 0) this.#io.stderr.write(clearLine);
    this.#shownAt = 0;
  }
}
