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

  /**
   * What a source gives, as long as the statement is not to end: then it rejects with 57014 at
   * once, even if the source is still at work on its next item, and does not wait for it to end.
   */
  async *within<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
    const items = source[Symbol.asyncIterator]();
    let isDone = false;
    try {
      for (;;) {
        const { done, value } = await this.#orEnd(items.next());
        if (done === true) {
          isDone = true;
          return;
        }
        yield value;
      }
    } finally {
      if (!isDone) items.return?.().catch(() => {});
    }
  }

  async #orEnd<T>(promise: Promise<T>): Promise<T> {
    const { signal, deadline } = this.#limits;
    const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
    const ends = [signal, left === undefined ? undefined : AbortSignal.timeout(Math.ceil(left))];
    let listener = () => {};
    const end = new Promise<never>((_, reject) => {
      listener = () => reject(this.#error());
      for (const each of ends) each?.addEventListener('abort', listener);
    });
    try {
      this.check();
      return await Promise.race([promise, end]);
    } finally {
      for (const each of ends) each?.removeEventListener('abort', listener);
      // It may fail when nobody waits for it any more.
      promise.catch(() => {});
    }
  }

  get isOver(): boolean {
    const { signal, deadline } = this.#limits;
    return signal?.aborted === true || (deadline !== undefined && performance.now() >= deadline);
  }

  /** Throws 57014, with the reason of the signal as its cause, if the statement is to end. */
  check(): void {
    if (this.isOver) throw this.#error();
  }

  #error(): QuernError {
    const { signal } = this.#limits;
    const [why, cause] = signal?.aborted
      ? ['the statement was cancelled', signal.reason]
      : ['the statement was cancelled, for it took longer than statement_timeout', undefined];
    return new QuernError(sqlState.queryCanceled, why, { cause });
  }
}
