/** Long work on the thread that events come to: in short turns, and not beyond what is wanted. */
import { QuernError, sqlState } from '../base/error.ts';
import type { Platform } from './platform.ts';

/** What ends a statement early. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  /** The time of `performance.now()` at which it fails. */
  readonly deadline?: number | undefined;
}

/** How long a thread works before it lets events have their turn. */
export const turnMs = 15;

export class Turns {
  readonly #platform: Platform;
  readonly #limits: Limits;
  #last = performance.now();

  constructor(platform: Platform, limits: Limits) {
    this.#platform = platform;
    this.#limits = limits;
  }

  /** When events are to have their turn, as a time of `performance.now()`. */
  get next(): number {
    return this.#last + turnMs;
  }

  /**
   * Lets events have their turn if it is time. Rejects with 57014 if the statement is to end.
   */
  ifDue(): Promise<void> | undefined {
    return performance.now() >= this.next ? this.take() : undefined;
  }

  /** Lets events have their turn. Rejects with 57014 if the statement is to end. */
  async take(): Promise<void> {
    await this.#platform.yieldToEvents();
    this.#last = performance.now();
    this.check();
  }

  get isOver(): boolean {
    const { signal, deadline } = this.#limits;
    return signal?.aborted === true || (deadline !== undefined && performance.now() >= deadline);
  }

  /** Throws 57014, with the reason of the signal as its cause, if the statement is to end. */
  check(): void {
    if (!this.isOver) return;
    const { signal } = this.#limits;
    const [why, cause] = signal?.aborted
      ? ['the statement was cancelled', signal.reason]
      : ['the statement was cancelled, for it took longer than statement_timeout', undefined];
    throw new QuernError(sqlState.queryCanceled, why, { cause });
  }
}
