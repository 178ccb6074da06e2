/**
 * When to rehearse. The first queries of a process are slow for a reason of their own: JavaScript's
 * engine compiles the functions of this one as they are called first, and drops what has not been
 * called during a long load; helper threads have to start too. So a statement that has loaded much
 * ends with a *rehearsal*: a few statements over small tables that nobody sees. It takes a small
 * part of the time that the load took, and makes the first query take about half of its own.
 */
import { QuernError, sqlState } from '../base/error.ts';
import type { Request, Session } from './session.ts';

/** Loading so many values takes a second or more, many times as long as a rehearsal. */
export const rehearsalValuesMin = 1 << 26;
/** The first time each function is compiled, the second time it learns what it is called with. */
const roundsFirst = 2;
const roundsAgain = 1;
/** What must be free, as a share of the memory and in bytes: tables that move out cost more. */
const freeShareMin = 1 / 16;
const freeBytesMin = 32 << 20;

export class Rehearsals {
  readonly #isWanted: boolean;
  readonly #valuesMin: number;
  /** Values that the tables had when the last rehearsal took place. */
  #values = 0;
  /** Rehearsals that have begun. */
  count = 0;
  /** What went wrong in the last one: for tests, as it matters to nobody else. */
  error: unknown;

  /** `valuesMin`: for tests. */
  constructor(isWanted: boolean, valuesMin = rehearsalValuesMin) {
    this.#isWanted = isWanted;
    this.#valuesMin = valuesMin;
  }

  /**
   * Called at the end of a statement that may have loaded something. Never rejects: the statement
   * has done what it was to do, and whatever ends it now ends only this.
   */
  async afterChange(session: Session, { signal, deadline }: Request): Promise<void> {
    const { engine, threads } = session;
    const { valueCount } = engine.catalog;
    if (valueCount < this.#values) this.#values = valueCount;
    if (valueCount - this.#values < this.#valuesMin) return;
    this.#values = valueCount;
    engine.runtime.startHelpers(threads - 1);
    if (!this.#isWanted || !hasRoom(session)) return;
    try {
      const rounds = this.count++ === 0 ? roundsFirst : roundsAgain;
      const { rehearse } = await import('./rehearsal.ts');
      await rehearse(engine, threads, rounds, { signal, deadline });
    } catch (error) {
      const ended = error instanceof QuernError && error.code === sqlState.queryCanceled;
      if (!ended) this.error = error;
    }
  }
}

function hasRoom({ engine }: Session): boolean {
  const { memory } = engine.runtime;
  const { limitBytes } = memory.pages.total();
  return memory.bytesFree >= Math.max(freeBytesMin, limitBytes * freeShareMin);
}
