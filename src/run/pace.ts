import { portionWork } from '../compile/program.ts';

/** How long a call should last at most, when one can tell by its rows. */
const callMs = 8;
/**
 * And by its work, which limits what rows lead to that are unlike those before; more, so that those
 * which are like them are done before.
 */
const workMs = 30;
/**
 * Portions for the first call of a step, of which nothing is known: enough for a whole morsel if
 * its rows find one match each, few enough for rows that take a microsecond.
 */
const portionsFirst = 128;
/** The same for a function that is called once: nothing says how many rows it works on. */
const portionsOnce = 64;
const portionsMax = 1 << 20;

/** Rows of the first call of a step. */
const rowsFirst = 4096;

/** Work between two polls of the resumable form, at least and at most. */
const workMin = 256;
const workMax = 64 * portionWork;
/**
 * Polls that are closer together than this cost too much, further apart than that they come late.
 */
const closeMs = 0.25;
const farMs = 2;

/**
 * How far compiled code goes before it lets the host decide. What it counts is work, in rows or so;
 * how long that takes shows when it was done.
 */
export class Pace {
  readonly #impatient: boolean;
  /** Rows for the next call. */
  rows = rowsFirst;
  /** Portions of work for the next call, for the rows may lead to more than themselves. */
  portions = portionsFirst;
  #work = workMin * 16;
  #lastPoll = 0;

  /** `impatient`: for tests; every call is as short as can be. */
  constructor(impatient: boolean) {
    this.#impatient = impatient;
    this.reset();
  }

  /** Another step, whose work is of another kind. */
  reset(): void {
    this.portions = this.#impatient ? 0 : portionsFirst;
    this.rows = this.#impatient ? 1 : rowsFirst;
  }

  /** A function without a morsel is called. */
  startOnce(): void {
    this.portions = Math.min(this.portions, portionsOnce);
  }

  /** A call has done that many portions of work in that time. */
  notePortions(portions: number, milliseconds: number): void {
    if (portions <= 0 || this.#impatient) return;
    const affordable = Math.floor((workMs * portions) / Math.max(milliseconds, 1e-3));
    this.portions = Math.max(1, Math.min(affordable, portionsMax));
  }

  /** A call has done that many rows in that time. */
  noteRows(rows: number, milliseconds: number): void {
    if (!this.#impatient) this.rows = Math.max(1, (callMs * rows) / Math.max(milliseconds, 1e-3));
  }

  /** The resumable form is entered. */
  start(): void {
    this.#lastPoll = 0;
  }

  /** How much work may pass until the next poll, seen from now. */
  next(now: number): number {
    // The first poll tells nothing: functions begin with an amount of their own.
    if (this.#lastPoll > 0) {
      const passed = now - this.#lastPoll;
      if (passed < closeMs) this.#work = Math.min(this.#work * 2, workMax);
      else if (passed > farMs) this.#work = Math.max(this.#work >> 2, workMin);
    }
    this.#lastPoll = now;
    return this.#work;
  }
}
