import type { Step } from '../compile/program.ts';
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
  /** Bytes of rows that were written outside because they did not fit in memory. */
  readonly spilledBytes: number;
  /** Most of them that were there at once. */
  readonly spilledBytesMax: number;
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

/** The profile of a step while it runs. */
export type ProfileInProgress = { -readonly [Key in keyof StepProfile]: StepProfile[Key] } & {
  finish: () => void;
  /** Goes on after it was finished. */
  resume: () => void;
};

/** The profiles of all steps, in the order in which they first ran. */
export class StepProfiles {
  readonly steps: StepProfile[] = [];
  readonly #known = new Map<Step, ProfileInProgress>();

  start(step: Step): ProfileInProgress {
    let started = performance.now();
    const profile = {
      kind: step.kind,
      name: 'name' in step ? step.name : step.kind,
      milliseconds: 0,
      morsels: 0,
      rowsIn: 0,
      rowsOut: 0,
      pruned: 0,
      finish: () => {
        profile.milliseconds += performance.now() - started;
      },
      resume: () => {
        started = performance.now();
      },
    };
    this.steps.push(profile);
    return profile;
  }

  /** For a step that runs many times and has one profile. */
  again(step: Step): ProfileInProgress {
    let profile = this.#known.get(step);
    if (profile === undefined) {
      profile = this.start(step);
      this.#known.set(step, profile);
    } else {
      profile.resume();
    }
    return profile;
  }
}
