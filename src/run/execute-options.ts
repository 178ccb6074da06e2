import type { Progress } from './calling-thread.ts';
import type { ParameterValue } from './parameters.ts';
import type { SpillBudget } from './spill/budget.ts';
import type { Limits } from './turns.ts';

export interface ExecuteOptions extends Limits {
  /** Threads to use, the calling one included; at most those of the runtime. */
  readonly threads?: number;
  readonly parameters?: readonly ParameterValue[];
  /** Called now and then while the statement runs. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** How much memory a program that spills may use; the runtime decides by default. */
  readonly budget?: SpillBudget | undefined;
}
