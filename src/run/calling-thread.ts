/**
 * The calling thread's work on an execution: in short calls, with turns of the event loop between.
 */
import { morselField } from '../compile/program.ts';
import { type Control, controlWord } from './control.ts';
import type { Morsels } from './morsels.ts';
import type { LoadedProgram, Runtime } from './runtime.ts';
import type { Part } from './thread.ts';
import { type Limits, Turns, turnMs } from './turns.ts';

/** `done` of `total` morsels of step `step` (from 0) of `steps`. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly done: number;
  readonly total: number;
}

export interface CallingThreadOptions extends Limits {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Steps there are, for the progress. */
  readonly steps: number;
}

export class CallingThread {
  /** Called when compiled code was suspended, which goes on when that is done. */
  onSuspended: (() => Promise<void>) | undefined;
  readonly #runtime: Runtime;
  readonly #loaded: LoadedProgram;
  readonly #control: Control;
  readonly #part: Part;
  readonly #options: CallingThreadOptions;
  readonly #turns: Turns;
  #step = 0;
  /** Morsels of the step: taken so far, those of earlier units of it, and all. */
  #done = 0;
  #doneBefore = 0;
  #total = 1;

  constructor(
    runtime: Runtime,
    loaded: LoadedProgram,
    control: Control,
    part: Part,
    options: CallingThreadOptions,
  ) {
    this.#runtime = runtime;
    this.#loaded = loaded;
    this.#control = control;
    this.#part = part;
    this.#options = options;
    this.#turns = new Turns(runtime.platform, options);
  }

  /** What comes next are the morsels of a step from `doneBefore` on, of so many. */
  begin(step: number, doneBefore = 0, total = 1): void {
    this.#step = step;
    this.#done = doneBefore;
    this.#doneBefore = doneBefore;
    this.#total = total;
    this.#part.beginStep(step);
  }

  /**
   * Calls a function of the program until it is done; without waiting for anything if that takes no
   * time. `worker`: whose local area it gets.
   */
  call(
    name: string,
    sequence: number,
    morsel: number | undefined,
    worker = 0,
  ): Promise<void> | undefined {
    this.#part.deadline = this.#nextTurn();
    if (this.#part.call(name, sequence, morsel, worker)) return undefined;
    return this.#resume();
  }

  /** Does the rows of a morsel, from number `from` on. */
  runMorsel(morsel: number, address: number, from = 0): Promise<void> | undefined {
    const count = this.#runtime.memory.u32[(address + morselField.count) >>> 2];
    for (let row = from; row < count; ) {
      this.#part.deadline = this.#nextTurn();
      const { next, done } = this.#part.callForRows(morsel, address, row);
      row = next;
      if (!done || performance.now() >= this.#part.deadline) {
        const turn = done ? this.turn() : this.#resume();
        return turn.then(() => this.runMorsel(morsel, address, next));
      }
    }
    return undefined;
  }

  /** Takes morsels as long as there are any that no thread has taken. */
  async takeMorsels({ address, stride }: Morsels): Promise<void> {
    const control = this.#control;
    for (let morsel = control.take(); morsel >= 0; morsel = control.take()) {
      this.#done = this.#doneBefore + morsel;
      const running = this.runMorsel(morsel, address + morsel * stride);
      if (running !== undefined) await running;
      this.#runtime.answerShortage();
    }
  }

  async #resume(): Promise<void> {
    const { id, resumable } = this.#loaded;
    const part = this.#part;
    do {
      await this.onSuspended?.();
      if (performance.now() >= part.deadline) await this.turn();
      part.deadline = this.#nextTurn();
    } while (!part.resume(this.#runtime.thread.instance(-id, resumable())));
  }

  #nextTurn(): number {
    return this.#runtime.impatient ? 0 : this.#turns.next;
  }

  /** Lets events have their turn if it is time. */
  turnIfDue(): Promise<void> | undefined {
    return performance.now() >= this.#nextTurn() ? this.turn() : undefined;
  }

  /** Lets events have their turn. */
  turn(): Promise<void> {
    const { steps, onProgress } = this.#options;
    onProgress?.({ step: this.#step, steps, done: this.#done, total: this.#total });
    return this.#turns.take();
  }

  /** Closes the step and waits until the helpers inside are done with the morsels they have. */
  async waitForHelpers(): Promise<void> {
    const control = this.#control;
    let active = control.close();
    const patience = performance.now() + turnMs;
    while (active > 0) {
      this.#runtime.checkAlive();
      this.#runtime.answerShortage();
      const gate = Atomics.load(control.words, controlWord.gate);
      if (control.active() > 0) await this.#pause(gate, patience);
      active = control.active();
    }
  }

  /** Sleeps until the gate changes where this thread may sleep, else lets events pass. */
  async #pause(gate: number, patience: number): Promise<void> {
    if (performance.now() < patience && this.#runtime.platform.mayBlock) {
      Atomics.wait(this.#control.words, controlWord.gate, gate, 5);
    } else {
      await this.#runtime.platform.yieldToEvents();
      if (this.isOver) this.#control.stop();
    }
  }

  get isOver(): boolean {
    return this.#turns.isOver;
  }

  /** Throws if the statement is to end. */
  check(): void {
    this.#turns.check();
  }
}

/** Runs tasks one after the other; without waiting for anything if none of them has to. */
export function inOrder(
  count: number,
  task: (index: number) => Promise<void> | undefined,
): Promise<void> | undefined {
  for (let index = 0; index < count; index++) {
    const running = task(index);
    if (running !== undefined) return running.then(() => rest(index + 1, count, task));
  }
  return undefined;
}

async function rest(
  from: number,
  count: number,
  task: (index: number) => Promise<void> | undefined,
): Promise<void> {
  for (let index = from; index < count; index++) await task(index);
}

/** Goes on with `next` when `running` is over, at once if there is nothing to wait for. */
export function whenDone(
  running: Promise<void> | undefined,
  next: () => Promise<void> | undefined,
): Promise<void> | undefined {
  return running === undefined ? next() : running.then(next);
}
