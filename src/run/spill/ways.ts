/**
 * The ways to run a statement, from that which is fastest where everything fits in memory to that
 * which needs least of it.
 */
import { QuernError, sqlState } from '../../base/error.ts';
import type { Program, SpillOptions } from '../../compile/program.ts';
import type { Runtime } from '../runtime.ts';
import type { SpillBudget } from './budget.ts';

/** One of them, with what it may use of the memory if it spills. */
export interface Way {
  readonly program: Program;
  readonly budget?: SpillBudget;
}

/** Everything in memory; what is estimated to be large outside; what is not certain to be small. */
const inMemory = 0;
const byEstimate = 1;
const certain = 2;

/** Parts of the budget that an operator may keep in memory: if that is certain, or an estimate. */
const keptMin = 64;
const keptByEstimate = 16;
/** A way that failed is tried again when so much more memory is free. */
const moreMemory = 1.25;

interface Known {
  /**
   * The way that the program took in the end, and the free bytes with which those before failed.
   */
  taken: { readonly way: number; readonly freeBytes: number } | undefined;
  /** Its forms that spill, by the options they were compiled with; the last of each way. */
  readonly forms: Map<number, { readonly key: string; readonly program: Program }>;
}

/** Programs that had to spill: those of cached and prepared statements run many times. */
const known = new WeakMap<Program, Known>();

/** Goes from way to way until one works. */
export class Ways {
  readonly #runtime: Runtime;
  readonly #program: Program;
  readonly #threads: number | undefined;
  readonly #freeBytes: number;
  #way: number;

  constructor(runtime: Runtime, program: Program, threads: number | undefined) {
    this.#runtime = runtime;
    this.#program = program;
    this.#threads = threads;
    this.#freeBytes = runtime.memory.bytesFree;
    this.#way = this.#first();
  }

  /** The way to try now. */
  get way(): Way {
    const { spilling } = this.#program;
    if (this.#way === inMemory || spilling === undefined) return { program: this.#program };
    const budget = this.#runtime.spillBudget(this.#threads);
    const options = spillOptions(budget, this.#way === certain);
    const { forms } = knownOf(this.#program);
    const key = JSON.stringify(options);
    let form = forms.get(this.#way);
    if (form?.key !== key) {
      form = { key, program: spilling(options) };
      forms.set(this.#way, form);
    }
    return { program: form.program, budget };
  }

  /** Whether there is another way after this one, which ended with `error`. */
  goOn(error: unknown): boolean {
    const isShort = error instanceof QuernError && error.code === sqlState.outOfMemory;
    if (!isShort || this.#program.spilling === undefined || this.#way === certain) return false;
    this.#way++;
    knownOf(this.#program).taken = { way: this.#way, freeBytes: this.#freeBytes };
    return true;
  }

  #first(): number {
    const { spilling, keptBytes } = this.#program;
    if (spilling === undefined) return inMemory;
    if (this.#runtime.alwaysSpill) return certain;
    const taken = known.get(this.#program)?.taken;
    if (taken !== undefined && this.#freeBytes <= taken.freeBytes * moreMemory) return taken.way;
    // What is idle counts as free, but takes longer to find out.
    const fits = keptBytes <= this.#freeBytes || keptBytes <= this.#runtime.bytesToHave();
    return fits ? inMemory : byEstimate;
  }
}

function knownOf(program: Program): Known {
  let made = known.get(program);
  if (made === undefined) known.set(program, (made = { taken: undefined, forms: new Map() }));
  return made;
}

function spillOptions(budget: SpillBudget, isCertain: boolean): SpillOptions {
  const { limitBytes, partitions, sampleEvery, groupBytes } = budget;
  const kept = limitBytes / (isCertain ? keptMin : keptByEstimate);
  // The same for budgets that hardly differ, so that what was compiled serves again.
  const keepBytes = kept < 1 ? 0 : 2 ** Math.floor(Math.log2(kept));
  return { partitions, sampleEvery, groupBytes, certain: isCertain, keepBytes };
}
