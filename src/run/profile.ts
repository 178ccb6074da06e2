import type { Plan } from '../plan/plan.ts';

/** What an execution measured, for EXPLAIN ANALYZE. */
export interface Profile {
  readonly steps: readonly StepProfile[];
  /** From the call to the last step's end, with module instantiation, in milliseconds. */
  readonly milliseconds: number;
  /** Making the module and its instance, in milliseconds; next to nothing when it was cached. */
  readonly loadMilliseconds: number;
  /** The most memory the execution held at once. */
  readonly peakBytes: number;
  readonly threads: number;
  /** Rows that operators gave, if the program counted them. */
  readonly rows: ReadonlyMap<Plan, number>;
}

export interface StepProfile {
  readonly kind: string;
  readonly name: string;
  readonly milliseconds: number;
  readonly morsels: number;
  /** Rows (or numbers) that went in. */
  readonly rowsIn: number;
  /** Rows appended to buffers. */
  readonly rowsOut: number;
  /** Row groups that zone maps ruled out. */
  readonly pruned: number;
}
