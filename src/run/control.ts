/**
 * The words through which the threads of one execution agree on what is done next. They lie in
 * memory that is never freed, so a helper that wakes up late reads words that are still control
 * words, sees that they belong to another execution by now, and leaves.
 *
 * The gate is one word: bits 0 to 7 count the helpers inside the current step, bit 8 is set while
 * it may be entered, the rest is the number of the step, which never repeats for the life of the
 * slot (short of 2^23 steps between two looks at it). Entering is a compare-and-swap of the whole
 * word, so nobody enters a step that was closed, or another one, in the meantime.
 */
import type { EngineMemory } from './memory.ts';

/** Indexes of u32 words from the address of a control slot. */
export const controlWord = {
  gate: 0,
  /** Number of the execution that has the slot, 0 for none. */
  execution: 1,
  /** Not 0: all threads stop after their morsel; an error or a cancellation is on its way. */
  stop: 2,
  /** Next morsel that is not taken. */
  next: 3,
  /** Index of the step in the program. */
  step: 4,
  /** Address, bytes between, and number of the step's morsel descriptors. */
  morsels: 5,
  stride: 6,
  count: 7,
} as const;

export const controlBytes = 64;

const openBit = 0x100;
const activeMask = 0xff;
const stepUnit = 0x200;

export class Control {
  readonly address: number;
  readonly words: Int32Array;

  constructor(memory: EngineMemory, address: number) {
    this.address = address;
    // There are no helpers where memory is not shared, and growing would detach a view of it.
    this.words = memory.shared
      ? new Int32Array(memory.buffer, address, controlBytes / 4)
      : new Int32Array(controlBytes / 4);
  }

  /** The main thread lets helpers into a step whose other words are set. */
  open(): void {
    const gate = Atomics.load(this.words, controlWord.gate);
    Atomics.store(this.words, controlWord.gate, ((gate & ~0x1ff) + stepUnit) | openBit);
    Atomics.notify(this.words, controlWord.gate);
  }

  /** No helper gets in any more. Gives the number of those inside. */
  close(): number {
    return Atomics.and(this.words, controlWord.gate, ~openBit) & activeMask;
  }

  /** Helpers inside the step. */
  active(): number {
    return Atomics.load(this.words, controlWord.gate) & activeMask;
  }

  /** Gives up the slot: helpers of the execution that wait at the gate go away. */
  end(): void {
    Atomics.store(this.words, controlWord.execution, 0);
    const gate = Atomics.load(this.words, controlWord.gate);
    Atomics.store(this.words, controlWord.gate, (gate & ~0x1ff) + stepUnit);
    Atomics.notify(this.words, controlWord.gate);
  }

  /**
   * For helpers: waits for a step of the execution after `gateBefore` and enters it. Gives the gate
   * word of the step, or undefined when the execution is over. Blocks the thread.
   */
  enter(execution: number, gateBefore: number): number | undefined {
    const { words } = this;
    for (;;) {
      const gate = Atomics.load(words, controlWord.gate);
      if (Atomics.load(words, controlWord.execution) !== execution) return undefined;
      const isNew = (gate & ~0x1ff) !== (gateBefore & ~0x1ff);
      if ((gate & openBit) === 0 || !isNew) {
        Atomics.wait(words, controlWord.gate, gate, waitMs);
      } else if (Atomics.compareExchange(words, controlWord.gate, gate, gate + 1) === gate) {
        return gate;
      }
    }
  }

  /** For helpers: leaves the step; the last one out wakes the main thread. */
  leave(): void {
    const before = Atomics.sub(this.words, controlWord.gate, 1);
    if ((before & activeMask) === 1) Atomics.notify(this.words, controlWord.gate);
  }

  /** The next morsel of the step, or -1 when there is none or the step is to stop. */
  take(): number {
    if (Atomics.load(this.words, controlWord.stop) !== 0) return -1;
    const morsel = Atomics.add(this.words, controlWord.next, 1);
    return morsel < this.words[controlWord.count] ? morsel : -1;
  }

  get stopped(): boolean {
    return Atomics.load(this.words, controlWord.stop) !== 0;
  }

  /**
   * Where compiled code sees that it is to stop; a word that is always 0 where nobody can say so.
   */
  get stopAddress(): number {
    return this.words.byteOffset === 0 ? 0 : this.address + 4 * controlWord.stop;
  }

  /** Makes all threads stop at their next checkpoint. */
  stop(): void {
    Atomics.store(this.words, controlWord.stop, 1);
  }
}

/** Wake-ups are reliable; a bound on every wait all the same. */
const waitMs = 1000;
